/** Products of int16 inputs with a matrix, and steps between float32 and int16. */
import { accumulate, BLOCK, clip, narrow } from '../products';
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
  const scales: usize = matrix.scales;
  const bias: usize = matrix.bias;
  const bytes = (<usize>matrix.blocks * BLOCK) << 2;
  // The sums lie where their results will.
  memory.fill(out, 0, bytes);
  accumulate(matrix.weights, matrix.pairs, x, list, out, 0, matrix.blocks);
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(out + i, finished(v128.load(out + i), scales + i, bias + i));
  }
}

/** int16 [count] of float32 [count], limited; the count is a multiple of 8. */
export function limit(from: usize, count: usize, low: f32, high: f32, to: usize): void {
  for (let i: usize = 0; i < count << 2; i += 32) {
    const first = clip(v128.load(from + i), low, high);
    v128.store(to + (i >> 1), narrow(first, clip(v128.load(from + i, 16), low, high)));
  }
}
