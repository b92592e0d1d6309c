/**
 * The one hash function of the mixing: two 32-bit words to one.
 *
 * @module
 */

/** Mixes two 32-bit words (signed or unsigned alike) into one; signed result. */
export function hash2(a: number, b: number): number {
  let h = (Math.imul(a, 0x2f0b4c47) + Math.imul(b, 0x9e3779b1)) | 0;
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** Multiplier of the running hashes of words, tags and match contexts. */
export const ROLL_FACTOR = 0x2f0b4c47;
