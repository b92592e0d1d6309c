import { expect, test } from 'vitest';
import { modelOfCheckpoint } from '../../src/train/checkpoint-model.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import type { NetworkConfig } from '../../src/train/networks.ts';
import { type RecurrentConfig, recurrentNetwork } from '../../src/train/recurrent.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { isWider, widenCheckpoint, widenWeights } from '../../src/train/widen.ts';
import { TINY, tinyCategories } from './tiny.ts';

const OPTIONS = { shape: { lanes: 4, steps: 16 }, blockSize: 512, seed: 3, clipNorm: 1, tableRate: 3 };
const SCHEDULE = { rate: 1e-2, warmup: 5 };
const named = (config: RecurrentConfig): NetworkConfig => ({ ...config });

test.each([TINY, { ...TINY, cell: 'minimal' as const }, { ...TINY, direct: false }])(
  'a wider $cell network predicts the same, and learns on',
  async (config) => {
    const wider = { ...config, units: 13, hidden: 11 };
    const categories = tinyCategories();
    const network = recurrentNetwork(config);
    const engine = await createOrtEngine(network, OPTIONS.shape);
    const trainer = new Trainer(network, engine, categories, OPTIONS, SCHEDULE);
    for (let i = 0; i < 150; i++) await trainer.step();
    const before = await trainer.validate();

    const wideNetwork = recurrentNetwork(wider);
    const wideEngine = await createOrtEngine(wideNetwork, OPTIONS.shape);
    const checkpoint = widenCheckpoint(trainer.checkpoint(), named(wider));
    const again = new Trainer(wideNetwork, wideEngine, categories, OPTIONS, SCHEDULE, checkpoint);
    expect(again.bytes).toBe(trainer.bytes);
    const after = await again.validate();
    for (const [name, bits] of Object.entries(before)) expect(after[name]).toBeCloseTo(bits, 4);

    // From the same place, the next step sees the same text and predicts it as well.
    expect((await again.step()).bits).toBeCloseTo((await trainer.step()).bits, 4);
    for (let i = 0; i < 150; i++) await again.step();
    const learnt = await again.validate();
    for (const [name, bits] of Object.entries(before)) expect(learnt[name]).toBeLessThan(bits);

    const model = widenWeights(modelOfCheckpoint(trainer.checkpoint()), named(wider));
    const tuned = new Trainer(wideNetwork, wideEngine, categories, OPTIONS, SCHEDULE);
    tuned.initialize(model.parameters, model.tables, 0);
    const narrow = await trainer.validate();
    const wide = await tuned.validate();
    for (const [name, bits] of Object.entries(narrow)) expect(wide[name]).toBeCloseTo(bits, 4);
    await engine.release();
    await wideEngine.release();
  },
);

test('only more units or a larger hidden layer make a network a wider one', () => {
  const tiny = named(TINY);
  expect(isWider(tiny, { ...tiny, units: 9 })).toBe(true);
  expect(isWider(tiny, { ...tiny, units: 9, hidden: 20 })).toBe(true);
  expect(isWider(tiny, { ...tiny, units: 7 })).toBe(false);
  expect(isWider(tiny, { ...tiny, units: 9, width: 16 })).toBe(false);
  expect(isWider({ ...tiny, hidden: 0 }, { ...tiny, hidden: 8 })).toBe(false);
  expect(isWider({ ...tiny, network: 'transformer' }, { ...tiny, network: 'transformer' })).toBe(false);
});
