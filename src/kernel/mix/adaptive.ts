/** Adaptive probabilities: src/mix/adaptive-probability.ts. */
import { RATE_AT } from './memory';

const PROBABILITY_MAX: i32 = 0x3fffff;

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
