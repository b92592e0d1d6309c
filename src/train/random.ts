/**
 * Seeded random numbers whose state can be saved: the same seed gives the same training run everywhere. Only integer
 * operations and plain arithmetic (no Math.log or Math.cos, whose last bits ECMAScript leaves open).
 *
 * @module
 */

/** xoshiro128** by Blackman and Vigna: https://prng.di.unimi.it/ */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    // splitmix32 spreads the seed over the state, which must not be all zero.
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  /** An integer in 0..2^32-1. */
  uint32(): number {
    const s = this.#state;
    const s1 = s[1];
    const times5 = Math.imul(s1, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    s[2] ^= s[0];
    s[3] ^= s1;
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= s1 << 9;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A number in 0 (included) to 1 (excluded). */
  uniform(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** About normally distributed, mean 0 and variance 1: the sum of twelve uniform numbers, less six. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }

  /** The integers 0..count-1 in random order. */
  permutation(count: number): Uint32Array {
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const j = Math.floor(this.uniform() * (i + 1));
      order[i] = order[j]!;
      order[j] = i;
    }
    return order;
  }
}
