/**
 * Compressors in the measuring process: those of Node's zlib, and packages.
 *
 * @module
 */
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';
import type { Availability, Compressor } from './compressor.ts';
import { PackageCompressor } from './package-compressor.ts';

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

/** Bytes as the pixels of a grey image, row filters chosen for every row. No pixels, no image: zero bytes stay zero bytes. */
export const PNG: Compressor = new PackageCompressor({
  name: 'png',
  label: 'PNG',
  package: 'pngjs',
  load: async () => (await import('pngjs')).PNG,
  compress: (png, bytes) => {
    if (bytes.length === 0) return bytes;
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
  decompress: (png, bytes) => {
    if (bytes.length === 0) return bytes;
    const rgba = png.sync.read(Buffer.from(bytes)).data;
    return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => rgba[4 * i]);
  },
});

/** What `xz` with the flags `-LEVEL` and `e` writes, to the byte. */
export function xzPackage(name: string, label: string, level: number, extreme = false): Compressor {
  return new PackageCompressor({
    name,
    label,
    package: 'lzma-native',
    load: async () => (await import('lzma-native')).default,
    compress: (lzma, bytes) =>
      lzma.compress(bytes, { preset: level + (extreme ? lzma.PRESET_EXTREME : 0), check: lzma.CHECK_CRC64 }),
    decompress: (lzma, bytes) => lzma.decompress(bytes),
  });
}

/** The highest level, as `zstd --ultra -22`; the command adds a checksum of four bytes. */
export const ZSTD: Compressor = new PackageCompressor({
  name: 'zstd',
  label: 'zstd --ultra -22',
  package: '@bokuweb/zstd-wasm',
  load: async () => {
    const zstd = await import('@bokuweb/zstd-wasm');
    await zstd.init();
    return zstd;
  },
  compress: (zstd, bytes) => zstd.compress(bytes, 22),
  decompress: (zstd, bytes) => zstd.decompress(bytes),
});
