/**
 * The contract between a predictor of bits and whatever drives it, an encoder or a decoder
 * (spec/lmz-format.md, predictor 2).
 *
 * @module
 */
import type { EntropyCoder } from '../entropy/coder.ts';

/** Bits of a probability: `p()` is in units of 2^-24, as the coder wants it. */
export const PROBABILITY_BITS = 24;

/**
 * Predicts the bits of bytes, high bit first, and learns from each.
 *
 * For every byte: `beginByte`, then eight times `p` and `update`. Bytes of several lanes alternate; what a predictor
 * knows of a lane ends at the byte before, what it learned is shared by all.
 */
export interface BitPredictor {
  /**
   * Starts the next byte of a lane.
   *
   * @param cdf  the language model's 256 cumulative frequencies for this byte (`cdf[256] = 2^24`, strictly rising), if
   *   the predictor was made to mix one in; read before the byte's last `update`
   */
  beginByte(lane: number, cdf?: Uint32Array): void;
  /** Probability that the next bit is 1: an integer, 1 to 2^24 - 1, in units of 2^-24. */
  p(): number;
  /** Learns the bit that came, 0 or 1. Called once after each `p`. */
  update(bit: number): void;
}

/**
 * Codes one byte, after `beginByte`.
 *
 * @param byte  encoder: the byte; decoder: ignored
 * @returns the byte
 */
export function codeByte(coder: EntropyCoder, predictor: BitPredictor, byte: number): number {
  let coded = 0;
  for (let shift = 7; shift >= 0; shift--) {
    const bit = coder.bit(predictor.p(), (byte >> shift) & 1);
    predictor.update(bit);
    coded = (coded << 1) | bit;
  }
  return coded;
}
