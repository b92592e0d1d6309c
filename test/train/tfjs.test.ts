/** The gradients of the ONNX graphs against TensorFlow.js, which differentiates by itself: random small networks. */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ContextKind } from '../../src/train/contexts.ts';
import type { Segment } from '../../src/train/engine.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { createTfjsEngine, loadTensorflow } from '../../src/train/engine-tfjs.ts';
import type { Network, SegmentShape } from '../../src/train/network.ts';
import { createNetwork, type NetworkConfig } from '../../src/train/networks.ts';
import { Random } from '../../src/train/random.ts';

const { lanes, steps } = { lanes: 3, steps: 5 };
const SHAPE: SegmentShape = { lanes, steps };

/** Sizes from a seed. */
function randomRecurrent(seed: number): NetworkConfig {
  const random = new Random(seed);
  const size = (most: number): number => 1 + (random.uint32() % most);
  const hidden = seed % 3 === 0 ? 0 : size(9);
  const kinds: ContextKind[] = ['order2', 'word'];
  return {
    network: 'recurrent',
    cell: seed % 2 === 0 ? 'gru' : 'minimal',
    units: size(12),
    width: size(12),
    hidden,
    direct: hidden === 0 || seed % 4 < 2,
    kinds,
    rows: kinds.map(() => 11),
  };
}

function randomTransformer(seed: number): NetworkConfig {
  return {
    network: 'transformer',
    layers: 1 + (seed % 2),
    heads: 2,
    width: 8,
    widening: 2,
    context: 8,
    positions: seed % 2 === 0 ? 'sinusoidal' : 'rotary',
    initScale: 0.3,
  };
}

function randomSegment(network: Network, random: Random): Segment {
  const { width } = network.embedding;
  return {
    embedded: Float32Array.from({ length: lanes * steps * width }, () => random.normal()),
    targets: Int32Array.from({ length: lanes * steps }, () => random.uint32() & 255),
    states: Object.fromEntries(
      network.states.map(({ name, width: size }) => [
        name,
        // A position is a whole number.
        Float32Array.from({ length: lanes * size }, () =>
          name === 'position' ? random.uint32() % 4 : random.uniform() - 0.5,
        ),
      ]),
    ),
  };
}

/** Equal within the rounding of float32 sums, relative to the largest value of the array. */
function expectClose(name: string, a: Float32Array, b: Float32Array): void {
  expect(a.length, name).toBe(b.length);
  let most = 1e-3;
  for (const value of b) most = Math.max(most, Math.abs(value));
  let worst = 0;
  a.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - b[i]));
  });
  expect(worst / most, name).toBeLessThan(2e-5);
}

describe.each(['cpu', 'wasm'])('%s backend', (backend) => {
  beforeAll(async () => {
    setWasmPaths(
      fileURLToPath(new URL('../../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)),
    );
    await tf.setBackend(backend);
  });

  test.each([
    ...[1, 2, 3, 4, 5, 6].map((seed) => ['recurrent', seed, randomRecurrent(seed)] as const),
    ...[1, 2].map((seed) => ['transformer', seed, randomTransformer(seed)] as const),
  ])('%s network %i: equal loss, states and gradients', async (_name, seed, config) => {
    expect(tf.getBackend()).toBe(backend);
    const network = createNetwork(config);
    const random = new Random(seed);
    const parameters = Object.fromEntries(
      network.parameters.map(({ name, dims, initial }) => {
        const size = dims.reduce((a, b) => a * b, 1);
        return [
          name,
          Float32Array.from({ length: size }, (__, i) => initial(random, i) + 0.2 * random.normal()),
        ];
      }),
    );
    const segment = randomSegment(network, random);
    const ort = await createOrtEngine(network, SHAPE);
    const tfjs = createTfjsEngine(tf, network, SHAPE);
    const before = tf.memory().numTensors;
    const [a, b] = [await ort.step(parameters, segment), await tfjs.step(parameters, segment)];
    expect(a.loss).toBeCloseTo(b.loss, 5);
    expectClose('embedded', a.embeddedGradient, b.embeddedGradient);
    for (const { name } of network.parameters) expectClose(name, a.gradients[name], b.gradients[name]);
    for (const { name } of network.states) expectClose(name, a.states[name], b.states[name]);
    const evaluated = await tfjs.evaluate(parameters, segment);
    expect(evaluated.loss).toBeCloseTo(b.loss, 5);
    for (const { name } of network.states) expectClose(name, evaluated.states[name], b.states[name]);
    // Nothing may stay on the device.
    expect(tf.memory().numTensors).toBe(before);
    await ort.release();
    await tfjs.release();
  });
});

test('without the native packages the error names them', async () => {
  await expect(loadTensorflow(['lmz-no-such-package'])).rejects.toMatchObject({ code: 'LMZ_ENGINE' });
});

test('a package that works is chosen and described', async () => {
  const { description } = await loadTensorflow(['lmz-no-such-package', '@tensorflow/tfjs']);
  expect(description).toMatch(/^@tensorflow\/tfjs \d.*, backend \w+$/);
});
