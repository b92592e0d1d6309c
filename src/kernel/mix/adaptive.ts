/** Adaptive probabilities: src/mix/adaptive-probability.ts. */
import { RATE_AT } from './memory';

const PROBABILITY_MAX: i32 = 0x3fffff;
/** Limit of the counts of histories and of runs. */
const LIMIT4: i32 = 255;

/** Moves the word at an address, which is stored with the bits of `flip` flipped, towards `bit`. */
@inline
export function adapt(at: u32, bit: u32, limit: u32, flip: u32): void {
  const word = load<u32>(at) ^ flip;
  const count = word & 1023;
  let p = <i32>(word >> 10);
  p += ((<i32>(bit << 16) - (p >> 6)) * load<i32>(RATE_AT + (count << 2))) >> 8;
  p = max(0, min(PROBABILITY_MAX, p));
  store<u32>(at, ((<u32>p << 10) | (count < limit ? count + 1 : count)) ^ flip);
}

/** The same for four words of histories or runs, which it returns. */
@inline
export function adapt4(words: v128, bit: u32): v128 {
  const counts = v128.and(words, i32x4.splat(1023));
  let p = i32x4.shr_u(words, 10);
  // floor(2^15 / (2 n + 3)): the quotient is never whole, so rounding it less a half is its floor.
  const divisor = f32x4.convert_i32x4_s(i32x4.add(i32x4.shl(counts, 1), i32x4.splat(3)));
  const rate = i32x4.sub(
    f32x4.add(f32x4.div(f32x4.splat(32768), divisor), f32x4.splat(8388607.5)),
    i32x4.splat(0x4b000000),
  );
  p = i32x4.add(p, i32x4.shr_s(i32x4.mul(i32x4.sub(i32x4.splat(bit << 16), i32x4.shr_u(p, 6)), rate), 8));
  p = i32x4.max_s(i32x4.min_s(p, i32x4.splat(PROBABILITY_MAX)), i32x4.splat(0));
  return v128.or(i32x4.shl(p, 10), i32x4.sub(counts, i32x4.lt_s(counts, i32x4.splat(LIMIT4))));
}
