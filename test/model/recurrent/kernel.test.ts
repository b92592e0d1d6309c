/** The WebAssembly kernel against onnxruntime and the plain reference: the same bits. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadModel } from '../../../src/model/load.ts';
import { openKernel } from '../../../src/model/recurrent/kernel.ts';
import { recognizeRecurrent } from '../../../src/model/recurrent/recognize.ts';
import { RecurrentReference } from '../../../src/model/recurrent/reference.ts';
import { type LaneSession, openSession } from '../../../src/model/session.ts';
import { makeReference, type Reference } from '../../../src/train/reference.ts';
import { withEngine } from '../engines.ts';
import { codedAsync } from '../errors.ts';
import { recurrentModel } from '../models.ts';
import { runs } from '../../support/runs.ts';
import { TINY, tinyText } from '../../train/tiny.ts';
import { anyConfig, randomModel } from './networks.ts';
import { expectRefusals } from '../misuse.ts';

const model = loadModel(randomModel(TINY, 1));

/** Bytes for every lane and step: words, and any bytes. */
const anyTokens = (steps: number, lanes: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ minLength: steps * lanes, maxLength: steps * lanes }),
    fc.nat(1e6).map((seed) => tinyText(steps * lanes, seed)),
  );

async function allLogits(session: LaneSession, tokens: Uint8Array): Promise<Int32Array[]> {
  const steps: Int32Array[] = [];
  for (let at = 0; at < tokens.length; at += session.lanes) {
    steps.push((await session.run(tokens.subarray(at, at + session.lanes), 1)).slice());
  }
  return steps;
}

describe('random networks', () => {
  test.each([1, 3, 16])('%i lanes: kernel, onnxruntime and reference agree bit for bit', async (lanes) => {
    const steps = 24;
    await fc.assert(
      fc.asyncProperty(anyConfig, fc.nat(1e6), anyTokens(steps, lanes), async (config, seed, tokens) => {
        const random = loadModel(randomModel(config, seed));
        const expected = await withEngine(random, lanes, 'node', (session) => allLogits(session, tokens));
        const network = recognizeRecurrent(random.graph)!;
        const references = Array.from({ length: lanes }, () => new RecurrentReference(network));
        for (const [step, logits] of expected.entries()) {
          references.forEach((reference, lane) => {
            const ours = reference.step(tokens[step * lanes + lane]);
            expect(ours).toEqual(logits.subarray(lane * 256, lane * 256 + 256));
          });
        }
        await withEngine(random, lanes, 'kernel', async (session) => {
          expect(await allLogits(session, tokens)).toEqual(expected);
          session.reset();
          expect(await allLogits(session, tokens)).toEqual(expected);
        });
      }),
      runs(lanes === 16 ? 4 : 12),
    );
  });
});

describe('sessions', () => {
  test('answer at once, and give the same as run()', async () => {
    const tokens = tinyText(300, 5);
    await withEngine(model, 3, 'kernel', async (session) => {
      expect(session.engine).toBe('kernel (wasm)');
      const expected = await allLogits(session, tokens);
      session.reset();
      for (const [step, logits] of expected.entries()) {
        expect(session.runNow?.(tokens.subarray(3 * step, 3 * step + 3))).toEqual(logits);
      }
    });
  });

  test('are what "auto" opens for this family, and for no other', async () => {
    for (const lanes of [1, 2000]) {
      await withEngine(model, lanes, 'auto', (session) => {
        expect(session.engine).toBe('kernel (wasm)');
      });
    }
    const other = loadModel(recurrentModel());
    await withEngine(other, 1, 'auto', (session) => {
      expect(session.engine).toMatch(/^onnxruntime-node/);
      expect('runNow' in session).toBe(false);
    });
    const error = await codedAsync(() => openSession(other, { engine: 'kernel' }));
    expect(error.code).toBe('LMZ_ENGINE');
  });

  test('are not for models whose exactness nobody proved', async () => {
    const unproven = loadModel(model.bytes, { platformBound: true });
    const error = await codedAsync(() => openSession(unproven, { engine: 'kernel' }));
    expect(error.code).toBe('LMZ_ENGINE');
    await withEngine(unproven, 1, 'auto', (session) => {
      expect(session.engine).toMatch(/^onnxruntime-node/);
    });
  });

  test('refuse misuse by name', async () => {
    const session = await openSession(model, { lanes: 2, engine: 'kernel' });
    await expectRefusals(session);
    await session.release();
    await session.release();
    await expect(session.run(new Int32Array(2), 1)).rejects.toThrow('run() on a session that is released');
    expect(() => {
      session.reset();
    }).toThrow('reset() on a session that is released');
  });
});

describe('a kernel that cannot be trusted', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('is found out when it is opened, and "auto" does without it', async () => {
    const network = recognizeRecurrent(model.graph)!;
    // One weight of what the reference sees is another: of its last row of weights, which most steps use least.
    const data = network.fromNewState.data.slice();
    data[data.length - 1] ^= 64;
    const wrong = { ...network, fromNewState: { ...network.fromNewState, data } };
    const other = new RecurrentReference(wrong);
    const logits = Array.from({ length: 100 }, (_, token) => other.step(token));
    vi.spyOn(RecurrentReference.prototype, 'step').mockImplementation((token) => logits[token % 100]);
    const error = await codedAsync(() => openKernel(network, 1));
    expect(error.code).toBe('LMZ_ENGINE');
    await withEngine(model, 1, 'auto', (session) => {
      expect(session.engine).toMatch(/^onnxruntime-node/);
    });
  });
});

test('the default model in the kernel gives the logits noted beside it', async () => {
  const file = new Uint8Array(readFileSync(new URL('../../../models/default.onnx', import.meta.url)));
  const noted = JSON.parse(
    readFileSync(new URL('../../../models/default.reference.json', import.meta.url), 'utf8'),
  ) as Reference;
  const found = await makeReference(
    loadModel(file, { trustedHashes: new Set([noted.model]) }),
    noted.tokens,
    {
      engine: 'kernel',
      lanes: 2,
    },
  );
  expect(found).toEqual(noted);
});
