/**
 * An image set and a sound set made by code, the same bytes everywhere: integer arithmetic and a seeded generator only.
 * They stand in for the thesis' ImageNet patches and LibriSpeech, which cannot be shipped.
 *
 * @module
 */
import { Random } from '../train/random.ts';

/** Width and height of a patch: 2048 pixels, a chunk. */
const PATCH = { width: 32, height: 64 } as const;
const SAMPLE_RATE = 16_000;

/** Smooth noise: random values on a grid, bilinear between. All values are 0..255. */
function smoothNoise(random: Random, width: number, height: number, cell: number): Uint8Array {
  const columns = Math.ceil(width / cell) + 1;
  const grid = Uint8Array.from(
    { length: columns * (Math.ceil(height / cell) + 1) },
    () => random.uint32() & 255,
  );
  const noise = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const [row, dy] = [Math.floor(y / cell) * columns, y % cell];
    for (let x = 0; x < width; x++) {
      const [at, dx] = [row + Math.floor(x / cell), x % cell];
      const top = grid[at] * (cell - dx) + grid[at + 1] * dx;
      const bottom = grid[at + columns] * (cell - dx) + grid[at + columns + 1] * dx;
      noise[y * width + x] = Math.floor((top * (cell - dy) + bottom * dy) / (cell * cell));
    }
  }
  return noise;
}

/**
 * Grey patches of 32 x 64 pixels, one after the other, row by row: clouds in four octaves, a disc with an edge, grain.
 *
 * @param patches - how many, 2048 bytes each
 */
export function imageSet(patches: number, seed: number): Uint8Array {
  const { width, height } = PATCH;
  const size = width * height;
  const random = new Random(seed);
  const bytes = new Uint8Array(patches * size);
  for (let patch = 0; patch < patches; patch++) {
    const octaves = [32, 16, 8, 4].map((cell) => smoothNoise(random, width, height, cell));
    const grain = random.uint32() % 4;
    const [cx, cy, radius] = [random.uint32() % width, random.uint32() % height, 4 + (random.uint32() % 24)];
    const shade = (random.uint32() % 128) - 64;
    for (let i = 0; i < size; i++) {
      const [x, y] = [i % width, Math.floor(i / width)];
      const clouds = (8 * octaves[0][i] + 4 * octaves[1][i] + 2 * octaves[2][i] + octaves[3][i]) >> 4;
      const inside = (x - cx) ** 2 + (y - cy) ** 2 < radius ** 2;
      const value = clouds + (inside ? shade : 0) + (grain === 0 ? 0 : random.uint32() % (grain + 1));
      bytes[patch * size + i] = Math.min(255, Math.max(0, value));
    }
  }
  return bytes;
}

/**
 * Mono sound of 16-bit little-endian samples at 16 kHz: plucked strings (Karplus and Strong, "Digital Synthesis of
 * Plucked-String and Drum Timbres", 1983), four at a time, over a faint hiss.
 */
export function soundSet(samples: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const mix = new Int32Array(samples);
  const PERIODS = [36, 41, 48, 54, 61, 72, 81, 96, 108, 122, 144];
  for (let start = 0; start < samples; start += SAMPLE_RATE / 8) {
    const period = PERIODS[random.uint32() % PERIODS.length];
    const string = Int32Array.from({ length: period }, () => (random.uint32() % 12_001) - 6000);
    for (let i = start; i < Math.min(samples, start + SAMPLE_RATE / 2); i++) {
      const at = (i - start) % period;
      mix[i] += string[at];
      string[at] = (string[at] + string[(at + 1) % period]) >> 1;
    }
  }
  const bytes = new DataView(new ArrayBuffer(2 * samples));
  for (let i = 0; i < samples; i++) {
    const value = mix[i] + (random.uint32() % 17) - 8;
    bytes.setInt16(2 * i, Math.min(32_767, Math.max(-32_768, value)), true);
  }
  return new Uint8Array(bytes.buffer);
}
