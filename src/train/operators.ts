/**
 * The operators that networks are written in. An engine brings its own implementation (and its own kind of tensor),
 * so that one definition of a network serves every engine. Matrices are [rows, columns], row-major, float32.
 *
 * @module
 */
import type { SegmentShape } from './network.ts';

/** A matrix of fixed numbers, row-major. */
export interface FixedTable {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** Differentiable operators over tensors of type `V`. */
export interface Operators<V> {
  /** `x * weights + bias`; the bias has the result's shape, or is one row for all (a vector). */
  linear(x: V, weights: V, bias?: V): V;
  /** `a + b`, equal shapes. */
  add(a: V, b: V): V;
  /** `a - b`, equal shapes. */
  subtract(a: V, b: V): V;
  /** `a * b` element by element, equal shapes. */
  multiply(a: V, b: V): V;
  /** `factor * x + offset` with fixed numbers. */
  affine(x: V, factor: number, offset?: number): V;
  /** `h + gate * (candidate - h)`, equal shapes. */
  interpolate(h: V, candidate: V, gate: V): V;
  /** `x` limited to low..high; beyond the limits the gradient is zero. */
  clip(x: V, low: number, high: number): V;
  /** A matrix cut into parts of the given sizes along an axis. */
  split(x: V, axis: 0 | 1, sizes: readonly number[]): V[];
  /** Matrices put together along an axis. */
  concat(parts: readonly V[], axis: 0 | 1): V;
  /** The mean over all rows of -ln softmax(logits)[target], in nats; `targets` are int32 [rows, 1]. */
  crossEntropy(logits: V, targets: V): V;
  /** Every row to mean 0 and variance 1, then times `scale` plus `offset`, both vectors. */
  layerNorm(x: V, scale: V, offset: V): V;
  /**
   * The row of a table for every byte's position in its text, [steps * lanes, columns].
   *
   * @param first - the position of every lane's first byte, [lanes, 1]; positions begin again after the last row.
   */
  positionRows(table: FixedTable, first: V, shape: SegmentShape): V;
  /** Rotary positions: the halves (a, b) of every head become (a cos - b sin, b cos + a sin); equal shapes. */
  rotate(x: V, cosines: V, sines: V, headWidth: number): V;
  /**
   * Causal attention: every row takes the mean of its lane's values up to its own, weighted by
   * max(0, 1 + (s - m) / 8)^8 where s = query * key / sqrt(head width) and m is the largest s (see
   * gradient/attention.ts). Query, key and value are [steps * lanes, width], a head has width / heads columns of each.
   */
  attention(query: V, key: V, value: V, shape: SegmentShape, heads: number): V;
}
