/**
 * Compressors of Node's zlib, and PNG.
 *
 * @module
 */
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';
import type { Availability, Compressor } from './compressor.ts';

const present = (version: string | undefined): Promise<Availability> =>
  Promise.resolve(version === undefined ? { missing: 'this Node has it not' } : { version });

/** gzip by Node's zlib: Chromium's variant, whose match search finds a little more than the original's. */
export const NODE_GZIP: Compressor = {
  name: 'gzip-node',
  kind: 'library',
  label: 'Node gzip -9',
  available: () => present(process.versions['zlib']),
  compress: (bytes) => Promise.resolve(gzipSync(bytes, { level: 9 })),
  decompress: (bytes) => Promise.resolve(gunzipSync(bytes)),
};

export const BROTLI: Compressor = {
  name: 'brotli',
  kind: 'library',
  label: 'brotli -q 11',
  available: () => present(process.versions['brotli']),
  compress: (bytes) => {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    };
    return Promise.resolve(brotliCompressSync(bytes, { params }));
  },
  decompress: (bytes) => Promise.resolve(brotliDecompressSync(bytes)),
};

/**
 * The two factors of a number that are closest to each other, the smaller first: 32 and 64 for a chunk of 2048 bytes.
 * DeepMind's PNG compressor shapes its image so.
 */
export function closestFactors(count: number): [number, number] {
  let width = Math.max(1, Math.round(Math.sqrt(count)));
  while (count % width > 0) width--;
  return [width, count / width];
}

/** A development dependency: an installed package does not have it. */
async function loadPng() {
  try {
    return (await import('pngjs')).PNG;
  } catch {
    return undefined;
  }
}

async function requirePng() {
  const png = await loadPng();
  if (png === undefined) throw new Error('the package pngjs is not installed');
  return png;
}

/** Bytes as the pixels of a grey image, row filters chosen for every row. No pixels, no image: zero bytes stay zero bytes. */
export const PNG: Compressor = {
  name: 'png',
  kind: 'library',
  label: 'PNG',
  available: async () => {
    if ((await loadPng()) === undefined) return { missing: 'the package pngjs is not installed' };
    const { createRequire } = await import('node:module');
    const manifest = createRequire(import.meta.url)('pngjs/package.json') as { version: string };
    return { version: `pngjs ${manifest.version}` };
  },
  compress: async (bytes) => {
    if (bytes.length === 0) return bytes;
    const png = await requirePng();
    const [width, height] = closestFactors(bytes.length);
    const image = new png({ width, height, colorType: 0, inputColorType: 0, bitDepth: 8 });
    image.data = Buffer.from(bytes);
    return png.sync.write(image, {
      colorType: 0,
      inputColorType: 0,
      inputHasAlpha: false,
      bitDepth: 8,
      deflateLevel: 9,
      filterType: -1,
    });
  },
  decompress: async (bytes) => {
    if (bytes.length === 0) return bytes;
    const rgba = (await requirePng()).sync.read(Buffer.from(bytes)).data;
    return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => rgba[4 * i]);
  },
};
