/**
 * Adaptive probability maps, four at a time, all reading the same stretched prediction in different contexts:
 * src/mix/probability-map.ts. A knot is stored with the bits of its first value flipped, so that zeros are a fresh map.
 */
import { COARSE_KNOT_AT, COARSE_SCRATCH_AT, KNOT_AT, MAP_SCRATCH_AT } from './memory';

const REACH: f32 = 8;
const LIMIT: f32 = 7.999;
const RATE: f32 = 0.02;
/** Scratch of one group: knots below, knots above, first values, share, addresses of knots; rows of the bit to come. */
const BELOW: u32 = 0;
const ABOVE: u32 = 16;
const FIRST: u32 = 32;
const SHARE: u32 = 40;
const KNOT: u32 = 48;
const ROW: u32 = 64;
const SCRATCH: u32 = 80;

/** Remembers the rows of the next bit. */
@inline
export function setRows(group: u32, row0: u32, row1: u32, row2: u32, row3: u32): void {
  const scratch = MAP_SCRATCH_AT + group * SCRATCH;
  store<u32>(scratch, row0, ROW);
  store<u32>(scratch, row1, ROW + 4);
  store<u32>(scratch, row2, ROW + 8);
  store<u32>(scratch, row3, ROW + 12);
}

/** Address of the knot below a stretched prediction, from its row's. */
@inline
export function knotOf(stretched: f32): u32 {
  const clipped: f32 = stretched > LIMIT ? LIMIT : stretched < -LIMIT ? -LIMIT : stretched;
  return <u32>((clipped + REACH) * 2) << 2;
}

/** The four refined probabilities. */
@inline
export function refine4(group: u32, stretched: f32): v128 {
  const scratch = MAP_SCRATCH_AT + group * SCRATCH;
  const clipped: f32 = stretched > LIMIT ? LIMIT : stretched < -LIMIT ? -LIMIT : stretched;
  const position: f32 = (clipped + REACH) * 2;
  const i = <i32>position;
  const share: f32 = position - <f32>i;
  const knot = i << 2;
  const row0 = load<u32>(scratch, ROW) + knot;
  const row1 = load<u32>(scratch, ROW + 4) + knot;
  const row2 = load<u32>(scratch, ROW + 8) + knot;
  const row3 = load<u32>(scratch, ROW + 12) + knot;
  store<u32>(scratch, row0, KNOT);
  store<u32>(scratch, row1, KNOT + 4);
  store<u32>(scratch, row2, KNOT + 8);
  store<u32>(scratch, row3, KNOT + 12);
  const first = v128.load64_splat(KNOT_AT + knot);
  let pair0 = v128.load64_zero(row0);
  pair0 = v128.xor(v128.load64_lane(row1, pair0, 1), first);
  let pair1 = v128.load64_zero(row2);
  pair1 = v128.xor(v128.load64_lane(row3, pair1, 1), first);
  const below = v128.shuffle<i32>(pair0, pair1, 0, 2, 4, 6);
  const above = v128.shuffle<i32>(pair0, pair1, 1, 3, 5, 7);
  v128.store(scratch, below, BELOW);
  v128.store(scratch, above, ABOVE);
  v128.store64_lane(scratch, first, 0, FIRST);
  store<f32>(scratch, share, SHARE);
  return f32x4.add(below, f32x4.mul(f32x4.sub(above, below), f32x4.splat(share)));
}

/** Learns what the last refined probabilities were of; `bit4` is the bit in four lanes. */
@inline
export function learn4(group: u32, bit4: v128): void {
  const scratch = MAP_SCRATCH_AT + group * SCRATCH;
  const share = load<f32>(scratch, SHARE);
  const first = v128.load64_splat(scratch, FIRST);
  let below = v128.load(scratch, BELOW);
  let above = v128.load(scratch, ABOVE);
  below = f32x4.add(below, f32x4.mul(f32x4.sub(bit4, below), f32x4.splat(RATE * (1 - share))));
  above = f32x4.add(above, f32x4.mul(f32x4.sub(bit4, above), f32x4.splat(RATE * share)));
  const pair0 = v128.xor(v128.shuffle<i32>(below, above, 0, 4, 1, 5), first);
  const pair1 = v128.xor(v128.shuffle<i32>(below, above, 2, 6, 3, 7), first);
  v128.store64_lane(load<u32>(scratch, KNOT), pair0, 0);
  v128.store64_lane(load<u32>(scratch, KNOT + 4), pair0, 1);
  v128.store64_lane(load<u32>(scratch, KNOT + 8), pair1, 0);
  v128.store64_lane(load<u32>(scratch, KNOT + 12), pair1, 1);
}

/** Scratch of the two coarse maps: rows of the bit to come, addresses of the knots that learn, their first values. */
const COARSE_KNOT: u32 = 8;
const COARSE_FIRST: u32 = 16;
/** What knots move to for a 0 and for a 1. */
const COARSE_ONE: i32 = 65536 + 64 - 2;

/** Remembers the coarse rows of the next bit. */
@inline
export function setCoarseRows(row1: u32, row2: u32): void {
  store<u32>(COARSE_SCRATCH_AT, row1);
  store<u32>(COARSE_SCRATCH_AT, row2, 4);
}

/** The sum of the two refined probabilities of the coarse maps. */
@inline
export function refineCoarse(stretched: f32): f32 {
  const clipped: f32 = stretched > LIMIT ? LIMIT : stretched < -LIMIT ? -LIMIT : stretched;
  const position: f32 = (clipped + REACH) * 2;
  const i = <i32>position;
  const share: f32 = position - <f32>i;
  const rest: f32 = 1 - share;
  const row1 = load<u32>(COARSE_SCRATCH_AT) + (i << 1);
  const row2 = load<u32>(COARSE_SCRATCH_AT, 4) + (i << 1);
  const first = load<u32>(COARSE_KNOT_AT + (i << 1));
  const pair1 = load<u32>(row1) ^ first;
  const pair2 = load<u32>(row2) ^ first;
  const nearer: u32 = share > 0.5 ? 2 : 0;
  store<u32>(COARSE_SCRATCH_AT, row1 + nearer, COARSE_KNOT);
  store<u32>(COARSE_SCRATCH_AT, row2 + nearer, COARSE_KNOT + 4);
  store<u32>(COARSE_SCRATCH_AT, (first >> (nearer << 3)) & 0xffff, COARSE_FIRST);
  const refined1: f32 = (<f32>(pair1 & 0xffff) * rest + <f32>(pair1 >> 16) * share) * <f32>(1.0 / 65536.0);
  const refined2: f32 = (<f32>(pair2 & 0xffff) * rest + <f32>(pair2 >> 16) * share) * <f32>(1.0 / 65536.0);
  return refined1 + refined2;
}

@inline
function moveCoarse(at: u32, first: u32, target: i32): void {
  const knot = <i32>(<u32>load<u16>(at) ^ first);
  store<u16>(at, <u16>(<u32>(knot + ((target - knot) >> 6)) ^ first));
}

/** Learns what they were of. */
@inline
export function learnCoarse(bit: u32): void {
  const first = load<u32>(COARSE_SCRATCH_AT, COARSE_FIRST);
  const target = bit !== 0 ? COARSE_ONE : 0;
  moveCoarse(load<u32>(COARSE_SCRATCH_AT, COARSE_KNOT), first, target);
  moveCoarse(load<u32>(COARSE_SCRATCH_AT, COARSE_KNOT + 4), first, target);
}
