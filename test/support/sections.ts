/**
 * Sections of lmz files built by hand after spec/lmz-format.md, with every field open to lies but with CRC-32s that
 * hold, so that a refusal is for the lie and not for the checksum. Nothing of `src/container` is used.
 *
 * @module
 */
import { crc32, sha256, xxh64 } from '../../src/digest.ts';

const MAGIC = Uint8Array.of(0xf8, 0x4c, 0x4d, 0x5a, 0x0d, 0x0a);

export const TYPE = { coded: 1, stored: 2, model: 3, index: 4, skippable: 0x50 } as const;
export const FLAG = { sha256: 1, model: 2, embedded: 4, bound: 8 } as const;

/** Bytes, a varint's value, or already encoded bytes in its place. */
export type Varint = number | bigint | Uint8Array;

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts);
}

/** The same for more parts than a call can have arguments. */
export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** Minimal form; a Uint8Array is taken as it is. */
export function varint(value: Varint): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return bytes(...out, Number(rest));
}

/** The same value with needless zero groups behind it: `size` bytes in all. */
export function longVarint(value: number, size: number): Uint8Array {
  const out = new Uint8Array(size).fill(128);
  const minimal = varint(value);
  for (let i = 0; i < minimal.length; i++) out[i] = minimal[i] | 128;
  out[size - 1] &= 127;
  return out;
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

/** Bytes with their CRC-32 behind them. */
export function withCrc(body: Uint8Array): Uint8Array {
  return concat(body, u32(crc32(body)));
}

export interface HeaderFields {
  magic?: Uint8Array;
  version?: number;
  flags?: number;
  chunkSize?: Varint;
  /** What follows the chunk size: model hash, platform. */
  rest?: Uint8Array;
  /** In place of the body's size. */
  bodySize?: Varint;
  /** In place of flags, chunk size and rest. */
  body?: Uint8Array;
}

export function header(fields: HeaderFields = {}): Uint8Array {
  const { flags = 0, chunkSize = 1 << 16, rest = bytes() } = fields;
  const body = fields.body ?? concat(bytes(flags), varint(chunkSize), rest);
  return withCrc(
    concat(fields.magic ?? MAGIC, bytes(fields.version ?? 1), varint(fields.bodySize ?? body.length), body),
  );
}

/** The header's fields that name a model. */
export function namesModel(model: Uint8Array, flags = 0): HeaderFields {
  return { flags: flags | FLAG.model, rest: sha256(model) };
}

/** Type, size, body, CRC-32. */
export function section(type: number, body: Uint8Array, bodySize: Varint = body.length): Uint8Array {
  return withCrc(concat(bytes(type), varint(bodySize), body));
}

/** A frame, and how much content it says that it gives. */
export interface Part {
  bytes: Uint8Array;
  rawSize: number;
}

export interface StoredFields {
  rawSize?: Varint;
  checksum?: bigint;
  extra?: Uint8Array;
}

export function stored(content: Uint8Array, fields: StoredFields = {}): Part {
  const { rawSize = content.length, checksum = xxh64(content), extra = bytes() } = fields;
  const head = section(TYPE.stored, concat(varint(rawSize), u64(checksum), extra));
  return { bytes: concat(head, content), rawSize: content.length };
}

export interface CodedFields {
  rawSize: Varint;
  payload: Uint8Array;
  checksum: bigint;
  payloadSize?: Varint;
  predictor?: Varint;
  lanes?: Varint;
  padding?: number;
  maskSize?: Varint;
  extra?: Uint8Array;
  /** In place of all that follows the predictor. */
  parameters?: Uint8Array;
}

export function coded(fields: CodedFields): Part {
  const { rawSize, payload, checksum, payloadSize = payload.length, predictor = 1 } = fields;
  const { lanes = 1, padding = 0, maskSize = 0, extra = bytes() } = fields;
  const parameters = fields.parameters ?? concat(varint(lanes), bytes(padding), varint(maskSize), extra);
  const body = concat(varint(rawSize), varint(payloadSize), u64(checksum), varint(predictor), parameters);
  return {
    bytes: concat(section(TYPE.coded, body), payload),
    rawSize: rawSize instanceof Uint8Array ? 0 : Number(rawSize),
  };
}

export function modelFrame(model: Uint8Array, size: Varint = model.length): Part {
  return { bytes: concat(section(TYPE.model, varint(size)), model), rawSize: 0 };
}

export function skippable(payload: Uint8Array, size: Varint = payload.length, kind = 0): Part {
  return { bytes: concat(section(TYPE.skippable + kind, varint(size)), payload), rawSize: 0 };
}

/** The CRC-32 of a frame's header, as its bytes; zeros where there is no such frame. */
export function headerCrc(part: Part | undefined): Uint8Array {
  if (!part) return bytes(0, 0, 0, 0);
  const size = readVarint(part.bytes, 1);
  // A header whose body size is no varint, or which ends early, has no CRC-32 to speak of.
  const crc = size ? part.bytes.subarray(size.end + size.value, size.end + size.value + 4) : bytes();
  return crc.length === 4 ? crc : bytes(0, 0, 0, 0);
}

export interface IndexFields {
  headerSize?: Varint;
  count?: Varint;
  entries?: readonly (readonly [frameSize: Varint, rawSize: Varint])[];
  /** Instead of those of the frames. */
  headerCrcs?: readonly Uint8Array[];
  check?: Uint8Array;
  bodySize?: Varint;
}

export interface FooterFields {
  indexSize?: number;
  contentSize?: bigint;
  crc?: number;
  magic?: Uint8Array;
}

export interface MemberFields {
  header?: HeaderFields;
  frames?: readonly Part[];
  /** The content, for its check. */
  content?: Uint8Array;
  index?: IndexFields;
  footer?: FooterFields;
}

/** A member whose index and footer fit its frames, but for the fields that are given. */
export function member(fields: MemberFields = {}): Uint8Array {
  const { frames = [], content = bytes() } = fields;
  const head = header(fields.header);
  const isSha = ((fields.header?.flags ?? 0) & FLAG.sha256) !== 0;
  const {
    headerSize = head.length,
    entries = frames.map((part) => [part.bytes.length, part.rawSize] as const),
    check = isSha ? sha256(content) : u64(xxh64(content)),
  } = fields.index ?? {};
  const count = fields.index?.count ?? entries.length;
  const list = entries.flatMap(([frameSize, rawSize], i) => [
    varint(frameSize),
    varint(rawSize),
    fields.index?.headerCrcs?.[i] ?? headerCrc(frames.at(i)),
  ]);
  const body = concatAll([varint(headerSize), varint(count), ...list, check]);
  const index = section(TYPE.index, body, fields.index?.bodySize);
  const total = frames.reduce((sum, part) => sum + BigInt(part.rawSize), 0n);
  return concatAll([
    head,
    ...frames.map((part) => part.bytes),
    index,
    footer({ indexSize: index.length, contentSize: total, ...fields.footer }),
  ]);
}

export function footer(fields: FooterFields): Uint8Array {
  const body = concat(u32(fields.indexSize ?? 0), u64(fields.contentSize ?? 0n));
  const crc = u32(fields.crc ?? crc32(body));
  return concat(body, crc, fields.magic ?? bytes(0x5a, 0x4d, 0x4c, 0xf8));
}

/** A stretch of a file that is one field, or a payload. */
export interface Region {
  member: number;
  section: 'header' | 'coded' | 'stored' | 'model' | 'skippable' | 'index' | 'footer';
  field: 'magic' | 'version' | 'type' | 'size' | 'body' | 'crc' | 'payload' | 'footer';
  start: number;
  end: number;
}

/** A varint at a place; `undefined` where the bytes end inside it or it is none. */
export function readVarint(file: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 8 && at + i < file.length; i++) {
    value += (file[at + i] & 127) * 128 ** i;
    if (file[at + i] < 128) return { value, end: at + i + 1 };
  }
  return undefined;
}

/** The fields of an intact file, in order and without gaps. */
export function regionsOf(file: Uint8Array): Region[] {
  const regions: Region[] = [];
  let at = 0;
  for (let number = 0; at < file.length; number++) {
    const add = (name: Region['section'], field: Region['field'], size: number) => {
      regions.push({ member: number, section: name, field, start: at, end: at + size });
      at += size;
    };
    const sized = (name: Region['section']): { value: number; body: number } => {
      const { value, end } = readVarint(file, at)!;
      add(name, 'size', end - at);
      const body = at;
      add(name, 'body', value);
      add(name, 'crc', 4);
      return { value, body };
    };
    add('header', 'magic', 6);
    add('header', 'version', 1);
    sized('header');
    for (let type = file[at]; type !== TYPE.index; type = file[at]) {
      const names = { [TYPE.coded]: 'coded', [TYPE.stored]: 'stored', [TYPE.model]: 'model' } as const;
      const name = names[type as 1 | 2 | 3] as Region['section'] | undefined;
      add(name ?? 'skippable', 'type', 1);
      const { body } = sized(name ?? 'skippable');
      const first = readVarint(file, body)!;
      add(
        name ?? 'skippable',
        'payload',
        type === TYPE.coded ? readVarint(file, first.end)!.value : first.value,
      );
    }
    add('index', 'type', 1);
    sized('index');
    add('footer', 'footer', 20);
  }
  return regions;
}

/** The sections of an intact file: headers, frames with their payloads, index and footer, each in one piece. */
export function sectionsOf(file: Uint8Array): Uint8Array[] {
  const starts = regionsOf(file).filter(({ field }) => ['magic', 'type', 'footer'].includes(field));
  return starts.map(({ start }, i) => file.subarray(start, starts.at(i + 1)?.start));
}

/** Ends of the members of an intact file. */
export function memberEnds(file: Uint8Array): number[] {
  return regionsOf(file)
    .filter(({ section: name }) => name === 'footer')
    .map(({ end }) => end);
}

/** An intact file's bytes with a section put in front of its index: the index and footer follow suit. */
export function insertFrame(file: Uint8Array, part: Part, before = 0): Uint8Array {
  const regions = regionsOf(file);
  const parts = sectionsOf(file);
  const index = regions.find(({ section: name, field }) => name === 'index' && field === 'body')!;
  const count = readVarint(file, readVarint(file, index.start)!.end)!;
  const entries: { rawSize: number; bytes: Uint8Array }[] = [];
  let at = count.end;
  for (let i = 0; i < count.value; i++) {
    const frameSize = readVarint(file, at)!;
    const rawSize = readVarint(file, frameSize.end)!;
    entries.push({ rawSize: rawSize.value, bytes: file.subarray(at, rawSize.end + 4) });
    at = rawSize.end + 4;
  }
  const entry = concat(varint(part.bytes.length), varint(part.rawSize), headerCrc(part));
  entries.splice(before, 0, { rawSize: part.rawSize, bytes: entry });
  const list = entries.map((each) => each.bytes);
  const body = concat(varint(parts[0].length), varint(entries.length), ...list, file.subarray(at, index.end));
  const newIndex = section(TYPE.index, body);
  const frames = parts.slice(1, -2);
  frames.splice(before, 0, part.bytes);
  const contentSize = entries.reduce((sum, { rawSize }) => sum + BigInt(rawSize), 0n);
  return concat(parts[0], ...frames, newIndex, footer({ indexSize: newIndex.length, contentSize }));
}
