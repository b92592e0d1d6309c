/**
 * Looking at constants: the grid of every column (index of the last axis), and sums of weights by column. These loops
 * see every weight of a model, so they are plain ones over typed arrays.
 *
 * @module
 */
import type { ElementArray } from '../onnx/elements.ts';
import { type Channels, CHANNELS_MAX, compact, grid, type Grid, ZERO } from './grid.ts';

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);

/** The exponent e of the lowest set bit of a finite double other than 0: value = odd * 2^e. */
function lowestBit(value: number): number {
  float64[0] = value;
  const low = words[0];
  const high = words[1];
  const biased = (high >>> 20) & 0x7ff;
  // Denormal doubles have no hidden bit; float32 denormals are ordinary doubles.
  const top = biased === 0 ? high & 0xfffff : (high & 0xfffff) | 0x100000;
  const zeros = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(top & -top);
  return Math.max(biased, 1) - 1075 + zeros;
}

/** n of n * 2^exp = value. Scaling by a power of two in two halves, so that neither factor overflows. */
function scaled(value: number, exp: number): bigint {
  const half = Math.trunc(exp / 2);
  return BigInt(value * 2 ** -half * 2 ** (half - exp));
}

function scanFloats(data: Float32Array | Float64Array, columns: number): Grid[] | undefined {
  const low = new Float64Array(columns).fill(Infinity);
  const high = new Float64Array(columns).fill(-Infinity);
  const exps = new Int32Array(columns).fill(0x7fffffff);
  for (let i = 0, column = 0; i < data.length; i++) {
    const value = data[i];
    if (value < low[column]) low[column] = value;
    if (value > high[column]) high[column] = value;
    if (value !== 0) {
      const exp = lowestBit(value);
      if (exp < exps[column]) exps[column] = exp;
      // Infinities and NaN have the largest exponent; their lowest bit is at 2^919 or above.
      if (!(value > -Infinity && value < Infinity)) return undefined;
    }
    if (++column === columns) column = 0;
  }
  return Array.from(exps, (exp, column) =>
    exp === 0x7fffffff ? ZERO : grid(scaled(low[column], exp), scaled(high[column], exp), exp),
  );
}

function scanBigs(data: BigInt64Array | BigUint64Array, columns: number): Grid[] {
  const low = Array.from({ length: columns }, (_, column) => data[column]);
  const high = low.slice();
  for (let i = columns; i < data.length; i++) {
    const column = i % columns;
    if (data[i] < low[column]) low[column] = data[i]!;
    if (data[i] > high[column]) high[column] = data[i]!;
  }
  return low.map((value, column) => grid(value, high[column]));
}

function scanIntegers(data: Exclude<ElementArray, BigInt64Array | BigUint64Array>, columns: number): Grid[] {
  const low = new Float64Array(columns).fill(Infinity);
  const high = new Float64Array(columns).fill(-Infinity);
  for (let i = 0, column = 0; i < data.length; i++) {
    const value = data[i];
    if (value < low[column]) low[column] = value;
    if (value > high[column]) high[column] = value;
    if (++column === columns) column = 0;
  }
  return Array.from(low, (value, column) => grid(BigInt(value), BigInt(high[column])));
}

/** Integer constants with more elements than this are known by one range: tables, where columns hardly differ. */
const TABLE_ELEMENTS = 1 << 20;

function scanTable(data: Exclude<ElementArray, BigInt64Array | BigUint64Array>): Grid[] {
  let low = data[0];
  let high = low;
  for (let i = 1; i < data.length; i++) {
    const value = data[i];
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  return [grid(BigInt(low), BigInt(high))];
}

/**
 * The grids of a constant with at least one element.
 *
 * @param columns  length of the last axis (1 for a scalar)
 * @returns undefined where an element is infinite or not a number
 */
export function scanColumns(data: ElementArray, columns: number): Channels | undefined {
  const width = columns <= CHANNELS_MAX ? columns : 1;
  const grids =
    data instanceof Float32Array || data instanceof Float64Array
      ? scanFloats(data, width)
      : data instanceof BigInt64Array || data instanceof BigUint64Array
        ? scanBigs(data, width)
        : data.length > TABLE_ELEMENTS
          ? scanTable(data)
          : scanIntegers(data, width);
  return grids && compact(grids);
}

/** Bounds of sums of products x * w, and of all their partial sums, by column. */
export interface ColumnSums {
  /** In real units, not above 0; exact up to 2^53 units of the column's grid, never too close to 0 beyond. */
  readonly low: Float64Array;
  /** Not below 0. */
  readonly high: Float64Array;
}

/**
 * Column sums of a weight matrix [rows, columns] for inputs with x[row] in low[row] .. high[row], low <= 0 <= high.
 *
 * @param zero  subtracted from every weight of a column: one number, or one per column
 */
export function columnSums(
  weights: Exclude<ElementArray, BigInt64Array | BigUint64Array>,
  rows: number,
  columns: number,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  zero: ArrayLike<number> = [0],
): ColumnSums {
  const lows = new Float64Array(columns);
  const highs = new Float64Array(columns);
  const oneZero = zero.length === 1;
  for (let row = 0, i = 0; row < rows; row++) {
    const least = low.length === 1 ? low[0] : low[row];
    const most = high.length === 1 ? high[0] : high[row];
    for (let column = 0; column < columns; column++, i++) {
      const weight = weights[i] - (oneZero ? zero[0] : zero[column]);
      if (weight > 0) {
        lows[column] += weight * least;
        highs[column] += weight * most;
      } else {
        lows[column] += weight * most;
        highs[column] += weight * least;
      }
    }
  }
  return { low: lows, high: highs };
}

/** By column, the sum of the two largest magnitudes. */
export function largestPairs(weights: ArrayLike<number>, rows: number, columns: number): Int32Array {
  const first = new Int32Array(columns);
  const second = new Int32Array(columns);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const size = Math.abs(weights[i]);
      if (size > first[column]) {
        second[column] = first[column]!;
        first[column] = size;
      } else if (size > second[column]) second[column] = size;
    }
  }
  return first.map((size, column) => size + second[column]);
}
