/** Chunks that are decoded while threads come and go: the same bytes, and no thread kept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogitsStage } from '../../src/codec/logits-stage.ts';
import { encodeBytes } from '../../src/codec/mixing.ts';
import { toReference } from '../../src/codec/model-reference.ts';
import { followSteps, type OpenModel } from '../../src/codec/model-steps.ts';
import { SpareThread } from '../../src/codec/spare-thread.ts';
import { SpeculativeSteps } from '../../src/codec/speculative-steps.ts';
import { CONTROL, createControl } from '../../src/codec/task.ts';
import { compress, decompress, readInfo } from '../../src/index.ts';
import type { CodedBits } from '../../src/entropy/coder.ts';
import { createKernelDecoder, createKernelEncoder } from '../../src/mix/kernel.ts';
import type { MixParameters } from '../../src/mix/parameters.ts';
import { loadModel } from '../../src/model/load.ts';
import { type LaneSession, openSession } from '../../src/model/session.ts';
import { randomModel } from '../model/recurrent/networks.ts';
import { TINY, tinyText } from '../train/tiny.ts';

const model = loadModel(randomModel(TINY, 5));
const { contract } = model;
const mix: MixParameters = { profile: 'text', contexts: 'standard', tableBits: 18, languageModel: true };
const text = tinyText(30_000, 4);
const starts = Uint32Array.of(0, text.length);

let session: LaneSession;
let stage: LogitsStage;
let coded: CodedBits;
beforeAll(async () => {
  session = await openSession(model);
  stage = await LogitsStage.open({ model: toReference(model), lanes: 1 });
  const encoder = createKernelEncoder(text, starts, mix, contract.logitBits);
  await encodeBytes(encoder, text, starts, { session, contract });
  coded = encoder.finish();
});
afterAll(async () => {
  await stage.close();
  await session.release();
});

interface Decoding {
  done: Promise<void>;
  control: Int32Array;
  bytes: Uint8Array;
  /** How often the other thread was asked for. */
  asked: () => number;
}

/** Decodes the text as the only task of two threads. */
function decode(
  onStep: (control: Int32Array, step: number) => void,
  open = (): Promise<LogitsStage> => Promise.resolve(stage),
): Decoding {
  const control = createControl();
  control[CONTROL.busy] = 1;
  let asked = 0;
  let step = 0;
  const opened: OpenModel = {
    session,
    contract,
    spare: new SpareThread(control, 2),
    stage: () => {
      asked++;
      return open();
    },
  };
  const bytes = new Uint8Array(text.length);
  const decoder = createKernelDecoder(bytes, starts, mix, coded, contract.logitBits);
  const input = new SpeculativeSteps(opened, bytes, starts, decoder);
  const watch = {
    requireWanted: () => {
      onStep(control, step++);
    },
    onSymbols: () => undefined,
  };
  const done = followSteps(input, starts, watch, (at, lane) => {
    decoder.code(lane, bytes[at], input.logits, input.offset(lane));
  }).finally(() => {
    input.end();
  });
  return { done, control, bytes, asked: () => asked };
}

describe('a decoder with a thread to spare', () => {
  test('gives the same bytes', async () => {
    const { control, done, bytes, asked } = decode(() => undefined);
    await done;
    expect(bytes).toEqual(text);
    expect(asked()).toBeGreaterThan(0);
    expect(control[CONTROL.staged]).toBe(0);
  });

  test('that comes and goes gives the same bytes', async () => {
    const { control, done, bytes, asked } = decode((control, step) => {
      // At first for long enough to get the model.
      if (step > 3000 && step % 1001 === 0) control[CONTROL.busy] = 1 + ((step / 1001) % 2);
    });
    await done;
    expect(bytes).toEqual(text);
    expect(asked()).toBeGreaterThan(0);
    expect(control[CONTROL.staged]).toBe(0);
  });

  test('that is free for moments only does not get the model', async () => {
    const { done, bytes, asked } = decode((control, step) => {
      control[CONTROL.busy] = step % 2000 < 1000 ? 1 : 2;
    });
    await done;
    expect(bytes).toEqual(text);
    expect(asked()).toBe(0);
  });

  test('that cannot be opened is an error, and keeps no thread', async () => {
    const enough = new Error('no thread');
    const { control, done } = decode(
      () => undefined,
      () => Promise.reject(enough),
    );
    await expect(done).rejects.toBe(enough);
    expect(control[CONTROL.staged]).toBe(0);
  });

  test('keeps no thread when it is given up', async () => {
    const enough = new Error('enough');
    const { control, done } = decode((_, step) => {
      if (step === 10_000) throw enough;
    });
    await expect(done).rejects.toBe(enough);
    expect(control[CONTROL.staged]).toBe(0);
    const again = decode(() => undefined);
    await again.done;
    expect(again.bytes).toEqual(text);
  });
});

test('a file as large as two threads are worth comes back', async () => {
  const content = tinyText((1 << 18) + 100, 8);
  const file = await compress(content, { model: 'small', threads: 2 });
  expect((await readInfo(file)).members[0].frames[0].mixing?.languageModel).toBe(true);
  expect(await decompress(file, { threads: 2 })).toEqual(content);
});

test('as many threads may be spared as no task runs on', () => {
  const control = createControl();
  control[CONTROL.busy] = 2;
  const spare = new SpareThread(control, 3);
  expect(spare.take()).toBe(true);
  expect(new SpareThread(control, 3).take()).toBe(false);
  expect(spare.isCrowded).toBe(false);
  control[CONTROL.busy] = 3;
  expect(spare.isCrowded).toBe(true);
  spare.give();
  expect(spare.isCrowded).toBe(false);
  expect(spare.take()).toBe(false);
});
