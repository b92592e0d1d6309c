/** A run that was stopped and resumed from its checkpoint file equals an unbroken one, bit for bit. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LmzError } from '../../src/errors.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { CHECKPOINT_FILE, readProgress, runLoop } from '../../src/train/loop.ts';
import { recurrentNetwork } from '../../src/train/recurrent.ts';
import { Trainer, type TrainerMeta } from '../../src/train/trainer.ts';
import { TINY, tinyCategories } from './tiny.ts';

const folder = mkdtempSync(join(tmpdir(), 'lmz-train-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const OPTIONS = { shape: { lanes: 4, steps: 16 }, blockSize: 512, seed: 3, clipNorm: 1, tableRate: 3 };
const SCHEDULE = { rate: 1e-2, warmup: 5, decay: { fromBytes: 3000, bytes: 3000, floor: 0.02 } };
const network = recurrentNetwork(TINY);
const engine = await createOrtEngine(network, OPTIONS.shape);
const categories = tinyCategories();

test('stopped and resumed equals unbroken', async () => {
  const unbroken = new Trainer(network, engine, categories, OPTIONS, SCHEDULE);
  // More than a block, so that lanes change blocks before and after the stop.
  for (let i = 0; i < 90; i++) await unbroken.step();
  const first = new Trainer(network, engine, categories, OPTIONS, SCHEDULE);
  for (let i = 0; i < 41; i++) await first.step();
  const path = join(folder, 'half.bin');
  writeCheckpoint(path, first.checkpoint());
  const saved = readCheckpoint<TrainerMeta>(path);
  const resumed = new Trainer(network, engine, categories, saved.meta.options, saved.meta.schedule, saved);
  for (let i = 0; i < 49; i++) await resumed.step();
  expect(resumed.checkpoint()).toEqual(unbroken.checkpoint());
  expect(await resumed.validate()).toEqual(await unbroken.validate());
});

test('training learns', async () => {
  const trainer = new Trainer(network, engine, categories, OPTIONS, { rate: 1e-2, warmup: 5 });
  const before = await trainer.validate();
  for (let i = 0; i < 300; i++) await trainer.step();
  const after = await trainer.validate();
  for (const { name } of categories) {
    expect(before[name]).toBeGreaterThan(7);
    expect(after[name]).toBeLessThan(2.5);
  }
});

test('a signal ends the loop with a checkpoint; the schedule ends it too', async () => {
  const trainer = new Trainer(network, engine, categories, OPTIONS, SCHEDULE);
  const options = {
    folder: join(folder, 'loop'),
    bytes: Infinity,
    minutes: Infinity,
    checkpointMinutes: 60,
    validateEvery: 2048,
    validateBytes: 1000,
    log: () => undefined,
  };
  const stop = new AbortController();
  stop.abort();
  await runLoop(trainer, options, stop.signal);
  const path = join(options.folder, CHECKPOINT_FILE);
  const saved = readCheckpoint<TrainerMeta>(path);
  expect(saved.meta.bytes).toBe(0);
  const resumed = new Trainer(network, engine, categories, OPTIONS, SCHEDULE, saved);
  await runLoop(resumed, options, new AbortController().signal);
  expect(resumed.bytes).toBe(6016);
  const validated = readProgress(options.folder).filter(({ validation }) => validation !== undefined);
  expect(validated.map(({ bytes }) => bytes)).toEqual([2048, 4096, 6016]);
});

test('a file that is no whole checkpoint is refused', () => {
  const path = join(folder, 'damaged.bin');
  const damaged = (): unknown => readCheckpoint(path);
  writeFileSync(path, 'something else');
  expect(damaged).toThrow(LmzError);
  writeCheckpoint(path, { meta: {}, arrays: { a: new Float32Array(100) } });
  truncateSync(path, 200);
  expect(damaged).toThrow(/ends within a/);
});
