import { describe, expect, it } from 'vitest';
import { coded, summary } from '../errors.ts';
import {
  binary,
  type Build,
  f32,
  float,
  type Given,
  given,
  i64,
  int32,
  int64,
  LIMIT,
  proveOne,
  scaled,
  text,
  unary,
} from './harness.ts';

/** A case that must pass, with the result's range, and one that is one unit past it. */
type Edge = [
  name: string,
  opset: number,
  passes: [Record<string, Given>, Build, string],
  fails: [Record<string, Given>, Build, string],
];

const EDGES: Edge[] = [
  [
    'Add in float32',
    17,
    [{ x: float(0, LIMIT - 5), y: float(-3, 5) }, binary('Add'), `-3..${LIMIT}`],
    [
      { x: float(0, LIMIT - 4), y: float(-3, 5) },
      binary('Add'),
      `needs integers up to ${LIMIT + 1}, float32 is exact up to ${LIMIT}`,
    ],
  ],
  [
    'Add of fractions',
    17,
    [{ x: float(0, LIMIT / 4 - 1), y: float(0, 4, -2) }, binary('Add'), `0..${LIMIT}*2^-2`],
    [{ x: float(0, LIMIT / 4 - 1), y: float(0, 5, -2) }, binary('Add'), `needs integers up to ${LIMIT + 1}`],
  ],
  [
    'Sub in int32',
    17,
    [{ x: int32(-5, 0), y: int32(0, 2 ** 31 - 5) }, binary('Sub'), `${-(2 ** 31)}..0`],
    [
      { x: int32(-5, 0), y: int32(0, 2 ** 31 - 4) },
      binary('Sub'),
      "-2147483649 .. 0 is past int32's -2147483648 .. 2147483647",
    ],
  ],
  [
    'Sub in uint8',
    17,
    [{ x: given('uint8', [4], 7, 9), y: given('uint8', [4], 0, 7) }, binary('Sub'), '0..9'],
    [
      { x: given('uint8', [4], 6, 9), y: given('uint8', [4], 0, 7) },
      binary('Sub'),
      "-1 .. 9 is past uint8's 0 .. 255",
    ],
  ],
  [
    'Mul in float32',
    17,
    [{ x: float(-4096, 1), y: float(-3, 4096) }, binary('Mul'), `${-LIMIT}..12288`],
    [{ x: float(-4097, 1), y: float(-3, 4096) }, binary('Mul'), `needs integers up to ${4097 * 4096}`],
  ],
  [
    'Mul in int64',
    17,
    [
      { x: int64(0, 2n ** 32n), y: int64(0, 2n ** 31n - 1n) },
      binary('Mul'),
      `0..${String(2n ** 63n - 2n ** 32n)}`,
    ],
    [{ x: int64(0, 2n ** 32n), y: int64(0, 2n ** 31n) }, binary('Mul'), "is past int64's"],
  ],
  [
    'Mul by a power of two',
    17,
    [{ x: float(-LIMIT, LIMIT) }, scaled('Mul', 2 ** -126), `${-LIMIT}..${LIMIT}*2^-126`],
    [{ x: float(-LIMIT, LIMIT) }, scaled('Mul', 2 ** -127), 'has an exponent past 2^-126'],
  ],
  [
    'Mul by a fraction',
    17,
    [{ x: float(0, 8) }, scaled('Mul', 0.375), '0..24*2^-3'],
    [{ x: float(0, 8) }, scaled('Mul', 0.1), 'float32 is exact up to 16777216'],
  ],
  [
    'Div of floats',
    17,
    [{ x: float(-5, 5) }, scaled('Div', -4), '-5..5*2^-2'],
    [{ x: float(-5, 5) }, scaled('Div', 3), 'divides floats by something else than a constant power of two'],
  ],
  [
    'Div of integers',
    17,
    [{ x: int32(-7, 9), y: int32(2, 4) }, binary('Div'), '-3..4'],
    [{ x: int32(-7, 9), y: int32(0, 4) }, binary('Div'), 'its divisor may be 0'],
  ],
  [
    'Div by -1',
    17,
    [{ x: int32(-(2 ** 31) + 1, 9), y: int32(-1, -1) }, binary('Div'), `-9..${2 ** 31 - 1}`],
    [{ x: int32(-(2 ** 31), 9), y: int32(-1, -1) }, binary('Div'), "is past int32's"],
  ],
  [
    'Mod',
    17,
    [{ x: int64(-9, 100), y: int64(1, 7) }, binary('Mod'), '0..6'],
    [{ x: int64(-9, 100), y: int64(0, 7) }, binary('Mod'), 'its divisor may be 0, a positive one expected'],
  ],
  [
    'Mod with the sign of the dividend',
    17,
    [{ x: int64(0, 3), y: int64(4, 7) }, binary('Mod'), '0..3'],
    [
      { x: int64(0, 3), y: int64(4, 7) },
      (graph) => graph.node('Mod', ['x', 'y'], { fmod: 1 }),
      'fmod=1 is not supported',
    ],
  ],
  [
    'Neg',
    17,
    [{ x: given('int8', [4], -127, 127) }, unary('Neg'), '-127..127'],
    [{ x: given('int8', [4], -128, 127) }, unary('Neg'), "-127 .. 128 is past int8's -128 .. 127"],
  ],
  [
    'Abs',
    17,
    [{ x: given('int8', [4], -127, 12) }, unary('Abs'), '0..127'],
    [{ x: given('int8', [4], -128, 12) }, unary('Abs'), "0 .. 128 is past int8's"],
  ],
  [
    'Cast to float32',
    17,
    [{ x: int32(-LIMIT, LIMIT) }, (graph) => graph.node('Cast', ['x'], { to: 1 }), `${-LIMIT}..${LIMIT}`],
    [
      { x: int32(-LIMIT - 1, LIMIT) },
      (graph) => graph.node('Cast', ['x'], { to: 1 }),
      `needs integers up to ${LIMIT + 1}`,
    ],
  ],
  [
    'Cast to uint8',
    17,
    [{ x: float(0, 255) }, (graph) => graph.node('Cast', ['x'], { to: 2 }), '0..255'],
    [
      { x: float(-1, 255) },
      (graph) => graph.node('Cast', ['x'], { to: 2 }),
      "-1 .. 255 is past uint8's 0 .. 255",
    ],
  ],
  [
    'Cast of fractions',
    17,
    [
      { x: float(-3, 5, -1) },
      (graph) => graph.node('Cast', [graph.node('Floor', ['x'])], { to: 6 }),
      '-2..2',
    ],
    [
      { x: float(-3, 5, -1) },
      (graph) => graph.node('Cast', ['x'], { to: 6 }),
      'casts fractions (multiples of 2^-1) to int32',
    ],
  ],
  [
    'Clip',
    17,
    [
      { x: float(-300, 300) },
      (graph) => graph.node('Clip', ['x', graph.scalar('float32', -127), graph.scalar('float32', 127)]),
      '-127..127',
    ],
    [
      { x: float(-300, 300) },
      (graph) => graph.node('Clip', ['x', graph.scalar('float32', 1), graph.scalar('float32', 0)]),
      'its lower bound may be above its upper one',
    ],
  ],
  [
    'Gather',
    17,
    [{ x: int32(-3, 2) }, (graph) => graph.node('Gather', [f32(graph, [5, -7, 9]), 'x']), '-7..9'],
    [
      { x: int32(-3, 3) },
      (graph) => graph.node('Gather', [f32(graph, [5, -7, 9]), 'x']),
      'its indices -3 .. 3 may leave a table of 3 rows',
    ],
  ],
  [
    'Gather below',
    17,
    [
      { x: int32(0, 1) },
      (graph) => graph.node('Gather', [f32(graph, [5, -7, 9, 1, 1, 1], [3, 2]), 'x']),
      '1..9 -7..1',
    ],
    [
      { x: int32(-4, 2) },
      (graph) => graph.node('Gather', [f32(graph, [5, -7, 9]), 'x']),
      'its indices -4 .. 2 may leave',
    ],
  ],
  [
    'MatMul with weights, by column',
    17,
    [
      { x: float(-100, 100) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [1, -2, 1, -2, 1, 2, LIMIT / 100 - 3.16, 2], [4, 2])]),
      '-16777200..16777200 -800..800',
    ],
    [
      { x: float(-100, 100) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [1, -2, 1, -2, 1, 2, LIMIT / 100 - 2.16, 2], [4, 2])]),
      'a sum of products -16777300 .. 16777300 needs integers up to 16777300, float32 is exact up to 16777216',
    ],
  ],
  [
    'MatMul at the last unit',
    17,
    [
      { x: float(-1, 1) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [LIMIT - 6, -1, 2, -3], [4, 1])]),
      `${-LIMIT}..${LIMIT}`,
    ],
    [
      { x: float(-1, 1) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [LIMIT - 6, -1, 2, -4], [4, 1])]),
      `needs integers up to ${LIMIT + 1}, float32 is exact up to ${LIMIT}`,
    ],
  ],
  [
    'MatMul whose result is small but whose partial sums are not',
    17,
    [
      { x: float(LIMIT / 4, LIMIT / 4) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [1, 3, -1, -3], [4, 1])]),
      `${-LIMIT}..${LIMIT}`,
    ],
    [
      { x: float(LIMIT / 4 + 1, LIMIT / 4 + 1) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [1, 3, -1, -3], [4, 1])]),
      `needs integers up to ${LIMIT + 4}`,
    ],
  ],
  [
    'MatMul with float weights',
    17,
    [
      { x: float(0, 1) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [0.5, 0.25, -1.5, 3], [4, 1])]),
      '-6..15*2^-2',
    ],
    [
      { x: float(0, 1) },
      (graph) => graph.node('MatMul', ['x', f32(graph, [0.1, 0.7, -1.3, 3.1], [4, 1])]),
      'float weights are not exact: a column',
    ],
  ],
  [
    'MatMul of two run-time tensors',
    17,
    [
      { x: float(-1024, 1024, 0, ['lanes', 2, 16]), y: float(-1024, 1024, 0, ['lanes', 16, 3]) },
      binary('MatMul'),
      `${-LIMIT}..${LIMIT}`,
    ],
    [
      { x: float(-1024, 1025, 0, ['lanes', 2, 16]), y: float(-1024, 1024, 0, ['lanes', 16, 3]) },
      binary('MatMul'),
      `needs integers up to ${LIMIT + 16 * 1024}`,
    ],
  ],
  [
    'MatMul over time',
    17,
    [
      { x: float(0, 16, 0, ['lanes', 2, 'time']), y: float(0, 16, 0, ['lanes', 'time', 3]) },
      binary('MatMul'),
      `0..${LIMIT}`,
    ],
    [
      { x: float(0, 16, 0, ['lanes', 2, 'time']), y: float(0, 17, 0, ['lanes', 'time', 3]) },
      binary('MatMul'),
      `needs integers up to ${65536 * 16 * 17}`,
    ],
  ],
  [
    'Gemm',
    17,
    [
      { x: float(-1, 1) },
      (graph) => graph.node('Gemm', ['x', f32(graph, [LIMIT - 7, 0, 0, 0], [4, 1]), f32(graph, [7])]),
      `${7 - LIMIT}..${LIMIT}`,
    ],
    [
      { x: float(-1, 1) },
      (graph) => graph.node('Gemm', ['x', f32(graph, [LIMIT - 7, 0, 0, 0], [4, 1]), f32(graph, [8])]),
      `needs integers up to ${LIMIT + 1}`,
    ],
  ],
  [
    'ReduceSum',
    17,
    [
      { x: float(-LIMIT / 4, 3) },
      (graph) => graph.node('ReduceSum', ['x', i64(graph, [1])]),
      `${-LIMIT}..12`,
    ],
    [
      { x: float(-LIMIT / 4 - 1, 3) },
      (graph) => graph.node('ReduceSum', ['x', i64(graph, [1])]),
      `needs integers up to ${LIMIT + 4}`,
    ],
  ],
  [
    'ReduceSum of int64',
    17,
    [
      { x: int64(-1, 2n ** 51n) },
      (graph) => graph.node('ReduceSum', ['x', i64(graph, [1])]),
      `-4..${String(2n ** 53n)}`,
    ],
    [
      { x: int64(-1, 2n ** 51n + 1n) },
      (graph) => graph.node('ReduceSum', ['x', i64(graph, [1])]),
      'float64 is exact up to 9007199254740992',
    ],
  ],
  [
    'Min of int64',
    17,
    [{ x: int64(-(2 ** 31), 2 ** 31 - 1), y: int64(0, 9) }, binary('Min'), `${-(2 ** 31)}..9`],
    [
      { x: int64(-(2 ** 31), 2 ** 31), y: int64(0, 9) },
      binary('Min'),
      'orders int64 values -2147483648 .. 2147483648: past 32 bits runtimes get that wrong',
    ],
  ],
  [
    'Less of int64',
    17,
    [{ x: int64(-(2 ** 31), 0), y: int64(0, 9) }, binary('Less'), '0..1'],
    [{ x: int64(-(2 ** 31) - 1, 0), y: int64(0, 9) }, binary('Less'), 'orders int64 values -2147483649 .. 0'],
  ],
  [
    'Clip of int64',
    17,
    [
      { x: int64(0, 2 ** 31 - 1) },
      (graph) => graph.node('Clip', ['x', '', graph.scalar('int64', 9)]),
      '0..9',
    ],
    [
      { x: int64(0, 2 ** 31) },
      (graph) => graph.node('Clip', ['x', '', graph.scalar('int64', 9)]),
      'orders int64 values 0 .. 2147483648',
    ],
  ],
  [
    'ReduceMax of int64',
    17,
    [
      { x: int64(0, 2 ** 31 - 1) },
      (graph) => graph.node('ReduceMax', ['x'], { axes: [1] }),
      `0..${2 ** 31 - 1}`,
    ],
    [
      { x: int64(0, 2 ** 31) },
      (graph) => graph.node('ReduceMax', ['x'], { axes: [1] }),
      'orders int64 values 0 .. 2147483648',
    ],
  ],
  [
    'CumSum',
    17,
    [
      { x: float(-LIMIT / 4, 3) },
      (graph) => graph.node('CumSum', ['x', graph.scalar('int64', 1)]),
      `${-LIMIT}..12`,
    ],
    [
      { x: float(-LIMIT / 4 - 1, 3) },
      (graph) => graph.node('CumSum', ['x', graph.scalar('int64', 1)]),
      `needs integers up to ${LIMIT + 4}`,
    ],
  ],
  [
    'BitwiseAnd',
    18,
    [{ x: int32(-9, 100), y: int32(0, 15) }, binary('BitwiseAnd'), '0..15'],
    [{ x: float(0, 100), y: float(0, 15) }, binary('BitwiseAnd'), 'an integer tensor expected, got float32'],
  ],
];

describe.each(EDGES)('%s', (_, opset, [good, build, range], [bad, buildBad, message]) => {
  it('passes up to its bound', () => {
    expect(text(proveOne(good, build, opset).channels)).toBe(range);
  });
  it('is refused one unit further', () => {
    expect(summary(coded(() => proveOne(bad, buildBad, opset)))).toContain(message);
  });
});

describe('operators that are not exact', () => {
  it.each([
    'Exp',
    'Log',
    'Softmax',
    'Sigmoid',
    'Tanh',
    'Erf',
    'Sqrt',
    'Pow',
    'ReduceMean',
    'LayerNormalization',
    'Gelu',
    'HardSigmoid',
    'Resize',
    'RandomNormalLike',
    'If',
  ])('%s', (op) => {
    const error = coded(() => proveOne({ x: float(0, 1) }, unary(op)));
    expect(summary(error)).toBe(
      `LMZ_MODEL_NOT_EXACT: ${op} "${op.toLowerCase()}_0": the operator ${op} is not exact, or not known to be`,
    );
  });

  it('infinities and NaNs', () => {
    for (const value of [Infinity, -Infinity, NaN]) {
      const error = coded(() => proveOne({ x: float(0, 1) }, scaled('Add', value)));
      expect(summary(error)).toContain(
        'LMZ_MODEL_NOT_EXACT: Add "add_1": input 1 holds an infinity or a NaN',
      );
    }
  });
});
