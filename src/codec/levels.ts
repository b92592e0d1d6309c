/**
 * The levels 1 to 9: what each costs and gives (measured in bench/results).
 *
 * @module
 */
import type { ContextSet } from '../mix/parameters.ts';

/** What a level stands for. */
export interface Level {
  readonly contexts: ContextSet;
  /** log2 of the largest slot table, for content of one chunk. */
  readonly tableBits: number;
  /** The same for content of several chunks, which are in work side by side. */
  readonly tableBitsOfSeveral: number;
  /** Whether a language model takes part. */
  readonly model: boolean;
  /** Bytes of a chunk, where the user does not say. */
  readonly chunkSize: number;
}

const MIB = 2 ** 20;

const LEVELS: readonly Level[] = [
  { contexts: 'fast', tableBits: 24, tableBitsOfSeveral: 24, model: false, chunkSize: 2 * MIB },
  { contexts: 'fast', tableBits: 24, tableBitsOfSeveral: 24, model: false, chunkSize: 4 * MIB },
  { contexts: 'fast', tableBits: 26, tableBitsOfSeveral: 26, model: false, chunkSize: 8 * MIB },
  { contexts: 'standard', tableBits: 25, tableBitsOfSeveral: 25, model: false, chunkSize: 4 * MIB },
  { contexts: 'standard', tableBits: 27, tableBitsOfSeveral: 27, model: false, chunkSize: 8 * MIB },
  { contexts: 'best', tableBits: 27, tableBitsOfSeveral: 26, model: true, chunkSize: 4 * MIB },
  { contexts: 'best', tableBits: 27, tableBitsOfSeveral: 27, model: true, chunkSize: 8 * MIB },
  { contexts: 'best', tableBits: 27, tableBitsOfSeveral: 27, model: true, chunkSize: 16 * MIB },
  { contexts: 'best', tableBits: 28, tableBitsOfSeveral: 28, model: true, chunkSize: 32 * MIB },
];

export const LEVEL_MIN = 1;
export const LEVEL_MAX: number = LEVELS.length;
export const DEFAULT_LEVEL = 6;

/** @param number  {@link LEVEL_MIN} to {@link LEVEL_MAX} */
export function levelOf(number: number): Level {
  return LEVELS[number - 1];
}
