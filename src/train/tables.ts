/**
 * The embedding tables and their optimiser. A step touches a few thousand of several hundred thousand rows, so rows
 * are gathered and updated here, outside the graph: Adam whose moments age only when their row is touched.
 *
 * @module
 */
import type { AdamOptions } from './adam.ts';
import type { EmbeddingSpec } from './network.ts';
import type { Random } from './random.ts';
import { createRowKernel, KERNEL_WIDTH, type RowKernel } from './row-kernel.ts';
import { BYTE_ROWS } from '../model/recurrent/network.ts';

/** Standard deviation of single bytes' rows at the start, where the network does not say. Context rows start at zero: the unseen says nothing. */
const BYTE_SPREAD = 0.3;

/** Table rows that can be summed. */
export class RowSums {
  readonly width: number;
  /** [rows + 1, width]; the last row is zero, for sums of fewer rows. */
  readonly weights: Float32Array;

  /** @param weights - [rows + 1, width], the last row zero. */
  constructor(weights: Float32Array, width: number) {
    this.width = width;
    this.weights = weights;
  }

  /** @param rows - [rows, width]; copied. */
  static of(rows: Float32Array, width: number): RowSums {
    const weights = new Float32Array(rows.length + width);
    weights.set(rows);
    return new RowSums(weights, width);
  }

  /** The rows, without the zeros at the end. */
  get rows(): Float32Array {
    return this.weights.subarray(0, this.weights.length - this.width);
  }

  /**
   * Sums rows.
   *
   * @param rows - [count, tables].
   * @param out - [count, width].
   */
  gather(rows: Int32Array, out: Float32Array): void {
    const { width, weights } = this;
    const count = out.length / width;
    const tables = rows.length / count;
    // Four rows at a time: the processor fetches them at once, and the sum is stored once (2.9 times as fast).
    const none = weights.length - width;
    for (let i = 0; i < count; i++) {
      const to = i * width;
      for (let table = 0; table < tables; table += 4) {
        const at = i * tables + table;
        const a = rows[at] * width;
        const b = table + 1 < tables ? rows[at + 1] * width : none;
        const c = table + 2 < tables ? rows[at + 2] * width : none;
        const d = table + 3 < tables ? rows[at + 3] * width : none;
        if (table === 0) {
          for (let k = 0; k < width; k++) {
            out[to + k] = weights[a + k] + weights[b + k] + weights[c + k] + weights[d + k];
          }
        } else {
          for (let k = 0; k < width; k++) {
            out[to + k] += weights[a + k] + weights[b + k] + weights[c + k] + weights[d + k];
          }
        }
      }
    }
  }
}

/** Where {@link Tables} keeps its numbers: [rows + 1, width] each. */
export interface TableArrays {
  readonly weights: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Rows of all tables together. */
function rowCount(embedding: EmbeddingSpec): number {
  return embedding.rows.reduce((sum, rows) => sum + rows, BYTE_ROWS);
}

/** All tables in one array: single bytes first, then one table per context. */
export class Tables extends RowSums {
  /** What a checkpoint holds, the row of zeros included. */
  readonly arrays: TableArrays;
  /** Where each row's gradient is gathered in the current step, plus one; 0 for nowhere. */
  readonly #slot: Int32Array;
  #touched = new Int32Array(0);
  #sums = new Float32Array(0);
  #count = 0;

  constructor(embedding: EmbeddingSpec, random: Random, arrays?: TableArrays) {
    const size = (rowCount(embedding) + 1) * embedding.width;
    const own = arrays ?? {
      weights: new Float32Array(size),
      first: new Float32Array(size),
      second: new Float32Array(size),
    };
    super(own.weights, embedding.width);
    this.arrays = own;
    this.#slot = new Int32Array(rowCount(embedding));
    for (let i = 0; i < BYTE_ROWS * this.width; i++)
      this.weights[i] = (embedding.spread ?? BYTE_SPREAD) * random.normal();
  }

  /**
   * Gives every row that occurs a slot, in order of its first occurrence.
   *
   * @param slots - the slot of each index.
   * @param touched - the row of each slot.
   * @returns the number of slots.
   */
  protected assignSlots(rows: Int32Array, slots: Int32Array, touched: Int32Array): number {
    const known = this.#slot;
    let count = 0;
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at];
      let slot = known[row];
      if (slot === 0) {
        touched[count++] = row;
        slot = known[row] = count;
      }
      slots[at] = slot - 1;
    }
    for (let slot = 0; slot < count; slot++) known[touched[slot]] = 0;
    return count;
  }

  /**
   * Takes the gradient of what {@link Tables.gather} gave for the same rows.
   *
   * @returns the sum of squares of the rows' gradients.
   */
  accumulate(rows: Int32Array, gradient: Float32Array): number {
    const { width } = this;
    if (this.#touched.length < rows.length) {
      this.#touched = new Int32Array(rows.length);
      this.#sums = new Float32Array(rows.length * width);
    }
    const sums = this.#sums;
    const slots = new Int32Array(rows.length);
    const tables = (rows.length * width) / gradient.length;
    this.#count = this.assignSlots(rows, slots, this.#touched);
    sums.fill(0, 0, this.#count * width);
    for (let at = 0; at < rows.length; at++) {
      const from = Math.floor(at / tables) * width;
      const to = slots[at] * width;
      for (let k = 0; k < width; k++) sums[to + k] += gradient[from + k];
    }
    let squares = 0;
    for (let i = 0; i < this.#count * width; i++) squares += sums[i] * sums[i];
    return squares;
  }

  /** Updates the rows of the last {@link Tables.accumulate}, their gradients multiplied by `scale`. */
  update(rate: number, scale: number, { beta1, beta2, epsilon }: AdamOptions): void {
    const { width } = this;
    const { weights, first, second } = this.arrays;
    const sums = this.#sums;
    const keep1 = 1 - beta1;
    const keep2 = 1 - beta2;
    for (let slot = 0; slot < this.#count; slot++) {
      const from = slot * width;
      const to = this.#touched[slot] * width;
      for (let k = 0; k < width; k++) {
        const g = sums[from + k] * scale;
        const m = beta1 * first[to + k] + keep1 * g;
        const v = beta2 * second[to + k] + keep2 * g * g;
        first[to + k] = m;
        second[to + k] = v;
        weights[to + k] -= (rate * m) / (Math.sqrt(v) + epsilon);
      }
    }
  }
}

/** The same with the WebAssembly kernel: all arrays lie in its memory. */
class KernelTables extends Tables {
  readonly #kernel: RowKernel;
  readonly #rowBytes: number;
  readonly #indices: Int32Array;
  readonly #touched: Int32Array;
  /** Sums of rows, or their gradient. */
  readonly #segment: Float32Array;
  readonly #sums: Float32Array;
  #count = 0;

  /** @param positions - most bytes of a step, all lanes together. */
  constructor(embedding: EmbeddingSpec, random: Random, positions: number) {
    const { width } = embedding;
    const size = (rowCount(embedding) + 1) * width;
    const indices = positions * (embedding.kinds.length + 1);
    const kernel = createRowKernel(4 * (3 * size + 2 * indices + positions * width + indices * width));
    let at = 0;
    const floats = (length: number): Float32Array => {
      const array = new Float32Array(kernel.memory.buffer, at, length);
      at += array.byteLength;
      return array;
    };
    super(embedding, random, { weights: floats(size), first: floats(size), second: floats(size) });
    this.#kernel = kernel;
    this.#rowBytes = 4 * width;
    this.#segment = floats(positions * width);
    this.#sums = floats(indices * width);
    this.#indices = new Int32Array(kernel.memory.buffer, at, indices);
    this.#touched = new Int32Array(kernel.memory.buffer, at + 4 * indices, indices);
  }

  override gather(rows: Int32Array, out: Float32Array): void {
    this.#indices.set(rows);
    const { byteOffset: from } = this.#indices;
    const sumBytes = (4 * rows.length * this.width) / out.length;
    const { byteOffset: to } = this.#segment;
    this.#kernel.gather(from, from + rows.byteLength, sumBytes, this.weights.byteOffset, this.#rowBytes, to);
    out.set(this.#segment.subarray(0, out.length));
  }

  override accumulate(rows: Int32Array, gradient: Float32Array): number {
    const sums = this.#sums;
    this.#count = this.assignSlots(rows, this.#indices, this.#touched);
    sums.fill(0, 0, this.#count * this.width);
    this.#segment.set(gradient);
    const { byteOffset: from } = this.#indices;
    const sumBytes = (4 * rows.length * this.width) / gradient.length;
    const { byteOffset: segment } = this.#segment;
    this.#kernel.addRows(from, from + rows.byteLength, sumBytes, segment, this.#rowBytes, sums.byteOffset);
    return this.#kernel.squares(sums.byteOffset, sums.byteOffset + this.#count * this.#rowBytes);
  }

  override update(rate: number, scale: number, { beta1, beta2, epsilon }: AdamOptions): void {
    const { weights, first, second } = this.arrays;
    this.#kernel.update(
      this.#touched.byteOffset,
      this.#touched.byteOffset + 4 * this.#count,
      this.#sums.byteOffset,
      this.#rowBytes,
      weights.byteOffset,
      first.byteOffset,
      second.byteOffset,
      rate,
      scale,
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      epsilon,
    );
  }
}

/**
 * Tables for steps of up to `positions` bytes, all lanes together: with the WebAssembly kernel where their width allows.
 */
export function createTables(embedding: EmbeddingSpec, random: Random, positions: number): Tables {
  return embedding.width % KERNEL_WIDTH === 0
    ? new KernelTables(embedding, random, positions)
    : new Tables(embedding, random);
}
