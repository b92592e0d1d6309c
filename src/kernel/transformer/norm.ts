/** The normalisation of a residual sum. */
import { Network, Norm } from './network';
import { clip, narrow } from '../products';

const ROOT_ROWS: f64 = 4095;
const NORMAL_MAX: f64 = 4096;
const X_MAX: f32 = 2048;

// @ts-ignore: a decorator of AssemblyScript
@inline
function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3)
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function rows(squares: f64, factor: f64): f64 {
  return min(floor(squares * factor), ROOT_ROWS);
}

/**
 * 2 sqrt(squares), about: by table and two of Newton's steps.
 *
 * Integers below 2^53 are divided as doubles here and wherever the graph divides int64: a quotient n / d that is no
 * integer is at least 1 / d from the next one, which is more than the rounding of the division, |n / d| 2^-53. So the whole
 * part of the rounded quotient is the quotient truncated.
 */
function twiceRoot(squares: f64, roots: usize): f64 {
  const row = rows(squares, 1.0 / 256.0) + rows(squares, 1.0 / 1048576.0) + rows(squares, 1.0 / 4294967296.0);
  const first = <f64>load<i32>(roots + ((<usize>row) << 2));
  const root = trunc((first + trunc(squares / first)) / 2);
  return root + trunc(squares / root);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function normal(x: v128, factor: v128, twice: v128): v128 {
  const ratio = f64x2.trunc(f64x2.div(f64x2.mul(x, factor), twice));
  return f64x2.pmin(f64x2.pmax(ratio, f64x2.splat(-NORMAL_MAX)), f64x2.splat(NORMAL_MAX));
}

/**
 * Normalises residual + sums, float32 [width]; the result is written to both `residual`, float32, and `input`, int16.
 */
export function normalise(network: Network, norm: Norm): void {
  const bytes = (<usize>network.width) << 2;
  const y: usize = network.sums;
  const residual: usize = network.residual;
  const most = network.residualMax;
  let total = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const value = clip(f32x4.add(v128.load(residual + i), v128.load(y + i)), -most, most);
    total = f32x4.add(total, value);
    v128.store(y + i, value);
  }
  const mean = f32x4.splat(nearest(sumOf(total) * network.widthFactor));
  let squares = f64x2.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const c = f32x4.sub(v128.load(y + i), mean);
    v128.store(y + i, c);
    const low = f64x2.promote_low_f32x4(c);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(c, c, 1, 1));
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  const sum = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
  const twice = f64x2.splat(twiceRoot(sum, network.roots));
  const factor = f64x2.splat(2 * <f64>network.normalFactor);
  const scale: usize = norm.scale;
  const offset: usize = norm.offset;
  const input: usize = network.input;
  let before = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const c = v128.load(y + i);
    const low = normal(f64x2.promote_low_f32x4(c), factor, twice);
    const high = normal(f64x2.promote_low_f32x4(v128.shuffle<i64>(c, c, 1, 1)), factor, twice);
    const joined = v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
    const moved = f32x4.add(f32x4.mul(joined, v128.load(scale + i)), v128.load(offset + i));
    const x = clip(f32x4.nearest(moved), -X_MAX, X_MAX);
    v128.store(residual + i, x);
    if (i & 16) v128.store(input + ((i - 16) >> 1), narrow(before, x));
    before = x;
  }
}
