/**
 * Runs: the byte that followed each context the last time, and how many times in a row it did. As long as the bits of that
 * byte come, they are expected to go on coming. A bit history knows how sure a bit is; a run, how sure the whole byte.
 *
 * Of the best set only.
 *
 * @module
 */
import { adapt } from './adaptive-probability.ts';
import { STRETCH_TABLE } from './logistic.ts';
import { EXPECT_ONE, EXPECT_ZERO } from './match-model.ts';

/** Limit of the counts of adaptive probabilities. */
const LIMIT = 255;
/** A run's length is counted up to this, and has a probability of its own below the other. */
const LENGTH_LIMIT = 255;
const LENGTHS = 16;
/** Contexts that there is room for. */
const CONTEXTS_MAX = 32;

/** log2 of the number of runs that each context remembers. */
export function runBits(tableBits: number): number {
  return tableBits - 8;
}

/** Bytes of memory that they take. */
export function runTableBytes(tableBits: number): number {
  return CONTEXTS_MAX * 2 ** (runBits(tableBits) + 1);
}

/** The runs of all contexts. */
export class RunMap {
  readonly #contexts: number;
  readonly #bits: number;
  /** Byte, and above it the length; 0 is no run. */
  readonly #runs: Uint16Array;
  readonly #runOf: Int32Array;
  readonly #words: Uint32Array;
  /** Words of the current bit; -1 where nothing is expected. */
  readonly #wordOf: Int32Array;

  /** @param bits  from {@link runBits} */
  constructor(contexts: number, bits: number) {
    this.#contexts = contexts;
    this.#bits = bits;
    this.#runs = new Uint16Array(CONTEXTS_MAX << bits);
    this.#runOf = new Int32Array(contexts);
    this.#words = Uint32Array.from({ length: contexts * LENGTHS * 2 }, (_, i) =>
      i % 2 === 0 ? EXPECT_ZERO : EXPECT_ONE,
    );
    this.#wordOf = new Int32Array(contexts);
  }

  /** @param hashes  of the contexts */
  beginByte(hashes: Int32Array): void {
    for (let i = 0; i < this.#contexts; i++) {
      this.#runOf[i] = (i << this.#bits) + (hashes[i] >>> (32 - this.#bits));
    }
  }

  /**
   * An input for each context, from `inputs[at]` on.
   *
   * @param partial  the bits of the byte so far, after a leading 1
   * @param shift    place of the next bit in the byte, 7 to 0
   */
  predict(inputs: Float32Array, at: number, partial: number, shift: number): void {
    for (let i = 0; i < this.#contexts; i++) {
      const run = this.#runs[this.#runOf[i]];
      const length = Math.min(run >> 8, LENGTHS - 1);
      const expected = run & 255;
      if (length > 0 && (expected + 256) >> (shift + 1) === partial) {
        const word = (i * LENGTHS + length) * 2 + ((expected >> shift) & 1);
        this.#wordOf[i] = word;
        inputs[at + i] = STRETCH_TABLE[this.#words[word] >>> 20];
      } else {
        this.#wordOf[i] = -1;
        inputs[at + i] = 0;
      }
    }
  }

  /** Learns the bit. */
  update(bit: number): void {
    for (const word of this.#wordOf) if (word >= 0) adapt(this.#words, word, bit, LIMIT);
  }

  /** Takes in the byte that came. */
  endByte(byte: number): void {
    for (const at of this.#runOf) {
      const run = this.#runs[at];
      const goesOn = (run & 255) === byte;
      const length = goesOn ? Math.min(LENGTH_LIMIT, (run >> 8) + 1) : 1;
      this.#runs[at] = byte | (length << 8);
    }
  }
}
