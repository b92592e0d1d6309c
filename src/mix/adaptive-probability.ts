/**
 * Adaptive probabilities: 22 bits of probability of a 1 and, below them, 10 bits of a count, in one 32-bit word. The
 * first bits move it far, later ones by 1/(count + 1.5), never less than by 1/(limit + 1.5).
 *
 * @module
 */

/** The largest limit of a count. */
export const COUNT_LIMIT = 1023;
const PROBABILITY_MAX = 0x3fffff;

/** `floor(2^14 / (n + 1.5))` */
export const RATE: Int32Array = Int32Array.from({ length: COUNT_LIMIT + 1 }, (_, n) =>
  Math.floor(32768 / (2 * n + 3)),
);

/** A probability of 1/2 of which nothing is known. */
export const UNKNOWN_PROBABILITY: number = 2 ** 31;

/** Moves word `at` towards `bit`. */
export function adapt(words: Uint32Array, at: number, bit: number, limit: number): void {
  const word = words[at];
  const count = word & COUNT_LIMIT;
  let p = word >>> 10;
  p += (((bit << 16) - (p >> 6)) * RATE[count]) >> 8;
  if (p < 0) p = 0;
  else if (p > PROBABILITY_MAX) p = PROBABILITY_MAX;
  words[at] = (p << 10) | (count < limit ? count + 1 : count);
}
