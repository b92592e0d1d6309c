/** Exported models: exact by the audit, equal to a plain integer reference, close to the float network. */
import { describe, expect, test } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { openSession } from '../../src/model/session.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { evaluateModel } from '../../src/train/evaluate.ts';
import { exportRecurrent } from '../../src/train/export.ts';
import { importRecurrent } from '../../src/train/import.ts';
import { quantize, restore } from '../../src/train/quantize.ts';
import { Random } from '../../src/train/random.ts';
import { type RecurrentConfig, recurrentNetwork } from '../../src/train/recurrent.ts';
import { makeReference } from '../../src/train/reference.ts';
import { START_TOKEN } from '../../src/train/stream.ts';
import { RowSums } from '../../src/train/tables.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { validateCategory } from '../../src/train/validation.ts';
import { ReferenceLane } from './reference.ts';
import { randomWeights, TINY, tinyCategories, tinyText } from './tiny.ts';

const METADATA = { 'lmz.name': 'tiny' };
const CONFIGS: [string, RecurrentConfig][] = [
  ['gru, hidden layer, direct', TINY],
  ['gru, hidden layer alone', { ...TINY, direct: false, units: 12 }],
  ['gru, no hidden layer', { ...TINY, hidden: 0, width: 6 }],
  ['minimal, hidden layer, direct', { ...TINY, cell: 'minimal', hidden: 5 }],
  ['minimal, no hidden layer', { ...TINY, cell: 'minimal', hidden: 0, kinds: ['order6'], rows: [101] }],
];

describe.each(CONFIGS)('%s', (_, config) => {
  const { parameters, tables } = randomWeights(config, 1);
  const network = quantize(config, parameters, tables);
  const file = exportRecurrent(network, METADATA);

  test.each([1, 3])('%i lanes: logits equal the reference', async (lanes) => {
    const session = await openSession(loadModel(file), { lanes, engine: 'node' });
    const references = Array.from({ length: lanes }, () => new ReferenceLane(network));
    const random = new Random(lanes);
    const texts = references.map((__, lane) => tinyText(60, lane));
    for (let t = 0; t < 120; t++) {
      const tokens = Int32Array.from(texts, (text) => (t < 60 ? text[t] : random.uint32() & 255));
      const logits = await session.run(tokens, 1);
      references.forEach((reference, lane) => {
        expect([...logits.subarray(lane * 256, lane * 256 + 256)]).toEqual(reference.step(tokens[lane]));
      });
    }
    await session.release();
  });

  test('read back, it is the same integers; restored and rounded again too', () => {
    const again = importRecurrent(loadModel(file));
    expect(again).toEqual(network);
    const restored = restore(again);
    // A column whose largest weight is rounded to below a power of two may get a finer grid; its values are the same.
    const second = restore(quantize(config, restored.parameters, restored.tables));
    expect(second.parameters).toEqual(restored.parameters);
  });
});

test('a trained network loses next to nothing by rounding', async () => {
  const network = recurrentNetwork(TINY);
  const shape = { lanes: 4, steps: 16 };
  const engine = await createOrtEngine(network, shape);
  const options = { shape, blockSize: 512, seed: 1, clipNorm: 1, tableRate: 3 };
  const schedule = { rate: 1e-2, warmup: 5, decay: { fromBytes: 0, bytes: 25_600, floor: 0.02 } };
  const trainer = new Trainer(network, engine, tinyCategories(), options, schedule);
  for (let i = 0; i < 400; i++) await trainer.step();
  const text = tinyText(2048, 77);
  const setup = { network, engine, shape, tables: RowSums.of(trainer.tables.rows, TINY.width) };
  const float = await validateCategory(setup, trainer.parameters, text, Infinity);
  const file = exportRecurrent(quantize(TINY, trainer.parameters, trainer.tables.rows), METADATA);
  const exact = await evaluateModel(file, text, { lanes: 4 });
  expect(float).toBeLessThan(2.5);

  // Training can go on from the exported model.
  const restored = restore(importRecurrent(loadModel(file)));
  const again = new Trainer(network, engine, tinyCategories(), options, schedule);
  again.initialize(restored.parameters, restored.tables, 0);
  const { one: bits } = await again.validate();
  expect(Math.abs(bits / (await trainer.validate()).one - 1)).toBeLessThan(0.01);
  expect(Math.abs(exact / float - 1)).toBeLessThan(0.01);
  await engine.release();
});

test('the reference does not depend on engine or lanes', async () => {
  const { parameters, tables } = randomWeights(TINY, 2);
  const model = loadModel(exportRecurrent(quantize(TINY, parameters, tables), METADATA));
  const tokens = [START_TOKEN, ...tinyText(100, 1)];
  const reference = await makeReference(model, tokens);
  expect(await makeReference(model, tokens, { lanes: 5 })).toEqual(reference);
  expect(await makeReference(model, tokens, { engine: 'web', lanes: 2 })).toEqual(reference);
});

test('a weight that is no number is refused', () => {
  const { parameters, tables } = randomWeights(TINY, 3);
  parameters['outputBias'][7] = NaN;
  expect(() => quantize(TINY, parameters, tables)).toThrow(/outputBias/);
});
