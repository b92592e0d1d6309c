import { describe, expect, it } from 'vitest';
import {
  compress,
  decompress,
  DEFAULT_CHUNK_SIZE,
  type EncodeOptions,
  loadModel,
  lmzEncode,
  openLmz,
  readInfo,
} from '../../src/index.ts';
import { levelOf } from '../../src/codec/levels.ts';
import { mixMemory } from '../../src/mix/parameters.ts';
import { GOLDEN } from '../../fixtures/golden.ts';
import { bitmapBytes, randomBytes, recordBytes, textBytes } from '../mix/samples.ts';
import { exportTransformer } from '../../src/train/transformer-export.ts';
import { fixtureModel } from '../support/models.ts';
import { outcome } from '../support/outcome.ts';
import { encodeByStream, split } from '../support/routes.ts';
import { SLOW } from '../support/runs.ts';
import { concat } from '../support/sections.ts';
import { randomTransformer, TINY_TRANSFORMER } from '../support/transformers.ts';

const order1 = loadModel(fixtureModel('good-order1-256'));
const ascii = loadModel(fixtureModel('good-ascii-128'));
/** A text for which the order-1 model pays, small as it is. */
const english = GOLDEN.find(({ name }) => name === 'v1-mix-model')!.content;
const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

const framesOf = async (file: Uint8Array) => (await readInfo(file)).members.flatMap(({ frames }) => frames);
const mixingOf = async (file: Uint8Array) => (await framesOf(file)).map(({ mixing }) => mixing);

describe('levels', () => {
  it.each(LEVELS)('%i gives everything back, in every mode, with lanes and chunks', async (level) => {
    const contents = [new Uint8Array(0), new Uint8Array([7]), english, recordBytes(700), randomBytes(300)];
    const shapes = [
      { lanes: 1 },
      { lanes: 3, chunkSize: 400 },
      ...(SLOW ? [{ lanes: 256 }, { lanes: 2, chunkSize: 64 }] : []),
    ];
    for (const content of contents) {
      for (const mode of ['auto', 'mix'] as const) {
        for (const shape of shapes) {
          const file = await compress(content, { level, mode, model: order1, ...shape });
          expect(await decompress(file, { model: order1 })).toEqual(content);
        }
      }
    }
  });

  it('choose contexts, tables, the model and the size of chunks', async () => {
    for (const level of LEVELS) {
      const file = await compress(english, { level, model: order1 });
      const [member] = (await readInfo(file)).members;
      const expected = levelOf(level);
      expect(member.chunkSize).toBe(expected.chunkSize);
      expect(member.frames[0].mixing?.contexts).toBe(expected.contexts);
      expect(member.modelHash === undefined).toBe(!member.frames[0].mixing?.languageModel);
      if (!expected.model) expect(member.modelHash).toBeUndefined();
    }
    expect(levelOf(6).chunkSize).toBe(DEFAULT_CHUNK_SIZE);
  });

  it('have smaller tables for several chunks at the default level', async () => {
    const chunkSize = 120_000;
    const firstBits = async (size: number, level: number): Promise<number | undefined> => {
      const file = await compress(textBytes(size), { level, mode: 'mix', chunkSize });
      expect(await decompress(file)).toEqual(textBytes(size));
      return (await framesOf(file))[0].mixing?.tableBits;
    };
    expect(await firstBits(chunkSize, 6)).toBe(27);
    expect(await firstBits(chunkSize + 1, 6)).toBe(26);
    expect(await firstBits(chunkSize + 1, 7)).toBe(27);
  });

  it('below 6, and mode mix, need no model, not even one that can be found', async () => {
    for (const options of [{ level: 1 }, { level: 5 }, { mode: 'mix', level: 9 }] as const) {
      const file = await compress(english, { ...options, model: 'no-such-model' });
      expect(await decompress(file)).toEqual(english);
      expect(await outcome(() => compress(english, { model: 'no-such-model' }))).toBe('LMZ_MODEL_NOT_FOUND');
    }
  });

  it('leave mode lm as it was', async () => {
    const files = await Promise.all(
      [1, 9].map((level) => compress(english, { level, mode: 'lm', model: order1 })),
    );
    for (const file of files) expect((await framesOf(file))[0].predictor).toBe(1);
    const [one, nine] = await Promise.all(files.map(framesOf));
    expect(one).toEqual(nine);
  });
});

describe('mode auto', () => {
  it('mixes the model in where it helps, and leaves it out where it does not', async () => {
    const text = await compress(english, { model: order1 });
    expect(await mixingOf(text)).toMatchObject([{ profile: 'text', languageModel: true }]);
    // Records are nothing that a model of English knows.
    const records = await compress(recordBytes(3000), { model: order1 });
    expect(await mixingOf(records)).toMatchObject([{ profile: 'binary', languageModel: false }]);
    expect((await readInfo(records)).members[0].modelHash).toBeUndefined();
    expect(await decompress(records)).toEqual(recordBytes(3000));
  });

  it('leaves out contexts where all of them do not pay either', async () => {
    const genes = randomBytes(70_000).map((byte) => 'ACGT'.charCodeAt(byte & 3));
    const digits = new TextEncoder().encode(Buffer.from(recordBytes(35_000)).toString('hex'));
    for (const [content, contexts] of [
      [genes, 'standard'],
      [digits, 'best'],
    ] as const) {
      const file = await compress(content, { model: order1 });
      expect(await mixingOf(file)).toMatchObject([{ profile: 'text', contexts, languageModel: false }]);
      expect(await decompress(file)).toEqual(content);
    }
  });

  it('decides for each chunk', async () => {
    const size = 4096;
    const chunks = [textBytes(size), randomBytes(size), bitmapBytes(size)];
    const file = await compress(concat(...chunks), { model: order1, chunkSize: size });
    const frames = await framesOf(file);
    expect(frames.map(({ type }) => type)).toEqual(['coded', 'stored', 'coded']);
    expect(frames[2].mixing).toMatchObject({ profile: 'binary', languageModel: false });
    // Chunks that the model took no part in can be read without it.
    const reader = await openLmz(file);
    expect(await reader.read(size, 2 * size)).toEqual(concat(chunks[1], chunks[2]));
    await reader.close();
  });

  it('lets a model of 128 symbols code alone', async () => {
    const file = await compress(english, { model: ascii });
    expect(await framesOf(file)).toMatchObject([{ type: 'coded', predictor: 1 }]);
    expect(await decompress(file, { model: ascii })).toEqual(english);
  });

  it('never grows noise by more than 100 bytes and 0.01 %', async () => {
    for (const size of [1, 10, 100, 5000, 300_000]) {
      const noise = randomBytes(size, size);
      for (const options of [{ level: 1 }, { model: order1 }] satisfies EncodeOptions[]) {
        const file = await compress(noise, options);
        expect(file.length - size).toBeLessThanOrEqual(100 + size / 10_000);
      }
    }
  });

  it('embeds the model only where a frame uses it', async () => {
    const used = await compress(english, { model: order1, embedModel: true });
    expect((await framesOf(used)).map(({ type }) => type)).toEqual(['model', 'coded']);
    expect(await decompress(used)).toEqual(english);
    const unused = await compress(recordBytes(900), { model: order1, embedModel: true });
    expect((await framesOf(unused)).map(({ type }) => type)).toEqual(['coded']);
  });

  it('mixes a platform-bound model, and binds only what uses it', async () => {
    const model = fixtureModel('platform-bound-float');
    const text = concat(english, english, textBytes(2000));
    const bound = await compress(text, { model, platformBound: true, lanes: 2, chunkSize: 1500 });
    expect((await readInfo(bound)).members[0].platformBound?.lanes).toBe(2);
    expect(await decompress(bound, { model })).toEqual(text);
    const plain = await compress(recordBytes(900), { model, platformBound: true });
    expect((await readInfo(plain)).members[0].platformBound).toBeUndefined();
  });
});

describe('the output of mixing', () => {
  it('does not depend on threads, nor on the sizes of writes', async () => {
    const content = concat(english, recordBytes(1500), english, textBytes(1500));
    for (const level of [1, 6]) {
      const options = { level, model: order1, chunkSize: 700, lanes: 2 };
      const file = await compress(content, { ...options, threads: 1 });
      for (const threads of [2, 4]) {
        const pieces = split(content, [1, 699, 700, 701, 2000]);
        expect(await encodeByStream(pieces, { ...options, threads })).toEqual(file);
        expect(await decompress(file, { model: order1, threads })).toEqual(content);
      }
    }
  });

  it('can be read anywhere, and joined', async () => {
    const content = textBytes(2500);
    const file = await compress(content, { level: 3, chunkSize: 600 });
    const reader = await openLmz(concat(file, file));
    expect(reader.size).toBe(5000);
    for (const [offset, length] of [
      [0, 10],
      [590, 30],
      [2400, 300],
      [4990, 100],
    ])
      expect(await reader.read(offset, length)).toEqual(
        concat(content, content).slice(offset, offset + length),
      );
    await reader.close();
  });
});

describe('memoryLimit', () => {
  const need = (tableBits: number) =>
    mixMemory({ profile: 'text', contexts: 'standard', tableBits, languageModel: false }, 1);
  // Large enough to want tables of 22 bits.
  const content = textBytes(6000);

  it('makes tables smaller when encoding', async () => {
    const sizes: number[] = [];
    for (const tableBits of [22, 21, 17, 16]) {
      const memoryLimit = need(tableBits) + 2 * content.length;
      const file = await compress(content, { level: 5, memoryLimit });
      expect(await mixingOf(file)).toMatchObject([{ tableBits }]);
      expect(await decompress(file, { memoryLimit })).toEqual(content);
      sizes.push(file.length);
    }
    expect(sizes[0]).toBeLessThan(sizes[3]);
    const least = need(16) + 2 * content.length;
    expect(await outcome(() => compress(content, { level: 5, memoryLimit: least - 1 }))).toBe(
      'LMZ_MEMORY_LIMIT',
    );
    expect(await outcome(() => compress(content, { mode: 'stored', memoryLimit: 1 }))).toBe('ok');
  });

  it("leaves room for a Transformer's states", async () => {
    const lanes = 8;
    const config = { ...TINY_TRANSFORMER, layers: 2, width: 16, context: 2000 };
    const model = exportTransformer(randomTransformer(config, 1), { 'lmz.name': 'long' });
    const mixing = { profile: 'text', contexts: 'best', tableBits: 22, languageModel: true } as const;
    const states = lanes * (2 * 2 * config.context * config.width + 4);
    const memoryLimit = mixMemory(mixing, lanes) + states + 2 * content.length;
    const file = await compress(content, { model, lanes, memoryLimit });
    expect(await mixingOf(file)).toMatchObject([{ tableBits: 22 }]);
    const smaller = await compress(content, { model, lanes, memoryLimit: memoryLimit - 1 });
    expect(await mixingOf(smaller)).toMatchObject([{ tableBits: 21 }]);
  });

  it('refuses when decoding, by exactly what the header says', async () => {
    const file = await compress(content, { level: 5 });
    const [frame] = await framesOf(file);
    const headerSize = frame.compressedSize - payloadOf(file);
    const memory = need(22) + content.length + frame.compressedSize - headerSize;
    expect(await outcome(() => decompress(file, { memoryLimit: memory }))).toBe('ok');
    expect(await outcome(() => decompress(file, { memoryLimit: memory - 1 }))).toBe('LMZ_MEMORY_LIMIT');
    const reader = await openLmz(file, { memoryLimit: memory - 1 });
    expect(await outcome(() => reader.read(0, 1))).toBe('LMZ_MEMORY_LIMIT');
    await reader.close();
  });

  it('is no more than 256 MiB a chunk by default, and 512 MiB at any level', () => {
    for (const level of LEVELS) {
      const { contexts, tableBits, tableBitsOfSeveral, model } = levelOf(level);
      const memory = mixMemory({ profile: 'text', contexts, tableBits, languageModel: model }, 1);
      expect(memory).toBeLessThan(level < 9 ? 2 ** 28 : 2 ** 29);
      expect(tableBitsOfSeveral).toBeLessThanOrEqual(tableBits);
    }
  });
});

/** Size of the payload of the first frame: the second varint of its body. */
function payloadOf(file: Uint8Array): number {
  let at = 17 + 2;
  while (file[at] > 127) at++;
  at++;
  let value = 0;
  for (let shift = 0; ; shift += 7, at++) {
    value += (file[at] & 127) << shift;
    if (file[at] < 128) return value;
  }
}

describe('a mixing that nobody wants any more', () => {
  it('is given up in the middle of a chunk', async () => {
    for (const options of [{ level: 1 }, { model: order1 }] satisfies EncodeOptions[]) {
      const stream = lmzEncode({ ...options, threads: 1 });
      const ended = new Promise((resolve) => stream.once('error', resolve));
      stream.end(textBytes(200_000));
      stream.resume();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const reason = new Error('not wanted');
      stream.destroy(reason);
      expect(await ended).toBe(reason);
      // The thread is free again long before the chunk would have been done.
      const start = performance.now();
      await compress('short', { ...options, threads: 1 });
      expect(performance.now() - start).toBeLessThan(5000);
    }
    const controller = new AbortController();
    const promise = compress(textBytes(200_000), { level: 4, signal: controller.signal });
    setTimeout(() => {
      controller.abort();
    }, 200);
    await expect(promise).rejects.toThrow('aborted');
  });
});
