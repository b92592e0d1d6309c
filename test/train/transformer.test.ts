/**
 * Exported Transformers: exact by the audit, equal to a plain integer reference in any form (step or sequence, one lane or
 * more, both runtimes), close to the float network.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { openSession, type SessionOptions } from '../../src/model/session.ts';
import { TransformerReference } from '../../src/model/transformer/reference.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { Random } from '../../src/train/random.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { type TransformerConfig, transformerNetwork } from '../../src/train/transformer.ts';
import { evaluateChunks, floatBits } from '../../src/train/transformer-evaluate.ts';
import { exportTransformer } from '../../src/train/transformer-export.ts';
import { importTransformer, restoreTransformer } from '../../src/train/transformer-import.ts';
import { type IntegerTransformer, quantizeTransformer } from '../../src/train/transformer-quantize.ts';
import { tinyCategories, tinyText } from './tiny.ts';
import { randomTransformer, TINY_TRANSFORMER, transformerWeights } from '../support/transformers.ts';

function randomTokens(count: number, seed: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length: count }, () => random.uint32() & 255);
}

function expected(network: IntegerTransformer, tokens: Int32Array): number[][] {
  const lane = new TransformerReference(network);
  return Array.from(tokens, (token) => [...lane.step(token)]);
}

/** Logits of every byte of every lane, fed in calls of the given numbers of bytes. */
async function computed(
  file: Uint8Array,
  lanes: readonly Int32Array[],
  calls: readonly number[],
  options: SessionOptions = {},
): Promise<number[][][]> {
  const session = await openSession(loadModel(file), { engine: 'node', ...options, lanes: lanes.length });
  const all: number[][][] = lanes.map(() => []);
  let at = 0;
  for (const time of calls) {
    const tokens = new Int32Array(lanes.length * time);
    lanes.forEach((lane, i) => {
      tokens.set(lane.subarray(at, at + time), i * time);
    });
    const logits = await session.run(tokens, time);
    lanes.forEach((_, i) => {
      for (let t = 0; t < time; t++) {
        const from = (i * time + t) * 256;
        all[i].push([...logits.subarray(from, from + 256)]);
      }
    });
    at += time;
  }
  await session.release();
  return all;
}

/** Numbers that add up to a total. */
function partsOf(total: number, seed: number): number[] {
  const random = new Random(seed);
  const parts: number[] = [];
  for (let left = total; left > 0; left -= parts.at(-1)!) {
    parts.push(1 + Math.floor(random.uniform() * Math.min(left, 9)));
  }
  return parts;
}

describe('any small network, exported', () => {
  const configs = fc.record({
    layers: fc.constantFrom(1, 2),
    heads: fc.constantFrom(1, 2, 4),
    width: fc.constantFrom(8, 16),
    widening: fc.constantFrom(1, 2, 4),
    context: fc.integer({ min: 8, max: 16 }),
    positions: fc.constantFrom('sinusoidal' as const, 'rotary' as const),
    gain: fc.constantFrom(0.3, 1, 3),
    seed: fc.integer({ min: 0, max: 1e6 }),
  });
  test('passes the audit; steps, sequences and three lanes give the reference logits', async () => {
    await fc.assert(
      fc.asyncProperty(configs, async ({ gain, seed, ...sizes }) => {
        const config: TransformerConfig = { ...TINY_TRANSFORMER, ...sizes };
        const network = randomTransformer(config, seed, gain);
        const file = exportTransformer(network, { 'lmz.name': 'tiny' });
        // More bytes than the context: the cache slides.
        const length = config.context + 6;
        const lanes = [1, 2, 3].map((lane) => randomTokens(length, seed + lane));
        const wanted = lanes.map((tokens) => expected(network, tokens));
        expect(await computed(file, lanes.slice(0, 1), new Array<number>(length).fill(1))).toEqual([
          wanted[0],
        ]);
        expect(await computed(file, lanes.slice(0, 1), [length])).toEqual([wanted[0]]);
        expect(await computed(file, lanes, partsOf(length, seed))).toEqual(wanted);
      }),
      { numRuns: 25 },
    );
  });
});

test.each(['sinusoidal', 'rotary'] as const)(
  '%s: the WebAssembly runtime gives the same logits',
  async (positions) => {
    const config = { ...TINY_TRANSFORMER, positions };
    const network = randomTransformer(config, 9);
    const file = exportTransformer(network, { 'lmz.name': 'tiny' });
    const tokens = randomTokens(20, 4);
    expect(await computed(file, [tokens], [3, 1, 1, 15], { engine: 'web' })).toEqual([
      expected(network, tokens),
    ]);
  },
);

test.each(['sinusoidal', 'rotary'] as const)('%s: read back, it is the same integers', (positions) => {
  const network = randomTransformer({ ...TINY_TRANSFORMER, positions }, 5);
  const again = importTransformer(loadModel(exportTransformer(network, { 'lmz.name': 'tiny' })));
  expect(again).toEqual(network);
});

test.each(['sinusoidal', 'rotary'] as const)('%s: restored, it predicts alike', async (positions) => {
  const config = { ...TINY_TRANSFORMER, positions };
  const network = randomTransformer(config, 6, 0.5);
  const text = tinyText(512, 3);
  const { parameters, tables } = restoreTransformer(network);
  const exact = await evaluateChunks(exportTransformer(network, {}), text, { time: 16, lanes: 2 });
  expect(Math.abs((await floatBits(config, parameters, tables, text)) / exact - 1)).toBeLessThan(0.015);
});

test('one head of 64 columns has room for its sums', async () => {
  const config = { ...TINY_TRANSFORMER, layers: 1, width: 64, heads: 1, widening: 1 };
  const network = randomTransformer(config, 2, 0.3);
  const tokens = randomTokens(20, 5);
  const file = exportTransformer(network, {});
  expect(await computed(file, [tokens], [12, 1, 7])).toEqual([expected(network, tokens)]);
});

test.each([
  { gain: 0.3, least: 100, most: 127 },
  { gain: 50, least: 40, most: 52 },
])('embeddings $gain times as large leave room for weights up to $most', ({ gain, least, most }) => {
  const config = { ...TINY_TRANSFORMER, width: 64 };
  const { parameters, tables } = transformerWeights(config, 1, 0.3);
  const loud = tables.map((value) => (value * gain) / 0.3);
  const network = quantizeTransformer(config, parameters, loud);
  expect(loadModel(exportTransformer(network, {})).audit).toBeDefined();
  const largest = network.layers[0].project.data.reduce((max, weight) => Math.max(max, Math.abs(weight)), 0);
  expect(largest).toBeGreaterThan(least);
  expect(largest).toBeLessThanOrEqual(most);
});

test('weights that are too large for exact sums are refused', () => {
  const config = { ...TINY_TRANSFORMER, width: 64 };
  const { parameters, tables } = transformerWeights(config, 1, 300);
  expect(() => quantizeTransformer(config, parameters, tables)).toThrow('too large for exact sums');
});

test.each([{ width: 12 }, { heads: 16 }, { layers: 0 }, { context: 1.5 }, { positions: 'none' as 'rotary' }])(
  'a configuration with %o is refused',
  (fault) => {
    expect(() => transformerNetwork({ ...TINY_TRANSFORMER, ...fault })).toThrow(RangeError);
  },
);

test.each(['sinusoidal', 'rotary'] as const)(
  '%s: a trained network learns its text and loses at most 1 % by rounding',
  async (positions) => {
    const config: TransformerConfig = {
      ...TINY_TRANSFORMER,
      positions,
      width: 32,
      context: 32,
      initScale: 0.1,
    };
    const network = transformerNetwork(config);
    const shape = { lanes: 4, steps: 32 };
    const engine = await createOrtEngine(network, shape);
    const options = { shape, blockSize: 32, seed: 1, clipNorm: 1, tableRate: 1 };
    const trainer = new Trainer(network, engine, tinyCategories(), options, { rate: 3e-3, warmup: 20 });
    for (let i = 0; i < 400; i++) await trainer.step();
    const weights = { config: { ...config }, parameters: trainer.parameters, tables: trainer.tables.rows };
    const integers = quantizeTransformer(config, weights.parameters, weights.tables);
    const file = exportTransformer(integers, { 'lmz.name': 'tiny' });
    const text = tinyText(2048, 77);
    const float = await floatBits(config, weights.parameters, weights.tables, text);
    const exact = await evaluateChunks(file, text, { time: 8, lanes: 4 });
    expect(float).toBeLessThan(3.2);
    expect(Math.abs(exact / float - 1)).toBeLessThan(0.01);
    // Training can go on from the exported model.
    const restored = restoreTransformer(importTransformer(loadModel(file)));
    const again = await floatBits(config, restored.parameters, restored.tables, text);
    expect(Math.abs(again / float - 1)).toBeLessThan(0.01);
    await engine.release();

    // Embeddings may outgrow all else, and queries and keys with them.
    const parameters = Object.fromEntries(
      Object.entries(weights.parameters).map(([name, values]) => [
        name,
        /layer0\.(?:query|key)/.test(name) ? values.map((value) => 8 * value) : values,
      ]),
    );
    const loud = { parameters, tables: weights.tables.map((value) => 3 * value) };
    const louder = quantizeTransformer(config, loud.parameters, loud.tables);
    expect(louder.layers[0].productBits).toBeLessThan(integers.layers[0].productBits);
    const wanted = await floatBits(config, loud.parameters, loud.tables, text);
    const found = await evaluateChunks(exportTransformer(louder, {}), text, { time: 8, lanes: 4 });
    expect(Math.abs(found / wanted - 1)).toBeLessThan(0.03);
  },
);
