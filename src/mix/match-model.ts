/**
 * The match model: finds the last place where the same bytes came before, in this lane or another, and predicts what
 * followed there, for as long as it keeps being right.
 *
 * Lanes go in lock-step, so what a pointer meets is known: a place is entered into the table just before its byte is
 * coded, and the pointer moves as fast as the lane that it reads from.
 *
 * @module
 */
import { COUNT_LIMIT, adapt } from './adaptive-probability.ts';
import { ROLL_FACTOR } from './hash.ts';
import { STRETCH_TABLE } from './logistic.ts';

/** A new match is compared backwards up to this length; a running one counts on to the other limit. */
const VERIFY_LIMIT = 400;
const LENGTH_LIMIT = 65535;
/** Buckets of match lengths. */
const LENGTHS = 32;
/** First words of adaptive probabilities where a bit is expected, which it is with about 3/4. */
export const EXPECT_ZERO: number = 1096 * 2 ** 20;
export const EXPECT_ONE: number = 3000 * 2 ** 20;

/** Number of bits of v. */
export function bitLength(v: number): number {
  return 32 - Math.clz32(v);
}

/** Where a lane's match stands. */
export interface MatchCursor {
  /** Next byte's place in the chunk, while `length > 0`. */
  at: number;
  length: number;
}

/** Matches of one minimum length, of all lanes. */
export class MatchModel {
  /** The byte expected; -1 without a match, or after one of its bits was wrong. */
  expected = -1;
  readonly #chunk: Uint8Array;
  readonly #laneStarts: ArrayLike<number>;
  readonly #minimum: number;
  readonly #bits: number;
  readonly #table: Uint32Array;
  readonly #cursors: MatchCursor[];
  readonly #words = new Uint32Array(LENGTHS * 2);
  #cursor: MatchCursor;
  #word = -1;

  /**
   * @param laneStarts  where lanes begin, and, as last entry, where the chunk ends
   * @param bits        log2 of the number of places remembered
   */
  constructor(chunk: Uint8Array, laneStarts: ArrayLike<number>, minimum: number, bits: number) {
    this.#chunk = chunk;
    this.#laneStarts = laneStarts;
    this.#minimum = minimum;
    this.#bits = bits;
    this.#table = new Uint32Array(2 ** bits);
    this.#cursors = Array.from({ length: laneStarts.length - 1 }, () => ({ at: 0, length: 0 }));
    this.#cursor = this.#cursors[0];
    for (let i = 0; i < this.#words.length; i++) this.#words[i] = i % 2 === 0 ? EXPECT_ZERO : EXPECT_ONE;
  }

  /** Length of the current lane's match, 0 without one. */
  get length(): number {
    return this.#cursor.length;
  }

  /** Before the byte at `at` of a lane is coded. */
  beginByte(lane: number, at: number): void {
    const chunk = this.#chunk;
    const start = this.#laneStarts[lane];
    const cursor = (this.#cursor = this.#cursors[lane]);
    if (at > start) {
      if (cursor.length > 0 && chunk[cursor.at] === chunk[at - 1]) {
        cursor.at++;
        if (cursor.length < LENGTH_LIMIT) cursor.length++;
        if (cursor.at >= chunk.length) cursor.length = 0;
      } else {
        cursor.length = 0;
      }
      if (at - start >= this.#minimum) {
        let hash = 0;
        for (let i = 1; i <= this.#minimum; i++) hash = Math.imul(hash + chunk[at - i] + 1, ROLL_FACTOR);
        hash >>>= 32 - this.#bits;
        if (cursor.length === 0) this.#look(cursor, this.#table[hash], at, at - start);
        this.#table[hash] = at;
      }
    }
    this.expected = cursor.length > 0 ? chunk[cursor.at] : -1;
  }

  #look(cursor: MatchCursor, place: number, at: number, known: number): void {
    if (place === 0) return;
    const chunk = this.#chunk;
    // Bytes before the start of the place's lane are another lane's end, and may not be known yet.
    let lane = 0;
    while (this.#laneStarts[lane + 1] < place) lane++;
    const limit = Math.min(VERIFY_LIMIT, known, place - this.#laneStarts[lane]);
    let length = 0;
    while (length < limit && chunk[place - 1 - length] === chunk[at - 1 - length]) length++;
    if (length >= this.#minimum) {
      cursor.length = length;
      cursor.at = place;
    }
  }

  /**
   * The inputs `inputs[at]` and `inputs[at + 1]` for the next bit.
   *
   * @param partial  the bits of the byte so far, after a leading 1
   * @param shift    place of the next bit in the byte, 7 to 0
   */
  predict(inputs: Float32Array, at: number, partial: number, shift: number): void {
    this.#word = -1;
    inputs[at] = 0;
    inputs[at + 1] = 0;
    if (this.expected < 0) return;
    if ((this.expected + 256) >> (shift + 1) !== partial) {
      this.expected = -1;
      return;
    }
    const { length } = this.#cursor;
    const bucket = Math.min(LENGTHS - 1, length < 16 ? length : bitLength(length) * 2 + 6);
    this.#word = bucket * 2 + ((this.expected >> shift) & 1);
    const p = this.#words[this.#word] >>> 20;
    inputs[at] = STRETCH_TABLE[p];
    inputs[at + 1] = (p - 2048) / 1024;
  }

  /** Learns the bit. */
  update(bit: number): void {
    if (this.#word >= 0) adapt(this.#words, this.#word, bit, COUNT_LIMIT);
  }
}
