/**
 * Entries out of the bytes of a tar: pax and GNU long names understood, everything else about them left to the
 * caller. Pure mechanics; nothing here touches the disk.
 *
 * @module
 */
import { Header } from 'tar';
import { LmzError } from '../errors.ts';
import { BLOCK, parsePaxRecords } from './tar-format.ts';

/** Names longer than this are an attack on memory, not names. */
const EXTENSION_MAX = 1 << 20;

/** One entry; its body must be read before the next entry is asked for, or is skipped. */
export interface TarEntry {
  type: 'file' | 'folder' | 'symlink' | 'hardlink' | 'device' | 'unknown';
  path: string;
  linkpath: string;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  size: number;
  body: AsyncIterable<Buffer>;
}

const TYPES: Record<string, TarEntry['type']> = {
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'folder',
  '6': 'device',
};

/**
 * Reads to the end of `chunks`, also past the end of the archive: what comes behind holds no entries, but whoever
 * produces the bytes checks them at their end.
 *
 * @throws {@link LmzError} LMZ_CORRUPT where it is not a whole tar, LMZ_UNSUPPORTED for sparse files
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const input = new BlockInput(chunks);
  let extra = new Map<string, string>();
  for (;;) {
    const at = input.position;
    const block = await input.take(BLOCK);
    if (block === undefined) {
      if (at === 0) throw damaged('is empty', 0);
      if (extra.size > 0) throw damaged('ends within an entry', at);
      return;
    }
    if (block.every((byte) => byte === 0)) break;
    const header = new Header(block);
    if (!header.cksumValid) throw damaged('has an entry whose checksum does not hold', at);
    const type = String.fromCharCode(block[156]).replace('\0', '0');

    if ('xXgLNK'.includes(type)) {
      const body = await extensionBody(input, header.size ?? 0, at);
      // A global extension may set a default time or owner; nothing in it is needed to unpack.
      if (type === 'g') continue;
      extra = new Map([...extra, ...extensionRecords(type, body, at)]);
      continue;
    }
    if ([...extra.keys()].some((key) => key.startsWith('GNU.sparse')) || type === 'S') {
      throw new LmzError('LMZ_UNSUPPORTED', `the tar holds a sparse file, at its byte ${at}`, {
        hint: 'GNU tar knows them: lmz -dc FILE | tar -x',
      });
    }
    const entry = describeEntry(header, type, extra, at);
    extra = new Map();
    const body = new EntryBody(input, entry.size);
    yield { ...entry, body };
    await body.skip();
  }
  await input.drain();
}

async function extensionBody(input: BlockInput, size: number, at: number): Promise<Buffer> {
  if (size > EXTENSION_MAX) throw damaged(`has an extension of ${size} bytes`, at);
  const padded = await input.take(Math.ceil(size / BLOCK) * BLOCK);
  if (padded === undefined) throw damaged('ends within an extension', at);
  return padded.subarray(0, size);
}

function extensionRecords(type: string, body: Buffer, at: number): Map<string, string> {
  if (type === 'L' || type === 'N') return new Map([['path', untilZero(body)]]);
  if (type === 'K') return new Map([['linkpath', untilZero(body)]]);
  const records = parsePaxRecords(body);
  if (records === undefined) throw damaged('has a pax extension that cannot be read', at);
  return records;
}

function describeEntry(
  header: Header,
  type: string,
  extra: Map<string, string>,
  at: number,
): Omit<TarEntry, 'body'> {
  const path = extra.get('path') ?? header.path ?? '';
  // Before there was a type for folders, a slash at the end said so.
  const kind = type === '0' && path.endsWith('/') ? 'folder' : (TYPES[type] ?? 'unknown');
  const size = Number(extra.get('size') ?? header.size ?? 0);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('has an entry with an impossible size', at);
  const mtime = Number(extra.get('mtime') ?? (header.mtime?.getTime() ?? 0) / 1000);
  return {
    type: kind,
    path,
    linkpath: extra.get('linkpath') ?? header.linkpath ?? '',
    mode: header.mode ?? 0o644,
    mtime: Number.isFinite(mtime) ? mtime : 0,
    // Only files have a body; links of some tars repeat the size of what they link to.
    size: kind === 'file' || kind === 'unknown' ? size : 0,
  };
}

function untilZero(body: Buffer): string {
  const zero = body.indexOf(0);
  return body.toString('utf8', 0, zero < 0 ? body.length : zero);
}

function damaged(what: string, at: number): LmzError {
  return new LmzError('LMZ_CORRUPT', `the tar inside ${what}, at its byte ${at}`, {
    hint: '--no-unpack gives the tar as it is.',
  });
}

/** The content of one entry, in pieces as they come. */
class EntryBody implements AsyncIterable<Buffer> {
  readonly #input: BlockInput;
  #left: number;
  #padding: number;

  constructor(input: BlockInput, size: number) {
    this.#input = input;
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    while (this.#left > 0) {
      const piece = await this.#input.some(this.#left);
      if (piece === undefined) throw damaged('ends within a file', this.#input.position);
      this.#left -= piece.length;
      yield piece;
    }
    const padding = this.#padding;
    this.#padding = 0;
    if (padding > 0 && (await this.#input.take(padding)) === undefined) {
      throw damaged('ends within a file', this.#input.position);
    }
  }

  async skip(): Promise<void> {
    const pieces = this[Symbol.asyncIterator]();
    while ((await pieces.next()).done !== true);
  }
}

/** Cuts a stream of chunks as the reader needs it. */
class BlockInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffered: Buffer = Buffer.alloc(0);
  /** Bytes handed out so far. */
  position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; undefined where there are fewer, or none. */
  async take(length: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const piece = await this.some(missing);
      if (piece === undefined) {
        // A tail of less than a block is not the end of a tar.
        if (missing < length) throw damaged('ends within a block', this.position);
        return undefined;
      }
      pieces.push(piece);
      missing -= piece.length;
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  /** From 1 to `most` bytes; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#buffered.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      const { buffer, byteOffset, byteLength } = next.value;
      this.#buffered = Buffer.from(buffer, byteOffset, byteLength);
    }
    const piece = this.#buffered.subarray(0, most);
    this.#buffered = this.#buffered.subarray(piece.length);
    this.position += piece.length;
    return piece;
  }

  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }
}
