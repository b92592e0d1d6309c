/**
 * Tests of the second decoder (`spec/decoder.ts`) with files assembled here, by hand and from the text alone: a naive
 * encoder with exact fractions, stored frames, tiny models. CRC-32 and XXH64 come from other implementations than its own.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import crc32Package from 'crc-32';
import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import type { Kind } from '../../spec/decoder.ts';
import {
  ArithmeticDecoder,
  crc32,
  decode,
  decodeHighBits,
  frequenciesOf,
  listFrames,
  membersFromEnd,
  POWER,
  SpecError,
} from '../../spec/decoder.ts';
import { xxh64 } from '../../spec/xxh64.ts';

const hasher = await xxhash();
const h64Raw = (bytes: Uint8Array): bigint => hasher.h64Raw(bytes);

// ---------------------------------------------------------------------------------------------------------------------
// Helpers: bytes

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const join = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
const u32 = (value: number): Uint8Array =>
  Uint8Array.from([0, 8, 16, 24], (shift) => (value >>> shift) & 255);
const u64 = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const varint = (value: number): number[] =>
  value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
const crc = (bytes: Uint8Array): Uint8Array => u32(crc32Package.buf(bytes));
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const withCrc = (bytes: Uint8Array): Uint8Array => join(bytes, crc(bytes));

/** Numbers that look random and are the same each time, in 0..below-1. */
function randomNumbers(seed: number): (below: number) => number {
  let x = seed >>> 0;
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor(((x >>> 8) / 2 ** 24) * below);
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Helpers: the container

const headerOf = (body: Uint8Array, version = 1): Uint8Array =>
  withCrc(join(fromHex('F84C4D5A0D0A'), [version], varint(body.length), body));
const section = (type: number, body: Uint8Array): Uint8Array =>
  withCrc(join([type], varint(body.length), body));

/** A frame and what an index says of it. */
interface BuiltFrame {
  readonly bytes: Uint8Array;
  readonly raw: Uint8Array;
}
const stored = (raw: Uint8Array): BuiltFrame => ({
  bytes: join(section(2, join(varint(raw.length), u64(h64Raw(raw)))), raw),
  raw,
});
const skippable = (payload: Uint8Array, type = 0x50): BuiltFrame => ({
  bytes: join(section(type, Uint8Array.from(varint(payload.length))), payload),
  raw: join(),
});
const modelFrame = (onnx: Uint8Array): BuiltFrame => ({
  bytes: join(section(3, Uint8Array.from(varint(onnx.length))), onnx),
  raw: join(),
});

/** The last four bytes of a frame's header; of none where there is no such frame. */
function headerCrc(frame: BuiltFrame | undefined): Uint8Array {
  // All bodies here are below 128 bytes, so their size is one byte.
  return frame ? frame.bytes.subarray(2 + frame.bytes[1], 6 + frame.bytes[1]) : u32(0);
}

interface IndexChanges {
  readonly headerSize?: number;
  readonly count?: number;
  readonly entries?: readonly (readonly [number, number])[];
  readonly check?: Uint8Array;
  readonly extra?: Uint8Array;
}
function indexOf(header: Uint8Array, frames: readonly BuiltFrame[], changes: IndexChanges = {}): Uint8Array {
  const content = join(...frames.map(({ raw }) => raw));
  // The flags stand after magic, version and a body size of one byte.
  const isSha256 = (header[8] & 1) === 1;
  const entries = changes.entries ?? frames.map(({ bytes, raw }) => [bytes.length, raw.length] as const);
  return section(
    4,
    join(
      varint(changes.headerSize ?? header.length),
      varint(changes.count ?? entries.length),
      ...entries.map(([size, rawSize], i) => [...varint(size), ...varint(rawSize), ...headerCrc(frames[i])]),
      changes.check ?? (isSha256 ? sha256(content) : u64(h64Raw(content))),
      changes.extra ?? [],
    ),
  );
}
const footerOf = (index: Uint8Array, contentSize: bigint): Uint8Array =>
  join(withCrc(join(u32(index.length), u64(contentSize))), fromHex('5A4D4CF8'));

function member(header: Uint8Array, frames: readonly BuiltFrame[], changes?: IndexChanges): Uint8Array {
  const index = indexOf(header, frames, changes);
  const contentSize = frames.reduce((sum, { raw }) => sum + raw.length, 0);
  return join(header, ...frames.map(({ bytes }) => bytes), index, footerOf(index, BigInt(contentSize)));
}

const plainHeader = (chunkSize = 65536, flags = 0): Uint8Array => headerOf(join([flags], varint(chunkSize)));

async function errorOf(work: () => unknown): Promise<SpecError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error('nothing was rejected');
}
async function expectKind(
  bytes: Uint8Array,
  kind: Kind,
  models: readonly Uint8Array[] = [],
): Promise<SpecError> {
  const error = await errorOf(() => decode(bytes, { models }));
  expect(error.kind, error.message).toBe(kind);
  return error;
}

// ---------------------------------------------------------------------------------------------------------------------
// Helpers: the naive arithmetic encoder, which keeps the exact interval [low, low + range) / 2^(8 * bytes)

class NaiveEncoder {
  #low = 0n;
  #range = 2n ** 48n;
  #bytes = 6n;

  #take(from: bigint, size: bigint): void {
    this.#low += from;
    this.#range = size;
    while (this.#range <= 2n ** 40n) {
      this.#low *= 256n;
      this.#range *= 256n;
      this.#bytes += 1n;
    }
  }

  symbol(f: readonly number[], s: number): void {
    const u = this.#range / 2n ** 24n;
    const c = f.slice(0, s).reduce((sum, frequency) => sum + frequency, 0);
    this.#take(u * BigInt(c), u * BigInt(f[s]));
  }

  bit(p: number, bit: 0 | 1): void {
    const u = this.#range / 2n ** 24n;
    if (bit === 1) this.#take(0n, u * BigInt(p));
    else this.#take(u * BigInt(p), this.#range - u * BigInt(p));
  }

  /** The first string of `bits` bits, continued by zeros, in the interval. */
  #string(bits: bigint): Stream | undefined {
    const unit = 2n ** (8n * this.#bytes - bits);
    const number = (this.#low + unit - 1n) / unit;
    if (number * unit >= this.#low + this.#range) return undefined;
    const padding = (8n - (bits % 8n)) % 8n;
    let rest = number << padding;
    const stream: number[] = [];
    for (let i = 0n; i < (bits + padding) / 8n; i += 1n, rest >>= 8n) stream.unshift(Number(rest & 255n));
    return { stream: Uint8Array.from(stream), padding: Number(padding) };
  }

  finish(): Stream {
    for (let bits = 0n; ; bits += 1n) {
      const string = this.#string(bits);
      if (string !== undefined) return string;
    }
  }

  /** A string in the interval that ends with a 1 and is `more` bits longer than the shortest, if there is one. */
  tooLong(more: number): Stream | undefined {
    let { stream, padding } = this.finish();
    const bits = BigInt(8 * stream.length - padding + more);
    const unit = 2n ** (8n * this.#bytes - bits);
    let number = (this.#low + unit - 1n) / unit;
    if (number % 2n === 0n) number += 1n;
    if (number * unit >= this.#low + this.#range) return undefined;
    const digits = number.toString(2).padStart(Number(bits), '0');
    padding = (8 - (digits.length % 8)) % 8;
    stream = Uint8Array.from(
      (digits + '0'.repeat(padding)).match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)),
    );
    return { stream, padding };
  }
}
interface Stream {
  readonly stream: Uint8Array;
  readonly padding: number;
}

/** Section 7.2 with BigInt and a table from floating-point powers. */
function naiveFrequencies(x: readonly number[], b: number): number[] {
  const m = Math.max(...x);
  const w = x.map((logit) => {
    const d = BigInt(m - logit) << BigInt(8 - b);
    const power = BigInt(Math.floor(2 ** 24 * 2 ** (-Number(d % 256n) / 256)));
    return d / 256n > 24n ? 0n : power >> (d / 256n);
  });
  const W = w.reduce((sum, weight) => sum + weight, 0n);
  const R = ((2n ** 24n - BigInt(x.length)) << 28n) / W;
  const f = w.map((weight) => 1 + Number((weight * R) >> 28n));
  f[x.indexOf(m)] += 2 ** 24 - f.reduce((sum, frequency) => sum + frequency, 0);
  return f;
}

function encodeHighBits(bytes: Uint8Array): Stream {
  const encoder = new NaiveEncoder();
  const P = new Map<string, number>();
  bytes.forEach((byte, i) => {
    const before = [1, 2, 3].map((back) => (i >= back && bytes[i - back] >= 128 ? 1 : 0));
    const key = `${byte % 128} ${before.join(' ')}`;
    const now = P.get(key) ?? 61440;
    const z = byte >= 128 ? 0 : 1;
    encoder.bit(256 * now + 128, z);
    P.set(key, z === 1 ? now + ((65535 - now) >> 4) : now - (now >> 4));
  });
  return encoder.finish();
}

// ---------------------------------------------------------------------------------------------------------------------
// Helpers: tiny models. logits = one[token] + two[token before], where the state `before` is the last token.

const message = (...fields: readonly (readonly [number, number | string | Uint8Array])[]): Uint8Array =>
  join(
    ...fields.map(([field, value]) => {
      if (typeof value === 'number') return [...varint(field * 8), ...varint(value)];
      const bytes = typeof value === 'string' ? ascii(value) : value;
      return join(varint(field * 8 + 2), varint(bytes.length), bytes);
    }),
  );

interface Tiny {
  readonly alphabet: 128 | 256;
  readonly logitBits: number;
  readonly context: number;
  readonly one: readonly number[][];
  readonly two: readonly number[][];
  readonly onnx: Uint8Array;
}
interface TinyChanges {
  readonly alphabet?: 128 | 256;
  readonly logitBits?: number;
  readonly context?: number;
  readonly isFloat?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly scale?: number;
}
function tinyModel(changes: TinyChanges = {}): Tiny {
  const { alphabet = 256, logitBits = 3, context = 0, isFloat = false, scale = 1 } = changes;
  const random = randomNumbers(alphabet + logitBits);
  const table = (): number[][] =>
    Array.from({ length: alphabet + 1 }, () =>
      Array.from({ length: alphabet }, () => (random(12 << logitBits) + (isFloat ? 0.375 : 0)) * scale),
    );
  const one = table();
  const two = table();
  const type = isFloat ? 1 : 6;
  const value = (name: string, elementType: number, ...dims: readonly (number | string)[]): Uint8Array => {
    const shape = message(
      ...dims.map((dim) => [1, message([typeof dim === 'number' ? 1 : 2, dim])] as const),
    );
    return message([1, name], [2, message([1, message([1, elementType], [2, shape])])]);
  };
  const initializer = (name: string, rows: readonly number[][]): Uint8Array => {
    const numbers = rows.flat();
    const raw = isFloat ? Float32Array.from(numbers) : Int32Array.from(numbers);
    return message([1, alphabet + 1], [1, alphabet], [2, type], [8, name], [9, new Uint8Array(raw.buffer)]);
  };
  const node = (operator: string, inputs: readonly string[], output: string): Uint8Array =>
    message(...inputs.map((input) => [1, input] as const), [2, output], [4, operator]);
  const graph = message(
    [1, node('Gather', ['one', 'token'], 'g1')],
    [1, node('Gather', ['two', 'before'], 'g2')],
    [1, node('Add', ['g1', 'g2'], 'logits')],
    [1, node('Identity', ['token'], 'before_next')],
    [2, 'tiny'],
    [5, initializer('one', one)],
    [5, initializer('two', two)],
    [11, value('token', 6, 'lanes', 1)],
    [11, value('before', 6, 'lanes', 1)],
    [12, value('logits', type, 'lanes', 1, alphabet)],
    [12, value('before_next', 6, 'lanes', 1)],
  );
  const metadata: Record<string, string> = {
    'lmz.contract': '1',
    'lmz.alphabet': String(alphabet),
    'lmz.logit_bits': String(logitBits),
    'lmz.start': String(alphabet),
    'lmz.context': String(context),
    'lmz.time': 'step',
    'lmz.state.before': `0 ${alphabet}`,
    ...changes.metadata,
  };
  const onnx = message(
    [1, 8],
    [7, graph],
    [8, message([2, 13])],
    ...Object.entries(metadata).map(([key, text]) => [14, message([1, key], [2, text])] as const),
  );
  return { alphabet, logitBits, context, one, two, onnx };
}

const roundAndClip = (x: number): number => Math.min(2 ** 30, Math.max(-(2 ** 30), Math.floor(x + 0.5)));

function tinyLogits(tiny: Tiny, before: number, token: number): number[] {
  return tiny.one[token].map((logit, s) => roundAndClip(Math.fround(logit + tiny.two[before][s])));
}

interface CodedChanges {
  readonly rawSize?: number;
  readonly payload?: Uint8Array;
  readonly predictor?: readonly number[];
  readonly lanes?: number;
  readonly padding?: number;
  readonly maskSize?: number;
  readonly checksum?: bigint;
  readonly payloadSize?: number;
}
/** A coded frame from its parts, of which a test may change any. */
function coded(tiny: Tiny, raw: Uint8Array, lanes: number, changes: CodedChanges = {}): BuiltFrame {
  const { alphabet, context } = tiny;
  const encoder = new NaiveEncoder();
  const parts: Uint8Array[] = [];
  for (let l = 0, at = 0; l < lanes; l += 1) {
    const length = Math.floor(raw.length / lanes) + (l < raw.length % lanes ? 1 : 0);
    parts.push(raw.subarray(at, at + length));
    at += length;
  }
  const tokenOf = (part: Uint8Array, t: number): number =>
    t === 0 || (context > 0 && t % context === 0) ? alphabet : part[t - 1] % alphabet;
  for (let t = 0; t < parts[0].length; t += 1) {
    for (const part of parts.filter(({ length }) => t < length)) {
      const isReset = t === 0 || (context > 0 && t % context === 0);
      const logits = tinyLogits(tiny, isReset ? 0 : tokenOf(part, t - 1), tokenOf(part, t));
      encoder.symbol(naiveFrequencies(logits, tiny.logitBits), part[t] % alphabet);
    }
  }
  const symbols = encoder.finish();
  const mask = alphabet === 128 ? encodeHighBits(raw) : { stream: join(), padding: 0 };
  const payload = changes.payload ?? join(symbols.stream, mask.stream);
  const body = join(
    varint(changes.rawSize ?? raw.length),
    varint(changes.payloadSize ?? payload.length),
    u64(changes.checksum ?? h64Raw(raw)),
    changes.predictor ?? [1],
    varint(changes.lanes ?? lanes),
    [changes.padding ?? symbols.padding + 8 * mask.padding],
    varint(changes.maskSize ?? mask.stream.length),
  );
  return { bytes: join(section(1, body), payload), raw };
}

const modelHeader = (tiny: Tiny, flags = 2, chunkSize = 65536): Uint8Array =>
  headerOf(join([flags], varint(chunkSize), sha256(tiny.onnx)));

function fingerprint(tiny: Tiny, lanes: number): Uint8Array {
  const hash = createHash('sha256');
  let x = 1;
  let before: readonly number[] = Array.from({ length: lanes }, () => 0);
  for (let step = 0; step < 64; step += 1) {
    const tokens = before.map(() => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return (x >>> 16) % tiny.alphabet;
    });
    tokens.forEach((token, l) => {
      for (const logit of tinyLogits(tiny, before[l], token)) hash.update(u32(logit));
    });
    before = tokens;
  }
  return hash.digest();
}
const boundHeader = (
  tiny: Tiny,
  lanes: number,
  print = fingerprint(tiny, lanes),
  runtime = 'ort',
): Uint8Array =>
  headerOf(
    join(
      [10],
      varint(65536),
      sha256(tiny.onnx),
      varint(lanes),
      print,
      varint(runtime.length),
      ascii(runtime),
    ),
  );

// ---------------------------------------------------------------------------------------------------------------------

describe('3. checksums', () => {
  it('CRC-32 of 123456789', () => {
    expect(crc32(ascii('123456789'))).toBe(0xcbf43926);
    expect(crc32(join())).toBe(0);
  });

  it('XXH64 of nothing and of abc', () => {
    expect(xxh64(join())).toBe(0xef46db3751d8e999n);
    expect(xxh64(ascii('abc'))).toBe(0x44bc2cf5ad770999n);
  });

  it('both as other implementations have them, for all lengths up to 130', () => {
    const random = randomNumbers(3);
    for (let length = 0; length <= 130; length += 1) {
      const bytes = Uint8Array.from({ length: length + 3 }, () => random(256)).subarray(3);
      expect(xxh64(bytes)).toBe(h64Raw(bytes));
      expect(u32(crc32(bytes))).toEqual(crc(bytes));
    }
  });
});

describe('4 to 6: stored frames', () => {
  it('a file, byte by byte', async () => {
    const withCrcOf = (hex: string) => `${hex} ${hexOf(crc(fromHex(hex)))}`;
    const frame = withCrcOf('02 09 03 990977ADF52CBC44');
    const file = fromHex(`
      ${withCrcOf('F84C4D5A0D0A 01 04 00 808004')}
      ${frame} 616263
      ${withCrcOf(`04 10 10 01 12 03 ${frame.slice(-8)} 990977ADF52CBC44`)}
      ${withCrcOf('16000000 0300000000000000')} 5A4D4CF8`);
    expect(file).toEqual(member(plainHeader(), [stored(ascii('abc'))]));
    expect(await decode(file)).toEqual(new Uint8Array(ascii('abc')));
  });

  it('no frames', async () => {
    expect(await decode(member(plainHeader(), []))).toEqual(join());
  });

  it('several members, chunks and skippable frames; SHA-256', async () => {
    const one = member(plainHeader(4), [
      skippable(ascii('hi'), 0x5f),
      stored(ascii('abcd')),
      stored(ascii('e')),
      skippable(join()),
    ]);
    const two = member(plainHeader(2 ** 30, 1), [stored(ascii('fgh'))]);
    const file = join(one, two, one);
    expect(Buffer.from(await decode(file)).toString()).toBe('abcdefghabcde');

    const listed = listFrames(file);
    expect(listed.map(({ header }) => header.contentCheck)).toEqual(['xxh64', 'sha256', 'xxh64']);
    expect(listed[0].frames.map(({ kind, rawSize }) => [kind, rawSize])).toEqual([
      ['skippable', 0],
      ['stored', 4],
      ['stored', 1],
      ['skippable', 0],
    ]);
    expect(membersFromEnd(file)).toEqual(
      listed.map(({ header, frames, index, footer }) => ({
        offset: header.offset,
        size: index.offset + index.size + 20 - header.offset,
        headerSize: header.size,
        frames: frames.map(({ offset, size, rawSize, headerCrc }) => ({ offset, size, rawSize, headerCrc })),
        indexOffset: index.offset,
        indexSize: index.size,
        contentSize: footer.contentSize,
      })),
    );
  });

  it('rejects every proper beginning as truncated, after what was intact', async () => {
    const one = member(plainHeader(4), [stored(ascii('abcd')), skippable(ascii('x')), stored(ascii('ef'))]);
    for (let size = 0; size < one.length; size += 1) {
      const error = await expectKind(one.subarray(0, size), 'truncated');
      expect('abcdef'.startsWith(Buffer.from(error.content).toString())).toBe(true);
      await errorOf(() => membersFromEnd(one.subarray(0, size)));
    }
    // In a second member: what agrees with no magic is no member.
    for (let size = 1; size < one.length; size += 1) {
      await expectKind(join(one, one.subarray(0, size)), size < 6 ? 'trailing data' : 'truncated');
    }
  });

  it('rejects every flipped bit', async () => {
    const file = join(
      member(plainHeader(4), [stored(ascii('abcd')), stored(ascii('ef'))]),
      member(plainHeader(4, 1), [stored(ascii('gh'))]),
    );
    for (let bit = 0; bit < 8 * file.length; bit += 1) {
      const damaged = Uint8Array.from(file);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const error = await errorOf(() => decode(damaged));
      expect(['not lmz', 'truncated', 'corrupt', 'trailing data']).toContain(error.kind);
      expect('abcdefgh'.startsWith(Buffer.from(error.content).toString())).toBe(true);
    }
  });

  it('trailing data', async () => {
    const file = member(plainHeader(), [stored(ascii('abc'))]);
    for (const tail of [fromHex('00'), fromHex('F84C'), ascii('F8LMZ\r\n more')]) {
      const error = await expectKind(join(file, tail), 'trailing data');
      expect(Buffer.from(error.content).toString()).toBe('abc');
      expect((await errorOf(() => membersFromEnd(join(file, tail)))).kind).toBe('corrupt');
    }
  });

  it('not lmz', async () => {
    await expectKind(ascii('PK'), 'not lmz');
    await expectKind(fromHex('F84C4D5A0A 01'), 'not lmz');
  });

  it('headers', async () => {
    const cases: readonly (readonly [Kind, Uint8Array])[] = [
      ['unsupported', headerOf(fromHex('00 808004'), 2)],
      ['unsupported', headerOf(fromHex('00 808004'), 0)],
      ['corrupt', headerOf(new Uint8Array(4097))],
      ['unsupported', headerOf(fromHex('10 808004'))],
      ['unsupported', headerOf(fromHex('80 808004'))],
      ['corrupt', headerOf(join())],
      ['corrupt', headerOf(fromHex('00'))],
      ['corrupt', headerOf(fromHex('00 00'))],
      ['corrupt', headerOf(fromHex('00 8180808004'))],
      ['corrupt', headerOf(fromHex('00 8000'))],
      ['corrupt', headerOf(fromHex('00 01 00'))],
      ['corrupt', headerOf(fromHex('04 01'))],
      ['corrupt', headerOf(fromHex('08 01'))],
      ['corrupt', headerOf(fromHex('02 01'))],
      ['corrupt', headerOf(join(fromHex('02 01'), new Uint8Array(31)))],
      ['corrupt', headerOf(join(fromHex('0A 01'), new Uint8Array(32), [0], new Uint8Array(33)))],
      ['corrupt', headerOf(join(fromHex('0A 01'), new Uint8Array(32), varint(257), new Uint8Array(33)))],
      ['corrupt', headerOf(join(fromHex('0A 01'), new Uint8Array(32), [1], new Uint8Array(32), [1, 0x1f]))],
      ['corrupt', headerOf(join(fromHex('0A 01'), new Uint8Array(32), [1], new Uint8Array(32), [1, 0x7f]))],
      ['corrupt', headerOf(join(fromHex('0A 01'), new Uint8Array(32), [1], new Uint8Array(32), [2, 0x20]))],
    ];
    for (const [kind, header] of cases) await expectKind(member(header, []), kind);
    const limit = headerOf(fromHex('00 8080808004'));
    expect(await decode(member(limit, []))).toEqual(join());
    // The size in a form that is not minimal, with a CRC-32 that holds.
    await expectKind(withCrc(fromHex('F84C4D5A0D0A 01 8400 00 808004')), 'corrupt');
    // A header of another version whose CRC-32 does not hold is damaged.
    const damaged = Uint8Array.from(member(headerOf(fromHex('00 808004'), 2), []));
    damaged[9] ^= 1;
    await expectKind(damaged, 'corrupt');
  });

  it('sections', async () => {
    const raw = ascii('abc');
    const check = u64(h64Raw(raw));
    const cases: readonly (readonly [Kind, Uint8Array])[] = [
      ['unsupported', section(0, join())],
      ['unsupported', section(5, join())],
      ['unsupported', section(0x60, join())],
      ['corrupt', section(0x50, new Uint8Array(256))],
      ['corrupt', section(5, new Uint8Array(256))],
      ['corrupt', join(section(2, join([3], check, [0])), raw)],
      ['corrupt', join(section(2, join([3], check.subarray(1))), raw)],
      ['corrupt', section(2, join([0], u64(h64Raw(join()))))],
      ['corrupt', join(section(2, join([3], u64(h64Raw(raw) ^ 1n))), raw)],
      ['corrupt', join(section(0x50, fromHex('00 00')))],
      ['corrupt', section(0x50, fromHex('8000'))],
      ['corrupt', section(0x50, fromHex('FFFFFFFFFFFFFF1F'))],
      ['corrupt', section(0x50, fromHex('FFFFFFFFFFFFFFFF01'))],
      ['truncated', section(0x50, fromHex('FFFFFFFFFFFFFF0F'))],
      ['corrupt', modelFrame(raw).bytes],
      ['corrupt', section(4, join())],
    ];
    for (const [kind, bytes] of cases) await expectKind(member(plainHeader(3), [{ bytes, raw }]), kind);
    await expectKind(member(plainHeader(2), [stored(raw)]), 'corrupt');
  });

  it('the index and the footer', async () => {
    const header = plainHeader();
    const frames = [stored(ascii('abc')), stored(ascii('de'))];
    const right = frames.map(({ bytes, raw }) => [bytes.length, raw.length] as const);
    const [[a, x], [b, y]] = right;
    const wrong: readonly IndexChanges[] = [
      { headerSize: header.length + 1 },
      { count: 3 },
      { count: 1 },
      { count: 2 ** 53 - 1 },
      { entries: [right[0]] },
      { entries: [...right, [0, 0]] },
      {
        entries: [
          [a + 1, x],
          [b - 1, y],
        ],
      },
      {
        entries: [
          [a, x - 1],
          [b, y + 1],
        ],
      },
      { check: u64(0n) },
      { check: sha256(ascii('abcde')) },
      { extra: Uint8Array.from([0]) },
    ];
    expect(Buffer.from(await decode(member(header, frames, {}))).toString()).toBe('abcde');
    for (const changes of wrong) {
      const error = await expectKind(member(header, frames, changes), 'corrupt');
      expect(Buffer.from(error.content).toString()).toBe('abcde');
    }
    const index = indexOf(header, frames);
    const before = join(header, ...frames.map(({ bytes }) => bytes), index);
    const footers = [
      footerOf(index, 6n),
      footerOf(index, 2n ** 53n + 5n),
      footerOf(index.subarray(1), 5n),
      join(footerOf(index, 5n).subarray(0, 16), fromHex('5A4D4CF9')),
    ];
    for (const footer of footers) {
      await expectKind(join(before, footer), 'corrupt');
      expect((await errorOf(() => membersFromEnd(join(before, footer)))).kind).toBe('corrupt');
    }
  });

  it('the limit of output', async () => {
    const file = member(plainHeader(), [stored(ascii('abc')), stored(ascii('de'))]);
    expect((await errorOf(() => decode(file, { maxOutput: 4 }))).kind).toBe('limit');
    expect((await decode(file, { maxOutput: 5 })).length).toBe(5);
  });
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('7.2 frequencies', () => {
  it('the table', () => {
    expect([POWER[0], POWER[1], POWER[128], POWER[255]]).toEqual([16777216, 16731851, 11863283, 8411351]);
    expect(crc32(join(...POWER.map(u32)))).toBe(0x4989ac5a);
  });

  it('as with BigInt; a total of 2^24, none zero', () => {
    const random = randomNumbers(7);
    for (let i = 0; i < 200; i += 1) {
      const size = i % 2 === 0 ? 256 : 128;
      const spread = 2 ** random(31);
      const b = random(9);
      const logits = Array.from({ length: size }, () => random(2 * spread) - spread);
      const f = frequenciesOf(logits, b);
      expect(f).toEqual(naiveFrequencies(logits, b));
      expect(f.reduce((sum, frequency) => sum + frequency, 0)).toBe(2 ** 24);
      expect(Math.min(...f)).toBeGreaterThan(0);
    }
  });

  it('equal logits, and the first of two greatest takes the rest', () => {
    expect(new Set(frequenciesOf(new Array<number>(256).fill(-5), 0))).toEqual(new Set([65536]));
    const f = frequenciesOf([...new Array<number>(127).fill(-7), 4, 4].slice(1), 0);
    expect(f[126]).toBeGreaterThanOrEqual(f[127]);
    expect(f).toEqual(naiveFrequencies([...new Array<number>(127).fill(-7), 4, 4].slice(1), 0));
  });
});

describe('7.3 the arithmetic decoder', () => {
  it('symbols and bits of many kinds of chances', () => {
    const random = randomNumbers(11);
    let tooLong = 0;
    for (let round = 0; round < 60; round += 1) {
      const encoder = new NaiveEncoder();
      const coded: ({ f: number[]; s: number } | { p: number; bit: 0 | 1 })[] = [];
      const spread = 1 + random(40);
      for (let i = 0; i < round * 4; i += 1) {
        if (random(2) === 0) {
          const f = frequenciesOf(
            Array.from({ length: 256 }, () => random(spread)),
            0,
          );
          const s = random(256);
          encoder.symbol(f, s);
          coded.push({ f, s });
        } else {
          const p = [1, 128, 2 ** 23, 2 ** 24 - 1, 1 + random(2 ** 24 - 1)][random(5)];
          const bit = random(2) === 0 ? 0 : 1;
          encoder.bit(p, bit);
          coded.push({ p, bit });
        }
      }
      const { stream, padding } = encoder.finish();
      const run = (from: Stream): void => {
        const decoder = new ArithmeticDecoder(from.stream, from.padding);
        for (const item of coded) {
          if ('f' in item) expect(decoder.symbol(item.f)).toBe(item.s);
          else expect(decoder.bit(item.p)).toBe(item.bit);
        }
        decoder.finish();
      };
      run({ stream, padding });
      // Longer strings of the same meaning are rejected.
      const longer = [1, 2, 7, 8, 30].map((more) => (round === 0 ? undefined : encoder.tooLong(more)));
      if (stream.length > 0) longer.push({ stream: join(stream, new Uint8Array(60), [1]), padding: 0 });
      for (const string of longer) {
        if (string === undefined) continue;
        tooLong += 1;
        expect(() => {
          run(string);
        }).toThrow('not the shortest');
      }
    }
    expect(tooLong).toBeGreaterThan(200);
  });

  it('bits that are always likely take an empty stream', () => {
    const decoder = new ArithmeticDecoder(join(), 0);
    for (let i = 0; i < 1000; i += 1) expect(decoder.bit(2 ** 24 - 1 - i)).toBe(1);
    decoder.finish();
  });

  it('padded bits', () => {
    for (const [stream, padding] of [
      ['', 1],
      ['00', 0],
      ['8000', 7],
      ['80', 6],
      ['81', 1],
    ] as const) {
      expect(() => new ArithmeticDecoder(fromHex(stream), padding)).toThrow(SpecError);
    }
    expect(() => new ArithmeticDecoder(fromHex('80'), 7)).not.toThrow();
  });

  it('a number beyond all symbols', () => {
    // After one bit, range is 2^48 - 2^24 * p and no multiple of 2^24 any more; its last part belongs to no symbol.
    const f = new Array<number>(256).fill(65536);
    const decoder = new ArithmeticDecoder(fromHex('FFFFFFFFFFFFFF'), 0);
    expect(decoder.bit(2 ** 24 - 3)).toBe(0);
    expect(decoder.bit(12345)).toBe(0);
    expect(() => {
      for (let i = 0; i < 4; i += 1) decoder.symbol(f);
    }).toThrow('beyond all symbols');
  });
});

describe('7.4 masked MSBs', () => {
  it('decodes what the naive encoder made', () => {
    const random = randomNumbers(13);
    for (const bound of [129, 140, 200, 256]) {
      const bytes = Uint8Array.from({ length: 300 }, () => random(bound));
      const { stream, padding } = encodeHighBits(bytes);
      expect(
        decodeHighBits(
          bytes.map((byte) => byte & 127),
          stream,
          padding,
        ),
      ).toEqual(bytes);
    }
  });

  it('is empty without high bits', () => {
    const bytes = ascii('no high bits here');
    expect(encodeHighBits(bytes)).toEqual({ stream: join(), padding: 0 });
    expect(decodeHighBits(bytes, join(), 0)).toEqual(new Uint8Array(bytes));
  });
});

describe('predictor 1 with tiny models', () => {
  const random = randomNumbers(17);
  const bytes = Uint8Array.from({ length: 61 }, () => random(256));

  it('all lanes, sizes, alphabets, contexts', async () => {
    for (const tiny of [
      tinyModel(),
      tinyModel({ alphabet: 128 }),
      tinyModel({ context: 4, logitBits: 0 }),
      tinyModel({ alphabet: 128, context: 1, logitBits: 8, metadata: { 'lmz.time': 'sequence' } }),
    ]) {
      for (const lanes of [1, 2, 7, 256]) {
        const frames = [coded(tiny, bytes, lanes), stored(bytes), coded(tiny, bytes.subarray(0, 5), lanes)];
        const file = member(modelHeader(tiny), frames);
        expect(await decode(file, { models: [join(), tiny.onnx] })).toEqual(
          join(bytes, bytes, bytes.subarray(0, 5)),
        );
        expect(listFrames(file)[0].frames[0]).toMatchObject({
          kind: 'coded',
          predictor: 1,
          parameters: { lanes },
        });
      }
    }
  });

  it('the embedded model', async () => {
    const tiny = tinyModel();
    const header = modelHeader(tiny, 6);
    const frame = coded(tiny, bytes, 2);
    const file = member(header, [modelFrame(tiny.onnx), skippable(join()), frame]);
    expect(await decode(file)).toEqual(bytes);
    expect((await errorOf(() => decode(file, { trustEmbedded: false }))).kind).toBe('model');
    expect(await decode(file, { trustEmbedded: false, models: [tiny.onnx] })).toEqual(bytes);
    const model = modelFrame(tiny.onnx);
    await expectKind(member(header, []), 'corrupt');
    await expectKind(member(header, [frame], {}), 'corrupt');
    await expectKind(member(header, [skippable(join()), model, frame]), 'corrupt');
    await expectKind(member(header, [model, model, frame]), 'corrupt');
    await expectKind(member(modelHeader(tiny, 2), [model, frame]), 'corrupt');
    await expectKind(member(header, [modelFrame(tinyModel({ context: 9 }).onnx), frame]), 'model');
    expect(await decode(member(header, [model]))).toEqual(join());
  });

  it('a missing model matters only to coded frames', async () => {
    const tiny = tinyModel();
    expect(await decode(member(modelHeader(tiny), [stored(bytes)]))).toEqual(bytes);
    const error = await expectKind(
      member(modelHeader(tiny), [stored(bytes), coded(tiny, bytes, 1)]),
      'model',
    );
    expect(error.content).toEqual(Buffer.from(bytes));
  });

  it('headers of coded frames', async () => {
    const ascii128 = tinyModel({ alphabet: 128 });
    const tiny = tinyModel();
    const cases: readonly (readonly [Kind, Tiny, CodedChanges])[] = [
      ['unsupported', tiny, { predictor: [0] }],
      ['unsupported', tiny, { predictor: varint(2 ** 40) }],
      ['corrupt', tiny, { predictor: [0x81, 0] }],
      ['corrupt', tiny, { lanes: 0 }],
      ['corrupt', tiny, { lanes: 257 }],
      ['unsupported', tiny, { padding: 0x40 }],
      ['unsupported', tiny, { padding: 0x80 }],
      ['corrupt', tiny, { padding: 0x08 }],
      ['corrupt', tiny, { rawSize: 0 }],
      ['corrupt', tiny, { rawSize: 65537 }],
      ['corrupt', tiny, { rawSize: bytes.length + 1 }],
      ['corrupt', tiny, { rawSize: bytes.length - 1 }],
      ['corrupt', tiny, { checksum: 1n }],
      ['corrupt', tiny, { maskSize: 1 }],
      ['corrupt', tiny, { maskSize: 10000 }],
      ['corrupt', tiny, { payload: join(), padding: 1, maskSize: 0 }],
      ['corrupt', tiny, { payload: new Uint8Array(4 * bytes.length + 17).fill(1), padding: 0 }],
      ['corrupt', tiny, { payload: join([1], new Uint8Array(4 * bytes.length + 15).fill(1)), padding: 0 }],
      ['corrupt', ascii128, { maskSize: 0 }],
      ['corrupt', ascii128, { maskSize: 1 }],
      ['truncated', tiny, { payloadSize: 200 }],
    ];
    for (const [kind, model, changes] of cases) {
      const file = member(modelHeader(model), [coded(model, bytes, 2, changes)]);
      // Nothing after the frame, for those whose size lies.
      const end = changes.payloadSize === undefined ? file.length : file.length - 90;
      await expectKind(file.subarray(0, end), kind, [model.onnx]);
    }
    await expectKind(member(plainHeader(), [coded(tiny, bytes, 2)]), 'corrupt', [tiny.onnx]);
    // An unknown predictor can be listed.
    const unknown = member(plainHeader(), [coded(tiny, bytes, 2, { predictor: [3] })]);
    expect(listFrames(unknown)[0].frames[0]).toMatchObject({ kind: 'coded', predictor: 3 });
    await expectKind(unknown, 'unsupported');
  });

  it('rejects every flipped bit of a coded frame', async () => {
    const tiny = tinyModel({ alphabet: 128 });
    const header = modelHeader(tiny);
    const file = member(header, [coded(tiny, bytes.subarray(0, 12), 2)]);
    for (let bit = 8 * header.length; bit < 8 * file.length; bit += 1) {
      const damaged = Uint8Array.from(file);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const error = await errorOf(() => decode(damaged, { models: [tiny.onnx] }));
      expect(['truncated', 'corrupt']).toContain(error.kind);
    }
  });

  it('models that break the contract', async () => {
    const changes: readonly TinyChanges[] = [
      { metadata: { 'lmz.contract': '2' } },
      { metadata: { 'lmz.alphabet': '200' } },
      { metadata: { 'lmz.logit_bits': '9' } },
      { metadata: { 'lmz.logit_bits': '03' } },
      { metadata: { 'lmz.start': '' } },
      { metadata: { 'lmz.context': '-1' } },
      { metadata: { 'lmz.time': 'both' } },
      { metadata: { 'lmz.alphabet': '128' } },
      { isFloat: true },
      { scale: 10 ** 7 },
    ];
    for (const change of changes) {
      const tiny = tinyModel(change);
      await expectKind(member(modelHeader(tiny), [coded(tiny, bytes, 1)]), 'model', [tiny.onnx]);
    }
    for (const onnx of [join(), ascii('not a model'), tinyModel().onnx.subarray(0, 1000)]) {
      const tiny = { ...tinyModel(), onnx };
      await expectKind(member(modelHeader(tiny), [coded(tiny, bytes, 1)]), 'model', [onnx]);
    }
  });

  it('members bound to a platform', async () => {
    for (const tiny of [
      tinyModel({ isFloat: true, context: 16 }),
      tinyModel({ isFloat: true, alphabet: 128, logitBits: 8, scale: -1.25 }),
      tinyModel({ isFloat: true, scale: 4e7, logitBits: 0 }),
      tinyModel(),
    ]) {
      for (const lanes of [1, 3]) {
        const models = [tiny.onnx];
        const file = member(boundHeader(tiny, lanes), [stored(bytes), coded(tiny, bytes, lanes)]);
        expect(await decode(file, { models })).toEqual(join(bytes, bytes));
        expect(listFrames(file)[0].header.bound).toMatchObject({ lanes, runtime: 'ort' });
        const other = boundHeader(tiny, lanes, fingerprint(tiny, lanes + 1));
        await expectKind(member(other, [coded(tiny, bytes, lanes)]), 'model', models);
        await expectKind(
          member(boundHeader(tiny, lanes), [coded(tiny, bytes, lanes + 1)]),
          'corrupt',
          models,
        );
      }
    }
  });
});
