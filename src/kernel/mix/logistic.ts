/** The logistic domain, four values at a time: src/mix/logistic.ts. */
import { SQUASH_AT, STRETCH_AT } from './memory';
import { load4 } from './scattered';

/** Math.fround(15.99) */
const STRETCH_LIMIT: f32 = 15.99;

/** Four values cut to the squash table's reach. */
@inline
export function clip4(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, f32x4.splat(STRETCH_LIMIT)), f32x4.splat(-STRETCH_LIMIT));
}

/** Their probabilities. */
@inline
export function squash4(x: v128): v128 {
  const position = f32x4.mul(f32x4.add(x, f32x4.splat(16)), f32x4.splat(128));
  const i = i32x4.trunc_sat_f32x4_s(position);
  const share = f32x4.sub(position, f32x4.convert_i32x4_s(i));
  let pair0 = v128.load64_zero(SQUASH_AT + (i32x4.extract_lane(i, 0) << 2));
  let pair1 = v128.load64_zero(SQUASH_AT + (i32x4.extract_lane(i, 2) << 2));
  pair0 = v128.load64_lane(SQUASH_AT + (i32x4.extract_lane(i, 1) << 2), pair0, 1);
  pair1 = v128.load64_lane(SQUASH_AT + (i32x4.extract_lane(i, 3) << 2), pair1, 1);
  const below = v128.shuffle<i32>(pair0, pair1, 0, 2, 4, 6);
  const above = v128.shuffle<i32>(pair0, pair1, 1, 3, 5, 7);
  return f32x4.add(below, f32x4.mul(f32x4.sub(above, below), share));
}

/** One value's probability. */
@inline
export function squash1(x: f32): f32 {
  const position: f32 = (x + 16) * 128;
  const i = <i32>position;
  const below = load<f32>(SQUASH_AT + (i << 2));
  const above = load<f32>(SQUASH_AT + (i << 2), 4);
  return below + (above - below) * (position - <f32>i);
}

/** The stretch of four probabilities by their 12 high bits. */
@inline
export function stretch4(index: v128): v128 {
  const at = i32x4.add(i32x4.shl(index, 2), i32x4.splat(STRETCH_AT));
  return load4(
    i32x4.extract_lane(at, 0),
    i32x4.extract_lane(at, 1),
    i32x4.extract_lane(at, 2),
    i32x4.extract_lane(at, 3),
  );
}
