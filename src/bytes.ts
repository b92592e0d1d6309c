/**
 * Bounded readers and writers of bytes, and the canonical variable-length integers of the format
 * (spec/lmz-format.md, section 2).
 *
 * @module
 */
import { LmzError } from './errors.ts';

/** Largest value that a varint carries: the largest integer that a double holds with all its neighbours. */
export const VARINT_MAX = Number.MAX_SAFE_INTEGER;
/** Longest varint in bytes: ceil(53 / 7). */
export const VARINT_MAX_BYTES = 8;

/** Number of bytes that {@link ByteWriter.varint} writes for `value`. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Collects a structure's bytes, little-endian. */
export class ByteWriter {
  #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(value: number): this {
    this.#bytes.push(value & 255);
    return this;
  }

  u32(value: number): this {
    return this.u8(value)
      .u8(value >>> 8)
      .u8(value >>> 16)
      .u8(value >>> 24);
  }

  u64(value: bigint): this {
    return this.u32(Number(value & 0xffffffffn)).u32(Number((value >> 32n) & 0xffffffffn));
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** LEB128: seven bits a byte, low bits first, the high bit set on all but the last; minimal by construction. */
  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`varint expected 0..2^53-1, got ${value}`);
    let rest = value;
    while (rest >= 128) {
      this.u8((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    return this.u8(rest);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * Reads a structure that is wholly in memory. Running past its end is corruption, not truncation: the caller has all
 * the bytes that the structure's own length announced.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #base: number;
  #at = 0;

  /**
   * @param what  the structure's name, for messages
   * @param base  offset of `bytes[0]` in the compressed input, for messages
   */
  constructor(bytes: Uint8Array, what: string, base: number) {
    this.#bytes = bytes;
    this.#what = what;
    this.#base = base;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  fail(problem: string): LmzError {
    return new LmzError('LMZ_CORRUPT', `${this.#what}: ${problem}`, { offset: this.#base + this.#at });
  }

  u8(field: string): number {
    if (this.remaining < 1) throw this.fail(`ends inside ${field}`);
    return this.#bytes[this.#at++];
  }

  u32(field: string): number {
    const bytes = this.raw(4, field);
    return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
  }

  u64(field: string): bigint {
    const low = this.u32(field);
    return BigInt(low) | (BigInt(this.u32(field)) << 32n);
  }

  /** A copy of the next `length` bytes. */
  raw(length: number, field: string): Uint8Array {
    if (this.remaining < length)
      throw this.fail(`ends inside ${field} (${length} bytes, ${this.remaining} left)`);
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  /** A varint in minimal form and at most `max`. */
  varint(field: string, max: number = VARINT_MAX): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < VARINT_MAX_BYTES; i++) {
      const byte = this.u8(field);
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0 && i > 0) throw this.fail(`${field} is not in minimal form`);
        if (value > max) throw this.fail(`${field} is ${value}, past its limit of ${max}`);
        return value;
      }
      scale *= 128;
    }
    throw this.fail(`${field} is longer than ${VARINT_MAX_BYTES} bytes`);
  }

  /** Requires that nothing is left. */
  end(): void {
    if (this.remaining > 0) throw this.fail(`${this.remaining} bytes too many`);
  }
}

/** Whether two byte arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Lower-case hexadecimal form. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
