/** What products with matrices have in common in the networks' kernels. */

/**
 * Columns that one pass over the inputs sums up: four vectors of int32. With two pairs of inputs at a time that is as many as
 * V8 keeps in registers: it loads all weights of a turn before it multiplies any, and with eight sums one lay in memory.
 */
export const BLOCK: usize = 16;
/** Bytes of a block's weights for one pair of inputs: int16 [16 columns][2]. */
export const PAIR_BYTES: usize = BLOCK * 4;

/**
 * Lists the pairs of inputs that are not both zero, (offset into weights, pair): an even number of them, where need be with a
 * pair of zeros.
 *
 * @returns the list's end
 */
export function listPairs(x: usize, count: i32, list: usize): usize {
  let to = list;
  for (let i = 0; i < count; i++) {
    const pair = load<i32>(x + ((<usize>i) << 2));
    store<i32>(to, i * <i32>PAIR_BYTES);
    store<i32>(to, pair, 4);
    to += pair != 0 ? 8 : 0;
  }
  if (((to - list) & 8) === 0) return to;
  store<i64>(to, 0);
  return to + 8;
}

/** sum + a pair of inputs times its weights + another pair times its own. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function addTwo(sum: v128, weights: usize, pair: v128, otherWeights: usize, other: v128): v128 {
  const products = i32x4.dot_i16x8_s(v128.load(weights), pair);
  return i32x4.add(sum, i32x4.add(products, i32x4.dot_i16x8_s(v128.load(otherWeights), other)));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
export function clip(x: v128, low: f32, high: f32): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(low)), f32x4.splat(high));
}

/** Eight float32 that int16 holds. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function narrow(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(low), i32x4.trunc_sat_f32x4_s(high));
}
