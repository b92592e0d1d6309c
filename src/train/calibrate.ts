/**
 * What the matrices of a trained recurrent network read on real text: the moments by which their rounding is chosen.
 *
 * @module
 */
import type { Moments } from './column-rounding.ts';
import type { Category } from './corpus.ts';
import type { Parameters } from './engine.ts';
import { type RecurrentConfig, recurrentNetwork } from './recurrent.ts';
import { emptyBatch, LaneReader, shareLanes } from './stream.ts';
import { RowSums } from './tables.ts';

/** Moments of the summed rows, of the state and of the hidden layer. */
export interface Calibration {
  readonly input: Moments;
  readonly state: Moments;
  readonly hidden: Moments;
}

/** Pieces of training text, and the bytes of each: enough for moments of a few hundred inputs. */
const PIECES = 32;
const PIECE_BYTES = 1024;

/** Pieces of all categories by their weights, spread evenly over each. */
export function calibrationText(categories: readonly Category[]): Uint8Array[] {
  const weights = categories.map(({ weight }) => weight);
  return shareLanes(weights, PIECES).flatMap((count, category) => {
    const { training } = categories[category];
    return Array.from({ length: count }, (_, i) => {
      const from = Math.floor(((i + 0.5) / count) * Math.max(0, training.length - PIECE_BYTES));
      return training.subarray(from, from + PIECE_BYTES);
    });
  });
}

/** Sums of vectors and of their products. */
class MomentSums {
  readonly #inputs: number;
  readonly #sum: Float64Array;
  readonly #products: Float64Array;
  #count = 0;

  constructor(inputs: number) {
    this.#inputs = inputs;
    this.#sum = new Float64Array(inputs);
    this.#products = new Float64Array(inputs * inputs);
  }

  add(x: Float32Array): void {
    const n = this.#inputs;
    this.#count++;
    for (let i = 0; i < n; i++) {
      this.#sum[i] += x[i];
      for (let k = 0; k < n; k++) this.#products[i * n + k] += x[i] * x[k];
    }
  }

  get moments(): Moments {
    const mean = (total: number): number => total / Math.max(1, this.#count);
    return { inputs: this.#inputs, mean: this.#sum.map(mean), second: this.#products.map(mean) };
  }
}

const clip = (value: number, low: number): number => (value < low ? low : value > 1 ? 1 : value);

/** sums += x weights */
function addProduct(sums: Float32Array, x: Float32Array, weights: Float32Array): void {
  const columns = sums.length;
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    for (let j = 0; j < columns; j++) sums[j] += value * weights[i * columns + j];
  }
}

/**
 * Runs the float network over pieces of text, each from a fresh start: the formulas of recurrent.ts, one lane.
 *
 * @param tables - all tables' rows, [rows, width]
 */
export function calibrate(
  config: RecurrentConfig,
  p: Parameters,
  tables: Float32Array,
  pieces: readonly Uint8Array[],
): Calibration {
  const { units, width, hidden, cell } = config;
  const { embedding } = recurrentNetwork(config);
  const rows = RowSums.of(tables, width);
  const shape = { lanes: 1, steps: 1 };
  const batch = emptyBatch(embedding, shape);
  const reader = new LaneReader(embedding);
  const x = new Float32Array(width);
  const sums = { input: new MomentSums(width), state: new MomentSums(units), hidden: new MomentSums(hidden) };
  for (const piece of pieces) {
    reader.restart();
    const h = new Float32Array(units);
    for (let t = 0; t < piece.length; t++) {
      reader.read(piece, t, batch, 0, shape);
      rows.gather(batch.rows, x);
      const fromInput = p['gateBias'].slice();
      addProduct(fromInput, x, p['inputWeights']);
      const fromState = new Float32Array(fromInput.length);
      addProduct(fromState, h, p['stateWeights']);
      const gate = (j: number): number => clip(0.25 * (fromInput[j] + fromState[j]) + 0.5, 0);
      for (let i = 0; i < units; i++) {
        const reset = cell === 'gru' ? gate(2 * units + i) : 1;
        const candidate = clip(fromInput[units + i] + reset * fromState[units + i], -1);
        h[i] += gate(i) * (candidate - h[i]);
      }
      sums.input.add(x);
      sums.state.add(h);
      if (hidden === 0) continue;
      const q = p['hiddenBias'].slice();
      addProduct(q, x, p['hiddenInput']);
      addProduct(q, h, p['hiddenState']);
      sums.hidden.add(q.map((value) => clip(value, 0)));
    }
  }
  return { input: sums.input.moments, state: sums.state.moments, hidden: sums.hidden.moments };
}
