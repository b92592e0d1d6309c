import { describe, expect, it } from 'vitest';
import {
  binary,
  type Build,
  f32,
  float,
  type Given,
  given,
  i64,
  int32,
  LIMIT,
  proveOne,
  text,
  unary,
} from './harness.ts';

describe('ranges', () => {
  it.each<[string, number, Record<string, Given>, Build, string]>([
    ['Floor', 17, { x: float(-5, 5, -1) }, unary('Floor'), '-3..2'],
    ['Ceil', 17, { x: float(-5, 5, -1) }, unary('Ceil'), '-2..3'],
    ['Round, halves to even', 17, { x: float(-5, 6, -2) }, unary('Round'), '-1..2'],
    ['Sign', 17, { x: float(-5, 0, -2) }, unary('Sign'), '-1..0'],
    ['Relu', 17, { x: float(-5, 6, -2) }, unary('Relu'), '0..6*2^-2'],
    ['Min', 17, { x: float(-5, 6), y: float(0, 3) }, binary('Min'), '-5..3'],
    ['Max', 17, { x: float(-5, 6), y: float(0, 3) }, binary('Max'), '0..6'],
    ['ReduceMax', 17, { x: float(-5, 6) }, (graph) => graph.node('ReduceMax', ['x'], { axes: [1] }), '-5..6'],
    [
      'ReduceMin',
      18,
      { x: float(-5, 6) },
      (graph) => graph.node('ReduceMin', ['x', i64(graph, [1])]),
      '-5..6',
    ],
    ['BitwiseOr', 18, { x: int32(3, 9), y: int32(16, 17) }, binary('BitwiseOr'), '16..31'],
    ['BitwiseXor', 18, { x: int32(-3, 9), y: int32(16, 17) }, binary('BitwiseXor'), '-32..31'],
    ['BitwiseNot', 18, { x: given('uint8', [4], 1, 250) }, unary('BitwiseNot'), '5..254'],
    ['BitwiseNot of signed', 18, { x: int32(-3, 9) }, unary('BitwiseNot'), '-10..2'],
    ['Equal', 17, { x: int32(3, 9), y: int32(16, 17) }, binary('Equal'), '0..1'],
    [
      'BitShift',
      17,
      { x: given('uint8', [4], 3, 200) },
      (graph) => graph.node('BitShift', ['x', graph.constant(Uint8Array.of(3), [])], { direction: 'RIGHT' }),
      '0..25',
    ],
    [
      'Where',
      17,
      { x: float(-5, 6), y: float(9, 10) },
      (graph) => graph.node('Where', [graph.node('Less', ['x', 'y']), 'x', 'y']),
      '-5..10',
    ],
    [
      'scales by column keep their own grids',
      17,
      { x: float(-LIMIT, LIMIT, 0, ['lanes', 3]) },
      (graph) => graph.node('Floor', [graph.node('Mul', ['x', f32(graph, [1, 2 ** -4, 2 ** -20], [3])])]),
      `${-LIMIT}..${LIMIT} ${-LIMIT / 16}..${LIMIT / 16} -16..16`,
    ],
    [
      'Split and Concat move channels',
      17,
      { x: int32(0, 1, ['lanes', 2]), y: int32(5, 9, ['lanes', 1]) },
      (graph) => {
        graph.nodes(
          'Split',
          [graph.node('Concat', ['y', 'x'], { axis: 1 }), i64(graph, [1, 2])],
          { axis: 1 },
          ['a', 'b'],
        );
        return graph.node('Concat', ['b', 'a'], { axis: -1 });
      },
      '0..1 0..1 5..9',
    ],
    [
      'Slice picks channels',
      17,
      { x: int32(0, 1, ['lanes', 2]), y: int32(5, 9, ['lanes', 2]) },
      (graph) =>
        graph.node('Slice', [
          graph.node('Concat', ['y', 'x'], { axis: 1 }),
          i64(graph, [-3]),
          i64(graph, [4]),
          i64(graph, [1]),
          i64(graph, [2]),
        ]),
      '5..9 0..1',
    ],
    [
      'Cast keeps weights known',
      17,
      { x: float(-1, 1) },
      (graph) =>
        graph.node('MatMul', [
          'x',
          graph.node('Cast', [graph.constant(Int8Array.of(1, -2, 3, -4), [4, 1])], { to: 1 }),
        ]),
      '-10..10',
    ],
    [
      'Cast keeps int64 weights known',
      17,
      { x: float(-1, 1) },
      (graph) =>
        graph.node('MatMul', [
          'x',
          graph.node('Cast', [graph.constant(BigInt64Array.of(1n, -2n, 3n, -4n), [4, 1])], { to: 1 }),
        ]),
      '-10..10',
    ],
    [
      'positions',
      17,
      { x: int32(0, 1, ['lanes', 'time']) },
      (graph) => {
        const time = graph.node('Gather', [graph.node('Shape', ['x']), graph.scalar('int64', 1)]);
        return graph.node('Range', [graph.scalar('int64', 0), time, graph.scalar('int64', 1)]);
      },
      '0..65535',
    ],
  ])('%s', (_, opset, inputs, build, range) => {
    expect(text(proveOne(inputs, build, opset).channels)).toBe(range);
  });
});
