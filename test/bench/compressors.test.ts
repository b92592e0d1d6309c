/** Every compressor of the table gives back what it got, in both protocols. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chunksOf, codeChunks, type Compressor } from '../../src/bench/compressor.ts';
import { COMPRESSORS, expandCompressors, findCompressor } from '../../src/bench/compressors.ts';
import { CommandCompressor } from '../../src/bench/command-compressor.ts';
import { FirstAvailable } from '../../src/bench/first-available.ts';
import { closestFactors } from '../../src/bench/library-compressors.ts';
import { PackageCompressor } from '../../src/bench/package-compressor.ts';

const SEVEN_BIT = fileURLToPath(new URL('../../fixtures/models/good-ascii-128.onnx', import.meta.url));

vi.setConfig({ testTimeout: 240_000 });

const text = new TextEncoder().encode('she sells sea shells by the sea shore; '.repeat(60));
const bytes = Uint8Array.from({ length: 701 }, (_, i) => (i * i) >> 3);
const bytes2048 = Uint8Array.from({ length: 2048 }, (_, i) => 200 - (i >> 3));

/** Whole commands of lmz take a second each on a busy machine, or several. */
const inputsOf = ({ name }: Compressor): Uint8Array[] =>
  name.endsWith('command')
    ? [text]
    : [text, bytes, ...[0, 1, 2, 3, 2048].map((size) => bytes2048.subarray(0, size))];

/** Every entry, and every way to run those that have several. */
const ways = [...COMPRESSORS.values()].flatMap((entry) =>
  entry instanceof FirstAvailable ? entry.ways : [entry],
);
for (const compressor of ways) {
  const found = await compressor.available();
  const missing = 'missing' in found ? found.missing : undefined;
  const title = `${compressor.name}, ${compressor.kind}`;
  describe(`${title}${missing === undefined ? '' : ` (${missing})`}`, () => {
    test.skipIf(missing !== undefined)('gives back what it got', async () => {
      expect(found).toMatchObject({ version: expect.stringMatching(/\d/) as string });
      for (const input of inputsOf(compressor)) {
        const coded = await compressor.compress(input);
        expect(Buffer.compare(await compressor.decompress(coded), input)).toBe(0);
        if (input === text && !/stored|png|flac/.test(compressor.name)) {
          expect(coded.length).toBeLessThan(input.length / 2);
        }
      }
    });
  });
}

describe('a rival that is a package', () => {
  const RIVALS = [
    ['xz', 'lzma-native', 'xz', 0],
    ['lzma', 'lzma-native', 'xz', 0],
    // A checksum, and a version of zstd that is not the package's.
    ['zstd', '@bokuweb/zstd-wasm', 'zstd', 16],
  ] as const;

  afterEach(() => {
    vi.doUnmock('lzma-native');
    vi.doUnmock('@bokuweb/zstd-wasm');
    vi.resetModules();
    vi.unstubAllEnvs();
  });

  /** The table as it is where packages cannot be imported. */
  async function withoutPackages(): Promise<(name: string) => Compressor> {
    const absent = (): never => {
      throw new Error('not installed');
    };
    vi.doMock('lzma-native', absent);
    vi.doMock('@bokuweb/zstd-wasm', absent);
    vi.resetModules();
    return (await import('../../src/bench/compressors.ts')).findCompressor;
  }

  test.for(RIVALS)('%s is the package %s', async ([name, library]) => {
    const rival = findCompressor(name);
    expect(await rival.available()).toEqual({
      version: expect.stringMatching(new RegExp(`^${library} \\d+\\.\\d+\\.\\d+$`)) as string,
    });
    expect(rival.kind).toBe('library');
    expect(rival.peakMemory?.()).toBeGreaterThan(20e6);
    await expect(rival.decompress(text)).rejects.toThrow();
  });

  test.for(RIVALS)('%s is the command where there is no %s', async ([name, , program, more], { skip }) => {
    const there = await findCompressor(name).available();
    const rival = (await withoutPackages())(name);
    const found = await rival.available();
    skip('missing' in found, `no program ${program}`);
    expect(found).toEqual({ version: expect.stringMatching(/^command \d+\.\d+/) as string });
    expect(rival.kind).toBe('command');
    // What was measured of one is not taken for the other.
    expect(found).not.toEqual(there);
    const coded = await rival.compress(text);
    expect(Buffer.compare(await rival.decompress(coded), text)).toBe(0);
    const difference = coded.length - (await findCompressor(name).compress(text)).length;
    expect(Math.abs(difference)).toBeLessThanOrEqual(more);
  });

  test.for(RIVALS)('%s is missing where there is neither', async ([name, library, program]) => {
    const find = await withoutPackages();
    vi.stubEnv('PATH', '');
    const missing = `the package ${library} does not run here, no program ${program}`;
    expect(await find(name).available()).toEqual({ missing });
    await expect(find(name).compress(text)).rejects.toThrow(missing);
  });

  test('a package that is not installed is said to be missing', async () => {
    const ghost = new PackageCompressor({
      name: 'ghost',
      label: 'ghost',
      package: 'no-such-package',
      load: () => Promise.reject(new Error('no such package')),
      compress: (_, input) => input,
      decompress: (_, input) => input,
    });
    expect(await ghost.available()).toEqual({ missing: 'the package no-such-package is not installed' });
    await expect(ghost.compress(text)).rejects.toThrow('no such package');
  });
});

describe('chunks', () => {
  test('the last may be shorter', () => {
    expect(chunksOf(bytes, 300).map(({ length }) => length)).toEqual([300, 300, 101]);
    expect(chunksOf(new Uint8Array(0), 300)).toEqual([]);
  });

  test('headers are counted once by taking the size of one zero byte off the others', async () => {
    const gzip = findCompressor('gzip-node');
    const { size, decode } = await codeChunks(gzip, text, 1000);
    const sizes = await Promise.all(
      chunksOf(text, 1000).map(async (chunk) => (await gzip.compress(chunk)).length),
    );
    const header = (await gzip.compress(new Uint8Array(1))).length;
    const codedBytes = sizes[0] + sizes[1] + sizes[2];
    expect(size).toEqual({ chunks: 3, codedBytes, headerOnceBytes: codedBytes - 2 * header });
    expect(Buffer.compare(await decode(), text)).toBe(0);
  });

  test('of lmz are frames of one file that need nothing of each other', async () => {
    const lmz = findCompressor('lmz-lm');
    const { size, decode } = await codeChunks(lmz, text, 1000);
    const file = await lmz.compress(text);
    expect(Buffer.compare(await decode(), text)).toBe(0);
    expect(size.chunks).toBe(3);
    expect(size.codedBytes).toBeGreaterThan(size.headerOnceBytes);
    // Three frames instead of one: the texts of their beginnings are predicted worse, and no header is counted.
    expect(size.headerOnceBytes).toBeGreaterThan(file.length - 60);
    expect(size).not.toHaveProperty('rescaledBytes');
  });

  test('masked bits are coded; the rescaled number leaves them out', async () => {
    const lmz = findCompressor(`lmz-lm@${SEVEN_BIT}`);
    const high = Uint8Array.from(text, (byte, i) => (i % 50 === 0 ? byte | 128 : byte));
    const { size, decode } = await codeChunks(lmz, high, 1000);
    expect(Buffer.compare(await decode(), high)).toBe(0);
    const missed = high.filter((byte) => byte > 127).length;
    const symbols = Math.round(size.rescaledBytes! * (1 - missed / (8 * high.length)));
    // What is left out is the masked bits' section and the container.
    expect(symbols).toBeLessThan(size.headerOnceBytes);
    expect(size.rescaledBytes).toBeGreaterThan(symbols);
    expect(await lmz.modelBytes?.()).toBe(statSync(SEVEN_BIT).size);
  });
});

test.for([
  [2048, [32, 64]],
  [1, [1, 1]],
  [7, [1, 7]],
  [36, [6, 6]],
  [768_771, [713, 1078]],
] as const)('an image of %i pixels', ([pixels, shape]) => {
  const [width, height] = closestFactors(pixels);
  expect(width * height).toBe(pixels);
  if (pixels < 1e5) expect([width, height]).toEqual(shape);
});

test('a program that is not there is missing, with its name', async () => {
  const run = { args: [] };
  const spec = { program: 'no-such-program', versionArgs: [], versionPattern: /(x)/ };
  const ghost = new CommandCompressor({ name: 'ghost', label: 'ghost', encode: run, decode: run, ...spec });
  expect(await ghost.available()).toEqual({ missing: 'no program no-such-program' });
  await expect(ghost.compress(text)).rejects.toThrow(/ENOENT/);
});

test('a program that fails says why', async () => {
  await expect(findCompressor('gzip').decompress(text)).rejects.toThrow(
    /gzip -9 ended with 1: .*not in gzip format/,
  );
});

test('groups, models and unknown names', async () => {
  expect(expandCompressors(['rivals', 'zstd', 'lmz'])).toEqual([
    ...['gzip', 'xz', 'zstd', 'brotli', 'bzip2', 'ppmd', 'zpaq', 'lmz'],
  ]);
  expect(expandCompressors(['levels'])).toContain('lmz');
  expect(expandCompressors(['all'])).not.toContain('lmz-command');
  expect(findCompressor('lmz-lm@order2')).toMatchObject({ name: 'lmz-lm@order2', kind: 'lmz' });
  expect(findCompressor('a/b.onnx')).toMatchObject({ name: 'lmz@a/b.onnx', label: 'lmz @ b' });
  expect(findCompressor('lmz-command@order2').name).toBe('lmz-command@order2');
  expect(await findCompressor('no/such.onnx').available()).toMatchObject({
    missing: expect.stringContaining('cannot be read') as string,
  });
  for (const name of ['rar', 'gzip@order2', 'order2']) {
    expect(() => findCompressor(name)).toThrow(/there is no compressor/);
  }
});
