/**
 * The masked-MSB section: the high bits that a model with a 7-bit alphabet does not code
 * (spec/lmz-format.md, section 7.4).
 *
 * @module
 */
import type { EntropyCoder } from '../entropy/coder.ts';

/** P of a clear high bit at the start of a chunk, of 65536. */
const START = 61440;
const RATE = 4;

/**
 * Codes the high bit of every byte, in either direction.
 *
 * @param bytes  the chunk. Encoding: complete. Decoding: its low seven bits; the high bits are added.
 */
export function codeHighBits(coder: EntropyCoder, bytes: Uint8Array): void {
  const probabilities = new Uint16Array(1024).fill(START);
  let history = 0;
  for (let i = 0; i < bytes.length; i++) {
    const context = (bytes[i] & 127) + history * 128;
    const p = probabilities[context];
    // A clear bit is a 1 decision: a chunk without high bits then codes the number 0, whose string is empty.
    const clear = coder.bit(256 * p + 128, (bytes[i] >> 7) ^ 1);
    probabilities[context] = clear === 1 ? p + ((65535 - p) >> RATE) : p - (p >> RATE);
    bytes[i] = (bytes[i] & 127) | ((clear ^ 1) << 7);
    history = ((history << 1) | (clear ^ 1)) & 7;
  }
}
