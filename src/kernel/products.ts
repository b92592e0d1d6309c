/** What products with matrices have in common in the networks' kernels. */

/** Columns that one pass over the inputs sums up: eight vectors of int32. */
export const BLOCK: usize = 32;
/** Bytes of a block's weights for one pair of inputs: int16 [32 columns][2]. */
export const PAIR_BYTES: usize = BLOCK * 4;

/** Lists the pairs of inputs that are not both zero; returns the list's end. */
export function listPairs(x: usize, count: i32, list: usize): usize {
  let to = list;
  for (let i = 0; i < count; i++) {
    const pair = load<i32>(x + ((<usize>i) << 2));
    store<i32>(to, i * <i32>PAIR_BYTES);
    store<i32>(to, pair, 4);
    to += pair != 0 ? 8 : 0;
  }
  return to;
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
