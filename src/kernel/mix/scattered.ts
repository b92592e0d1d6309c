/** Four words at four places. */

@inline
export function load4(at0: u32, at1: u32, at2: u32, at3: u32): v128 {
  let words = v128.load32_zero(at0);
  words = v128.load32_lane(at1, words, 1);
  words = v128.load32_lane(at2, words, 2);
  return v128.load32_lane(at3, words, 3);
}

/** One after the other: where two places are the same, the later word stays. */
@inline
export function store4(at0: u32, at1: u32, at2: u32, at3: u32, words: v128): void {
  v128.store32_lane(at0, words, 0);
  v128.store32_lane(at1, words, 1);
  v128.store32_lane(at2, words, 2);
  v128.store32_lane(at3, words, 3);
}

/** The same, the addresses standing in memory. */
@inline
export function store4To(addresses: u32, words: v128): void {
  store4(
    load<u32>(addresses),
    load<u32>(addresses, 4),
    load<u32>(addresses, 8),
    load<u32>(addresses, 12),
    words,
  );
}
