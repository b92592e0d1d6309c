import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decode, type Kind, listFrames, SpecError } from '../../spec/decoder.ts';
import { compress, decompress, LmzError, type LmzErrorCode, readInfo } from '../../src/index.ts';
import { recordBytes, textBytes } from '../mix/samples.ts';
import { runs } from '../support/runs.ts';

const load = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/models/${name}.onnx`, import.meta.url)));
const MODELS = [
  load('good-order1-256'),
  load('good-ascii-128'),
  load('good-recurrent-int8'),
  load('good-context'),
];

const KINDS: Partial<Record<LmzErrorCode, Kind>> = {
  LMZ_NOT_LMZ: 'not lmz',
  LMZ_TRUNCATED: 'truncated',
  LMZ_CORRUPT: 'corrupt',
  LMZ_UNSUPPORTED: 'unsupported',
  LMZ_TRAILING_DATA: 'trailing data',
  LMZ_MODEL_NOT_FOUND: 'model',
  LMZ_MODEL_MISMATCH: 'model',
  LMZ_MODEL_INVALID: 'model',
};

const contents = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  fc.string({ maxLength: 60 }).map((string) => new TextEncoder().encode(string)),
  fc.string({ unit: 'binary', maxLength: 40 }).map((string) => new TextEncoder().encode(string)),
  // Repetitive enough that mixing beats storing.
  fc.tuple(fc.nat(9), fc.nat(500)).map(([seed, size]) => textBytes(size, seed)),
  fc.tuple(fc.nat(9), fc.nat(500)).map(([seed, size]) => recordBytes(size, seed)),
);
const members = fc.record({
  content: contents,
  model: fc.constantFrom(...MODELS),
  mode: fc.constantFrom('auto' as const, 'mix' as const, 'lm' as const, 'stored' as const),
  level: fc.constantFrom(1, 4, 6, 9),
  chunkSize: fc.integer({ min: 1, max: 150 }),
  lanes: fc.integer({ min: 1, max: 5 }),
  contentCheck: fc.constantFrom('xxh64' as const, 'sha256' as const),
  embedModel: fc.boolean(),
});

/** Content, or the kind of fault. */
async function verdict(call: () => Promise<Uint8Array>): Promise<string> {
  try {
    return Buffer.from(await call()).toString('hex');
  } catch (error) {
    if (error instanceof SpecError) return `fault: ${error.kind}`;
    if (error instanceof LmzError) return `fault: ${KINDS[error.code] ?? error.code}`;
    throw error;
  }
}

const real = (file: Uint8Array) => verdict(() => decompress(file, { model: MODELS[0] }));
const independent = (file: Uint8Array) => verdict(() => decode(file, { models: MODELS.slice(0, 1) }));

describe('the decoder of the specification and the real one', () => {
  test('read whatever the encoder writes, and list the same frames', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(members, { minLength: 1, maxLength: 2 }), async (list) => {
        const files = await Promise.all(list.map(({ content, ...options }) => compress(content, options)));
        const file = new Uint8Array(Buffer.concat(files));
        const content = Buffer.concat(list.map((member) => member.content));
        expect(Buffer.compare(await decode(file, { models: MODELS }), content)).toBe(0);
        const listed = listFrames(file).map(({ frames }) => frames.map(({ kind }) => kind));
        const info = (await readInfo(file)).members.map(({ frames }) => frames.map(({ type }) => type));
        expect(info).toEqual(listed);
      }),
      runs(25),
    );
  });

  test('give the same verdict on damaged files', async () => {
    const damages = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
      fc.record({
        kind: fc.constant('insert' as const),
        at: fc.nat(),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
      }),
      fc.record({
        kind: fc.constant('append' as const),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
      }),
    );
    const plain = members.map((member) => ({ ...member, model: MODELS[0], chunkSize: 150 }));
    await fc.assert(
      fc.asyncProperty(plain, damages, async ({ content, ...options }, damage) => {
        const file = await compress(content, options);
        let damaged = file;
        if (damage.kind === 'flip') damaged[damage.at % file.length] ^= 1 << damage.bit;
        else if (damage.kind === 'cut') damaged = file.slice(0, damage.at % file.length);
        else if (damage.kind === 'append') damaged = Uint8Array.of(...file, ...damage.bytes);
        else {
          const at = damage.at % file.length;
          damaged = Uint8Array.of(...file.subarray(0, at), ...damage.bytes, ...file.subarray(at));
        }
        expect(await real(damaged)).toBe(await independent(damaged));
      }),
      runs(60),
    );
  });
});
