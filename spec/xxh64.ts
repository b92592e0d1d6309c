/**
 * XXH64 with seed 0, from the public xxHash specification, with BigInt: slow and plain.
 *
 * @module
 */

const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;

/** The low 64 bits of a number that is not negative. */
const low64 = (x: bigint): bigint => x & 0xffffffffffffffffn;

const rotateLeft = (x: bigint, bits: bigint): bigint => low64(x << bits) | (x >> (64n - bits));

const round = (accumulator: bigint, lane: bigint): bigint =>
  low64(rotateLeft(low64(accumulator + lane * PRIME_2), 31n) * PRIME_1);

const mergeAccumulator = (accumulator: bigint, lane: bigint): bigint =>
  low64((accumulator ^ round(0n, lane)) * PRIME_1 + PRIME_4);

/** The XXH64 hash, seed 0, of `bytes`. */
export function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  let accumulator: bigint;

  // Steps 1 to 3: initialize, process stripes of 32 bytes, converge.
  if (bytes.length < 32) {
    accumulator = PRIME_5;
  } else {
    let a = low64(PRIME_1 + PRIME_2);
    let b = PRIME_2;
    let c = 0n;
    let d = (1n << 64n) - PRIME_1;
    for (; position + 32 <= bytes.length; position += 32) {
      a = round(a, view.getBigUint64(position, true));
      b = round(b, view.getBigUint64(position + 8, true));
      c = round(c, view.getBigUint64(position + 16, true));
      d = round(d, view.getBigUint64(position + 24, true));
    }
    accumulator = low64(rotateLeft(a, 1n) + rotateLeft(b, 7n) + rotateLeft(c, 12n) + rotateLeft(d, 18n));
    for (const lane of [a, b, c, d]) accumulator = mergeAccumulator(accumulator, lane);
  }

  // Step 4: add the length.
  accumulator = low64(accumulator + BigInt(bytes.length));

  // Step 5: the rest of the input.
  for (; position + 8 <= bytes.length; position += 8) {
    const lane = view.getBigUint64(position, true);
    accumulator = low64(rotateLeft(accumulator ^ round(0n, lane), 27n) * PRIME_1 + PRIME_4);
  }
  if (position + 4 <= bytes.length) {
    const lane = BigInt(view.getUint32(position, true));
    accumulator = low64(rotateLeft(accumulator ^ low64(lane * PRIME_1), 23n) * PRIME_2 + PRIME_3);
    position += 4;
  }
  for (; position < bytes.length; position += 1) {
    const lane = BigInt(view.getUint8(position));
    accumulator = low64(rotateLeft(accumulator ^ low64(lane * PRIME_5), 11n) * PRIME_1);
  }

  // Step 6: the avalanche.
  accumulator = low64((accumulator ^ (accumulator >> 33n)) * PRIME_2);
  accumulator = low64((accumulator ^ (accumulator >> 29n)) * PRIME_3);
  return accumulator ^ (accumulator >> 32n);
}
