import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Proof } from '../../../src/model/audit/audit.ts';
import { fixedSize } from '../../../src/model/audit/dim.ts';
import type { Grid } from '../../../src/model/audit/grid.ts';
import type { GraphBuilder } from '../../../src/model/onnx/builder.ts';
import { readGraph } from '../../../src/model/onnx/graph.ts';
import { parseModelProto } from '../../../src/model/onnx/parse.ts';
import {
  openRuntime,
  type RuntimeChoice,
  type RuntimeTensor,
  type TensorData,
} from '../../../src/model/ort.ts';
import { withOpset } from './harness.ts';
import {
  assemble,
  OPSET,
  Random,
  randomFeeds,
  type RandomGraph,
  randomGraph,
  typed,
} from './random-graph.ts';
import { evaluate, isFloat, type Value } from './reference.ts';

/**
 * Random graphs of all operators: whatever the audit proves, onnxruntime must compute exactly as the plain reference
 * does, and every value must lie on its proven grid.
 */

/** Why a value is not on its grid; undefined where it is. */
function offGrid(value: Value, { low, high, exp }: Grid): string | undefined {
  if (Number(value) === 0)
    return low <= 0n && high >= 0n ? undefined : `0 is past ${String(low)} .. ${String(high)}`;
  let n: bigint;
  if (typeof value === 'bigint') {
    const unit = 1n << BigInt(exp);
    if (value % unit !== 0n) return `${String(value)} is no multiple of 2^${exp}`;
    n = value / unit;
  } else {
    if (!Number.isInteger(value / 2 ** exp)) return `${value} is no multiple of 2^${exp}`;
    n = BigInt(value / 2 ** exp);
  }
  return n < low || n > high
    ? `${String(value)} is past (${String(low)} .. ${String(high)}) * 2^${exp}`
    : undefined;
}

/** Values that compare: a runtime's booleans and small integers are numbers, and -0 is 0. */
function comparable(data: ArrayLike<Value>): string[] {
  return Array.from(data, (value) => String(typeof value === 'bigint' ? value : value + 0));
}

function declareOutputs(graph: GraphBuilder, proof: Proof, names: readonly string[]): void {
  for (const name of names) {
    const { type, shape } = proof.tensors.get(name)!;
    graph.output(
      name,
      type.name,
      shape.map((dim, axis) => fixedSize(dim) ?? `${name}_${axis}`),
    );
  }
}

/** Compares the runtime with the reference on one graph; gives the number of tensors compared. */
async function compare(
  { inputs, steps, proof }: RandomGraph,
  random: Random,
  engine: RuntimeChoice,
): Promise<number> {
  const runtime = await openRuntime(engine);
  const outputs = proof.entries.map(({ output }) => output);
  let compared = 0;
  // All tensors as outputs; then only the last, which leaves the runtime free to fuse what comes before.
  for (const names of [outputs, outputs.slice(-1)]) {
    const builder = assemble(inputs, steps);
    declareOutputs(builder, proof, names);
    const bytes = withOpset(builder.build({}), OPSET);
    const graph = readGraph(parseModelProto(bytes));
    const session = await runtime.create(bytes);
    for (const [lanes, time] of [
      [1, 1],
      [3, 2],
    ] as const) {
      const tensors = randomFeeds(random, inputs, lanes, time);
      const feeds: Record<string, RuntimeTensor> = {};
      for (const [name, { type, dims, data }] of tensors) {
        feeds[name] = runtime.tensor(type, typed(type, data) as TensorData, dims);
      }
      for (const [name, { type, dims, data }] of graph.constants) {
        tensors.set(name, {
          type: type.name,
          dims,
          data: Array.from(data as ArrayLike<Value>, (value) => (isFloat(type.name) ? value : BigInt(value))),
        });
      }
      for (const node of graph.nodes) {
        const results = evaluate(
          node,
          node.inputs.map((name) => tensors.get(name)),
        );
        for (const [i, result] of results.entries()) {
          tensors.set(node.outputs[i], result);
          const channels = proof.tensors.get(node.outputs[i])!.channels!;
          for (const [at, value] of result.data.entries()) {
            const problem = offGrid(value, channels[at % channels.length]);
            if (problem !== undefined) throw new Error(`${node.label}, element ${at}: ${problem}`);
          }
        }
      }
      const results = await session.run(feeds);
      for (const name of names) {
        const expected = tensors.get(name)!;
        const { data, dims } = results[name];
        expect([name, ...dims]).toEqual([name, ...expected.dims]);
        expect([name, ...comparable(data as ArrayLike<Value>)]).toEqual([name, ...comparable(expected.data)]);
        compared++;
      }
    }
    await session.release();
  }
  return compared;
}

const SLOW = process.env['SLOW'] !== undefined;

describe('soundness', () => {
  it.each<[RuntimeChoice, number]>([
    ['node', SLOW ? 3000 : 120],
    ['web', SLOW ? 500 : 25],
  ])(
    'what the audit proves, onnxruntime-%s computes',
    async (engine, numRuns) => {
      const operators = new Set<string>();
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer(), async (seed) => {
          const random = new Random(seed);
          const graph = randomGraph(random);
          for (const { op } of graph.proof.entries) operators.add(op);
          compared += await compare(graph, random, engine);
        }),
        { numRuns, endOnFailure: true },
      );
      expect(compared).toBeGreaterThan(numRuns * 8);
      // A graph of 14 steps meets 14 of some 45 operators; together they meet most.
      expect(operators.size).toBeGreaterThan(30);
    },
    SLOW ? 1_200_000 : 60_000,
  );
});
