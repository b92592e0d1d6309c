/** Products of int16 inputs with a matrix, and steps between float32 and int16. */
import { addTwo, BLOCK, clip, listPairs, narrow, PAIR_BYTES } from '../products';
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
    for (let at = list; at < end; at += 16) {
      const w = weights + <usize>load<u32>(at);
      const v = weights + <usize>load<u32>(at, 8);
      const one = v128.load32_splat(at, 4);
      const other = v128.load32_splat(at, 12);
      a0 = addTwo(a0, w, one, v, other);
      a1 = addTwo(a1, w + 16, one, v + 16, other);
      a2 = addTwo(a2, w + 32, one, v + 32, other);
      a3 = addTwo(a3, w + 48, one, v + 48, other);
    }
    v128.store(out, finished(a0, scales, bias));
    v128.store(out, finished(a1, scales + 16, bias + 16), 16);
    v128.store(out, finished(a2, scales + 32, bias + 32), 32);
    v128.store(out, finished(a3, scales + 48, bias + 48), 48);
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
