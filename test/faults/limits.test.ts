import { describe, expect, it } from 'vitest';
import { compress, decompress, openLmz, readInfo } from '../../src/index.ts';
import { exportTransformer } from '../../src/train/transformer-export.ts';
import { fixtureModel } from '../support/models.ts';
import { codeOf, endOf, outcome } from '../support/outcome.ts';
import { decodeByIndex, decodeByStream } from '../support/routes.ts';
import { bytes, coded, concat, member, namesModel, regionsOf, stored } from '../support/sections.ts';
import { randomTransformer, TINY_TRANSFORMER } from '../support/transformers.ts';

const model = fixtureModel('good-order1-256');
const content = new TextEncoder().encode('In the beginning was the word. '.repeat(8));

/** Codes of all three ways to decode. */
async function codes(file: Uint8Array, options: Parameters<typeof decompress>[1]) {
  const { error } = await decodeByStream([file], options);
  return {
    oneShot: await outcome(() => decompress(file, options)),
    stream: endOf(error),
    byIndex: await outcome(() => decodeByIndex(file, options)),
  };
}
/** Of the first coded frame. */
function payloadSize(file: Uint8Array): number {
  const { start, end } = regionsOf(file).find(
    ({ section, field }) => section === 'coded' && field === 'payload',
  )!;
  return end - start;
}
const all = (code: string) => ({ oneShot: code, stream: code, byIndex: code });

describe('memoryLimit', () => {
  it('lets a stored frame of exactly that size pass, and none that is larger', async () => {
    const file = await compress(content, { mode: 'stored' });
    expect(await codes(file, { memoryLimit: content.length })).toEqual(all('ok'));
    expect(await codes(file, { memoryLimit: content.length - 1 })).toEqual(all('LMZ_MEMORY_LIMIT'));
  });

  it('counts content and payload of a coded frame', async () => {
    const file = await compress(content, { mode: 'lm', model });
    const need = content.length + payloadSize(file);
    expect(await codes(file, { memoryLimit: need, model })).toEqual(all('ok'));
    expect(await codes(file, { memoryLimit: need - 1, model })).toEqual(all('LMZ_MEMORY_LIMIT'));
  });

  it("counts a Transformer's keys and values, in every lane", async () => {
    const config = { ...TINY_TRANSFORMER, layers: 2, width: 16, context: 2000 };
    const transformer = exportTransformer(randomTransformer(config, 1), { 'lmz.name': 'long' });
    // A byte for every number of two layers' keys and values, and the position.
    const states = 3 * (2 * 2 * 2000 * 16 + 4);
    const coding = { mode: 'lm', model: transformer, lanes: 3 } as const;
    const file = await compress(content, { ...coding, memoryLimit: states });
    const need = content.length + payloadSize(file) + states;
    expect(await codes(file, { memoryLimit: need, model: transformer })).toEqual(all('ok'));
    expect(await codes(file, { memoryLimit: need - 1, model: transformer })).toEqual(all('LMZ_MEMORY_LIMIT'));
    expect(await outcome(() => compress(content, { ...coding, memoryLimit: states - 1 }))).toBe(
      'LMZ_MEMORY_LIMIT',
    );
  });

  it('counts an embedded model', async () => {
    const file = await compress(content, { mode: 'lm', model, embedModel: true });
    expect(model.length).toBeGreaterThan(2 * content.length);
    expect(await codes(file, { memoryLimit: model.length })).toEqual(all('ok'));
    expect(await codes(file, { memoryLimit: model.length - 1 })).toEqual(all('LMZ_MEMORY_LIMIT'));
  });

  it('counts an index four times, for random access too', async () => {
    const file = await compress(content, { mode: 'stored', chunkSize: 2 });
    const index = regionsOf(file).find(({ section, field }) => section === 'index' && field === 'body')!;
    const need = 4 * (index.end - index.start);
    expect(await codes(file, { memoryLimit: need })).toEqual(all('ok'));
    expect(await codes(file, { memoryLimit: need - 1 })).toEqual(all('LMZ_MEMORY_LIMIT'));
  });

  it('refuses before what it refuses is there', async () => {
    const frame = stored(content, { rawSize: 2 ** 30 });
    const file = concat(member({ header: { chunkSize: 2 ** 30 }, frames: [frame] }));
    expect(await outcome(() => decompress(file, { memoryLimit: 2 ** 30 - 1 }))).toBe('LMZ_MEMORY_LIMIT');
    expect(await outcome(() => decompress(file, { memoryLimit: 2 ** 30 }))).toBe('LMZ_TRUNCATED');
  });

  it('is 1 GiB where it is not given', async () => {
    // The largest chunk fits exactly where its payload is empty, which costs time, but no byte more of payload.
    const frame = coded({ rawSize: 2 ** 30, payload: bytes(1), checksum: 0n });
    const file = member({ header: { ...namesModel(model), chunkSize: 2 ** 30 }, frames: [frame] });
    expect(await codes(file, { model })).toEqual(all('LMZ_MEMORY_LIMIT'));
    expect((await readInfo(file)).size).toBe(2 ** 30);
  });
});

describe('outputLimit', () => {
  it.each(['stored', 'lm'] as const)(
    'lets exactly that many bytes pass, of one frame or several (%s)',
    async (mode) => {
      for (const chunkSize of [content.length, 50]) {
        const file = await compress(content, { mode, model, chunkSize });
        expect(await codes(file, { model, outputLimit: content.length })).toEqual(all('ok'));
        expect(await codes(file, { model, outputLimit: content.length - 1 })).toEqual(
          all('LMZ_OUTPUT_LIMIT'),
        );
        expect(await codes(file, { model, outputLimit: 0 })).toEqual(all('LMZ_OUTPUT_LIMIT'));
      }
    },
  );

  it('counts over all members', async () => {
    const file = await compress(content, { mode: 'stored' });
    const twice = concat(file, file);
    expect(await codes(twice, { outputLimit: 2 * content.length })).toEqual(all('ok'));
    expect(await codes(twice, { outputLimit: 2 * content.length - 1 })).toEqual(all('LMZ_OUTPUT_LIMIT'));
  });

  it('of 0 lets an empty file pass', async () => {
    expect(await codes(await compress('', { mode: 'stored' }), { outputLimit: 0 })).toEqual(all('ok'));
  });

  it('bounds a read, not a file, in random access', async () => {
    const file = await compress(content, { mode: 'stored', chunkSize: 50 });
    const reader = await openLmz(file, { outputLimit: 60 });
    expect(await reader.read(20, 60)).toEqual(content.slice(20, 80));
    expect(await outcome(() => reader.read(20, 61))).toBe('LMZ_OUTPUT_LIMIT');
    // What the file does not have is not counted.
    expect(await reader.read(content.length - 60, 1000)).toEqual(content.slice(-60));
    await reader.close();
  });

  it('hands out no byte past it', async () => {
    const file = await compress(content, { mode: 'stored', chunkSize: 50 });
    const { output, error } = await decodeByStream([file], { outputLimit: 120 });
    expect(codeOf(error)).toBe('LMZ_OUTPUT_LIMIT');
    expect(output).toEqual(content.slice(0, 100));
  });
});
