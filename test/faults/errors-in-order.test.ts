import { describe, expect, it } from 'vitest';
import { compress, decompress, type LmzErrorCode, lmzDecode } from '../../src/index.ts';
import { fixtureModel } from '../support/models.ts';
import { codeOf, outcome } from '../support/outcome.ts';
import { decodeByStream, encodeByStream } from '../support/routes.ts';
import { concat, regionsOf } from '../support/sections.ts';

const model = fixtureModel('good-order1-256');
const content = new TextEncoder().encode('Whatever is intact comes out first. '.repeat(6));
const garbage = new TextEncoder().encode('garbage');

const files = await Promise.all(
  (['stored', 'lm'] as const).map(async (mode) => ({
    mode,
    file: await compress(content, { mode, model, chunkSize: 30 }),
  })),
);

/** What a `for await` loop over the stream sees before it throws. */
async function iterate(
  file: Uint8Array,
  threads: number,
): Promise<{ output: Uint8Array; code: LmzErrorCode }> {
  const stream = lmzDecode({ model, threads });
  stream.end(file);
  const output: Uint8Array[] = [];
  try {
    for await (const piece of stream) output.push(piece as Uint8Array);
  } catch (error) {
    return { output: concat(...output), code: codeOf(error) };
  }
  throw new Error('it was not refused');
}

// Section 1.2: trailing data is refused "after it has handed out what came before".
describe.each(files)('what comes before a fault ($mode)', ({ file }) => {
  const faulty: [string, Uint8Array, Uint8Array, LmzErrorCode][] = [
    ['trailing data', concat(file, garbage), content, 'LMZ_TRAILING_DATA'],
    [
      'trailing data after two members',
      concat(file, file, garbage),
      concat(content, content),
      'LMZ_TRAILING_DATA',
    ],
    ['a truncated footer', file.subarray(0, -1), content, 'LMZ_TRUNCATED'],
    [
      'a damaged index',
      (() => {
        const damaged = file.slice();
        damaged[
          regionsOf(file).find(({ section, field }) => section === 'index' && field === 'crc')!.start
        ] ^= 1;
        return damaged;
      })(),
      content,
      'LMZ_CORRUPT',
    ],
  ];

  it.each(faulty)(
    '(%s) comes out of the stream, for a consumer by events',
    async (_, bytes, before, code) => {
      for (const threads of [1, 2, 4]) {
        const { output, error } = await decodeByStream([bytes], { model, threads });
        expect(codeOf(error)).toBe(code);
        expect(output).toEqual(before);
      }
    },
  );

  it.each(faulty)(
    '(%s) comes out of the stream, for a consumer by iteration',
    async (_, bytes, before, code) => {
      for (const threads of [1, 2]) expect(await iterate(bytes, threads)).toEqual({ output: before, code });
    },
  );

  it('comes out up to the damaged frame, and no byte of that', async () => {
    const damaged = file.slice();
    const payloads = regionsOf(file).filter(({ field }) => field === 'payload');
    damaged[payloads[3].start] ^= 1;
    for (const threads of [1, 2, 4]) {
      const { output, error } = await decodeByStream([damaged], { model, threads });
      expect(codeOf(error)).toBe('LMZ_CORRUPT');
      expect(output).toEqual(content.slice(0, 90));
    }
  });
});

describe('the first of two faults', () => {
  it('is the one that is reported, however the threads run', async () => {
    const { file } = files.find(({ mode }) => mode === 'lm')!;
    const damaged = file.slice();
    const payloads = regionsOf(file).filter(({ field }) => field === 'payload');
    damaged[payloads[1].start] ^= 1;
    damaged[payloads[2].start] ^= 1;
    for (const threads of [1, 2, 4]) {
      for (const bytes of [damaged, concat(damaged, garbage), damaged.subarray(0, -30)]) {
        const error = await decompress(bytes, { model, threads }).catch((reason: unknown) => reason);
        expect(codeOf(error)).toBe('LMZ_CORRUPT');
        // The offset is that of the first damaged frame: where its header begins.
        const frame = regionsOf(file).filter(
          ({ section, field }) => section === 'coded' && field === 'type',
        )[1];
        expect(error).toMatchObject({ offset: frame.start });
      }
    }
  });
});

describe('a program', () => {
  it('is not disturbed by errors that nobody waits for any more', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
    try {
      const { file } = files.find(({ mode }) => mode === 'lm')!;
      const damaged = file.slice();
      for (const { field, start } of regionsOf(file)) if (field === 'payload') damaged[start] ^= 1;
      for (let i = 0; i < 30; i++) {
        expect(await outcome(() => decompress(damaged, { model, threads: 2 }))).toBe('LMZ_CORRUPT');
        const { error } = await decodeByStream([damaged.subarray(0, 200), damaged.subarray(200)], { model });
        expect(codeOf(error)).toBe('LMZ_CORRUPT');
        expect(await outcome(() => decompress(concat(file, garbage), { model }))).toBe('LMZ_TRAILING_DATA');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      process.off('unhandledRejection', note);
      process.off('uncaughtException', note);
    }
    expect(unhandled).toEqual([]);
  });

  it('sees no warning of listeners that pile up, however many threads work', async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => warnings.push(warning.message);
    process.on('warning', note);
    // Node warns from eleven listeners on: one a task, and one task more than threads.
    const file = await encodeByStream([content], { model, mode: 'lm', chunkSize: 16, threads: 11 });
    expect(await decompress(file, { model, threads: 11 })).toEqual(content);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
