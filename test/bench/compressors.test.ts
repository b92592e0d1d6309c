/** Every compressor of the table gives back what it got, in both protocols. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { chunksOf, codeChunks } from '../../src/bench/compressor.ts';
import { COMPRESSORS, expandCompressors, findCompressor } from '../../src/bench/compressors.ts';
import { CommandCompressor } from '../../src/bench/command-compressor.ts';
import { closestFactors } from '../../src/bench/library-compressors.ts';

const SEVEN_BIT = fileURLToPath(new URL('../../fixtures/models/good-ascii-128.onnx', import.meta.url));

vi.setConfig({ testTimeout: 240_000 });

const text = new TextEncoder().encode('she sells sea shells by the sea shore; '.repeat(60));
const bytes = Uint8Array.from({ length: 701 }, (_, i) => (i * i) >> 3);

for (const compressor of COMPRESSORS.values()) {
  const found = await compressor.available();
  const missing = 'missing' in found ? found.missing : undefined;
  describe(`${compressor.name}${missing === undefined ? '' : ` (${missing})`}`, () => {
    test.skipIf(missing !== undefined)('gives back what it got', async () => {
      expect(found).toMatchObject({ version: expect.stringMatching(/\d/) as string });
      // A whole lmz command takes a second on a busy machine, or several.
      const inputs = compressor.name.endsWith('command') ? [text] : [text, bytes, Uint8Array.of(7)];
      for (const input of inputs) {
        const coded = await compressor.compress(input);
        expect(Buffer.compare(await compressor.decompress(coded), input)).toBe(0);
        if (input === text && !/stored|png|flac/.test(compressor.name)) {
          expect(coded.length).toBeLessThan(input.length / 2);
        }
      }
    });
  });
}

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
