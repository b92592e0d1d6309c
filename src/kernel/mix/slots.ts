/** Hashed slots: src/mix/slots.ts. */
import { WEIGHT_AT, slotMask, slotTableAt } from './memory';

const SLOT: u32 = 16;

/** Address of the bucket of a hash. */
@inline
export function bucketOf(hash: u32): u32 {
  return slotTableAt + ((hash << 4) & slotMask);
}

/** The address of a context's slot, emptied first if it is a new one. */
@inline
export function find(hash: u32): u32 {
  const top = hash >> 24;
  const check: u32 = top === 0 ? 1 : top;
  const first = bucketOf(hash) + (((hash >> 22) & 3) << 4);
  return load<u8>(first) === check ? first : search(first, check);
}

/** The rest of {@link find}. A bucket is aligned to 64 bytes, so its slots' addresses differ in two bits. */
function search(first: u32, check: u32): u32 {
  if (load<u8>(first ^ SLOT) === check) return first ^ SLOT;
  if (load<u8>(first ^ (2 * SLOT)) === check) return first ^ (2 * SLOT);
  if (load<u8>(first ^ (3 * SLOT)) === check) return first ^ (3 * SLOT);
  let least = first;
  let leastWeight = weight(first);
  for (let i = SLOT; i < 4 * SLOT; i += SLOT) {
    const slot = first ^ i;
    const w = weight(slot);
    if (w < leastWeight) {
      leastWeight = w;
      least = slot;
    }
  }
  v128.store(least, i32x4.replace_lane(i32x4.splat(0), 0, check));
  return least;
}

@inline
function weight(slot: u32): i32 {
  return load<u8>(slot) === 0 ? -1 : <i32>load<u8>(WEIGHT_AT + <u32>load<u8>(slot, 1));
}
