/**
 * What a frame says of its mixing. Everything else is constant under the predictor's number.
 *
 * @module
 */
import { runTableBytes } from './run-map.ts';
import { TABLE_BITS_MAX, TABLE_BITS_MIN } from './slots.ts';

/** Which contexts are used: for text (words, lines, tags) or for binary data (records, images). */
export type MixProfile = 'text' | 'binary';

/** How many of them: fewer are faster, more predict better. The best set has runs besides. */
export type ContextSet = 'standard' | 'fast' | 'best';

/** Parameters of a frame's mixing. */
export interface MixParameters {
  /** Which contexts. */
  readonly profile: MixProfile;
  /** How many. */
  readonly contexts: ContextSet;
  /** log2 of the slot table's size in bytes, `TABLE_BITS_MIN` to `TABLE_BITS_MAX`. */
  readonly tableBits: number;
  /** Whether a language model's distribution is mixed in. */
  readonly languageModel: boolean;
}

/** Bytes that look like no text: more than one in so many makes a chunk binary. */
const TEXT_RARITY = 50;

/** A cheap look at a chunk. The decoder reads the profile from the frame. */
export function profileOf(chunk: Uint8Array): MixProfile {
  let odd = 0;
  for (const byte of chunk) if (byte < 9 || (byte > 13 && byte < 32) || byte === 127) odd++;
  return odd * TEXT_RARITY > chunk.length ? 'binary' : 'text';
}

/** Bytes of what does not depend on the table bits: maps, weights, direct probabilities; more with a language model. */
const FIXED_BYTES = 44 * 2 ** 20;
const FIXED_BYTES_WITH_MODEL = 62 * 2 ** 20;
const LANE_BYTES = 2 ** 15;

/** Bytes of memory that predicting a chunk takes, nearly (section 10 of the specification). */
export function mixMemory({ contexts, tableBits, languageModel }: MixParameters, lanes: number): number {
  const fixed = languageModel ? FIXED_BYTES_WITH_MODEL : FIXED_BYTES;
  const runs = contexts === 'best' ? runTableBytes(tableBits) : 0;
  return 2 ** tableBits + 2 ** (matchTableBits(tableBits) + 3) + runs + fixed + lanes * LANE_BYTES;
}

/** log2 of the number of places that each match model remembers. */
export function matchTableBits(tableBits: number): number {
  return Math.max(10, Math.min(22, tableBits - 4));
}

/** New slots that a byte can need at most, in bytes, nearly. */
const SLOT_BYTES = 640;
const TABLE_BITS_DEFAULT = 27;

/** log2 of the slot table's size for a chunk: the smallest that could never be full, or `limit`. */
export function tableBitsFor(size: number, limit = TABLE_BITS_DEFAULT): number {
  let bits = TABLE_BITS_MIN;
  while (bits < Math.min(limit, TABLE_BITS_MAX) && 2 ** bits < size * SLOT_BYTES) bits++;
  return bits;
}
