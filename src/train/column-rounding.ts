/**
 * Rounding of a matrix to 8-bit integers so that its products change least, not its entries: what one entry's rounding
 * does to a column's sums is made up for by the entries that are still to be rounded, as far as the inputs' correlations
 * let it (GPTQ, https://arxiv.org/abs/2210.17323, after the optimal brain surgeon).
 *
 * @module
 */

/** Weights are within +-127. */
export const WEIGHT_MAX = 127;
/** Exponents of columns that are all zero, or nearly. */
const EXPONENT_MAX = 20;
/** So many grids finer than the largest weight allows are tried; what lies beyond is cut off. */
const FINER = 3;
/** Added to the diagonal of the inputs' moments, in units of its mean: inputs that hardly vary correct nothing. */
const DAMPING = 0.01;

/** Mean and second moments of a matrix' inputs. */
export interface Moments {
  readonly inputs: number;
  /** [inputs] */
  readonly mean: Float64Array;
  /** E[x x'], [inputs, inputs]. */
  readonly second: Float64Array;
}

/** The moments that inputs without correlation have: plain rounding to the nearest is the best for them. */
export function unitMoments(inputs: number): Moments {
  const second = new Float64Array(inputs * inputs);
  for (let i = 0; i < inputs; i++) second[i * inputs + i] = 1;
  return { inputs, mean: new Float64Array(inputs), second };
}

/** The lower triangle L of a positive definite matrix L L'. */
function cholesky(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k];
      lower[i * n + j] = i === j ? Math.sqrt(sum) : sum / lower[j * n + j];
    }
  }
  return lower;
}

/** The inverse of a positive definite matrix, from its Cholesky factor. */
function inverse(matrix: Float64Array, n: number): Float64Array {
  const lower = cholesky(matrix, n);
  const result = new Float64Array(n * n);
  const column = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < i; k++) sum -= lower[i * n + k] * column[k];
      column[i] = sum / lower[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = column[i];
      for (let k = i + 1; k < n; k++) sum -= lower[k * n + i] * column[k];
      column[i] = sum / lower[i * n + i];
    }
    for (let i = 0; i < n; i++) result[i * n + j] = column[i];
  }
  return result;
}

/** Rounds columns that read the same inputs. */
export class ColumnRounder {
  readonly #inputs: number;
  readonly #moments: Float64Array;
  /** How far the rounding of entry i is passed on to entry k > i: [inputs, inputs], upper triangular. */
  readonly #compensation: Float64Array;

  /** @param centred - a bias will take up what rounding does to a column's mean, so that only the rest counts. */
  constructor({ inputs, mean, second }: Moments, centred: boolean) {
    const n = inputs;
    const moments = second.slice();
    if (centred) {
      for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) moments[i * n + k] -= mean[i] * mean[k];
    }
    let trace = 0;
    for (let i = 0; i < n; i++) trace += moments[i * n + i];
    // Inputs that never change (an untrained network's) count as equal ones.
    const damping = trace > 0 ? (DAMPING * trace) / n : 1;
    for (let i = 0; i < n; i++) moments[i * n + i] += damping;
    this.#inputs = n;
    this.#moments = moments;
    // Row i of the upper Cholesky factor of the inverse holds what eliminating entry i leaves to the later ones.
    const lower = cholesky(inverse(moments, n), n);
    const upper = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let k = i; k < n; k++) upper[i * n + k] = lower[k * n + i] / lower[i * n + i];
    this.#compensation = upper;
  }

  /** Rounds to multiples of 2^-exponent within +-127 of them. */
  #roundTo(column: Float64Array, exponent: number): Int8Array {
    const n = this.#inputs;
    const compensation = this.#compensation;
    const left = column.map((value) => value * 2 ** exponent);
    const rounded = new Int8Array(n);
    for (let i = 0; i < n; i++) {
      const value = Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, Math.round(left[i])));
      const error = left[i] - value;
      rounded[i] = value;
      for (let k = i + 1; k < n; k++) left[k] -= error * compensation[i * n + k];
    }
    return rounded;
  }

  /** The mean square by which a column's sums change. */
  #error(column: Float64Array, rounded: Int8Array, exponent: number): number {
    const n = this.#inputs;
    const change = column.map((value, i) => rounded[i] / 2 ** exponent - value);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      let row = 0;
      for (let k = 0; k < n; k++) row += this.#moments[i * n + k] * change[k];
      sum += row * change[i];
    }
    return sum;
  }

  /**
   * @param column - [inputs]
   * @returns integers, and the exponent e of the grid 2^-e that they count
   */
  round(column: Float64Array): { rounded: Int8Array; exponent: number } {
    const most = column.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    let widest = EXPONENT_MAX;
    while (most * 2 ** widest > WEIGHT_MAX + 0.5) widest--;
    let best = { rounded: this.#roundTo(column, widest), exponent: widest };
    let least = this.#error(column, best.rounded, widest);
    for (let exponent = widest + 1; exponent <= Math.min(widest + FINER, EXPONENT_MAX); exponent++) {
      const rounded = this.#roundTo(column, exponent);
      const error = this.#error(column, rounded, exponent);
      if (error < least) {
        best = { rounded, exponent };
        least = error;
      }
    }
    return best;
  }
}
