/**
 * What the network expected in place of each byte: its most probable symbols.
 *
 * @module
 */
import { CDF_BITS } from '../entropy/cdf.ts';

/** Candidates of a byte. */
export const CANDIDATES = 5;
/** Frequencies of 24 bits are kept to 16. */
const SHARE_SHIFT = CDF_BITS - 16;
const SHARE_MAX = 65535;

/** The most probable symbols of each of so many bytes, the most probable first. */
export class Candidates {
  /** [size, {@link CANDIDATES}] */
  readonly symbols: Uint8Array;
  /** Their probabilities in units of 2^-16, [size, {@link CANDIDATES}]. */
  readonly shares: Uint16Array;

  constructor(size: number) {
    this.symbols = new Uint8Array(size * CANDIDATES);
    this.shares = new Uint16Array(size * CANDIDATES);
  }

  /**
   * Keeps the best of a distribution.
   *
   * @param at   number of the byte
   * @param cdf  cumulative frequencies of the network's symbols
   */
  note(at: number, cdf: Uint32Array): void {
    const { symbols, shares } = this;
    const first = at * CANDIDATES;
    let filled = 0;
    let least = -1;
    for (let symbol = 0; symbol < cdf.length - 1; symbol++) {
      const share = Math.min(SHARE_MAX, (cdf[symbol + 1] - cdf[symbol]) >> SHARE_SHIFT);
      if (filled === CANDIDATES && share <= least) continue;
      let place = first + Math.min(filled, CANDIDATES - 1);
      for (; place > first && shares[place - 1] < share; place--) {
        shares[place] = shares[place - 1];
        symbols[place] = symbols[place - 1];
      }
      shares[place] = share;
      symbols[place] = symbol;
      filled = Math.min(CANDIDATES, filled + 1);
      least = shares[first + filled - 1];
    }
  }
}
