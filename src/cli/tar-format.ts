/**
 * The tar that lmz makes of a folder, as bytes: POSIX pax (IEEE Std 1003.1-2001), so that any tar unpacks it.
 *
 * npm's tar supplies the header block. Its pax records and its parser are not used: they split records at line feeds
 * and decode names piece by piece, which damages a name that has a line feed, or a multi-byte character on the
 * border of two pieces. An archiver may not do that.
 *
 * @module
 */
import { Header } from 'tar';

/** Tar's unit. */
export const BLOCK = 512;

/** What lmz keeps of a file's identity. Owners are left out: they mean something on one machine only. */
export interface EntryHeader {
  /** With `/` between its parts, and at the end of a folder's. */
  path: string;
  type: 'File' | 'Directory' | 'SymbolicLink' | 'Link';
  linkpath?: string;
  mode: number;
  mtimeNs: bigint;
  size: number;
}

/**
 * The first blocks of every archive that lmz made of a folder: a pax comment, which other tars skip. By it
 * `lmz -d` knows a folder from a file that happens to be a tar, and gives each back as what it was.
 */
export const FOLDER_MARK: Buffer = extension('g', 'pax_global_header', [
  ['comment', 'made by lmz from a folder'],
]);

/** The two empty blocks at the end. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK);

/** Zeros from the end of `size` bytes to the next block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The header of one entry, with a pax extension before it where the plain header cannot say everything. */
export function encodeHeader(entry: EntryHeader): Buffer {
  const seconds = floorDivide(entry.mtimeNs, 1_000_000_000n);
  const header = new Header({
    path: entry.path,
    type: entry.type,
    ...(entry.linkpath !== undefined && { linkpath: entry.linkpath }),
    mode: entry.mode,
    size: entry.size,
    mtime: new Date(Number(seconds) * 1000),
  });
  const insufficient = header.encode();
  const records: [string, string][] = [];
  if (insufficient || needsRecord(entry.path, 100)) records.push(['path', entry.path]);
  if (entry.linkpath !== undefined && (insufficient || needsRecord(entry.linkpath, 100))) {
    records.push(['linkpath', entry.linkpath]);
  }
  if (insufficient) records.push(['size', String(entry.size)]);
  const time = decimalSeconds(entry.mtimeNs, seconds);
  if (insufficient || time.includes('.')) records.push(['mtime', time]);
  if (records.length === 0) return header.block!;
  return Buffer.concat([extension('x', 'PaxHeader', records), header.block!]);
}

/** Records of a pax extension: `LENGTH KEY=VALUE\n`, where LENGTH counts itself and VALUE may hold anything. */
export function parsePaxRecords(body: Buffer): Map<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const digits = body.subarray(at, space).toString('latin1');
    const end = at + Number(digits);
    if (space < 0 || !/^\d{1,9}$/.test(digits) || end > body.length || body[end - 1] !== 0x0a)
      return undefined;
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) return undefined;
    records.set(body.toString('utf8', space + 1, equals), body.toString('utf8', equals + 1, end - 1));
    at = end;
  }
  return records;
}

function extension(type: 'x' | 'g', path: string, records: readonly (readonly [string, string])[]): Buffer {
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const header = new Header({ path, mode: 0o644, size: body.length, mtime: new Date(0) });
  header.type = type;
  header.encode();
  return Buffer.concat([header.block!, body, padding(body.length)]);
}

function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length;
  // The length's own digits count, and may carry it over to one digit more.
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Header strings are for ASCII; what is long is split or cut there. */
function needsRecord(text: string, room: number): boolean {
  return Buffer.byteLength(text) !== text.length || text.length > room;
}

function decimalSeconds(ns: bigint, seconds: bigint): string {
  const fraction = ns - seconds * 1_000_000_000n;
  // pax decimals have a sign for the whole: -0.25 is a quarter of a second before 1970.
  if (ns < 0n && fraction > 0n) {
    const away = 1_000_000_000n - fraction;
    return trimZeros(`-${-(seconds + 1n)}.${String(away).padStart(9, '0')}`);
  }
  return trimZeros(`${seconds}.${String(fraction).padStart(9, '0')}`);
}

function trimZeros(decimal: string): string {
  return decimal.replace(/\.?0+$/, '');
}

/** BigInt division cuts towards zero; times before 1970 must go down. */
function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
