/**
 * A cheap look at a chunk: already compressed, encrypted or random data must not cost the model's time. Integer
 * statistics only, since the answer decides what is written and so must be the same everywhere.
 *
 * @module
 */

const WINDOW = 4096;
const WINDOWS = 16;
/** Distances at which differences are looked at: bytes, and records of 2, 3 and 4 bytes. */
const DISTANCES = [0, 1, 2, 3, 4];
/** Uneven by 1/16 already means that an order-0 coder would gain about 4 %. */
const TOLERANCE = 16;
/** Below this, sampling noise looks like structure, and the model's time is short anyway. */
const SIZE_MIN = 4096;

/**
 * Whether the chunk looks like noise: in windows spread over it, the bytes, and their differences to the bytes 1 to 4
 * before, all occur about equally often. It sees no long repeats; a chunk that is coded in vain is stored afterwards.
 */
export function looksIncompressible(chunk: Uint8Array): boolean {
  if (chunk.length < SIZE_MIN) return false;
  return DISTANCES.every((distance) => isFlat(histogram(chunk, distance)));
}

function histogram(chunk: Uint8Array, distance: number): Uint32Array {
  const counts = new Uint32Array(256);
  const windows = Math.min(WINDOWS, Math.floor(chunk.length / WINDOW));
  const stride = Math.floor((chunk.length - WINDOW) / Math.max(1, windows - 1));
  for (let w = 0; w < windows; w++) {
    const start = w * stride;
    for (let i = start + distance; i < start + WINDOW; i++) {
      counts[distance === 0 ? chunk[i] : (chunk[i] - chunk[i - distance]) & 255]++;
    }
  }
  return counts;
}

/** Sum of squared counts against that of even counts plus the spread that chance gives them. */
function isFlat(counts: Uint32Array): boolean {
  let total = 0;
  let squares = 0;
  for (const count of counts) {
    total += count;
    squares += count * count;
  }
  const even = (total * total) / counts.length;
  return squares - total < even + even / TOLERANCE;
}
