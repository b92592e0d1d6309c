/** What products with matrices have in common in the networks' kernels. */

/**
 * Columns that one pass over the inputs sums up: four vectors of int32. With two pairs of inputs at a time that is as many as
 * V8 keeps in registers: it loads all weights of a turn before it multiplies any, and with eight sums one lay in memory.
 */
export const BLOCK: usize = 16;
/** Bytes of a block's weights for one pair of inputs: int8 [16 columns][2]. */
const PAIR_BYTES: usize = BLOCK * 2;

/**
 * Lists the pairs of inputs that are not both zero, (offset into weights, pair): an even number of them, where need be with a
 * pair of zeros.
 *
 * @returns the list's end
 */
function listPairs(x: usize, count: i32, list: usize): usize {
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
function addTwo(sum: v128, weights: usize, pair: v128, otherWeights: usize, other: v128): v128 {
  const products = i32x4.dot_i16x8_s(v128.load8x8_s(weights), pair);
  return i32x4.add(sum, i32x4.add(products, i32x4.dot_i16x8_s(v128.load8x8_s(otherWeights), other)));
}

/**
 * sums += x * weights, in some of a product's blocks: int16 inputs, int32 sums.
 *
 * Few inputs are not zero (a state's changes, a hidden layer with most units at zero), so zeros are left out.
 *
 * @param weights - int8 [blocks][pairs of inputs][BLOCK columns][2]
 * @param pairs - of inputs
 * @param list - work space: two words for each pair, and one pair more
 * @param sums - int32 of all columns
 * @param from - the first block, and `to` the one after the last
 */
export function accumulate(
  weights: usize,
  pairs: i32,
  x: usize,
  list: usize,
  sums: usize,
  from: i32,
  to: i32,
): void {
  const end = listPairs(x, pairs, list);
  const blockBytes = <usize>pairs * PAIR_BYTES;
  weights += <usize>from * blockBytes;
  sums += <usize>from * (BLOCK * 4);
  for (let block = to - from; block > 0; block--) {
    let a0 = v128.load(sums);
    let a1 = v128.load(sums, 16);
    let a2 = v128.load(sums, 32);
    let a3 = v128.load(sums, 48);
    for (let at = list; at < end; at += 16) {
      const w = weights + <usize>load<u32>(at);
      const v = weights + <usize>load<u32>(at, 8);
      const one = v128.load32_splat(at, 4);
      const other = v128.load32_splat(at, 12);
      a0 = addTwo(a0, w, one, v, other);
      a1 = addTwo(a1, w + 8, one, v + 8, other);
      a2 = addTwo(a2, w + 16, one, v + 16, other);
      a3 = addTwo(a3, w + 24, one, v + 24, other);
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    v128.store(sums, a2, 32);
    v128.store(sums, a3, 48);
    weights += blockBytes;
    sums += BLOCK * 4;
  }
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
