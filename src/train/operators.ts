/**
 * The operators that networks are written in. An engine brings its own implementation (and its own kind of tensor),
 * so that one definition of a network serves every engine. Matrices are [rows, columns], row-major, float32.
 *
 * @module
 */

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
}
