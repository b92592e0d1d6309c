/** Two threads with half the lanes each compute the same step as one engine with all. */
import { expect, test } from 'vitest';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { createParallelEngine } from '../../src/train/engine-parallel.ts';
import { Random } from '../../src/train/random.ts';
import { recurrentNetwork } from '../../src/train/recurrent.ts';
import { randomWeights, TINY } from './tiny.ts';

const network = recurrentNetwork(TINY);
const shape = { lanes: 6, steps: 5 };

function expectClose(a: Float32Array, b: Float32Array): void {
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i])).toBeLessThan(1e-5);
  });
}

test('loss, states and gradients agree', async () => {
  const random = new Random(4);
  const segment = {
    embedded: Float32Array.from({ length: 30 * TINY.width }, () => random.normal()),
    targets: Int32Array.from({ length: 30 }, () => random.uint32() & 255),
    states: { hidden: Float32Array.from({ length: 6 * TINY.units }, () => random.uniform() - 0.5) },
  };
  const { parameters } = randomWeights(TINY, 5);
  const single = await createOrtEngine(network, shape);
  const parallel = createParallelEngine(network, shape, 2);
  for (let i = 0; i < 2; i++) {
    const [a, b] = [await parallel.step(parameters, segment), await single.step(parameters, segment)];
    expect(a.loss).toBeCloseTo(b.loss, 5);
    expectClose(a.states['hidden'], b.states['hidden']);
    expectClose(a.embeddedGradient, b.embeddedGradient);
    for (const { name } of network.parameters) expectClose(a.gradients[name], b.gradients[name]);
  }
  expect((await parallel.evaluate(parameters, segment)).loss).toBeCloseTo(
    (await single.evaluate(parameters, segment)).loss,
    5,
  );
  await parallel.release();
  await single.release();
});

test('lanes that cannot be shared are refused', () => {
  expect(() => createParallelEngine(network, shape, 4)).toThrow(RangeError);
});
