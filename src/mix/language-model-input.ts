/**
 * The language model's distribution of a byte as predictions of its bits: each is the logarithm of a quotient of two sums
 * of frequencies, exact integers from the CDF.
 *
 * @module
 */
import { logarithm } from './logistic.ts';

/** One byte's distribution. */
export class LanguageModelInput {
  /** The two most probable bytes; of equals, the smaller. */
  best = 0;
  second = 0;
  #cdf: Uint32Array = new Uint32Array(257);

  beginByte(cdf: Uint32Array): void {
    this.#cdf = cdf;
    let first = 0;
    let next = 0;
    this.best = this.second = 0;
    for (let s = 0; s < 256; s++) {
      const frequency = cdf[s + 1] - cdf[s];
      if (frequency > first) {
        next = first;
        this.second = this.best;
        first = frequency;
        this.best = s;
      } else if (frequency > next) {
        next = frequency;
        this.second = s;
      }
    }
  }

  /**
   * The stretched probability that the next bit is 1, in multiples of 2^-10.
   *
   * @param partial  the bits of the byte so far, after a leading 1
   * @param shift    place of the next bit in the byte, 7 to 0
   */
  stretched(partial: number, shift: number): number {
    const cdf = this.#cdf;
    const low = (partial << (shift + 1)) & 255;
    const middle = low + (1 << shift);
    const high = middle + (1 << shift);
    const ones = cdf[high] - cdf[middle];
    const zeros = cdf[middle] - cdf[low];
    return ((logarithm(ones) - logarithm(zeros)) >> 6) / 1024;
  }

  /** Which of the two most probable bytes are still possible: 1 for the first, 2 for the second, added. */
  possible(partial: number, shift: number): number {
    const first = (this.best + 256) >> (shift + 1) === partial ? 1 : 0;
    return (this.second + 256) >> (shift + 1) === partial ? first + 2 : first;
  }
}
