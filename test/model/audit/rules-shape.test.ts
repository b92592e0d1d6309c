import { describe, expect, it } from 'vitest';
import { coded, summary } from '../errors.ts';
import { binary, type Build, float, type Given, given, i64, int32, proveOne } from './harness.ts';

describe('shapes', () => {
  it.each<[string, Record<string, Given>, Build, string]>([
    [
      'broadcast',
      { x: int32(0, 1, ['lanes', 1, 3]), y: int32(0, 1, ['time', 1]) },
      binary('Add'),
      '[lanes, time, 3]',
    ],
    [
      'Reshape with 0 and -1',
      { x: int32(0, 1, ['lanes', 'time', 6]) },
      (graph) => graph.node('Reshape', ['x', i64(graph, [0, -1, 2])]),
      '[lanes, 3*time, 2]',
    ],
    [
      'flattening',
      { x: int32(0, 1, ['lanes', 'time', 6]) },
      (graph) => graph.node('Reshape', ['x', i64(graph, [-1, 6])]),
      '[lanes*time, 6]',
    ],
    [
      'a shape made of dimensions',
      { x: int32(0, 1, ['lanes', 'time', 6]) },
      (graph) => {
        const dims = graph.node('Slice', [graph.node('Shape', ['x']), i64(graph, [0]), i64(graph, [2])]);
        const heads = graph.node('Reshape', [
          'x',
          graph.node('Concat', [dims, i64(graph, [2, 3])], { axis: 0 }),
        ]);
        return graph.node('Transpose', [heads], { perm: [0, 2, 1, 3] });
      },
      '[lanes, 2, time, 3]',
    ],
    [
      'Squeeze',
      { x: int32(0, 1, ['lanes', 1, 3]) },
      (graph) => graph.node('Squeeze', ['x', i64(graph, [-2])]),
      '[lanes, 3]',
    ],
    [
      'Unsqueeze',
      { x: int32(0, 1, ['lanes', 3]) },
      (graph) => graph.node('Unsqueeze', ['x', i64(graph, [0, -1])]),
      '[1, lanes, 3, 1]',
    ],
    [
      'Expand',
      { x: int32(0, 1, ['lanes', 1]) },
      (graph) => graph.node('Expand', ['x', i64(graph, [2, 1, 5])]),
      '[2, lanes, 5]',
    ],
    [
      'a cache',
      { x: int32(0, 1, ['lanes', 8, 3]), y: int32(0, 1, ['lanes', 'time', 3]) },
      (graph) => graph.node('Concat', ['x', 'y'], { axis: 1 }),
      '[lanes, time + 8, 3]',
    ],
    [
      'the end of a cache',
      { x: int32(0, 1, ['lanes', 8, 3]), y: int32(0, 1, ['lanes', 'time', 3]) },
      (graph) =>
        graph.node('Slice', [
          graph.node('Concat', ['x', 'y'], { axis: 1 }),
          i64(graph, [-8]),
          graph.constant(BigInt64Array.of(2n ** 63n - 1n)),
          i64(graph, [1]),
        ]),
      '[lanes, 8, 3]',
    ],
    [
      'ConstantOfShape',
      { x: int32(0, 1, ['lanes', 'time']) },
      (graph) => graph.node('ConstantOfShape', [graph.node('Shape', ['x'])]),
      '[lanes, time]',
    ],
    [
      'Trilu',
      { x: int32(5, 6, ['lanes', 'time', 'time']) },
      (graph) => graph.node('Trilu', ['x'], { upper: 0 }),
      '[lanes, time, time]',
    ],
    [
      'Gather in the middle',
      { x: int32(0, 1, ['lanes', 4, 3]), y: int32(0, 3, ['time', 2]) },
      (graph) => graph.node('Gather', ['x', 'y'], { axis: 1 }),
      '[lanes, time, 2, 3]',
    ],
    [
      'MatMul in batches',
      { x: float(0, 1, 0, ['lanes', 1, 'time', 3]), y: float(0, 1, 0, [4, 3, 5]) },
      binary('MatMul'),
      '[lanes, 4, time, 5]',
    ],
    [
      'ReduceSum without keepdims',
      { x: float(0, 1, 0, ['lanes', 4, 3]) },
      (graph) => graph.node('ReduceSum', ['x', i64(graph, [1])], { keepdims: 0 }),
      '[lanes, 3]',
    ],
  ])('%s', (_, inputs, build, shape) => {
    expect(proveOne(inputs, build).shape).toBe(shape);
  });

  it.each<[string, Record<string, Given>, Build, string]>([
    [
      'broadcast',
      { x: int32(0, 1, ['lanes', 3]), y: int32(0, 1, ['time', 3]) },
      binary('Add'),
      'shapes [lanes, 3] and [time, 3] do not go together',
    ],
    ['types', { x: int32(0, 1), y: float(0, 1) }, binary('Add'), 'mixes int32 and float32'],
    [
      'Reshape',
      { x: int32(0, 1, ['lanes', 4]) },
      (graph) => graph.node('Reshape', ['x', i64(graph, [0, 5])]),
      '[lanes, 4] and [lanes, 5] have different sizes',
    ],
    [
      'Reshape that does not divide',
      { x: int32(0, 1, ['lanes', 4]) },
      (graph) => graph.node('Reshape', ['x', i64(graph, [-1, 5])]),
      '[lanes, 4] does not divide into [-1, 5]',
    ],
    [
      'a shape from data',
      { x: int32(0, 1, ['lanes', 4]), y: given('int64', [2], 1, 4) },
      (graph) => graph.node('Reshape', ['x', 'y']),
      'the shape is not known before the model runs',
    ],
    [
      'Squeeze',
      { x: int32(0, 1, ['lanes', 4]) },
      (graph) => graph.node('Squeeze', ['x', i64(graph, [1])]),
      'dimension 1 of [lanes, 4] is not 1',
    ],
    [
      'an empty slice',
      { x: int32(0, 1, ['lanes', 4]) },
      (graph) => graph.node('Slice', ['x', i64(graph, [2]), i64(graph, [2]), i64(graph, [1])]),
      'its dimension 0 may be empty',
    ],
    [
      'a slice that may be empty',
      { x: int32(0, 1, ['lanes', 'time']) },
      (graph) =>
        graph.node('Slice', [
          'x',
          i64(graph, [1]),
          graph.constant(BigInt64Array.of(2n ** 63n - 1n)),
          i64(graph, [1]),
        ]),
      'its dimension time + -1 may be empty',
    ],
    [
      'MatMul',
      { x: float(0, 1, 0, ['lanes', 3]), y: float(0, 1, 0, [4, 5]) },
      binary('MatMul'),
      'shapes [lanes, 3] and [4, 5] do not go together',
    ],
    [
      'an axis',
      { x: float(0, 1) },
      (graph) => graph.node('Concat', ['x', 'x'], { axis: 2 }),
      'axis 2 of a tensor of rank 2',
    ],
    [
      'a missing axis',
      { x: float(0, 1) },
      (graph) => graph.node('Concat', ['x', 'x']),
      'axis NaN of a tensor of rank 2',
    ],
    [
      'an operator of a later set',
      { x: int32(0, 1), y: int32(0, 1) },
      binary('BitwiseAnd'),
      'needs operator set 18, the model has 17',
    ],
  ])('refuses %s', (_, inputs, build, message) => {
    const error = coded(() => proveOne(inputs, build));
    expect(summary(error)).toContain(message);
    expect(error.code).toBe('LMZ_MODEL_INVALID');
  });
});
