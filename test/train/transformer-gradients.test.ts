/** The Transformer's operators, and whole networks, against finite differences. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { StepResult } from '../../src/train/engine.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { createTfjsEngine } from '../../src/train/engine-tfjs.ts';
import type { Tape, Value } from '../../src/train/gradient/tape.ts';
import type { FixedTable, Operators } from '../../src/train/operators.ts';
import { Random } from '../../src/train/random.ts';
import { type TransformerConfig, transformerNetwork } from '../../src/train/transformer.ts';
import { checkEngine, checkOperators } from './finite-differences.ts';

const LANES = 2;
const STEPS = 3;
const ROWS = LANES * STEPS;
const SHAPE = { lanes: LANES, steps: STEPS };

/** `make` leads to logits of ROWS rows. */
const check = (
  inputs: Record<string, number[]>,
  make: (ops: Operators<Value>, x: Record<string, Value>, tape: Tape) => Value,
): Promise<void> => checkOperators(inputs, [1, 3, 0, 2, 2, 1], make);

describe('operators against finite differences', () => {
  test('layerNorm', () =>
    check({ x: [ROWS, 4], scale: [4], offset: [4] }, (ops, { x, scale, offset }) =>
      ops.layerNorm(x, scale, offset),
    ));
  test.each([1, 2])('attention, %i heads', (heads) =>
    check({ q: [ROWS, 4], k: [ROWS, 4], v: [ROWS, 4] }, (ops, { q, k, v }) =>
      ops.attention(q, k, v, SHAPE, heads),
    ),
  );
  test('attention of a matrix to itself', () =>
    check({ x: [ROWS, 4] }, (ops, { x }) => ops.attention(x, x, x, SHAPE, 2)));
  test('rotate, by tables', () => {
    const table = (turn: (x: number) => number): FixedTable => ({
      rows: 5,
      columns: 4,
      data: Float32Array.from({ length: 20 }, (_, i) => turn(Math.floor(i / 4) * (i % 2 === 0 ? 1 : 0.1))),
    });
    return check({ x: [ROWS, 4] }, (ops, { x }, tape) => {
      // The second lane's positions begin again on the way.
      const first = tape.constant(Float32Array.of(0, 3), [LANES, 1]);
      const cosines = ops.positionRows(table(Math.cos), first, SHAPE);
      const sines = ops.positionRows(table(Math.sin), first, SHAPE);
      return ops.rotate(x, cosines, sines, 4);
    });
  });
});

describe.each(['sinusoidal', 'rotary'] as const)('%s network', (positions) => {
  test('gradients against finite differences', async () => {
    const config: TransformerConfig = {
      network: 'transformer',
      layers: 2,
      heads: 2,
      width: 8,
      widening: 2,
      context: 8,
      positions,
      initScale: 0.5,
    };
    const network = transformerNetwork(config);
    const shape = { lanes: 2, steps: 5 };
    const engine = await createOrtEngine(network, shape);
    const random = new Random(3);
    const parameters = Object.fromEntries(
      network.parameters.map(({ name, dims, initial }) => {
        const size = dims.reduce((a, b) => a * b, 1);
        return [
          name,
          Float32Array.from({ length: size }, (_, i) => initial(random, i) + 0.1 * random.normal()),
        ];
      }),
    );
    const segment = {
      embedded: Float32Array.from({ length: 10 * config.width }, () => 0.3 * random.normal()),
      targets: Int32Array.from({ length: 10 }, () => random.uint32() & 255),
      states: { position: Float32Array.of(0, 5) },
    };
    const result = await engine.step(parameters, segment);
    expect([...result.states['position']]).toEqual([5, 10]);
    await checkEngine(engine, parameters, segment, 4);
    await engine.release();
  });
});

test('attention over several blocks of queries: gradients as TensorFlow.js finds them', async () => {
  await tf.setBackend('cpu');
  const network = transformerNetwork({
    network: 'transformer',
    layers: 1,
    heads: 2,
    width: 8,
    widening: 1,
    context: 512,
    positions: 'rotary',
    initScale: 0.5,
  });
  const shape = { lanes: 2, steps: 300 };
  const random = new Random(8);
  const parameters = Object.fromEntries(
    network.parameters.map(({ name, dims, initial }) => {
      const size = dims.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length: size }, () => initial(random, 0))];
    }),
  );
  const segment = {
    embedded: Float32Array.from({ length: 600 * 8 }, () => 0.5 * random.normal()),
    targets: Int32Array.from({ length: 600 }, () => random.uint32() & 255),
    states: { position: Float32Array.of(0, 300) },
  };
  const engines = [await createOrtEngine(network, shape), createTfjsEngine(tf, network, shape)];
  const [ours, theirs] = [
    await engines[0].step(parameters, segment),
    await engines[1].step(parameters, segment),
  ];
  expect(ours.loss).toBeCloseTo(theirs.loss, 5);
  const all = (result: StepResult): Record<string, Float32Array> => {
    return { ...result.gradients, embedded: result.embeddedGradient };
  };
  for (const [name, gradient] of Object.entries(all(theirs))) {
    const most = gradient.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-4);
    all(ours)[name].forEach((value, i) => {
      expect(Math.abs(value - gradient[i]) / most, `${name}[${i}]`).toBeLessThan(1e-3);
    });
  }
  for (const engine of engines) await engine.release();
});
