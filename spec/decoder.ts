/**
 * A second decoder for lmz, written from `spec/lmz-format.md` alone (revision 1.1), in the order of that text. It shares
 * nothing with the decoder in `src`: that is its purpose. It prefers clarity to speed, and keeps everything in memory.
 *
 * It does not prove models exact (section 8.1: a decoder SHOULD). So whoever calls it vouches for the models, the embedded
 * ones too, unless `trustEmbedded` is false (section 10).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CHECKED_TABLES, Mixing, type Parameters2 } from './mixing.ts';
import { xxh64 } from './xxh64.ts';

/** The kinds of fault of section 2. */
export type Kind = 'not lmz' | 'truncated' | 'corrupt' | 'unsupported' | 'trailing data' | 'model' | 'limit';

/** Why an input was rejected. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  readonly kind: Kind;
  /** Set by `decode`: the content of all frames before the fault whose checksums hold (section 1.2, "handed out"). */
  content: Uint8Array = new Uint8Array(0);

  constructor(kind: Kind, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}

/** What the user of the decoder may say. */
export interface DecodeOptions {
  /** ONNX files, of which each member's is chosen by its SHA-256. */
  readonly models?: readonly Uint8Array[];
  /** The most bytes to give (section 10). */
  readonly maxOutput?: number;
  /** Whether embedded models are run, which this decoder cannot prove exact (section 10); true unless given. */
  readonly trustEmbedded?: boolean;
}

// ---------------------------------------------------------------------------------------------------------------------
// 1. Structure

/** A member as `listFrames` tells it. */
export interface ListedMember {
  readonly header: MemberHeader;
  readonly frames: readonly Frame[];
  readonly index: Index;
  readonly footer: Footer;
}

/** What one finds in a file, from the front to the back. */
type Item =
  | { readonly what: 'header'; readonly header: MemberHeader }
  | { readonly what: 'frame'; readonly frame: Frame }
  | { readonly what: 'index'; readonly index: Index }
  | { readonly what: 'footer'; readonly footer: Footer };

/** 1.1 and 1.2: a file is read front to back; all checks that need no decoding are made here, each when its bytes are met. */
function* readFile(bytes: Uint8Array): Generator<Item> {
  const input = new Reader(bytes, 'truncated');
  do {
    yield* readMember(input);
    if (!input.atEnd && !MAGIC.every((byte, i) => bytes[input.position + i] === byte)) {
      throw new SpecError('trailing data', `${input.left} bytes after the footer that are no member`);
    }
  } while (!input.atEnd);
}

/** 1.1: member = header { frame } index footer. */
function* readMember(input: Reader): Generator<Item> {
  const header = readHeader(input);
  yield { what: 'header', header };
  const frames: Frame[] = [];
  for (;;) {
    const section = readSection(input);
    if (section.type === INDEX) {
      // Section 5: the model frame's absence.
      if (header.embedded && frames.length === 0) throw new SpecError('corrupt', 'no model frame');
      const index = readIndex(section);
      checkIndex(index, header, frames);
      yield { what: 'index', index };
      const footer = readFooter(input);
      checkFooter(footer, index);
      yield { what: 'footer', footer };
      return;
    }
    const frame = readFrame(input, section, header, frames.length === 0);
    frames.push(frame);
    yield { what: 'frame', frame };
  }
}

/** Member headers, frame headers, indexes and footers, without the content. */
export function listFrames(bytes: Uint8Array): ListedMember[] {
  const members: ListedMember[] = [];
  let header: MemberHeader | undefined;
  let frames: Frame[] = [];
  let index: Index | undefined;
  for (const item of readFile(bytes)) {
    if (item.what === 'header') {
      header = item.header;
      frames = [];
    } else if (item.what === 'frame') {
      frames.push(item.frame);
    } else if (item.what === 'index') {
      index = item.index;
    } else {
      members.push({ header: header!, frames, index: index!, footer: item.footer });
    }
  }
  return members;
}

/** Decodes a file: the contents of its members, one after another. */
export async function decode(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Uint8Array> {
  const output: Uint8Array[] = [];
  try {
    await decodeInto(output, bytes, options);
  } catch (error) {
    if (error instanceof SpecError) error.content = Buffer.concat(output);
    throw error;
  }
  return new Uint8Array(Buffer.concat(output));
}

async function decodeInto(output: Uint8Array[], bytes: Uint8Array, options: DecodeOptions): Promise<void> {
  let size = 0;
  let member: { header: MemberHeader; firstChunk: number; embedded: Uint8Array | undefined } | undefined;
  let model: MemberModel | undefined;
  for (const item of readFile(bytes)) {
    if (item.what === 'header') {
      member = { header: item.header, firstChunk: output.length, embedded: undefined };
      model = undefined;
    } else if (item.what === 'frame') {
      const { header } = member!;
      const { frame } = item;
      const payload = bytes.subarray(frame.payloadOffset, frame.payloadOffset + frame.payloadSize);
      if (frame.kind === 'skippable') continue;
      if (frame.kind === 'model') {
        // Section 5.
        if (sha256(payload) !== header.modelHash)
          throw new SpecError('model', 'the embedded model is another one');
        member!.embedded = payload;
        continue;
      }
      if (size + frame.rawSize > (options.maxOutput ?? Infinity)) throw new SpecError('limit', 'output');
      let raw = payload;
      if (frame.kind === 'coded') {
        if (frame.parameters === undefined)
          throw new SpecError('unsupported', `predictor ${frame.predictor}`);
        // Predictor 2 need not use the model.
        const usesModel = !('withModel' in frame.parameters) || frame.parameters.withModel;
        if (usesModel) model ??= await openModel(header, member!.embedded, options);
        raw =
          'withModel' in frame.parameters
            ? await decodePredictor2(usesModel ? model : undefined, frame.rawSize, frame.parameters, payload)
            : await decodePredictor1(model!, frame.rawSize, frame.parameters, payload);
      }
      if (xxh64(raw) !== frame.checksum) throw new SpecError('corrupt', "a frame's checksum does not hold");
      output.push(raw);
      size += raw.length;
    } else if (item.what === 'index') {
      // Section 6.1.
      const content = Buffer.concat(output.slice(member!.firstChunk));
      const check = item.index.contentCheck;
      const holds =
        member!.header.contentCheck === 'sha256'
          ? hex(check) === sha256(content)
          : new Reader(check, 'corrupt').u64() === xxh64(content);
      if (!holds) throw new SpecError('corrupt', 'the content check does not hold');
    }
  }
}

/** What `membersFromEnd` tells of a member; all offsets are from the file's first byte. */
export interface MemberFromEnd {
  readonly offset: number;
  readonly size: number;
  readonly headerSize: number;
  readonly frames: readonly (IndexEntry & { readonly offset: number })[];
  readonly indexOffset: number;
  readonly indexSize: number;
  readonly contentSize: number;
}

/** 1.3: reading from the end, members in the order of the file. Frame headers are not read here, thus not checked. */
export function membersFromEnd(bytes: Uint8Array): MemberFromEnd[] {
  if (bytes.length === 0) throw new SpecError('truncated', 'nothing');
  const members: MemberFromEnd[] = [];
  let end = bytes.length;
  while (end > 0) {
    if (end < FOOTER_SIZE) throw new SpecError('corrupt', 'no room for a footer');
    const footer = readFooter(new Reader(bytes.subarray(0, end), 'corrupt', end - FOOTER_SIZE));
    const indexOffset = end - FOOTER_SIZE - footer.indexSize;
    if (indexOffset < 0) throw new SpecError('corrupt', 'no room for the index');
    const beforeFooter = new Reader(bytes.subarray(0, end - FOOTER_SIZE), 'corrupt', indexOffset);
    const section = readSection(beforeFooter);
    if (section.type !== INDEX) throw new SpecError('corrupt', 'no index before the footer');
    const index = readIndex(section);
    checkFooter(footer, index);
    const offset = index.entries.reduce((at, entry) => at - entry.size, indexOffset - index.headerSize);
    if (offset < 0) throw new SpecError('corrupt', 'no room for the frames');
    const header = readHeader(new Reader(bytes.subarray(0, indexOffset), 'corrupt', offset));
    checkIndexAgainstHeader(index, header);
    let at = offset + index.headerSize;
    const frames = index.entries.map((entry) => {
      const frame = { offset: at, ...entry };
      at += entry.size;
      return frame;
    });
    members.unshift({
      offset,
      size: end - offset,
      headerSize: index.headerSize,
      frames,
      indexOffset,
      indexSize: footer.indexSize,
      contentSize: footer.contentSize,
    });
    end = offset;
  }
  return members;
}

// ---------------------------------------------------------------------------------------------------------------------
// 2. Conventions

/** Reads the types of section 2. At the end of the bytes it rejects: an input is truncated, a body corrupt (too few bytes). */
class Reader {
  readonly bytes: Uint8Array;
  readonly ifShort: 'truncated' | 'corrupt';
  position: number;

  constructor(bytes: Uint8Array, ifShort: 'truncated' | 'corrupt', position = 0) {
    this.bytes = bytes;
    this.ifShort = ifShort;
    this.position = position;
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  get atEnd(): boolean {
    return this.left === 0;
  }

  take(size: number): Uint8Array {
    if (size > this.left) throw new SpecError(this.ifShort, `${size} bytes wanted, ${this.left} left`);
    this.position += size;
    return this.bytes.subarray(this.position - size, this.position);
  }

  u8(): number {
    return this.take(1)[0];
  }

  u32(): number {
    return this.take(4).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  u64(): bigint {
    const low = this.u32();
    return BigInt(low) + (BigInt(this.u32()) << 32n);
  }

  /** A varint within its field's limits. */
  varint(least = 0, greatest = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    for (let i = 0; ; i += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw new SpecError('corrupt', 'a varint not in minimal form');
        break;
      }
      if (i === 7) throw new SpecError('corrupt', 'a varint of more than 8 bytes');
    }
    // 2^53 - 1 is the greatest of `greatest`.
    if (value < least || value > greatest) throw new SpecError('corrupt', 'a varint beyond its limit');
    return value;
  }

  /** The end of a body. */
  finish(): void {
    if (!this.atEnd) throw new SpecError('corrupt', `${this.left} bytes left over in a body`);
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

// ---------------------------------------------------------------------------------------------------------------------
// 3. Checksums

/** CRC-32: one bit at a time would do, but an index may have 2^28 bytes; so, one byte at a time. */
const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  // 0xEDB88320 is 0x04C11DB7 reflected.
  for (let bit = 0; bit < 8; bit += 1) crc = crc % 2 === 1 ? ((crc >>> 1) ^ 0xedb88320) >>> 0 : crc >>> 1;
  return crc;
});

/** The CRC-32 of `bytes`. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Reads a CRC-32 and rejects (corrupt) one that is not that of all bytes from `start` up to it. */
function checkCrc32(input: Reader, start: number): void {
  const computed = crc32(input.bytes.subarray(start, input.position));
  if (input.u32() !== computed) throw new SpecError('corrupt', `CRC-32 at ${input.position - 4}`);
}

// ---------------------------------------------------------------------------------------------------------------------
// 4. Member header

const MAGIC = [0xf8, 0x4c, 0x4d, 0x5a, 0x0d, 0x0a] as const;

/** A member header. */
export interface MemberHeader {
  readonly offset: number;
  /** From the magic to the CRC-32. */
  readonly size: number;
  readonly version: number;
  readonly flags: number;
  /** Flag bit 0. */
  readonly contentCheck: 'xxh64' | 'sha256';
  /** Flag bit 2. */
  readonly embedded: boolean;
  readonly chunkSize: number;
  /** Flag bit 1: SHA-256 in hexadecimal. */
  readonly modelHash: string | undefined;
  /** Flag bit 3. */
  readonly bound:
    { readonly lanes: number; readonly fingerprint: string; readonly runtime: string } | undefined;
}

function readHeader(input: Reader): MemberHeader {
  const offset = input.position;
  // An input that ends within the magic is truncated if it agrees so far.
  for (const byte of MAGIC) if (input.u8() !== byte) throw new SpecError('not lmz', 'magic');
  const version = input.u8();
  const body = new Reader(input.take(input.varint(0, 4096)), 'corrupt');
  checkCrc32(input, offset);
  if (version !== 1) throw new SpecError('unsupported', `format version ${version}`);

  const flags = body.u8();
  if (flags >> 4 !== 0) throw new SpecError('unsupported', 'reserved flags');
  const usesModel = (flags & 2) !== 0;
  const embedded = (flags & 4) !== 0;
  const isBound = (flags & 8) !== 0;
  if ((embedded || isBound) && !usesModel) throw new SpecError('corrupt', 'flag bit 2 or 3 without bit 1');
  const chunkSize = body.varint(1, 2 ** 30);
  const modelHash = usesModel ? hex(body.take(32)) : undefined;
  let bound: MemberHeader['bound'];
  if (isBound) {
    const lanes = body.varint(1, 256);
    const fingerprint = hex(body.take(32));
    const runtime = body.take(body.varint(0, 256));
    if (runtime.some((byte) => byte < 0x20 || byte > 0x7e)) throw new SpecError('corrupt', 'runtime');
    bound = { lanes, fingerprint, runtime: Buffer.from(runtime).toString('latin1') };
  }
  body.finish();
  const contentCheck = (flags & 1) !== 0 ? 'sha256' : 'xxh64';
  const size = input.position - offset;
  return { offset, size, version, flags, contentCheck, embedded, chunkSize, modelHash, bound };
}

// ---------------------------------------------------------------------------------------------------------------------
// 5. Frames

const CODED = 1;
const STORED = 2;
const MODEL = 3;
const INDEX = 4;

interface Section {
  readonly offset: number;
  readonly type: number;
  /** From the type to the CRC-32. */
  readonly size: number;
  readonly body: Uint8Array;
  readonly crc: number;
}

/** What every section after the header begins with. */
function readSection(input: Reader): Section {
  const offset = input.position;
  const type = input.u8();
  const body = input.take(input.varint(0, type === INDEX ? 2 ** 28 : 255));
  checkCrc32(input, offset);
  const crc = new DataView(input.bytes.buffer, input.bytes.byteOffset).getUint32(input.position - 4, true);
  return { offset, type, size: input.position - offset, body, crc };
}

interface FrameBase {
  readonly offset: number;
  readonly type: number;
  /** From the type to the CRC-32. */
  readonly headerSize: number;
  /** The CRC-32 at its end. */
  readonly headerCrc: number;
  readonly payloadOffset: number;
  readonly payloadSize: number;
  /** Header and payload. */
  readonly size: number;
  /** 0 for model and skippable frames. */
  readonly rawSize: number;
}

/** A frame's header. */
export type Frame = FrameBase &
  (
    | {
        readonly kind: 'coded';
        readonly checksum: bigint;
        readonly predictor: number;
        readonly parameters: Parameters1 | Parameters2 | undefined;
      }
    | { readonly kind: 'stored'; readonly checksum: bigint }
    | { readonly kind: 'model' }
    | { readonly kind: 'skippable' }
  );

function readFrame(input: Reader, section: Section, header: MemberHeader, isFirst: boolean): Frame {
  const { type, offset } = section;
  const isSkippable = type >= 0x50 && type <= 0x5f;
  if (type !== CODED && type !== STORED && type !== MODEL && !isSkippable) {
    throw new SpecError('unsupported', `section type ${type}`);
  }
  if ((type === MODEL) !== (isFirst && header.embedded)) {
    throw new SpecError('corrupt', type === MODEL ? 'a model frame out of place' : 'no model frame');
  }
  const base = {
    offset,
    type,
    headerSize: section.size,
    headerCrc: section.crc,
    payloadOffset: input.position,
  };
  const body = new Reader(section.body, 'corrupt');
  let frame: Frame;
  if (type === CODED) {
    // 5.1
    const rawSize = body.varint(1, header.chunkSize);
    const payloadSize = body.varint(0, 4 * rawSize + 16);
    const checksum = body.u64();
    const predictor = body.varint();
    let parameters: Parameters1 | Parameters2 | undefined;
    if (predictor === 1) parameters = readParameters1(body, payloadSize, header);
    else if (predictor === 2) parameters = readParameters2(body, payloadSize, header);
    else body.take(body.left);
    const size = section.size + payloadSize;
    frame = { ...base, kind: 'coded', payloadSize, size, rawSize, checksum, predictor, parameters };
  } else if (type === STORED) {
    const rawSize = body.varint(1, header.chunkSize);
    const checksum = body.u64();
    const size = section.size + rawSize;
    frame = { ...base, kind: 'stored', payloadSize: rawSize, size, rawSize, checksum };
  } else {
    const payloadSize = type === MODEL ? body.varint(0, 2 ** 30) : body.varint();
    const kind = type === MODEL ? 'model' : 'skippable';
    frame = { ...base, kind, payloadSize, size: section.size + payloadSize, rawSize: 0 };
  }
  body.finish();
  input.take(frame.payloadSize);
  return frame;
}

/** 5.1.1: the parameters of predictor 1. */
export interface Parameters1 {
  readonly lanes: number;
  /** Padded bits of the symbol stream. */
  readonly symbolPadding: number;
  /** Padded bits of the masked-MSB section. */
  readonly maskPadding: number;
  readonly maskSize: number;
}

function readParameters1(body: Reader, payloadSize: number, header: MemberHeader): Parameters1 {
  const lanes = body.varint(1, 256);
  const padding = body.u8();
  if (padding >> 6 !== 0) throw new SpecError('unsupported', 'reserved bits of the padding');
  const symbolPadding = padding & 7;
  const maskPadding = (padding >> 3) & 7;
  const maskSize = body.varint(0, payloadSize);
  if ((symbolPadding > 0 && maskSize === payloadSize) || (maskPadding > 0 && maskSize === 0)) {
    throw new SpecError('corrupt', 'padded bits of a part that is empty');
  }
  if (header.modelHash === undefined)
    throw new SpecError('corrupt', 'predictor 1 in a member without a model');
  if (header.bound !== undefined && lanes !== header.bound.lanes) {
    throw new SpecError('corrupt', 'lanes other than those that the header binds');
  }
  return { lanes, symbolPadding, maskPadding, maskSize };
}

/** 5.1.2: the parameters of predictor 2. */
function readParameters2(body: Reader, payloadSize: number, header: MemberHeader): Parameters2 {
  const lanes = body.varint(1, 256);
  const padding = body.u8();
  if (padding >> 3 !== 0) throw new SpecError('unsupported', 'reserved bits of the padding');
  if (padding > 0 && payloadSize === 0) throw new SpecError('corrupt', 'padded bits of an empty payload');
  const mixing = body.u8();
  const set = (['standard', 'fast', 'best'] as const)[(mixing >> 2) & 3] as Parameters2['set'] | undefined;
  if (mixing >> 4 !== 0 || set === undefined)
    throw new SpecError('unsupported', 'reserved bits of the mixing');
  const tableBits = body.u8();
  if (tableBits < 16 || tableBits > 28) throw new SpecError('corrupt', 'table bits');
  const withModel = (mixing & 1) !== 0;
  if (withModel && header.modelHash === undefined)
    throw new SpecError('corrupt', 'a model is mixed in where the member has none');
  if (withModel && header.bound !== undefined && lanes !== header.bound.lanes) {
    throw new SpecError('corrupt', 'lanes other than those that the header binds');
  }
  return { lanes, padding, withModel, profile: (mixing & 2) !== 0 ? 'binary' : 'text', set, tableBits };
}

// ---------------------------------------------------------------------------------------------------------------------
// 6. Index and footer

/** 6.1: what the index says of a frame. */
export interface IndexEntry {
  readonly size: number;
  readonly rawSize: number;
  readonly headerCrc: number;
}

/** 6.1: the index. */
export interface Index {
  readonly offset: number;
  /** From its type to its CRC-32. */
  readonly size: number;
  readonly headerSize: number;
  readonly entries: readonly IndexEntry[];
  readonly contentCheck: Uint8Array;
}

function readIndex(section: Section): Index {
  const body = new Reader(section.body, 'corrupt');
  const headerSize = body.varint();
  const count = body.varint();
  const entries: IndexEntry[] = [];
  for (let i = 0; i < count; i += 1) {
    entries.push({ size: body.varint(), rawSize: body.varint(), headerCrc: body.u32() });
  }
  const contentCheck = body.take(body.left);
  return { offset: section.offset, size: section.size, headerSize, entries, contentCheck };
}

/** What an index must agree with even where the frames are not read. */
function checkIndexAgainstHeader(index: Index, header: MemberHeader): void {
  if (index.headerSize !== header.size) throw new SpecError('corrupt', "the index's header size");
  if (index.contentCheck.length !== (header.contentCheck === 'sha256' ? 32 : 8)) {
    throw new SpecError('corrupt', 'bytes left over or too few in the index');
  }
  if (index.entries.some((entry) => entry.rawSize > header.chunkSize)) {
    throw new SpecError('corrupt', "a raw size in the index is beyond the header's chunk size");
  }
}

/** 6.1: an index that does not agree with the header and the frames, one by one. */
function checkIndex(index: Index, header: MemberHeader, frames: readonly Frame[]): void {
  checkIndexAgainstHeader(index, header);
  const agrees = (frame: Frame, i: number): boolean =>
    index.entries[i]?.size === frame.size &&
    index.entries[i].rawSize === frame.rawSize &&
    index.entries[i].headerCrc === frame.headerCrc;
  if (index.entries.length !== frames.length || !frames.every(agrees)) {
    throw new SpecError('corrupt', 'the index does not agree with the frames');
  }
}

const FOOTER_SIZE = 20;
const FOOTER_MAGIC = 0xf84c4d5a; // 5A 4D 4C F8 as u32

/** 6.2: the footer. */
export interface Footer {
  readonly indexSize: number;
  readonly contentSize: number;
}

function readFooter(input: Reader): Footer {
  const footer = new Reader(input.take(FOOTER_SIZE), 'corrupt');
  const indexSize = footer.u32();
  const contentSize = footer.u64();
  checkCrc32(footer, 0);
  if (footer.u32() !== FOOTER_MAGIC) throw new SpecError('corrupt', "the footer's magic");
  if (contentSize >= 2n ** 53n) throw new SpecError('corrupt', 'content size');
  return { indexSize, contentSize: Number(contentSize) };
}

function checkFooter(footer: Footer, index: Index): void {
  if (footer.indexSize !== index.size) throw new SpecError('corrupt', "the footer's index size");
  const contentSize = index.entries.reduce((sum, entry) => sum + entry.rawSize, 0);
  if (footer.contentSize !== contentSize) throw new SpecError('corrupt', "the footer's content size");
}

// ---------------------------------------------------------------------------------------------------------------------
// 7. Predictor 1: the language model alone

async function decodePredictor1(
  { model, isBound }: MemberModel,
  rawSize: number,
  parameters: Parameters1,
  payload: Uint8Array,
): Promise<Uint8Array> {
  const { lanes, symbolPadding, maskPadding, maskSize } = parameters;
  const { alphabet } = model;
  // 5.1.1
  if (alphabet === 256 && maskSize > 0) throw new SpecError('corrupt', 'a mask with 256 symbols');
  const symbolStream = payload.subarray(0, payload.length - maskSize);
  const maskStream = payload.subarray(payload.length - maskSize);

  const { lengths, starts } = split(rawSize, lanes);
  const symbols = new Uint8Array(rawSize);
  const decoder = new ArithmeticDecoder(symbolStream, symbolPadding);
  const run = new ModelRun(model, lanes, isBound);
  for (let t = 0; t < lengths[0]; t += 1) {
    const logits = await run.stepAt(t, symbols, starts, lengths);
    for (let l = 0; l < lanes; l += 1) {
      if (t >= lengths[l]) continue;
      const frequencies = frequenciesOf(logits[l], model.logitBits);
      symbols[starts[l] + t] = decoder.symbol(frequencies);
    }
  }
  decoder.finish();

  // 7.4
  return alphabet === 128 ? decodeHighBits(symbols, maskStream, maskPadding) : symbols;
}

/** 7.1: lanes. */
function split(rawSize: number, lanes: number): { lengths: number[]; starts: number[] } {
  const lengths = Array.from(
    { length: lanes },
    (_, l) => Math.floor(rawSize / lanes) + (l < rawSize % lanes ? 1 : 0),
  );
  const starts = lengths.map((_, l) => lengths.slice(0, l).reduce((sum, length) => sum + length, 0));
  return { lengths, starts };
}

/** 7.2: `POWER[i] = floor(2^24 * 2^(-i/256))`: the greatest integer whose 256th power is not over 2^(24 * 256 - i). */
export const POWER: readonly number[] = Array.from({ length: 256 }, (_, i) => {
  const radicand = 1n << BigInt(24 * 256 - i);
  let root = 0n;
  for (let bit = 1n << 24n; bit > 0n; bit >>= 1n) if ((root + bit) ** 256n <= radicand) root += bit;
  return Number(root);
});

/** 7.2: from logits, in units of 2^-b bits, to frequencies. */
export function frequenciesOf(x: ArrayLike<number>, b: number): number[] {
  const logits = Array.from(x);
  const m = Math.max(...logits);
  const best = logits.indexOf(m);
  const w = logits.map((logit) => {
    const d = (m - logit) * 2 ** (8 - b);
    const shift = Math.floor(d / 256);
    return shift > 24 ? 0 : POWER[d % 256] >> shift;
  });
  const W = w.reduce((sum, weight) => sum + weight, 0);
  const M = 2 ** 24 - logits.length;
  const R = Math.floor((M * 2 ** 28) / W);
  const f = w.map((weight) => 1 + Math.floor((weight * R) / 2 ** 28));
  f[best] += 2 ** 24 - f.reduce((sum, frequency) => sum + frequency, 0);
  return f;
}

/** 7.3: the arithmetic decoder. */
export class ArithmeticDecoder {
  readonly #stream: Uint8Array;
  readonly #padding: number;
  #bytesRead = 0;
  #offset = 0;
  #range = 2 ** 48;

  constructor(stream: Uint8Array, padding: number) {
    this.#stream = stream;
    this.#padding = padding;
    // "The end", what can be told at the beginning.
    if (stream.length === 0) {
      if (padding !== 0) throw new SpecError('corrupt', 'padded bits of an empty stream');
    } else {
      const last = stream.at(-1)!;
      if (last === 0) throw new SpecError('corrupt', 'a stream whose last byte is zero');
      let zeros = 0;
      while (((last >> zeros) & 1) === 0) zeros += 1;
      if (zeros !== padding) throw new SpecError('corrupt', 'number of padded bits');
    }
    for (let i = 0; i < 6; i += 1) this.#offset = this.#offset * 256 + this.#nextByte();
  }

  #nextByte(): number {
    this.#bytesRead += 1;
    return this.#stream[this.#bytesRead - 1] ?? 0;
  }

  #normalize(): void {
    while (this.#range <= 2 ** 40) {
      this.#offset = this.#offset * 256 + this.#nextByte();
      this.#range *= 256;
    }
  }

  /** The next symbol, given the frequencies of all. */
  symbol(f: readonly number[]): number {
    const u = Math.floor(this.#range / 2 ** 24);
    let s = 0;
    let c = 0;
    // The largest s (below A) with u * c[s] <= offset.
    while (s + 1 < f.length && u * (c + f[s]) <= this.#offset) {
      c += f[s];
      s += 1;
    }
    this.#offset -= u * c;
    this.#range = u * f[s];
    if (this.#offset >= this.#range) throw new SpecError('corrupt', 'a number beyond all symbols');
    this.#normalize();
    return s;
  }

  /** The next bit, where the chance of a 1 is p / 2^24. */
  bit(p: number): 0 | 1 {
    const u = Math.floor(this.#range / 2 ** 24);
    const isOne = this.#offset < u * p;
    if (isOne) {
      this.#range = u * p;
    } else {
      this.#offset -= u * p;
      this.#range -= u * p;
    }
    this.#normalize();
    return isOne ? 1 : 0;
  }

  /** "The end", after the last symbol: the string must be the shortest. */
  finish(): void {
    if (this.#stream.length === 0) return;
    const e = 8 * (this.#bytesRead - this.#stream.length) + this.#padding;
    const isShortest = e >= 48 || (e >= 0 && this.#offset < 2 ** e && this.#offset + 2 ** e >= this.#range);
    if (!isShortest) throw new SpecError('corrupt', 'a stream that is not the shortest');
  }
}

/** 7.4: masked MSBs; gives the bytes of a chunk whose symbols (low seven bits) are known. */
export function decodeHighBits(symbols: Uint8Array, stream: Uint8Array, padding: number): Uint8Array {
  const decoder = new ArithmeticDecoder(stream, padding);
  const probabilities = new Array<number>(1024).fill(61440);
  const bytes = new Uint8Array(symbols.length);
  const highBit = (i: number): number => (i < 0 ? 0 : bytes[i] >> 7);
  for (let i = 0; i < bytes.length; i += 1) {
    const g = symbols[i];
    const number = g + 128 * highBit(i - 1) + 256 * highBit(i - 2) + 512 * highBit(i - 3);
    const P = probabilities[number];
    const z = decoder.bit(256 * P + 128);
    bytes[i] = g + 128 * (1 - z);
    probabilities[number] = z === 1 ? P + ((65535 - P) >> 4) : P - (P >> 4);
  }
  decoder.finish();
  return bytes;
}

// ---------------------------------------------------------------------------------------------------------------------
// 8. Models

/** A model, open. */
interface Model {
  readonly session: InferenceSession;
  readonly alphabet: 128 | 256;
  readonly logitBits: number;
  readonly start: number;
  readonly context: number;
  readonly states: readonly {
    readonly name: string;
    readonly type: Tensor.Type;
    readonly sizes: readonly number[];
  }[];
}

/** A model and whether its member is bound to a platform. */
interface MemberModel {
  readonly model: Model;
  readonly isBound: boolean;
}

/** The model of a member, when its first coded frame is met. */
async function openModel(
  header: MemberHeader,
  embedded: Uint8Array | undefined,
  options: DecodeOptions,
): Promise<MemberModel> {
  const given = options.models?.find((onnx) => sha256(onnx) === header.modelHash);
  if (given === undefined && embedded !== undefined && options.trustEmbedded === false) {
    throw new SpecError('model', 'an embedded model that is not known to be exact');
  }
  const onnx = given ?? embedded;
  if (onnx === undefined) throw new SpecError('model', `no model ${header.modelHash ?? ''}`);
  const model = await loadModel(onnx);
  if (
    header.bound !== undefined &&
    (await fingerprintOf(model, header.bound.lanes)) !== header.bound.fingerprint
  ) {
    throw new SpecError('model', 'other fingerprint');
  }
  return { model, isBound: header.bound !== undefined };
}

/** 8.1: the contract. It is not proved here that the model is exact. */
async function loadModel(onnx: Uint8Array): Promise<Model> {
  const metadata = metadataOf(onnx);
  const number = (key: string, least: number, greatest: number): number => {
    const text = metadata.get(key) ?? '';
    const value = Number(text);
    if (!/^(0|-?[1-9][0-9]*)$/.test(text) || value < least || value > greatest) {
      throw new SpecError('model', `metadata property ${key}: "${text}"`);
    }
    return value;
  };
  number('lmz.contract', 1, 1);
  const alphabet = number('lmz.alphabet', 128, 256);
  if (alphabet !== 128 && alphabet !== 256) throw new SpecError('model', 'alphabet');
  const logitBits = number('lmz.logit_bits', 0, 8);
  const start = number('lmz.start', -(2 ** 31), 2 ** 31 - 1);
  const context = number('lmz.context', 0, Number.MAX_SAFE_INTEGER);
  const time = metadata.get('lmz.time');
  if (time !== 'step' && time !== 'sequence') throw new SpecError('model', 'lmz.time');

  const session = await orModelError(() =>
    InferenceSession.create(onnx, {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
    }),
  );
  const inputs = session.inputMetadata;
  if (!inputs.some(({ name }) => name === 'token')) throw new SpecError('model', 'no input "token"');
  const states = inputs
    .filter(({ name }) => name !== 'token')
    .map((input) => {
      if (!input.isTensor) throw new SpecError('model', `state ${input.name} is no tensor`);
      const sizes = input.shape.slice(1);
      const areFixed = sizes.every((size) => typeof size === 'number' && size >= 0);
      if (input.shape.length === 0 || !areFixed) throw new SpecError('model', `shape of state ${input.name}`);
      if (!metadata.has(`lmz.state.${input.name}`))
        throw new SpecError('model', `no lmz.state.${input.name}`);
      return { name: input.name, type: input.type, sizes: sizes.map(Number) };
    });
  for (const name of ['logits', ...states.map((state) => `${state.name}_next`)]) {
    if (!session.outputNames.includes(name)) throw new SpecError('model', `no output "${name}"`);
  }
  return { session, alphabet, logitBits, start, context, states };
}

async function orModelError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new SpecError('model', error instanceof Error ? error.message : String(error));
  }
}

/** The metadata properties of an ONNX file: field 14 of its ModelProto, messages of { 1: key, 2: value }. */
function metadataOf(onnx: Uint8Array): Map<string, string> {
  const properties = new Map<string, string>();
  for (const [field, value] of protobufFields(onnx)) {
    if (field !== 14) continue;
    let key = '';
    let text = '';
    for (const [inner, innerValue] of protobufFields(value)) {
      if (inner === 1) key = Buffer.from(innerValue).toString('utf8');
      if (inner === 2) text = Buffer.from(innerValue).toString('utf8');
    }
    properties.set(key, text);
  }
  return properties;
}

/** The length-delimited fields of a protobuf message, numbers and contents; the others are passed over. */
function* protobufFields(message: Uint8Array): Generator<[field: number, value: Uint8Array]> {
  let position = 0;
  const malformed = (): SpecError => new SpecError('model', 'not an ONNX file');
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= message.length) throw malformed();
      const byte = message[position];
      position += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  };
  while (position < message.length) {
    const tag = varint();
    const wireType = tag % 8;
    if (wireType === 0) varint();
    else if (wireType === 1) position += 8;
    else if (wireType === 5) position += 4;
    else if (wireType === 2) {
      const size = varint();
      if (size > message.length - position) throw malformed();
      yield [Math.floor(tag / 8), message.subarray(position, position + size)];
      position += size;
    } else throw malformed();
  }
  if (position !== message.length) throw malformed();
}

/** 8.1: a model that runs: steps of a fixed number of lanes, and the states between them. */
class ModelRun {
  readonly #model: Model;
  readonly #lanes: number;
  readonly #isBound: boolean;
  #states: Record<string, Tensor> = {};

  constructor(model: Model, lanes: number, isBound: boolean) {
    this.#model = model;
    this.#lanes = lanes;
    this.#isBound = isBound;
    this.reset();
  }

  /** Sets all states of all lanes to zero. */
  reset(): void {
    this.#states = {};
    for (const { name, type, sizes } of this.#model.states) {
      this.#states[name] = zeros(type, [this.#lanes, ...sizes]);
    }
  }

  /** 7.1: step t of a chunk, with the tokens and resets that belong to it. */
  stepAt(
    t: number,
    symbols: Uint8Array,
    starts: readonly number[],
    lengths: readonly number[],
  ): Promise<number[][]> {
    const { context, start } = this.#model;
    const isStart = t === 0 || (context > 0 && t % context === 0);
    if (isStart) this.reset();
    const tokens = lengths.map((length, l) =>
      !isStart && t - 1 < length ? symbols[starts[l] + t - 1] : start,
    );
    return this.step(tokens);
  }

  /** One step: a token for each lane; gives each lane's logits. */
  async step(tokens: readonly number[]): Promise<number[][]> {
    const { session, states, alphabet } = this.#model;
    const token = new Tensor('int32', Int32Array.from(tokens), [this.#lanes, 1]);
    const fetches = ['logits', ...states.map((state) => `${state.name}_next`)];
    const outputs = await orModelError(() => session.run({ token, ...this.#states }, fetches));
    for (const { name, type, sizes } of states) {
      const next = outputs[`${name}_next`];
      if (next.type !== type || next.dims.join() !== [this.#lanes, ...sizes].join()) {
        throw new SpecError('model', `state ${name} changes its type or shape`);
      }
      this.#states[name] = next;
    }
    const logits = outputs['logits'];
    if (logits.dims.join() !== [this.#lanes, 1, alphabet].join())
      throw new SpecError('model', 'shape of the logits');
    const values = Array.from(this.#integers(logits));
    return tokens.map((_, l) => values.slice(l * alphabet, (l + 1) * alphabet));
  }

  /** Int32 logits as they are (8.1); in a member bound to a platform, int32 or float32, rounded and clipped (8.2). */
  #integers(logits: Tensor): ArrayLike<number> {
    const { data } = logits;
    const limit = 2 ** 30;
    if (!this.#isBound) {
      if (!(data instanceof Int32Array)) throw new SpecError('model', 'the logits are not int32');
      if (data.some((x) => x < -limit || x > limit)) throw new SpecError('model', 'a logit beyond 2^30');
      return data;
    }
    if (!(data instanceof Int32Array) && !(data instanceof Float32Array)) {
      throw new SpecError('model', 'the logits are neither int32 nor float32');
    }
    return Array.from(data, (x) => {
      if (Number.isNaN(x)) throw new SpecError('model', 'a logit is not a number');
      return Math.min(limit, Math.max(-limit, Math.floor(x + 0.5)));
    });
  }
}

function zeros(type: Tensor.Type, dims: readonly number[]): Tensor {
  const size = dims.reduce((product, dim) => product * dim, 1);
  switch (type) {
    case 'float32':
      return new Tensor('float32', new Float32Array(size), dims);
    case 'float64':
      return new Tensor('float64', new Float64Array(size), dims);
    case 'float16':
      return new Tensor('float16', new Uint16Array(size), dims);
    case 'int8':
      return new Tensor('int8', new Int8Array(size), dims);
    case 'uint8':
      return new Tensor('uint8', new Uint8Array(size), dims);
    case 'int16':
      return new Tensor('int16', new Int16Array(size), dims);
    case 'uint16':
      return new Tensor('uint16', new Uint16Array(size), dims);
    case 'int32':
      return new Tensor('int32', new Int32Array(size), dims);
    case 'uint32':
      return new Tensor('uint32', new Uint32Array(size), dims);
    case 'int64':
      return new Tensor('int64', new BigInt64Array(size), dims);
    case 'uint64':
      return new Tensor('uint64', new BigUint64Array(size), dims);
    case 'bool':
      return new Tensor('bool', new Uint8Array(size), dims);
    default:
      throw new SpecError('model', `states of type ${type}`);
  }
}

/** 8.2: the fingerprint. */
async function fingerprintOf(model: Model, lanes: number): Promise<string> {
  const run = new ModelRun(model, lanes, true);
  const hash = createHash('sha256');
  let X = 1n;
  for (let step = 0; step < 64; step += 1) {
    const tokens = Array.from({ length: lanes }, () => {
      X = (1664525n * X + 1013904223n) % 2n ** 32n;
      return Number((X >> 16n) % BigInt(model.alphabet));
    });
    for (const logits of await run.step(tokens)) {
      const bytes = Buffer.alloc(4 * logits.length);
      logits.forEach((x, s) => bytes.writeInt32LE(x, 4 * s));
      hash.update(bytes);
    }
  }
  return hash.digest('hex');
}

// ---------------------------------------------------------------------------------------------------------------------
// 9. What an encoder must do: nothing here. 10. Limits: where the fields are read; `maxOutput`; `trustEmbedded`.

// ---------------------------------------------------------------------------------------------------------------------
// 11. Predictor 2: mixing (see mixing.ts)

async function decodePredictor2(
  member: MemberModel | undefined,
  rawSize: number,
  parameters: Parameters2,
  payload: Uint8Array,
): Promise<Uint8Array> {
  for (const { name, bytes, crc32: expected } of CHECKED_TABLES()) {
    if (crc32(bytes) !== expected) throw new Error(`the table ${name} is not that of section 11`);
  }
  if (member !== undefined && member.model.alphabet !== 256)
    throw new SpecError('corrupt', 'a model of 128 symbols is mixed in');
  const { lengths, starts } = split(rawSize, parameters.lanes);
  const bytes = new Uint8Array(rawSize);
  const decoder = new ArithmeticDecoder(payload, parameters.padding);
  const mixing = new Mixing(bytes, starts, parameters);
  const run = member && new ModelRun(member.model, parameters.lanes, member.isBound);
  for (let t = 0; t < lengths[0]; t += 1) {
    const logits = await run?.stepAt(t, bytes, starts, lengths);
    for (let l = 0; l < parameters.lanes; l += 1) {
      if (t >= lengths[l]) continue;
      const frequencies = logits && frequenciesOf(logits[l], member!.model.logitBits);
      mixing.byte(l, (p) => decoder.bit(p), frequencies);
    }
  }
  decoder.finish();
  return bytes;
}
