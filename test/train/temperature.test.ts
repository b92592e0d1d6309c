/** A temperature divides the logits of a network, whatever its kind, and nothing else. */
import { expect, test } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { openSession } from '../../src/model/session.ts';
import { networkKind, type Weights } from '../../src/train/networks.ts';
import { withTemperature } from '../../src/train/temperature.ts';
import { TINY_TRANSFORMER, transformerWeights } from '../support/transformers.ts';
import { randomWeights, TINY, tinyText } from './tiny.ts';

/** Bits by which each symbol is less likely than the likeliest, byte after byte of a text. */
async function distances(weights: Weights): Promise<number[]> {
  const model = loadModel(networkKind(weights.config.network).export(weights, { 'lmz.name': 'tiny' }));
  const session = await openSession(model);
  const all: number[] = [];
  for (const byte of tinyText(40, 1)) {
    const logits = await session.run(Uint8Array.of(byte), 1);
    const most = Math.max(...logits);
    for (const logit of logits) all.push((most - logit) / 2 ** model.contract.logitBits);
  }
  await session.release();
  return all;
}

test.each<[string, Weights]>([
  ['recurrent', { config: { ...TINY }, ...randomWeights(TINY, 1) }],
  [
    'recurrent, no hidden layer',
    { config: { ...TINY, hidden: 0 }, ...randomWeights({ ...TINY, hidden: 0 }, 2) },
  ],
  ['transformer', { config: { ...TINY_TRANSFORMER }, ...transformerWeights(TINY_TRANSFORMER, 3) }],
])('%s: logits are halved', async (_, weights) => {
  const before = await distances(weights);
  const after = await distances(withTemperature(weights, 2));
  const apart = after.map((distance, i) => Math.abs(distance - before[i] / 2));
  const spread = before.reduce((a, b) => a + b, 0) / before.length;
  expect(apart.reduce((a, b) => a + b, 0) / apart.length).toBeLessThan(0.05 * spread);
});

test('1 changes nothing, and no temperature is refused', () => {
  const weights = { config: { ...TINY }, ...randomWeights(TINY, 1) };
  expect(withTemperature(weights, 1)).toEqual(weights);
  for (const bad of [0, -1, NaN, Infinity]) expect(() => withTemperature(weights, bad)).toThrow(RangeError);
});
