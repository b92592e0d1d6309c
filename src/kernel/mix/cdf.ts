/** From logits to cumulative frequencies (src/entropy/cdf.ts), and from those to inputs (src/mix/language-model-input.ts). */
import { CDF_AT, LOGITS_AT, LOG_AT, POWER_AT } from './memory';

const ALPHABET: u32 = 256;
const SHARED: u64 = (1 << 24) - 256;

/** The two most probable bytes; of equals, the smaller. */
export let best: u32 = 0;
export let second: u32 = 0;

let spread: u32 = 0;
let cutoff: u32 = 0;

export function setLogitBits(bits: u32): void {
  spread = 8 - bits;
  cutoff = 25 << bits;
}

/** Turns the logits into cumulative frequencies. */
export function fillCdf(): void {
  let highest = v128.load(LOGITS_AT);
  for (let at = LOGITS_AT + 16; at < LOGITS_AT + 4 * ALPHABET; at += 16) {
    highest = i32x4.max_s(highest, v128.load(at));
  }
  highest = i32x4.max_s(highest, v128.shuffle<i32>(highest, highest, 2, 3, 0, 1));
  highest = i32x4.max_s(highest, v128.shuffle<i32>(highest, highest, 1, 0, 3, 2));
  const top = i32x4.extract_lane(highest, 0);
  let sum: u64 = 0;
  const left = spread;
  const limit = cutoff;
  // The weights take the places of the logits.
  for (let at = LOGITS_AT; at < LOGITS_AT + 4 * ALPHABET; at += 4) {
    // Unsigned: logits may lie 2^31 apart.
    const distance = <u32>(top - load<i32>(at));
    const steps = distance << left;
    const weight = distance < limit ? load<u32>(POWER_AT + ((steps & 255) << 2)) >> (steps >> 8) : 0;
    store<u32>(at, weight);
    sum += weight;
  }
  const reciprocal: u64 = (SHARED << 28) / sum;
  let total: u32 = 0;
  let first: u32 = 0;
  let next: u32 = 0;
  let one: u32 = 0;
  let two: u32 = 0;
  let likeliest: u32 = 0;
  let likeliestWeight: u32 = 0;
  for (let s: u32 = 0; s < ALPHABET; s++) {
    const weight = load<u32>(LOGITS_AT + (s << 2));
    const frequency: u32 = 1 + <u32>((weight * reciprocal) >> 28);
    store<u32>(CDF_AT + (s << 2), total);
    total += frequency;
    if (frequency > next) {
      if (frequency > first) {
        next = first;
        two = one;
        first = frequency;
        one = s;
      } else {
        next = frequency;
        two = s;
      }
    }
    if (weight > likeliestWeight) {
      likeliestWeight = weight;
      likeliest = s;
    }
  }
  // What rounding left over goes to the first most probable symbol: the first of the largest weight, 2^24.
  const rest = (1 << 24) - total;
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

/** Which of the two most probable bytes are still possible: 1 for the first, 2 for the second, added. */
@inline
export function possibleByModel(partial: u32, shift: u32): u32 {
  return (
    ((best + 256) >> (shift + 1) === partial ? 1 : 0) + ((second + 256) >> (shift + 1) === partial ? 2 : 0)
  );
}
