/**
 * Hashed contexts: which row of each n-gram table belongs to the bytes seen so far. The same arithmetic runs here
 * in doubles, and inside exported models in int64; every sum stays below 2^53, so both are exact.
 *
 * The hash is linear: the last six bytes and two word hashes, times a matrix of small coefficients, modulo a prime
 * table size. One integer matrix product in an exported graph.
 *
 * @module
 */
import {
  CONTEXT_BYTES,
  CONTEXT_SIZE,
  LETTER_VALUES,
  WORD_FACTOR,
  WORD_MODULUS,
} from '../model/recurrent/network.ts';
import { Random } from './random.ts';

/** What the n-gram tables may look at. */
export const CONTEXT_KINDS = {
  order1: { bytes: 1, word: false, previous: false },
  order2: { bytes: 2, word: false, previous: false },
  order3: { bytes: 3, word: false, previous: false },
  order4: { bytes: 4, word: false, previous: false },
  order5: { bytes: 5, word: false, previous: false },
  order6: { bytes: 6, word: false, previous: false },
  /** The letters of the word so far (case folded) and the last byte. */
  word: { bytes: 1, word: true, previous: false },
  /** The word so far, the word before it, and the last byte. */
  words: { bytes: 1, word: true, previous: true },
} as const;
/** A table's context. */
export type ContextKind = keyof typeof CONTEXT_KINDS;

/** Coefficients are below 2^20: two word terms below 2^51 each, and byte terms, add up to less than 2^53. */
const COEFFICIENT_LIMIT = 2 ** 20;
/** Part of the format of exported models only through the coefficients that they hold. */
const COEFFICIENT_SEED = 20_260_101;

/** Coefficients [CONTEXT_SIZE, tables], row-major. */
export function contextCoefficients(kinds: readonly ContextKind[]): Float64Array {
  const coefficients = new Float64Array(CONTEXT_SIZE * kinds.length);
  kinds.forEach((kind, table) => {
    const { bytes, word, previous } = CONTEXT_KINDS[kind];
    // Seeded by kind, so that a table's rows mean the same whatever other tables a network has.
    const random = new Random(COEFFICIENT_SEED + Object.keys(CONTEXT_KINDS).indexOf(kind));
    for (let i = 0; i < CONTEXT_SIZE; i++) {
      const coefficient = 1 + Math.floor(random.uniform() * (COEFFICIENT_LIMIT - 1));
      const used = i < CONTEXT_BYTES ? i < bytes : i === CONTEXT_BYTES ? word : previous;
      if (used) coefficients[i * kinds.length + table] = coefficient;
    }
  });
  return coefficients;
}

/** The contexts of one stream of bytes: fed byte by byte, it tells the table rows. */
export class ContextHasher {
  /** The last bytes, newest first; then the word so far and the word before it. */
  readonly vector = new Float64Array(CONTEXT_SIZE);
  readonly #coefficients: Float64Array;
  readonly #rows: readonly number[];

  /**
   * @param kinds - one context per table.
   * @param rows - each table's size, a prime.
   */
  constructor(kinds: readonly ContextKind[], rows: readonly number[]) {
    this.#coefficients = contextCoefficients(kinds);
    this.#rows = rows;
  }

  /** Forgets everything, as at the start of a file. */
  reset(): void {
    this.vector.fill(0);
  }

  /** Takes a byte. */
  push(byte: number): void {
    const v = this.vector;
    v.copyWithin(1, 0, CONTEXT_BYTES - 1);
    v[0] = byte;
    const letter = LETTER_VALUES[byte];
    const word = v[CONTEXT_BYTES];
    if (letter !== 0) {
      v[CONTEXT_BYTES] = (word * WORD_FACTOR + letter) % WORD_MODULUS;
    } else if (word !== 0) {
      v[CONTEXT_BYTES + 1] = word;
      v[CONTEXT_BYTES] = 0;
    }
  }

  /** Writes the row of every table into `out` from `offset`; rows count from zero in each table. */
  indices(out: Int32Array, offset: number): void {
    const tables = this.#rows.length;
    const v = this.vector;
    const c = this.#coefficients;
    for (let table = 0; table < tables; table++) {
      let sum = 0;
      for (let i = 0; i < CONTEXT_SIZE; i++) sum += v[i] * c[i * tables + table];
      // As `%`, which V8 computes bit by bit: the quotient is off by one at most, and every product is exact.
      const rows = this.#rows[table];
      const remainder = sum - Math.floor(sum / rows) * rows;
      out[offset + table] =
        remainder < 0 ? remainder + rows : remainder >= rows ? remainder - rows : remainder;
    }
  }
}
