/**
 * Differentiable operators of the Transformer beside attention: layer normalisation and positions.
 *
 * @module
 */
import type { FixedTable } from '../operators.ts';
import type { SegmentShape } from '../network.ts';
import type { Tape, Value } from './tape.ts';

/** Added to variances. */
const EPSILON = 1e-5;

/** Every row to mean 0 and variance 1, then `scale * x + offset` with vectors. */
export function layerNorm(tape: Tape, x: Value, scale: Value, offset: Value): Value {
  const { graph } = tape;
  const op = (operator: string, ...inputs: string[]): string => graph.node(operator, inputs);
  const mean = (values: string): string => graph.node('ReduceMean', [values], { axes: [1] });
  const centred = op('Sub', x.name, mean(x.name));
  const variance = op('Add', mean(op('Mul', centred, centred)), graph.scalar('float32', EPSILON));
  const inverse = op('Reciprocal', op('Sqrt', variance));
  const normal = op('Mul', centred, inverse);
  const y: Value = { name: op('Add', op('Mul', normal, scale.name), offset.name), dims: x.dims };
  tape.record([y], ([gradient]) => {
    const columns = (values: string): string =>
      graph.node('ReduceSum', [values, graph.shape(0)], { keepdims: 0 });
    tape.contribute(scale, { kind: 'value', value: columns(op('Mul', gradient!, normal)) });
    tape.contribute(offset, { kind: 'value', value: columns(gradient!) });
    const g = op('Mul', gradient!, scale.name);
    const along = op('Mul', normal, mean(op('Mul', g, normal)));
    const value = op('Mul', op('Sub', op('Sub', g, mean(g)), along), inverse);
    tape.contribute(x, { kind: 'value', value });
  });
  return y;
}

/** The table's row of every byte's position, [steps * lanes, columns]; positions begin again after the last row. */
export function positionRows(
  tape: Tape,
  { data, rows, columns }: FixedTable,
  first: Value,
  { lanes, steps }: SegmentShape,
): Value {
  const { graph } = tape;
  const start = graph.node('Cast', [graph.node('Reshape', [first.name, graph.shape(1, lanes)])], { to: 7 });
  const count = graph.constant(
    BigInt64Array.from({ length: steps }, (_, t) => BigInt(t)),
    [steps, 1],
  );
  const positions = graph.node('Mod', [graph.node('Add', [start, count]), graph.scalar('int64', rows)]);
  const picked = graph.node('Gather', [tape.constant(data, [rows, columns]).name, positions]);
  const total = steps * lanes;
  return {
    name: graph.node('Reshape', [picked, graph.shape(total, columns)]),
    dims: [total, columns],
  };
}

/** The matrix that turns the halves (a, b) of every head into (-b, a). */
function quarterTurn(width: number, headWidth: number, sign: number): Float32Array {
  const matrix = new Float32Array(width * width);
  const half = headWidth / 2;
  for (let i = 0; i < width; i++) {
    const second = i % headWidth >= half;
    matrix[i * width + (second ? i - half : i + half)] = second ? -sign : sign;
  }
  return matrix;
}

/** Rotary positions: the halves (a, b) of every head become (a cos - b sin, b cos + a sin). */
export function rotate(tape: Tape, x: Value, cosines: Value, sines: Value, headWidth: number): Value {
  const { graph } = tape;
  const op = (operator: string, ...inputs: string[]): string => graph.node(operator, inputs);
  const width = x.dims[1];
  const turn = (values: string, sign: number): string =>
    op('MatMul', values, tape.constant(quarterTurn(width, headWidth, sign), [width, width]).name);
  const along = op('Mul', x.name, cosines.name);
  const y: Value = {
    name: op('Add', along, op('Mul', turn(x.name, 1), sines.name)),
    dims: x.dims,
  };
  tape.record([y], ([gradient]) => {
    const back = turn(op('Mul', gradient!, sines.name), -1);
    const value = op('Add', op('Mul', gradient!, cosines.name), back);
    tape.contribute(x, { kind: 'value', value });
  });
  return y;
}
