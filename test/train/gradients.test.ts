/** Every differentiable operator, and whole networks, against finite differences. */
import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../src/model/onnx/builder.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { tapeOperators } from '../../src/train/gradient/operators.ts';
import { Tape, type Value } from '../../src/train/gradient/tape.ts';
import type { Operators } from '../../src/train/operators.ts';
import { Random } from '../../src/train/random.ts';
import { recurrentNetwork } from '../../src/train/recurrent.ts';
import { checkEngine, checkOperators } from './finite-differences.ts';

const ROWS = 3;
const CLASSES = 5;

/** `make` leads to logits [ROWS, CLASSES]. */
const check = (
  inputs: Record<string, number[]>,
  make: (ops: Operators<Value>, x: Record<string, Value>) => Value,
): Promise<void> => checkOperators(inputs, [1, 4, 0], make);

const X = { x: [ROWS, CLASSES] };
const XY = { x: [ROWS, CLASSES], y: [ROWS, CLASSES] };

describe('operators against finite differences', () => {
  test('linear', () => check({ x: [ROWS, 2], w: [2, CLASSES] }, (ops, { x, w }) => ops.linear(x, w)));
  test('linear, one bias for all rows', () =>
    check({ x: [ROWS, 2], w: [2, CLASSES], b: [CLASSES] }, (ops, { x, w, b }) => ops.linear(x, w, b)));
  test('linear, a bias for each row', () =>
    check({ x: [ROWS, 2], w: [2, CLASSES], b: [ROWS, CLASSES] }, (ops, { x, w, b }) => ops.linear(x, w, b)));
  test('linear, weights shared by three products', () =>
    check({ x: [ROWS, CLASSES], w: [CLASSES, CLASSES] }, (ops, { x, w }) => {
      return ops.linear(ops.linear(ops.linear(x, w), w), w);
    }));
  test('add', () => check(XY, (ops, { x, y }) => ops.add(x, y)));
  test('add to itself', () => check(X, (ops, { x }) => ops.add(x, x)));
  test('subtract', () => check(XY, (ops, { x, y }) => ops.subtract(x, y)));
  test('multiply', () => check(XY, (ops, { x, y }) => ops.multiply(x, y)));
  test('affine', () => check(X, (ops, { x }) => ops.affine(x, -1.5, 0.25)));
  test('clip', () => check(X, (ops, { x }) => ops.clip(x, -0.8, 0.7)));
  test('interpolate', () =>
    check({ ...XY, z: [ROWS, CLASSES] }, (ops, { x, y, z }) => ops.interpolate(x, y, z)));
  test('split rows, one part unused', () =>
    check({ x: [2 * ROWS, CLASSES] }, (ops, { x }) => ops.split(x, 0, [ROWS, 2, ROWS - 2])[0]));
  test('split columns', () =>
    check({ x: [ROWS, 2 * CLASSES] }, (ops, { x }) => {
      const [a, b] = ops.split(x, 1, [CLASSES, CLASSES]);
      return ops.multiply(a, b);
    }));
  test('concat rows', () =>
    check({ x: [1, CLASSES], y: [2, CLASSES] }, (ops, { x, y }) => ops.concat([x, y], 0)));
  test('concat columns', () =>
    check({ x: [ROWS, 2], y: [ROWS, CLASSES - 2] }, (ops, { x, y }) => ops.concat([x, y], 1)));
});

test('a wanted value that the loss does not depend on is refused', () => {
  const tape = new Tape(new GraphBuilder('check'));
  const ops = tapeOperators(tape);
  const [x, y] = [tape.input('x', [1, 2]), tape.input('y', [1, 2])];
  const loss = ops.crossEntropy(x, { name: 'targets', dims: [1, 1] });
  expect(() => tape.gradients(loss, [y])).toThrow(RangeError);
});

describe.each(['gru', 'minimal'] as const)('%s network', (cell) => {
  test.each([
    [0, true],
    [4, true],
    [4, false],
  ])('hidden %i, direct %s: gradients against finite differences', async (hidden, direct) => {
    const network = recurrentNetwork({
      network: 'recurrent',
      cell,
      units: 5,
      width: 4,
      hidden,
      direct,
      kinds: ['order2'],
      rows: [7],
    });
    const shape = { lanes: 2, steps: 3 };
    const engine = await createOrtEngine(network, shape);
    const random = new Random(3);
    const parameters = Object.fromEntries(
      network.parameters.map(({ name, dims, initial }) => {
        const size = dims.reduce((a, b) => a * b, 1);
        return [name, Float32Array.from({ length: size }, (_, i) => 1.5 * initial(random, i))];
      }),
    );
    const segment = {
      embedded: Float32Array.from({ length: 24 }, () => random.normal()),
      targets: Int32Array.from({ length: 6 }, () => random.uint32() & 255),
      states: { hidden: Float32Array.from({ length: 10 }, () => random.uniform() - 0.5) },
    };
    await checkEngine(engine, parameters, segment, 12);
    await engine.release();
  });
});
