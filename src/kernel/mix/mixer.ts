/**
 * Both layers of mixers: src/mix/mixer.ts. The reference's eight partial sums are two vectors here, the four lower ones
 * and the four upper ones; seven mixers of the first layer, five with the fast set of contexts, read the inputs together.
 */
import { clip4, squash1, squash4 } from './logistic';
import {
  FIRST_AT,
  INPUTS_AT,
  LAYER1_AT,
  LAYER2_AT,
  OUTPUTS_AT,
  SECOND_AT,
  START_INPUTS_AT,
  START_OUTPUTS_AT,
  UPDATES_AT,
  VECTORS_MAX,
} from './memory';
import { load4, store4 } from './scattered';

const RATE_DECAY: f32 = 0.002;
const RATE_SECOND_LAYER: f32 = 0.002;
export const BIAS: f32 = 0.3;
/** Weight vectors of the second layer's mixers. */
const SECOND_SETS: u32 = 256 + 160;

/** Bytes of an input vector, and of a weight vector. */
let vectorBytes: u32 = 0;
/** The first layer's rates fall from the sum of the two to the last. */
let rateLast: f32 = 0;
let rateSpan: f32 = 0;
/** Numbers of the weight vectors in use, and their addresses. */
let n0: u32 = 0;
let n1: u32 = 0;
let n2: u32 = 0;
let n3: u32 = 0;
let n4: u32 = 0;
let n5: u32 = 0;
let n6: u32 = 0;
let w0: u32 = 0;
let w1: u32 = 0;
let w2: u32 = 0;
let w3: u32 = 0;
let w4: u32 = 0;
let w5: u32 = 0;
let w6: u32 = 0;
let v0: u32 = 0;
let v1: u32 = 0;

/** Inputs and weights as they are at the start of a chunk; `runs` further inputs follow the bias, the last of `inputs`. */
export function resetMixers(
  inputs: u32,
  runs: u32,
  languageModel: bool,
  fast: bool,
  first: f32,
  last: f32,
): void {
  vectorBytes = ((inputs + runs + 7) & ~7) << 2;
  rateLast = last;
  rateSpan = first - last;
  memory.fill(INPUTS_AT, 0, 512);
  store<f32>(INPUTS_AT + ((inputs - 1) << 2), BIAS);
  memory.fill(UPDATES_AT, 0, VECTORS_MAX * 4);
  const sets = 256 + 264 + 256 + 56 + 504 + (fast ? 0 : 1024 + (languageModel ? 768 : 2048));
  memory.copy(LAYER1_AT, START_INPUTS_AT, vectorBytes);
  const all = vectorBytes * sets;
  for (let filled = vectorBytes; filled < all; filled *= 2) {
    memory.copy(LAYER1_AT + filled, LAYER1_AT, min(filled, all - filled));
  }
  for (let i: u32 = 0; i < SECOND_SETS; i++) {
    memory.copy(LAYER2_AT + (i << 5), START_OUTPUTS_AT + (i < 256 ? 0 : 32), 32);
  }
}

/** Chooses the first layer's weight vectors. */
@inline
export function choose(s0: u32, s1: u32, s2: u32, s3: u32, s4: u32, s5: u32, s6: u32): void {
  const bytes = vectorBytes;
  n0 = s0;
  n1 = 256 + s1;
  n2 = 256 + 264 + s2;
  n3 = 256 + 264 + 256 + s3;
  n5 = 256 + 264 + 256 + 56 + s5;
  n6 = 256 + 264 + 256 + 56 + 504 + s6;
  n4 = 256 + 264 + 256 + 56 + 504 + 1024 + s4;
  w0 = LAYER1_AT + n0 * bytes;
  w1 = LAYER1_AT + n1 * bytes;
  w2 = LAYER1_AT + n2 * bytes;
  w3 = LAYER1_AT + n3 * bytes;
  w4 = LAYER1_AT + n4 * bytes;
  w5 = LAYER1_AT + n5 * bytes;
  w6 = LAYER1_AT + n6 * bytes;
}

/** The same of the fast set. */
@inline
export function chooseFast(s0: u32, s1: u32, s2: u32, s3: u32, s4: u32): void {
  const bytes = vectorBytes;
  n0 = s0;
  n1 = 256 + s1;
  n2 = 256 + 264 + s2;
  n3 = 256 + 264 + 256 + s3;
  n4 = 256 + 264 + 256 + 56 + s4;
  w0 = LAYER1_AT + n0 * bytes;
  w1 = LAYER1_AT + n1 * bytes;
  w2 = LAYER1_AT + n2 * bytes;
  w3 = LAYER1_AT + n3 * bytes;
  w4 = LAYER1_AT + n4 * bytes;
}

/** Counts an update of four weight vectors; returns their rates. */
@inline
function rates(n0: u32, n1: u32, n2: u32, n3: u32): v128 {
  const at0 = UPDATES_AT + (n0 << 2);
  const at1 = UPDATES_AT + (n1 << 2);
  const at2 = UPDATES_AT + (n2 << 2);
  const at3 = UPDATES_AT + (n3 << 2);
  const updates = load4(at0, at1, at2, at3);
  store4(at0, at1, at2, at3, f32x4.add(updates, f32x4.splat(1)));
  const divisor = f32x4.add(f32x4.splat(1), f32x4.mul(updates, f32x4.splat(RATE_DECAY)));
  return f32x4.add(f32x4.splat(rateLast), f32x4.div(f32x4.splat(rateSpan), divisor));
}

/** The same of one. */
@inline
function rateOf(n: u32): f32 {
  const at = UPDATES_AT + (n << 2);
  const updates = load<f32>(at);
  store<f32>(at, updates + 1);
  return rateLast + rateSpan / (1 + updates * RATE_DECAY);
}

/** Sums of four vectors' elements, in the reference's order: (0 + 2) + (1 + 3). */
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** Clipped products of the inputs with four weight vectors. */
@inline
function mix4(w0: u32, w1: u32, w2: u32, w3: u32): v128 {
  const zero = f32x4.splat(0);
  let a0 = zero;
  let a1 = zero;
  let a2 = zero;
  let a3 = zero;
  let b0 = zero;
  let b1 = zero;
  let b2 = zero;
  let b3 = zero;
  const bytes = vectorBytes;
  for (let i: u32 = 0; i < bytes; i += 32) {
    const x = v128.load(INPUTS_AT + i);
    const y = v128.load(INPUTS_AT + i, 16);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(w0 + i), x));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(w1 + i), x));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(w2 + i), x));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(w3 + i), x));
    b0 = f32x4.add(b0, f32x4.mul(v128.load(w0 + i, 16), y));
    b1 = f32x4.add(b1, f32x4.mul(v128.load(w1 + i, 16), y));
    b2 = f32x4.add(b2, f32x4.mul(v128.load(w2 + i, 16), y));
    b3 = f32x4.add(b3, f32x4.mul(v128.load(w3 + i, 16), y));
  }
  return clip4(sums(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3)));
}

/** Keeps four outputs of the first layer, and their probabilities for training. */
@inline
function keep(outputs: v128, at: u32): void {
  v128.store(OUTPUTS_AT + at, outputs);
  v128.store(FIRST_AT + at, squash4(outputs));
}

/** The first layer. */
@inline
export function mixFirst(): void {
  keep(mix4(w0, w1, w2, w3), 0);
  const zero = f32x4.splat(0);
  let a0 = zero;
  let a1 = zero;
  let a2 = zero;
  let b0 = zero;
  let b1 = zero;
  let b2 = zero;
  const bytes = vectorBytes;
  for (let i: u32 = 0; i < bytes; i += 32) {
    const x = v128.load(INPUTS_AT + i);
    const y = v128.load(INPUTS_AT + i, 16);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(w4 + i), x));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(w5 + i), x));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(w6 + i), x));
    b0 = f32x4.add(b0, f32x4.mul(v128.load(w4 + i, 16), y));
    b1 = f32x4.add(b1, f32x4.mul(v128.load(w5 + i, 16), y));
    b2 = f32x4.add(b2, f32x4.mul(v128.load(w6 + i, 16), y));
  }
  keep(clip4(sums(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), zero)), 16);
}

/** The first layer of the fast set. */
@inline
export function mixFirstFast(): void {
  keep(mix4(w0, w1, w2, w3), 0);
  const zero = f32x4.splat(0);
  let a = zero;
  let b = zero;
  const bytes = vectorBytes;
  for (let i: u32 = 0; i < bytes; i += 32) {
    a = f32x4.add(a, f32x4.mul(v128.load(w4 + i), v128.load(INPUTS_AT + i)));
    b = f32x4.add(b, f32x4.mul(v128.load(w4 + i, 16), v128.load(INPUTS_AT + i, 16)));
  }
  const last = clip4(sums(f32x4.add(a, b), zero, zero, zero));
  v128.store(OUTPUTS_AT, last, 16);
  store<f32>(FIRST_AT, squash1(f32x4.extract_lane(last, 0)), 16);
}

/** The second layer of the fast set: the mixed prediction, stretched; its probability goes to SECOND_AT. */
@inline
export function mixSecondFast(set0: u32): f32 {
  v0 = LAYER2_AT + (set0 << 5);
  const a = f32x4.add(
    f32x4.mul(v128.load(v0), v128.load(OUTPUTS_AT)),
    f32x4.mul(v128.load(v0, 16), v128.load(OUTPUTS_AT, 16)),
  );
  const mixed = f32x4.extract_lane(clip4(sums(a, a, a, a)), 0);
  store<f32>(SECOND_AT, squash1(mixed));
  return mixed;
}

/** The second layer: the mixed prediction, stretched; its probability goes to SECOND_AT + 8. */
@inline
export function mixSecond(set0: u32, set1: u32): f32 {
  v0 = LAYER2_AT + (set0 << 5);
  v1 = LAYER2_AT + ((256 + set1) << 5);
  const x = v128.load(OUTPUTS_AT);
  const y = v128.load(OUTPUTS_AT, 16);
  const a = f32x4.add(f32x4.mul(v128.load(v0), x), f32x4.mul(v128.load(v0, 16), y));
  const b = f32x4.add(f32x4.mul(v128.load(v1), x), f32x4.mul(v128.load(v1, 16), y));
  const both = clip4(sums(a, b, a, b));
  const mixed = f32x4.mul(f32x4.add(both, v128.shuffle<i32>(both, both, 1, 0, 3, 2)), f32x4.splat(0.5));
  v128.store(SECOND_AT, squash4(v128.shuffle<i32>(both, mixed, 0, 1, 4, 5)));
  return f32x4.extract_lane(mixed, 0);
}

@inline
function move(weights: u32, x: v128, y: v128, step: v128): void {
  v128.store(weights, f32x4.add(v128.load(weights), f32x4.mul(step, x)));
  v128.store(weights, f32x4.add(v128.load(weights, 16), f32x4.mul(step, y)), 16);
}

/** Moves the weights used last against their error; `bit4` is the bit in four lanes. */
@inline
export function trainMixers(bit4: v128): void {
  const low = f32x4.mul(f32x4.sub(bit4, v128.load(FIRST_AT)), rates(n0, n1, n2, n3));
  // Nobody's vector fills up the four.
  const high = f32x4.mul(f32x4.sub(bit4, v128.load(FIRST_AT, 16)), rates(n4, n5, n6, VECTORS_MAX));
  const step0 = v128.shuffle<i32>(low, low, 0, 0, 0, 0);
  const step1 = v128.shuffle<i32>(low, low, 1, 1, 1, 1);
  const step2 = v128.shuffle<i32>(low, low, 2, 2, 2, 2);
  const step3 = v128.shuffle<i32>(low, low, 3, 3, 3, 3);
  const step4 = v128.shuffle<i32>(high, high, 0, 0, 0, 0);
  const step5 = v128.shuffle<i32>(high, high, 1, 1, 1, 1);
  const step6 = v128.shuffle<i32>(high, high, 2, 2, 2, 2);
  const bytes = vectorBytes;
  for (let i: u32 = 0; i < bytes; i += 32) {
    const x = v128.load(INPUTS_AT + i);
    const y = v128.load(INPUTS_AT + i, 16);
    move(w0 + i, x, y, step0);
    move(w1 + i, x, y, step1);
    move(w2 + i, x, y, step2);
    move(w3 + i, x, y, step3);
    move(w4 + i, x, y, step4);
    move(w5 + i, x, y, step5);
    move(w6 + i, x, y, step6);
  }
  const second = f32x4.mul(f32x4.sub(bit4, v128.load(SECOND_AT)), f32x4.splat(RATE_SECOND_LAYER));
  const x = v128.load(OUTPUTS_AT);
  const y = v128.load(OUTPUTS_AT, 16);
  move(v0, x, y, v128.shuffle<i32>(second, second, 0, 0, 0, 0));
  move(v1, x, y, v128.shuffle<i32>(second, second, 1, 1, 1, 1));
}

/** The same for the fast set. */
@inline
export function trainMixersFast(bit4: v128): void {
  const low = f32x4.mul(f32x4.sub(bit4, v128.load(FIRST_AT)), rates(n0, n1, n2, n3));
  const high = f32x4.mul(f32x4.sub(bit4, v128.load32_splat(FIRST_AT, 16)), f32x4.splat(rateOf(n4)));
  const step0 = v128.shuffle<i32>(low, low, 0, 0, 0, 0);
  const step1 = v128.shuffle<i32>(low, low, 1, 1, 1, 1);
  const step2 = v128.shuffle<i32>(low, low, 2, 2, 2, 2);
  const step3 = v128.shuffle<i32>(low, low, 3, 3, 3, 3);
  const step4 = v128.shuffle<i32>(high, high, 0, 0, 0, 0);
  const bytes = vectorBytes;
  for (let i: u32 = 0; i < bytes; i += 32) {
    const x = v128.load(INPUTS_AT + i);
    const y = v128.load(INPUTS_AT + i, 16);
    move(w0 + i, x, y, step0);
    move(w1 + i, x, y, step1);
    move(w2 + i, x, y, step2);
    move(w3 + i, x, y, step3);
    move(w4 + i, x, y, step4);
  }
  const second = f32x4.mul(f32x4.sub(bit4, v128.load32_splat(SECOND_AT)), f32x4.splat(RATE_SECOND_LAYER));
  move(v0, v128.load(OUTPUTS_AT), v128.load(OUTPUTS_AT, 16), second);
}
