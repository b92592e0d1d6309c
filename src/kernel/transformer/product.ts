/** Products of int16 inputs with a matrix, and steps between float32 and int16. */
import { BLOCK, clip, listPairs, narrow, PAIR_BYTES } from '../products';
import { Matrix } from './network';

/** round(sum * scale) + bias, halves to even as ONNX's Round has it: int32 to float32. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function finished(sum: v128, scales: usize, bias: usize): v128 {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum), v128.load(scales));
  return f32x4.add(f32x4.nearest(scaled), v128.load(bias));
}

/**
 * out = round(x * weights * scales) + bias, float32 [columns]. Most hidden units are zero, so zeros are left out.
 *
 * Sums are of int16 pairs in int32; that they are within +-2^24, so that float32 holds them, is what the audit has proven of
 * the graph's float32 product.
 */
export function multiply(matrix: Matrix, x: usize, list: usize, out: usize): void {
  const end = listPairs(x, matrix.pairs, list);
  const blockBytes = <usize>matrix.pairs * PAIR_BYTES;
  let weights: usize = matrix.weights;
  let scales: usize = matrix.scales;
  let bias: usize = matrix.bias;
  for (let block = matrix.blocks; block > 0; block--) {
    let a0 = i32x4.splat(0);
    let a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0);
    let a3 = i32x4.splat(0);
    let a4 = i32x4.splat(0);
    let a5 = i32x4.splat(0);
    let a6 = i32x4.splat(0);
    let a7 = i32x4.splat(0);
    for (let at = list; at < end; at += 8) {
      const w = weights + <usize>load<u32>(at);
      const pair = v128.load32_splat(at, 4);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load(w), pair));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load(w, 16), pair));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v128.load(w, 32), pair));
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v128.load(w, 48), pair));
      a4 = i32x4.add(a4, i32x4.dot_i16x8_s(v128.load(w, 64), pair));
      a5 = i32x4.add(a5, i32x4.dot_i16x8_s(v128.load(w, 80), pair));
      a6 = i32x4.add(a6, i32x4.dot_i16x8_s(v128.load(w, 96), pair));
      a7 = i32x4.add(a7, i32x4.dot_i16x8_s(v128.load(w, 112), pair));
    }
    v128.store(out, finished(a0, scales, bias));
    v128.store(out, finished(a1, scales + 16, bias + 16), 16);
    v128.store(out, finished(a2, scales + 32, bias + 32), 32);
    v128.store(out, finished(a3, scales + 48, bias + 48), 48);
    v128.store(out, finished(a4, scales + 64, bias + 64), 64);
    v128.store(out, finished(a5, scales + 80, bias + 80), 80);
    v128.store(out, finished(a6, scales + 96, bias + 96), 96);
    v128.store(out, finished(a7, scales + 112, bias + 112), 112);
    weights += blockBytes;
    scales += BLOCK * 4;
    bias += BLOCK * 4;
    out += BLOCK * 4;
  }
}

/** int16 [count] of float32 [count], limited; the count is a multiple of 8. */
export function limit(from: usize, count: usize, low: f32, high: f32, to: usize): void {
  for (let i: usize = 0; i < count << 2; i += 32) {
    const first = clip(v128.load(from + i), low, high);
    v128.store(to + (i >> 1), narrow(first, clip(v128.load(from + i, 16), low, high)));
  }
}
