/** The Transformer's WebAssembly kernel against onnxruntime and the plain reference: the same bits. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadModel, type Model } from '../../../src/model/load.ts';
import { type LaneSession, openSession } from '../../../src/model/session.ts';
import { openTransformer } from '../../../src/model/transformer/kernel.ts';
import { recognizeTransformer } from '../../../src/model/transformer/recognize.ts';
import { TransformerReference } from '../../../src/model/transformer/reference.ts';
import { Random } from '../../../src/train/random.ts';
import { makeReference, type Reference } from '../../../src/train/reference.ts';
import { exportTransformer } from '../../../src/train/transformer-export.ts';
import { runs } from '../../support/runs.ts';
import { TINY_TRANSFORMER } from '../../support/transformers.ts';
import { tinyText } from '../../train/tiny.ts';
import { withEngine } from '../engines.ts';
import { codedAsync } from '../errors.ts';
import { anyConfig, extremeTransformer, randomModel } from './networks.ts';

const model = loadModel(randomModel(TINY_TRANSFORMER, 1));

/** Tokens of every lane, one after another. */
function tokensOf(lanes: number, steps: number, seed: number): Uint8Array[] {
  const random = new Random(seed);
  return Array.from({ length: lanes }, (_, lane) =>
    lane === 1 ? tinyText(steps, seed) : Uint8Array.from({ length: steps }, () => random.uint32() & 255),
  );
}

/** Logits [lane][step], fed in calls of the given numbers of tokens a lane. */
async function allLogits(
  session: LaneSession,
  tokens: readonly Uint8Array[],
  calls: readonly number[],
): Promise<Int32Array[][]> {
  const all: Int32Array[][] = tokens.map(() => []);
  let at = 0;
  for (const time of calls) {
    const fed = Uint8Array.from(tokens.flatMap((lane) => [...lane.subarray(at, at + time)]));
    const logits = await session.run(fed, time);
    for (const [lane, list] of all.entries()) {
      for (let t = 0; t < time; t++) {
        const from = (lane * time + t) * 256;
        list.push(logits.slice(from, from + 256));
      }
    }
    at += time;
  }
  return all;
}

/** Kernel, onnxruntime and reference, by steps and sequences, with a reset between. */
async function expectAgreement(of: Model, lanes: number, calls: readonly number[], seed: number) {
  const steps = calls.reduce((sum, time) => sum + time, 0);
  const tokens = tokensOf(lanes, steps, seed);
  const expected = await withEngine(of, lanes, 'node', (session) => allLogits(session, tokens, calls));
  const network = recognizeTransformer(of.graph)!;
  for (const [lane, list] of tokens.entries()) {
    const reference = new TransformerReference(network);
    expect(Array.from(list, (token) => reference.step(token))).toEqual(expected[lane]);
  }
  await withEngine(of, lanes, 'kernel', async (session) => {
    expect(await allLogits(session, tokens, calls)).toEqual(expected);
    session.reset();
    expect(await allLogits(session, tokens, new Array<number>(steps).fill(1))).toEqual(expected);
  });
}

const anyCalls = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 12 });

describe('kernel, onnxruntime and reference agree bit for bit', () => {
  test.each([1, 2, 3])('%i lanes: random networks, also past their context', async (lanes) => {
    const gains = fc.constantFrom(0.3, 1, 3);
    await fc.assert(
      fc.asyncProperty(anyConfig, fc.nat(1e6), gains, anyCalls, async (config, seed, gain, calls) => {
        // Wider ones have less room for large weights.
        const file = randomModel(config, seed, (gain * 16) / Math.max(16, config.width));
        await expectAgreement(loadModel(file), lanes, calls, seed);
      }),
      runs(10),
    );
  });

  test.each([
    ['sinusoidal', 1, 16],
    ['rotary', 1, 16],
    ['sinusoidal', 2, 8],
    ['rotary', 2, 9],
  ] as const)('%s, %i heads: every weight at an end of its range', async (positions, heads, context) => {
    const config = { ...TINY_TRANSFORMER, positions, heads, context, layers: 3 };
    for (const seed of [1, 2, 3]) {
      const file = exportTransformer(extremeTransformer(config, seed), { 'lmz.name': 'extreme' });
      await expectAgreement(loadModel(file), 2, [1, 12, 1, 1, 15], seed);
    }
  });

  test('all bytes alike: all weights of attention are the largest', async () => {
    const config = { ...TINY_TRANSFORMER, positions: 'rotary' as const, context: 300 };
    const flat = randomModel(config, 5, 0.01);
    await expectAgreement(loadModel(flat), 1, new Array<number>(16).fill(25), 5);
  });
});

describe('sessions', () => {
  test('answer at once, and give the same as run()', async () => {
    const tokens = tokensOf(3, 40, 7);
    await withEngine(model, 3, 'kernel', async (session) => {
      expect(session.engine).toBe('kernel (wasm)');
      const expected = await allLogits(session, tokens, [40]);
      session.reset();
      for (let step = 0; step < 40; step++) {
        const logits = session.runNow!(Uint8Array.from(tokens, (lane) => lane[step]));
        expect([...logits]).toEqual(expected.flatMap((lane) => [...lane[step]]));
      }
    });
  });

  test('are what "auto" opens, for sizes that the kernel runs', async () => {
    for (const lanes of [1, 2000]) {
      await withEngine(model, lanes, 'auto', (session) => {
        expect(session.engine).toBe('kernel (wasm)');
      });
    }
    for (const other of [{ heads: 4 }, { context: 4097 }]) {
      const refused = loadModel(randomModel({ ...TINY_TRANSFORMER, ...other }, 1));
      expect(recognizeTransformer(refused.graph)).toBeUndefined();
      expect((await codedAsync(() => openSession(refused, { engine: 'kernel' }))).code).toBe('LMZ_ENGINE');
      await withEngine(refused, 1, 'auto', (session) => {
        expect(session.engine).toMatch(/^onnxruntime-node/);
      });
    }
  });

  test('are refused where the lanes would need too much memory', async () => {
    const long = loadModel(randomModel({ ...TINY_TRANSFORMER, context: 4096 }, 1));
    const error = await codedAsync(() => openSession(long, { engine: 'kernel', lanes: 4096 }));
    expect(error.code).toBe('LMZ_ENGINE');
    expect(error.message).toContain('bytes');
  });

  test('are not for models whose exactness nobody proved', async () => {
    const unproven = loadModel(model.bytes, { platformBound: true });
    expect((await codedAsync(() => openSession(unproven, { engine: 'kernel' }))).code).toBe('LMZ_ENGINE');
  });

  test('refuse misuse by name', async () => {
    const session = await openSession(model, { lanes: 2, engine: 'kernel' });
    await expect(session.run(Int32Array.of(0), 1)).rejects.toThrow('expected 2 values (lanes * time), got 1');
    await expect(session.run(Int32Array.of(0, 256), 1)).rejects.toThrow('expected values 0 to 255, got 256');
    for (const time of [0, 1.5, 65_537]) {
      const refused = session.run(new Int32Array(2), time);
      await expect(refused).rejects.toThrow(`"time" expected an integer 1 to 65536, got ${time}`);
    }
    await session.release();
    await session.release();
    await expect(session.run(new Int32Array(2), 1)).rejects.toThrow('run() on a session that is released');
  });
});

describe('a kernel that cannot be trusted', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('is found out when it is opened, and "auto" does without it', async () => {
    const network = recognizeTransformer(model.graph)!;
    // One weight of what the reference sees is another.
    const data = network.output.data.slice();
    data[0] ^= 64;
    const other = new TransformerReference({ ...network, output: { ...network.output, data } });
    const logits = Array.from({ length: 100 }, (_, token) => other.step(token));
    vi.spyOn(TransformerReference.prototype, 'step').mockImplementation((token) => logits[token % 100]);
    expect((await codedAsync(() => openTransformer(network, 1))).code).toBe('LMZ_ENGINE');
    await withEngine(model, 1, 'auto', (session) => {
      expect(session.engine).toMatch(/^onnxruntime-node/);
    });
  });
});

// Those that ship: test/models/references.test.ts.
describe('models of the benchmark in the kernel give the logits noted beside them', () => {
  const folder = new URL('../../../bench/models/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnx'));

  test('there are some', () => {
    expect(names.length).toBeGreaterThan(3);
  });

  test.each(names)(
    '%s',
    async (name) => {
      const stored = readFileSync(new URL(name.replace('.onnx', '.reference.json'), folder), 'utf8');
      const noted = JSON.parse(stored) as Reference;
      const trusted = { trustedHashes: new Set([noted.model]) };
      const thesis = loadModel(new Uint8Array(readFileSync(new URL(name, folder))), trusted);
      const options = { engine: 'kernel', lanes: 2, time: 61 } as const;
      expect(await makeReference(thesis, noted.tokens, options)).toEqual(noted);
    },
    60_000,
  );
});
