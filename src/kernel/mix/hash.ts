/** See src/mix/hash.ts. */

export const ROLL_FACTOR: u32 = 0x2f0b4c47;

@inline
export function hash2(a: u32, b: u32): u32 {
  let h: u32 = a * 0x2f0b4c47 + b * 0x9e3779b1;
  h ^= h >> 15;
  h *= 0x85ebca6b;
  return h ^ (h >> 13);
}
