/**
 * The logistic domain: `stretch(p) = ln(p / (1 - p))` and its inverse `squash`, as tables of values that float32 holds
 * exactly, built by integer arithmetic alone. Everything that reads them rounds each operation to float32
 * (`Math.fround`), in a fixed order, so that every machine and WebAssembly's f32 get the same bits.
 *
 * Mixing in this domain: M. Mahoney, "Adaptive weighing of context models for lossless data compression", 2005.
 *
 * @module
 */

/** Fraction bits of the BigInt arithmetic; results are rounded to 24 bits or fewer. */
const GUARD_BITS = 96n;
const ONE = 1n << GUARD_BITS;

/** Steps of the squash table per unit of stretch. */
const SQUASH_STEPS = 128;
/** The squash table reaches from -16 to 16. */
const SQUASH_REACH = 16;
/** What a stretched value is clipped to: a little inside the table, so that interpolation never leaves it. */
export const STRETCH_LIMIT = Math.fround(15.99);
/** Probabilities index the stretch table by their 12 high bits. */
export const STRETCH_INDEX_BITS = 12;
/** Squash values are multiples of 2^-24. */
const SQUASH_UNIT = 2 ** 24;
/** Fraction bits of the stretch table's and the logarithm table's values. */
const LOG_BITS = 16n;

/** `round(x / 2^shift)` for x >= 0. */
function roundShift(x: bigint, shift: bigint): bigint {
  return (x + (1n << (shift - 1n))) >> shift;
}

/** 2^96 * 2 atanh(1/n) = 2^96 * ln((n+1)/(n-1)), by its series. */
function twiceAtanhOfInverse(n: bigint): bigint {
  const square = n * n;
  let power = (2n * ONE) / n;
  let sum = 0n;
  for (let k = 1n; power > 0n; k += 2n) {
    sum += power / k;
    power /= square;
  }
  return sum;
}

/** 2^96 * ln(n) for n = 1 .. limit (index 0 unused): products of primes, and primes from their neighbours. */
function logarithms(limit: number): bigint[] {
  const ln = new Array<bigint>(limit + 1).fill(0n);
  if (limit >= 2) ln[2] = twiceAtanhOfInverse(3n);
  for (let n = 3; n <= limit; n++) {
    if (n % 2 === 0) {
      ln[n] = ln[2] + ln[n >> 1];
      continue;
    }
    let factor = 3;
    while (factor * factor <= n && n % factor !== 0) factor += 2;
    // ln(n) = (ln(n-1) + ln(n+1) + ln(n^2/(n^2-1))) / 2, for a prime n; n+1 is even, so its half is known.
    ln[n] =
      factor * factor <= n
        ? ln[factor] + ln[n / factor]
        : (ln[n - 1] + ln[2] + ln[(n + 1) >> 1] + twiceAtanhOfInverse(2n * BigInt(n) * BigInt(n) - 1n)) / 2n;
  }
  return ln;
}

/** 2^96 * e^(-1/128), by its series. */
function squashStep(): bigint {
  let term = ONE;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    term = -term / (BigInt(SQUASH_STEPS) * k);
  }
  return sum;
}

function buildSquash(): Float32Array {
  const half = SQUASH_REACH * SQUASH_STEPS;
  const table = new Float32Array(2 * half + 1);
  const step = squashStep();
  let power = ONE; // e^(-i/128)
  for (let i = 0; i <= half; i++) {
    // 2^24 / (1 + e^(-i/128)), rounded
    const p = Number(((1n << (25n + GUARD_BITS)) / (ONE + power) + 1n) >> 1n);
    table[half + i] = p / SQUASH_UNIT;
    table[half - i] = (SQUASH_UNIT - p) / SQUASH_UNIT;
    power = (power * step) >> GUARD_BITS;
  }
  return table;
}

const LN = logarithms(8191);

/** `1 / (1 + e^-x)` at x = i/128 - 16, to 2^-24. */
export const SQUASH_TABLE: Float32Array = buildSquash();

/** `ln((i + 1/2) / (4095 1/2 - i))`, to 2^-16: the stretch of a probability whose 12 high bits are i. */
export const STRETCH_TABLE: Float32Array = Float32Array.from({ length: 1 << STRETCH_INDEX_BITS }, (_, i) => {
  const mirrored = 4095 - i;
  const [low, high] = i < mirrored ? [i, mirrored] : [mirrored, i];
  const size = Number(roundShift(LN[2 * high + 1] - LN[2 * low + 1], GUARD_BITS - LOG_BITS)) / 65536;
  return i < mirrored ? -size : size;
});

/** 2^16 ln(i), rounded, for i = 1 .. 4095. */
export const LOG_TABLE: Int32Array = Int32Array.from({ length: 4096 }, (_, i) =>
  Number(roundShift(LN[i], GUARD_BITS - LOG_BITS)),
);
const LOG_TWO = LOG_TABLE[2];

/**
 * 2^16 ln(n), nearly: from the 12 high bits of n.
 *
 * @param n  1 .. 2^24
 */
export function logarithm(n: number): number {
  const shift = Math.max(0, 20 - Math.clz32(n));
  return LOG_TABLE[n >> shift] + shift * LOG_TWO;
}

/** The probability of a stretched value within +-{@link STRETCH_LIMIT}; float32. */
export function squash(x: number): number {
  const position = Math.fround(Math.fround(x + SQUASH_REACH) * SQUASH_STEPS);
  const i = Math.trunc(position);
  const below = SQUASH_TABLE[i];
  const step = Math.fround(SQUASH_TABLE[i + 1] - below);
  return Math.fround(below + Math.fround(step * Math.fround(position - i)));
}

/** A value cut to +-{@link STRETCH_LIMIT}. */
export function clipStretch(x: number): number {
  return x > STRETCH_LIMIT ? STRETCH_LIMIT : x < -STRETCH_LIMIT ? -STRETCH_LIMIT : x;
}

/** The stretch of a float32 probability below 1. */
export function stretchOf(p: number): number {
  return STRETCH_TABLE[Math.min(4095, Math.trunc(Math.fround(p * 4096)))];
}
