/** The language model on a thread of its own: the same logits, and errors instead of hangs. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { laneStarts } from '../../src/codec/lanes.ts';
import { LogitsStage, type SpeculatedLogits, type StagedLogits } from '../../src/codec/logits-stage.ts';
import { ModelSteps, type StepLogits } from '../../src/codec/model-steps.ts';
import { toReference } from '../../src/codec/model-reference.ts';
import { loadModel, type Model } from '../../src/model/load.ts';
import { type LaneSession, openSession } from '../../src/model/session.ts';
import { codedAsync } from '../model/errors.ts';
import { randomModel } from '../model/recurrent/networks.ts';
import { randomModel as randomTransformer } from '../model/transformer/networks.ts';
import { TINY_TRANSFORMER } from '../support/transformers.ts';
import { TINY, tinyText } from '../train/tiny.ts';

const fixture = (name: string): Model =>
  loadModel(new Uint8Array(readFileSync(new URL(`../../fixtures/models/${name}.onnx`, import.meta.url))));

/** A model whose context ends every 100 bytes. */
const forgetful = loadModel(randomModel(TINY, 8, { 'lmz.context': '100' }));

function digest(logits: Int32Array, from: number, count = 256, sum = 0): number {
  for (const logit of logits.subarray(from, from + count)) sum = (Math.imul(sum, 31) + logit) | 0;
  return sum;
}

/** A digest of every step's logits. */
async function follow(
  input: StepLogits,
  { contract }: Model,
  size: number,
  lanes: number,
): Promise<number[]> {
  const sums: number[] = [];
  for (let step = 0; step < laneStarts(size, lanes)[1]; step++) {
    const waiting = input.go(step);
    if (waiting) await waiting;
    let sum = 0;
    for (let lane = 0; lane < lanes; lane++) {
      sum = digest(input.logits, input.offset(lane), contract.alphabet, sum);
    }
    sums.push(sum);
  }
  return sums;
}

describe.each<[string, Model, number]>([
  ['the kernel, one lane', loadModel(randomModel(TINY, 6)), 1],
  ['the kernel, three lanes', loadModel(randomModel(TINY, 7)), 3],
  ['the kernel, a model that forgets', forgetful, 2],
  ['the kernel, a Transformer', loadModel(randomTransformer(TINY_TRANSFORMER, 9)), 2],
])('%s', (_, model, lanes) => {
  let stage: LogitsStage;
  beforeAll(async () => {
    stage = await LogitsStage.open({ model: toReference(model), lanes });
  });
  afterAll(async () => {
    await stage.close();
  });

  async function expected(symbols: Uint8Array): Promise<number[]> {
    const session = await openSession(model, { lanes });
    const { contract } = model;
    const input = new ModelSteps({ session, contract }, symbols, laneStarts(symbols.length, lanes), false);
    const sums = await follow(input, model, symbols.length, lanes);
    await session.release();
    return sums;
  }

  test.each([0, 1, 2, 31, 32, 33, 700, 3000])('%i symbols: the same logits as a session', async (size) => {
    const symbols = tinyText(size, size).map((byte) => byte & 127);
    const staged = stage.start(symbols);
    expect(await follow(staged, model, symbols.length, lanes)).toEqual(await expected(symbols));
    staged.end();
    staged.end();
    await expect(staged.go(size)).rejects.toThrow('go() after end()');
  });

  test('a chunk given up at any place does not touch the next', async () => {
    for (const steps of [0, 1, 5, 40, 300]) {
      const staged = stage.start(tinyText(5000, 1).map((byte) => byte & 127));
      for (let i = 0; i < steps; i++) await staged.go(i);
      staged.end();
      const symbols = tinyText(400, steps).map((byte) => byte & 127);
      const next = stage.start(symbols);
      expect(await follow(next, model, symbols.length, lanes)).toEqual(await expected(symbols));
      next.end();
    }
  });

  test('one chunk at a time', () => {
    const staged = stage.start(new Uint8Array(10));
    expect(() => stage.start(new Uint8Array(10))).toThrow('start() on a stage that is at work');
    staged.end();
  });
});

describe('a chunk that is decoded', () => {
  const model = loadModel(randomModel(TINY, 5));
  const { start } = model.contract;
  const text = tinyText(700, 6);
  let stage: LogitsStage;
  let session: LaneSession;
  let expected: number[];
  beforeAll(async () => {
    stage = await LogitsStage.open({ model: toReference(model), lanes: 1 });
    session = await openSession(model);
    const input = new ModelSteps(
      { session, contract: model.contract },
      text,
      laneStarts(text.length, 1),
      false,
    );
    expected = await follow(input, model, text.length, 1);
  });
  afterAll(async () => {
    await stage.close();
    await session.release();
  });

  /** Reports the bits of a byte, one by one, up to so many. */
  function report(speculated: SpeculatedLogits, byte: number, bits = 8): void {
    for (let bit = 1; bit <= bits; bit++) speculated.onBit((byte | 256) >> (8 - bit));
  }

  /** Steps `from` to `to` of the text, after which the speculation has seen the byte of the last but one. */
  async function decode(speculated: SpeculatedLogits, from: number, to: number): Promise<number[]> {
    const sums: number[] = [];
    for (let step = from; step < to; step++) {
      if (step > from) report(speculated, text[step - 1]);
      await speculated.go(step - from);
      sums.push(digest(speculated.logits, speculated.offset(0)));
    }
    return sums;
  }

  test('has the same logits, and goes from thread to thread anywhere', async () => {
    session.reset();
    const sums: number[] = [];
    let token = start;
    for (const [mine, theirs] of [
      [0, 1],
      [1, 2],
      [5, 200],
      [100, 1],
      [1, 290],
      [50, 49],
    ]) {
      for (let i = 0; i < mine; i++) {
        sums.push(digest(session.runNow!(Uint8Array.of(token)), 0));
        token = text[sums.length - 1];
      }
      const speculated = stage.speculate(token, session.parts!.state);
      sums.push(...(await decode(speculated, sums.length, sums.length + theirs)));
      session.parts!.state.set(await speculated.stop());
      token = text[sums.length - 1];
    }
    expect(sums).toEqual(expected);
  });

  test('sleeps while bits do not come', async () => {
    session.reset();
    const speculated = stage.speculate(start, session.parts!.state);
    for (let step = 0; step < 5; step++) {
      await speculated.go(step);
      expect(digest(speculated.logits, speculated.offset(0))).toBe(expected[step]);
      report(speculated, text[step], 3);
      await new Promise((resolve) => setTimeout(resolve, 60));
      report(speculated, text[step]);
    }
    speculated.end();
  });

  test('given up at any place does not touch the next', async () => {
    for (const [steps, bits] of [
      [0, 0],
      [1, 0],
      [1, 8],
      [20, 1],
      [20, 7],
    ]) {
      session.reset();
      const speculated = stage.speculate(start, session.parts!.state);
      await decode(speculated, 0, steps);
      report(speculated, 0, bits);
      speculated.end();
      speculated.end();
      const next = stage.speculate(start, session.parts!.state);
      expect(await decode(next, 0, 50)).toEqual(expected.slice(0, 50));
      next.end();
    }
  });

  test('is an error where its thread dies', async () => {
    const mortal = await LogitsStage.open({ model: toReference(model), lanes: 1 });
    session.reset();
    const speculated = mortal.speculate(start, session.parts!.state);
    await decode(speculated, 0, 10);
    const closed = mortal.close();
    const error = await codedAsync(async () => {
      for (let step = 10; ; step++) await speculated.go(step);
    });
    expect(error.code).toBe('LMZ_WORKER');
    await closed;
    speculated.end();
  });
});

describe('a thread that dies', () => {
  const model = loadModel(randomModel(TINY, 9));

  async function drain(staged: StagedLogits, from: number, to: number): Promise<void> {
    for (let i = from; i < to; i++) await staged.go(i);
  }

  test('at work is an error, now and later', async () => {
    const stage = await LogitsStage.open({ model: toReference(model), lanes: 1 });
    const staged = stage.start(new Uint8Array(30_000_000));
    await drain(staged, 0, 100);
    const closed = stage.close();
    const error = await codedAsync(() => drain(staged, 100, 30_000_000));
    expect(error.code).toBe('LMZ_WORKER');
    await closed;
    staged.end();
    expect(() => stage.start(new Uint8Array(10))).toThrow('has ended');
  });

  test('before it opens its model is an error, too', async () => {
    const open = LogitsStage.open({ model: toReference(model), lanes: -1 });
    const error = await codedAsync(() => open);
    expect(error.code).toBe('LMZ_WORKER');
    expect(error.message).toContain('"lanes"');
  });

  test('what it cannot open is an error of its own', async () => {
    const reference = toReference(model);
    const wrong = { ...reference, bytes: reference.bytes.slice(0, 100) };
    expect((await codedAsync(() => LogitsStage.open({ model: wrong, lanes: 1 }))).code).toBe(
      'LMZ_MODEL_INVALID',
    );
    const other = toReference(fixture('good-recurrent-int8'));
    expect((await codedAsync(() => LogitsStage.open({ model: other, lanes: 1 }))).code).toBe('LMZ_ENGINE');
  });
});
