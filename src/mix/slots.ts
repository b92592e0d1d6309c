/**
 * Hashed slots: the bit histories of all contexts, in one table. A slot of 16 bytes serves one context and half a byte:
 * a check byte and the 15 nodes of a binary tree of four bits, node 1 at its root, the children of node n at 2n and
 * 2n + 1. A bucket of 64 bytes, one cache line, holds four slots; the one seen least gives way.
 *
 * @module
 */
import { HISTORY_WEIGHT } from './bit-history.ts';

const SLOT = 16;
const BUCKET = 64;

/** Sizes of the table, as powers of two. With 28 bits all bits of a hash are used. */
export const TABLE_BITS_MIN = 16;
export const TABLE_BITS_MAX = 28;

/** See the module's head. */
export class SlotTable {
  /** The history of node n of the slot at s is `bytes[s + n]`. */
  readonly bytes: Uint8Array;
  readonly #mask: number;

  /** @param bits  log2 of the size in bytes */
  constructor(bits: number) {
    this.bytes = new Uint8Array(2 ** bits);
    this.#mask = 2 ** bits - BUCKET;
  }

  /** The slot of a context, emptied first if it is a new one. */
  find(hash: number): number {
    const { bytes } = this;
    const check = hash >>> 24 || 1;
    const bucket = (hash << 4) & this.#mask;
    const first = ((hash >>> 22) & 3) * SLOT;
    let least = 0;
    let leastWeight = 256;
    for (let i = 0; i < BUCKET; i += SLOT) {
      const slot = bucket + (first ^ i);
      if (bytes[slot] === check) return slot;
      const weight = bytes[slot] === 0 ? -1 : HISTORY_WEIGHT[bytes[slot + 1]];
      if (weight < leastWeight) {
        leastWeight = weight;
        least = slot;
      }
    }
    bytes.fill(0, least, least + SLOT);
    bytes[least] = check;
    return least;
  }
}
