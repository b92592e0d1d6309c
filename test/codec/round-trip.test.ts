import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compress, decompress, type EncodeOptions, loadModel, openLmz, readInfo } from '../../src/index.ts';
import { fixtureModel } from '../support/models.ts';
import { byteByByte, decodeByStream, encodeByStream, split } from '../support/routes.ts';
import { runs } from '../support/runs.ts';
import { bytes, concat } from '../support/sections.ts';

// Loaded once: reading and auditing a model is not what is tried here.
const MODELS = [loadModel(fixtureModel('good-order1-256')), loadModel(fixtureModel('good-ascii-128'))];

/** Bytes of the kinds that take different ways: text, text with accents, anything, runs, repeats. */
const content = fc.oneof(
  fc.string({ maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 80 }),
  fc.uint8Array({ minLength: 128, maxLength: 140, min: 128 }),
  fc.tuple(fc.nat(255), fc.nat(300)).map(([byte, size]) => new Uint8Array(size).fill(byte)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 8 }))
    .map(([part, times]) => concat(...Array.from({ length: times }, () => part))),
);

const cuts = fc.array(fc.nat(1000), { maxLength: 12 });

/** Format options, which decide the output, and threads, which must not. */
const encodeOptions: fc.Arbitrary<EncodeOptions> = fc.record({
  model: fc.constantFrom(...MODELS),
  mode: fc.constantFrom('auto', 'mix', 'lm', 'stored'),
  level: fc.constantFrom(1, 3, 5, 6, 9),
  chunkSize: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(41, 64, 100, 1 << 16, 2 ** 30)),
  lanes: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.constantFrom(64, 255, 256)),
  contentCheck: fc.constantFrom('xxh64', 'sha256'),
  embedModel: fc.boolean(),
  threads: fc.constantFrom(1, 2, 4),
});

/** A chunk size of one byte makes a frame of every byte: few frames are enough to show it. */
function bounded(data: Uint8Array, { chunkSize }: EncodeOptions): Uint8Array {
  return data.subarray(0, 24 * chunkSize!);
}

describe('round trips', () => {
  it('give the content back, by stream and at once, whatever the sizes of the writes', async () => {
    await fc.assert(
      fc.asyncProperty(content, encodeOptions, cuts, cuts, async (data, options, writes, reads) => {
        const raw = bounded(data, options);
        const file = await compress(raw, options);
        expect(await encodeByStream(split(raw, writes), options)).toEqual(file);
        const needs = options.embedModel ? {} : { model: options.model! };
        expect(await decompress(file, needs)).toEqual(raw);
        expect(await decodeByStream(split(file, reads), needs)).toEqual({ output: raw, error: undefined });
      }),
      runs(60),
    );
  });

  it('work byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(content, encodeOptions, async (data, options) => {
        const raw = bounded(data, options);
        const file = await encodeByStream(byteByByte(raw), { ...options, embedModel: false });
        expect(file).toEqual(await compress(raw, { ...options, embedModel: false }));
        const decoded = await decodeByStream(byteByByte(file), { model: options.model! });
        expect(decoded).toEqual({ output: raw, error: undefined });
      }),
      runs(15),
    );
  });

  it('decode concatenated members to concatenated content', async () => {
    const member = fc.tuple(content, encodeOptions);
    await fc.assert(
      fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 4 }), cuts, async (members, reads) => {
        const raws = members.map(([data, options]) => bounded(data, options));
        // Two models may take part; one option names one, so all members carry theirs.
        const files = await Promise.all(
          raws.map((raw, i) => compress(raw, { ...members[i][1], embedModel: true })),
        );
        const whole = concat(...raws);
        const file = concat(...files);
        expect(await decompress(file)).toEqual(whole);
        expect(await decodeByStream(split(file, reads))).toEqual({ output: whole, error: undefined });
        const info = await readInfo(file);
        expect(info.size).toBe(whole.length);
        expect(info.members.map(({ size }) => size)).toEqual(raws.map((raw) => raw.length));
        expect(info.members.map(({ compressedSize }) => compressedSize)).toEqual(files.map((f) => f.length));
      }),
      runs(15),
    );
  });

  it('hold for random access: every slice is the slice of the content', async () => {
    const range = fc.tuple(fc.nat(400), fc.nat(400));
    await fc.assert(
      fc.asyncProperty(
        content,
        content,
        encodeOptions,
        fc.array(range, { minLength: 1, maxLength: 4 }),
        async (first, second, options, ranges) => {
          const raws = [bounded(first, options), bounded(second, options)];
          const whole = concat(...raws);
          const files = await Promise.all(raws.map((raw) => compress(raw, options)));
          const needs = options.embedModel ? {} : { model: options.model! };
          const reader = await openLmz(concat(...files), needs);
          expect(reader.size).toBe(whole.length);
          for (const [offset, length] of ranges)
            expect(await reader.read(offset, length)).toEqual(whole.slice(offset, offset + length));
          const together = await Promise.all(ranges.map(([offset, length]) => reader.read(offset, length)));
          expect(together).toEqual(ranges.map(([offset, length]) => whole.slice(offset, offset + length)));
          await reader.close();
        },
      ),
      runs(20),
    );
  });

  it('hold for random access to a file on disk, and for what the file says of itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lmz-'));
    try {
      const path = join(folder, 'fish.lmz');
      const raw = new TextEncoder().encode('one fish, two fish, red fish, blue fish');
      const options = {
        model: MODELS[0],
        mode: 'lm',
        chunkSize: 9,
        lanes: 2,
        contentCheck: 'sha256',
      } as const;
      const file = await compress(raw, options);
      writeFileSync(path, file);
      expect(await readInfo(path)).toEqual(await readInfo(file));
      const [{ frames, ...member }] = (await readInfo(path)).members;
      expect(member).toEqual({
        version: 1,
        chunkSize: 9,
        contentCheck: 'sha256',
        contentCheckValue: createHash('sha256').update(raw).digest('hex'),
        modelHash: createHash('sha256').update(MODELS[0].bytes).digest('hex'),
        embeddedModel: false,
        platformBound: undefined,
        offset: 0,
        compressedSize: file.length,
        size: raw.length,
      });
      expect(frames.map(({ type, size, lanes, predictor }) => [type, size, lanes, predictor])).toEqual(
        [9, 9, 9, 9, 3].map((size) => ['coded', size, 2, 1]),
      );
      const reader = await openLmz(path, { model: MODELS[0] });
      for (const [offset, length] of [
        [0, 39],
        [5, 9],
        [8, 2],
        [38, 1],
        [39, 1],
        [0, 0],
      ])
        expect(await reader.read(offset, length)).toEqual(raw.slice(offset, offset + length));
      await reader.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['auto', 'mix', 'lm', 'stored'] as const)('keep content of 0 and 1 bytes (%s)', async (mode) => {
    for (const model of MODELS)
      for (const raw of [bytes(), bytes(0), bytes(65), bytes(127), bytes(128), bytes(255)])
        for (const lanes of [1, 2, 256]) {
          const file = await compress(raw, { mode, model, lanes });
          expect(await decompress(file, { model })).toEqual(raw);
        }
  });
});

describe('the output', () => {
  it('depends on content and format options alone, not on threads, time or what else goes on', async () => {
    await fc.assert(
      fc.asyncProperty(content, encodeOptions, async (data, options) => {
        const raw = bounded(data, options);
        const files = await Promise.all(
          [1, 2, 4, 1].map((threads) => compress(raw, { ...options, threads })),
        );
        for (const file of files) expect(file).toEqual(files[0]);
      }),
      runs(20),
    );
  });

  it('of the streams is that of the one-shots for a text of several chunks, with 1, 2 and 4 threads', async () => {
    const raw = new TextEncoder().encode(
      'It was a bright cold day in April, and the clocks were... '.repeat(40),
    );
    for (const model of MODELS) {
      const options = { model, mode: 'lm', chunkSize: 500, lanes: 4 } as const;
      const file = await compress(raw, { ...options, threads: 1 });
      for (const threads of [1, 2, 4]) {
        expect(await encodeByStream(split(raw, [1, 499, 500, 501, 999]), { ...options, threads })).toEqual(
          file,
        );
        expect(await decompress(file, { model, threads })).toEqual(raw);
      }
    }
  });

  it('never grows by more than the overhead in mode auto', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 6000 }), async (raw) => {
        const file = await compress(raw, { model: MODELS[0], lanes: 16 });
        expect(file.length).toBeLessThanOrEqual(raw.length + 120);
      }),
      runs(10),
    );
  });
});

describe('lanes', () => {
  const laneCounts = [1, 2, 3, 7, 16];
  it.each(laneCounts)('of %i: every size from 0 to three times as much and two', async (lanes) => {
    // Each size is a chunk of its own member: one file holds them all.
    for (const model of MODELS) {
      const raws = Array.from({ length: 3 * lanes + 3 }, (_, size) =>
        Uint8Array.from({ length: size }, (_, i) => (i * 89 + size * 7) & 255),
      );
      const files = await Promise.all(raws.map((raw) => compress(raw, { model, lanes, mode: 'lm' })));
      for (const [size, file] of files.entries())
        expect(await decompress(file, { model }), `size ${size}`).toEqual(raws[size]);
      expect(await decompress(concat(...files), { model })).toEqual(concat(...raws));
    }
  });
});
