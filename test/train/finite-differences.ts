/**
 * Gradients held against finite differences. The graphs compute in float32, so steps are large and tolerances wide; a
 * wrong gradient is off by far more.
 *
 * @module
 */
import { expect } from 'vitest';
import { GraphBuilder } from '../../src/model/onnx/builder.ts';
import { openRuntime } from '../../src/model/ort.ts';
import type { Engine, Parameters, Segment } from '../../src/train/engine.ts';
import { tapeOperators } from '../../src/train/gradient/operators.ts';
import { Tape, type Value } from '../../src/train/gradient/tape.ts';
import type { Operators } from '../../src/train/operators.ts';
import { Random } from '../../src/train/random.ts';

const STEP = 1e-2;
/** Networks have limits which a large step may cross; for the same reason they are given a wide tolerance. */
const NETWORK_STEP = 2e-3;
const NETWORK_TOLERANCE = 5e-3;

/** (f(x + step) - f(x - step)) / 2 step, x being an element of an array. */
async function slope(
  data: Float32Array,
  i: number,
  step: number,
  loss: () => Promise<number>,
): Promise<number> {
  const kept = data[i];
  const losses: number[] = [];
  for (const sign of [1, -1]) {
    data[i] = kept + sign * step;
    losses.push(await loss());
  }
  data[i] = kept;
  return (losses[0] - losses[1]) / (2 * step);
}

/**
 * Checks the gradients of a loss over named inputs of random numbers, every element.
 *
 * @param make - leads to logits with a row for each target
 */
export async function checkOperators(
  inputs: Readonly<Record<string, number[]>>,
  targets: readonly number[],
  make: (ops: Operators<Value>, x: Record<string, Value>, tape: Tape) => Value,
): Promise<void> {
  const graph = new GraphBuilder('check');
  const tape = new Tape(graph);
  const ops = tapeOperators(tape);
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, dims]) => [name, tape.input(name, dims)]),
  );
  const dims = [targets.length, 1];
  const classes: Value = { name: graph.constant(Int32Array.from(targets), dims), dims };
  const loss = ops.crossEntropy(make(ops, values, tape), classes);
  graph.emit(loss.name, 'loss', 'float32', []);
  tape.gradients(loss, Object.values(values)).forEach((gradient, i) => {
    const value = Object.values(values)[i];
    graph.emit(gradient, `gradient.${value.name}`, 'float32', value.dims);
  });
  const runtime = await openRuntime('node');
  const session = await runtime.create(graph.build({}));
  const random = new Random(7);
  const data = Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length: size }, () => random.normal())];
    }),
  );
  const run = (): ReturnType<typeof session.run> =>
    session.run(
      Object.fromEntries(
        Object.entries(inputs).map(([name, shape]) => [name, runtime.tensor('float32', data[name], shape)]),
      ),
    );
  const result = await run();
  for (const [name, array] of Object.entries(data)) {
    const gradient = Float32Array.from(result[`gradient.${name}`].data as Float32Array);
    expect(gradient.length).toBe(array.length);
    for (let i = 0; i < array.length; i++) {
      const difference = await slope(
        array,
        i,
        STEP,
        async () => ((await run())['loss'].data as Float32Array)[0],
      );
      expect(gradient[i], `${name}[${i}]`).toBeCloseTo(difference, 3);
    }
  }
  await session.release();
}

/** Checks some elements of every gradient that an engine's step gives. */
export async function checkEngine(
  engine: Engine,
  parameters: Parameters,
  segment: Segment,
  samples: number,
): Promise<void> {
  const random = new Random(5);
  const result = await engine.step(parameters, segment);
  const loss = async (): Promise<number> => (await engine.evaluate(parameters, segment)).loss;
  const gradients = { ...result.gradients, embedded: result.embeddedGradient };
  // The next call may reuse the arrays.
  const copies = Object.entries(gradients).map(([name, gradient]) => [name, gradient.slice()] as const);
  expect(await loss()).toBeCloseTo(result.loss, 6);
  for (const [name, gradient] of copies) {
    const data = name === 'embedded' ? segment.embedded : parameters[name];
    for (let sample = 0; sample < samples; sample++) {
      const i = random.uint32() % data.length;
      const difference = await slope(data, i, NETWORK_STEP, loss);
      expect(Math.abs(gradient[i] - difference), `${name}[${i}]`).toBeLessThan(NETWORK_TOLERANCE);
    }
  }
}
