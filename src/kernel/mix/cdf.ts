/** From logits to cumulative frequencies (src/entropy/cdf.ts), and from those to inputs (src/mix/language-model-input.ts). */
import { CDF_AT, LOGITS_AT, LOG_AT, POWER_AT, WEIGHTS_AT } from './memory';
import { load4 } from './scattered';

const ALPHABET: u32 = 256;
const SHARED: u64 = (1 << 24) - 256;

/** The two most probable bytes; of equals, the smaller. */
export let best: u32 = 0;
export let second: u32 = 0;

/** Distance from the likeliest symbol's logit from which on a weight is zero. */
let cutoff: u32 = 0;

/** Prepares the weights of all distances. */
export function setLogitBits(bits: u32): void {
  if (cutoff === <u32>25 << bits) return;
  cutoff = 25 << bits;
  for (let distance: u32 = 0; distance < cutoff; distance++) {
    const steps = distance << (8 - bits);
    store<u32>(WEIGHTS_AT + (distance << 2), load<u32>(POWER_AT + ((steps & 255) << 2)) >> (steps >> 8));
  }
  store<u32>(WEIGHTS_AT + (cutoff << 2), 0);
}

/** The largest of the 256 numbers at an address. */
@inline
function largest(at: u32): u32 {
  let most = v128.load(at);
  for (let i: u32 = 16; i < 4 * ALPHABET; i += 16) most = i32x4.max_s(most, v128.load(at + i));
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  return i32x4.extract_lane(most, 0);
}

/** Index of the first of the 256 numbers at an address that is this one; it must be there. */
@inline
function indexOf(number: u32, at: u32): u32 {
  const wanted = i32x4.splat(number);
  let i = at;
  let found = 0;
  while ((found = i32x4.bitmask(i32x4.eq(v128.load(i), wanted))) === 0) i += 16;
  return ((i - at) >> 2) + ctz(found);
}

/** Replaces the logits by the symbols' weights; returns their sum. */
@inline
function weigh(top: u32): u64 {
  const most = i32x4.splat(top);
  const limit = i32x4.splat(cutoff);
  let sum = i64x2.splat(0);
  for (let at = LOGITS_AT; at < LOGITS_AT + 4 * ALPHABET; at += 16) {
    // Unsigned: logits may lie 2^31 apart.
    const distances = i32x4.min_u(i32x4.sub(most, v128.load(at)), limit);
    const weights = load4(
      WEIGHTS_AT + (i32x4.extract_lane(distances, 0) << 2),
      WEIGHTS_AT + (i32x4.extract_lane(distances, 1) << 2),
      WEIGHTS_AT + (i32x4.extract_lane(distances, 2) << 2),
      WEIGHTS_AT + (i32x4.extract_lane(distances, 3) << 2),
    );
    v128.store(at, weights);
    sum = i64x2.add(sum, i64x2.extend_low_i32x4_u(weights));
    sum = i64x2.add(sum, i64x2.extend_high_i32x4_u(weights));
  }
  return <u64>(i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1));
}

/** Replaces the weights by frequencies without what rounding leaves over, and adds those up; returns their total. */
@inline
function accumulate(reciprocal: u32): u32 {
  const factor = i32x4.splat(reciprocal);
  const one = i32x4.splat(1);
  const zero = i32x4.splat(0);
  let total = zero;
  for (let i: u32 = 0; i < 4 * ALPHABET; i += 16) {
    const weights = v128.load(LOGITS_AT + i);
    const low = i64x2.shr_u(i64x2.extmul_low_i32x4_u(weights, factor), 28);
    const high = i64x2.shr_u(i64x2.extmul_high_i32x4_u(weights, factor), 28);
    const frequencies = i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), one);
    v128.store(LOGITS_AT + i, frequencies);
    const pairs = i32x4.add(frequencies, v128.shuffle<i32>(zero, frequencies, 0, 4, 5, 6));
    const sums = i32x4.add(pairs, v128.shuffle<i32>(zero, pairs, 0, 1, 4, 5));
    v128.store(CDF_AT + i, i32x4.add(total, i32x4.sub(sums, frequencies)));
    total = i32x4.add(total, v128.shuffle<i32>(sums, sums, 3, 3, 3, 3));
  }
  return i32x4.extract_lane(total, 0);
}

/** Turns the logits into cumulative frequencies. */
export function fillCdf(): void {
  const top = largest(LOGITS_AT);
  const likeliest = indexOf(top, LOGITS_AT);
  const sum = weigh(top);
  // A weight is at most 2^24 and the largest is that, so the reciprocal is at most 2^28.
  const rest = (1 << 24) - accumulate(<u32>((SHARED << 28) / sum));
  let one = indexOf(largest(LOGITS_AT), LOGITS_AT);
  store<u32>(LOGITS_AT + (one << 2), 0);
  let two = indexOf(largest(LOGITS_AT), LOGITS_AT);
  // What rounding left over goes to the first most probable symbol: the first of the largest weight, 2^24.
  if (rest !== 0) {
    const more = i32x4.splat(rest);
    let s = likeliest + 1;
    for (; (s & 3) !== 0; s++) store<u32>(CDF_AT + (s << 2), load<u32>(CDF_AT + (s << 2)) + rest);
    for (; s < ALPHABET; s += 4) {
      const at = CDF_AT + (s << 2);
      v128.store(at, i32x4.add(v128.load(at), more));
    }
    // With it the likeliest may overtake others of equal frequency.
    if (likeliest !== one) {
      two = one;
      one = likeliest;
    }
  }
  store<u32>(CDF_AT + 4 * ALPHABET, 1 << 24);
  best = one;
  second = two;
}

@inline
function logarithm(n: u32): i32 {
  const shift = max<i32>(0, 20 - clz(n));
  return load<i32>(LOG_AT + (n >> shift << 2)) + shift * load<i32>(LOG_AT + 8);
}

/** The stretched probability that the next bit is 1. */
export function stretchedByModel(partial: u32, shift: u32): f32 {
  const low = (partial << (shift + 1)) & 255;
  const atLow = CDF_AT + (low << 2);
  const half: u32 = 4 << shift;
  const middle = load<u32>(atLow + half);
  const ones = load<u32>(atLow + 2 * half) - middle;
  const zeros = middle - load<u32>(atLow);
  return <f32>((logarithm(ones) - logarithm(zeros)) >> 6) * <f32>(1.0 / 1024.0);
}

/** Whether the most probable byte begins with the bits that are known, after a leading 1; so many are not. */
@inline
export function beginsLikeliest(partial: u32, unknown: u32): bool {
  return (best + 256) >> unknown === partial;
}

/** Which of the two most probable bytes are still possible: 1 for the first, 2 for the second, added. */
@inline
export function possibleByModel(partial: u32, shift: u32): u32 {
  return (
    ((best + 256) >> (shift + 1) === partial ? 1 : 0) + ((second + 256) >> (shift + 1) === partial ? 2 : 0)
  );
}
