/**
 * The arithmetic coder: a carry-propagating range coder (G. N. N. Martin, 1979) with a 48-bit register, renormalised by
 * bytes (spec/lmz-format.md, section 7.3). Encoder and decoder share one interface, so that whatever drives them, a
 * model or a mixer, is written once for both directions.
 *
 * All values are integers below 2^53 in doubles, hence exact. Invariants, before and after every symbol:
 *
 *     0 <= low < 2^48              encoder: low end of the interval, less the bytes already written
 *     2^40 < range <= 2^48         both: width of the interval
 *     0 <= offset < range          decoder: the coded number less the interval's low end
 *
 * With 2^40 < range and a total of 2^24, one unit of frequency is at least 2^16 units of range: rounding the range down
 * to a multiple of the total costs less than 2.2e-5 bits a symbol.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import { CDF_TOTAL } from './cdf.ts';

const TOP = 2 ** 48;
const BOTTOM = 2 ** 40;
const REGISTER_BYTES = 6;
const REGISTER_BITS = 48;

/** What a model sees of the coder, in either direction. */
export interface EntropyCoder {
  /** Whether all symbols are known before they are coded. */
  readonly encodes: boolean;
  /**
   * Encoder: codes `symbol` and returns it. Decoder: ignores its argument and returns the symbol decoded.
   *
   * @param cdf  cumulative frequencies, `cdf[0] = 0` to `cdf[cdf.length - 1] = 2^24`, strictly rising
   */
  symbol(cdf: Uint32Array, symbol: number): number;
  /**
   * The same for one bit.
   *
   * @param probability  of a 1, in units of 2^-24: an integer from 1 to 2^24 - 1
   */
  bit(probability: number, bit: number): number;
}

/** A finished arithmetic-coded stream. */
export interface CodedBits {
  readonly bytes: Uint8Array;
  /** Number of zero bits, 0..7, that fill the last byte. */
  readonly paddedBits: number;
}

/** Writes symbols; {@link finish} returns the shortest bit string that decodes to them. */
export class ArithmeticEncoder implements EntropyCoder {
  readonly encodes = true;
  #low = 0;
  #range = TOP;
  #bytes: Uint8Array;
  #length = 0;

  /** @param sizeHint  expected size of the output in bytes */
  constructor(sizeHint = 1024) {
    this.#bytes = new Uint8Array(Math.max(16, sizeHint));
  }

  /** Bytes written so far, not counting what the register still holds. */
  get length(): number {
    return this.#length;
  }

  symbol(cdf: Uint32Array, symbol: number): number {
    const unit = Math.floor(this.#range / CDF_TOTAL);
    const start = cdf[symbol];
    this.#low += unit * start;
    this.#range = unit * (cdf[symbol + 1] - start);
    this.#renormalise();
    return symbol;
  }

  bit(probability: number, bit: number): number {
    const bound = Math.floor(this.#range / CDF_TOTAL) * probability;
    if (bit === 1) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    this.#renormalise();
    return bit;
  }

  #renormalise(): void {
    if (this.#low >= TOP) {
      this.#low -= TOP;
      this.#carry();
    }
    while (this.#range <= BOTTOM) {
      const byte = Math.floor(this.#low / BOTTOM);
      this.#put(byte);
      this.#low = (this.#low - byte * BOTTOM) * 256;
      this.#range *= 256;
    }
  }

  /** Adds one to the bytes already written; low < 2^48 before the addition makes an overflow of the first impossible. */
  #carry(): void {
    let at = this.#length - 1;
    while (this.#bytes[at] === 255) this.#bytes[at--] = 0;
    this.#bytes[at]++;
  }

  #put(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = byte;
  }

  /**
   * Ends the stream with the shortest bit string whose continuation by zeros lies in the final interval. It is unique,
   * and empty or ends in a 1: of two neighbouring multiples of 2^-k one is a multiple of 2^-(k-1), and shorter.
   * The encoder must not be used afterwards.
   */
  finish(): CodedBits {
    const end = this.#low + this.#range;
    let step = TOP;
    let value = Math.ceil(this.#low / step) * step;
    while (value >= end) {
      step /= 2;
      value = Math.ceil(this.#low / step) * step;
    }
    if (value >= TOP) {
      value -= TOP;
      this.#carry();
    }
    for (let i = 0; i < REGISTER_BYTES; i++) {
      const byte = Math.floor(value / BOTTOM);
      this.#put(byte);
      value = (value - byte * BOTTOM) * 256;
    }
    while (this.#length > 0 && this.#bytes[this.#length - 1] === 0) this.#length--;
    const bytes = this.#bytes.slice(0, this.#length);
    return { bytes, paddedBits: trailingZeros(bytes) };
  }

  /** Throws where an invariant of the module's head does not hold; for tests. */
  checkInvariants(): void {
    if (!(this.#low >= 0 && this.#low < TOP)) throw new Error(`low out of range: ${this.#low}`);
    if (!(this.#range > BOTTOM && this.#range <= TOP)) throw new Error(`range out of range: ${this.#range}`);
  }
}

/** Reads what {@link ArithmeticEncoder} wrote. */
export class ArithmeticDecoder implements EntropyCoder {
  readonly encodes = false;
  readonly #bytes: Uint8Array;
  #read = 0;
  #offset = 0;
  #range = TOP;

  /** @throws LmzError LMZ_CORRUPT where the padding is not what `paddedBits` says */
  constructor({ bytes, paddedBits }: CodedBits) {
    requireCanonicalPadding({ bytes, paddedBits });
    this.#bytes = bytes;
    for (let i = 0; i < REGISTER_BYTES; i++) this.#offset = this.#offset * 256 + this.#next();
  }

  /** @throws LmzError LMZ_CORRUPT where no symbol has the number read */
  symbol(cdf: Uint32Array): number {
    const unit = Math.floor(this.#range / CDF_TOTAL);
    const offset = this.#offset;
    let low = 0;
    let high = cdf.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (unit * cdf[middle] <= offset) low = middle;
      else high = middle;
    }
    const start = cdf[low];
    this.#offset = offset - unit * start;
    this.#range = unit * (cdf[low + 1] - start);
    // Only the last symbol has nothing above it: the sliver that rounding the range left over belongs to nobody.
    if (this.#offset >= this.#range) throw corrupt('it holds a number that no symbol has');
    this.#renormalise();
    return low;
  }

  bit(probability: number): number {
    const bound = Math.floor(this.#range / CDF_TOTAL) * probability;
    let bit = 0;
    if (this.#offset < bound) {
      this.#range = bound;
      bit = 1;
    } else {
      this.#offset -= bound;
      this.#range -= bound;
    }
    this.#renormalise();
    return bit;
  }

  #renormalise(): void {
    while (this.#range <= BOTTOM) {
      this.#range *= 256;
      this.#offset = this.#offset * 256 + this.#next();
    }
  }

  #next(): number {
    const at = this.#read++;
    return at < this.#bytes.length ? this.#bytes[at] : 0;
  }

  /**
   * Requires, after the last symbol, that the stream is the one that the encoder ends with: all of it was read, and no
   * shorter bit string lies in the final interval.
   *
   * @throws LmzError LMZ_CORRUPT
   */
  finish(): void {
    requireShortestEnd(this.#bytes, this.#read, this.#offset, this.#range);
  }

  /** Throws where an invariant of the module's head does not hold; for tests. */
  checkInvariants(): void {
    if (!(this.#range > BOTTOM && this.#range <= TOP)) throw new Error(`range out of range: ${this.#range}`);
    if (!(this.#offset >= 0 && this.#offset < this.#range))
      throw new Error(`offset out of range: ${this.#offset}`);
  }
}

function corrupt(problem: string): LmzError {
  return new LmzError('LMZ_CORRUPT', `arithmetic-coded stream: ${problem}`);
}

/** @throws LmzError LMZ_CORRUPT where the padding is not what `paddedBits` says */
export function requireCanonicalPadding({ bytes, paddedBits }: CodedBits): void {
  if (trailingZeros(bytes) !== paddedBits) throw corrupt('its padding bits are not canonical');
}

/**
 * See {@link ArithmeticDecoder.finish}.
 *
 * @param bytes   the stream
 * @param read    bytes read, those past the end included
 * @param offset  the coded number less the interval's low end
 * @param range   width of the interval
 * @throws LmzError LMZ_CORRUPT
 */
export function requireShortestEnd(bytes: Uint8Array, read: number, offset: number, range: number): void {
  const lastByte = bytes.at(-1);
  if (lastByte === undefined) return;
  // Weight of the stream's last bit, a 1, is 2^exponent in the register's scale.
  const exponent = 8 * (read - bytes.length) + (31 - Math.clz32(lastByte & -lastByte));
  if (exponent < 0) throw corrupt('it goes on after its last symbol');
  if (exponent >= REGISTER_BITS) return;
  const weight = 2 ** exponent;
  // The only candidates for a shorter string are the neighbours: the last 1 taken away, or carried upwards.
  if (offset >= weight || offset + weight < range) {
    throw corrupt('it does not end with the shortest possible string');
  }
}

/** Zero bits at the end of the last byte; 8 where that byte is zero (never canonical), 0 where there is none. */
export function trailingZeros(bytes: Uint8Array): number {
  const last = bytes.at(-1);
  if (last === undefined) return 0;
  return last === 0 ? 8 : 31 - Math.clz32(last & -last);
}
