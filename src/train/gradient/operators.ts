/**
 * The differentiable operators over ONNX: each writes its forward node and tells the tape how gradients flow back through it.
 * All matrices are [rows, columns], row-major, float32.
 *
 * @module
 */
import type { Operators } from '../operators.ts';
import { attention } from './attention.ts';
import { layerNorm, positionRows, rotate } from './normalize.ts';
import type { Tape, Value } from './tape.ts';

function expectEqualDims(operator: string, a: Value, b: Value): void {
  if (a.dims.join() !== b.dims.join()) {
    throw new RangeError(
      `${operator}: shapes [${a.dims.join()}] of ${a.name} and [${b.dims.join()}] of ${b.name} differ`,
    );
  }
}

function linear(tape: Tape, x: Value, weights: Value, bias?: Value): Value {
  const [rows, inner] = x.dims as [number, number];
  const [weightRows, columns] = weights.dims as [number, number];
  if (inner !== weightRows)
    throw new RangeError(`linear: ${x.name} has ${inner} columns, ${weights.name} ${weightRows} rows`);
  const name =
    bias === undefined
      ? tape.graph.node('MatMul', [x.name, weights.name])
      : tape.graph.node('Gemm', [x.name, weights.name, bias.name]);
  const y: Value = { name, dims: [rows, columns] };
  tape.record([y], ([gradient]) => {
    tape.contribute(x, { kind: 'product', left: gradient!, right: tape.transposed(weights) });
    tape.contributeFactor(weights, x.name, gradient!);
    if (bias === undefined) return;
    const value =
      bias.dims.length === 2
        ? gradient!
        : tape.graph.node('ReduceSum', [gradient!, tape.graph.shape(0)], { keepdims: 0 });
    tape.contribute(bias, { kind: 'value', value });
  });
  return y;
}

/** `a + b`, equal shapes. */
function add(tape: Tape, a: Value, b: Value): Value {
  expectEqualDims('add', a, b);
  const y: Value = { name: tape.graph.node('Add', [a.name, b.name]), dims: a.dims };
  tape.record([y], ([gradient]) => {
    tape.contribute(a, { kind: 'value', value: gradient! });
    tape.contribute(b, { kind: 'value', value: gradient! });
  });
  return y;
}

/** `a - b`, equal shapes. */
function subtract(tape: Tape, a: Value, b: Value): Value {
  expectEqualDims('subtract', a, b);
  const y: Value = { name: tape.graph.node('Sub', [a.name, b.name]), dims: a.dims };
  tape.record([y], ([gradient]) => {
    tape.contribute(a, { kind: 'value', value: gradient! });
    tape.contribute(b, { kind: 'value', value: tape.graph.node('Neg', [gradient!]) });
  });
  return y;
}

/** `a * b` element by element, equal shapes. */
function multiply(tape: Tape, a: Value, b: Value): Value {
  expectEqualDims('multiply', a, b);
  const y: Value = { name: tape.graph.node('Mul', [a.name, b.name]), dims: a.dims };
  tape.record([y], ([gradient]) => {
    tape.contribute(a, { kind: 'value', value: tape.graph.node('Mul', [gradient!, b.name]) });
    tape.contribute(b, { kind: 'value', value: tape.graph.node('Mul', [gradient!, a.name]) });
  });
  return y;
}

/** `factor * x + offset` with fixed numbers. */
function affine(tape: Tape, x: Value, factor: number, offset = 0): Value {
  const scale = tape.graph.scalar('float32', factor);
  let name = tape.graph.node('Mul', [x.name, scale]);
  if (offset !== 0) name = tape.graph.node('Add', [name, tape.graph.scalar('float32', offset)]);
  const y: Value = { name, dims: x.dims };
  tape.record([y], ([gradient]) => {
    tape.contribute(x, { kind: 'value', value: tape.graph.node('Mul', [gradient!, scale]) });
  });
  return y;
}

/**
 * The gated step `h + gate * (candidate - h)` as one operator: its gradients share the difference and one product,
 * which four separate operators would not know.
 */
function interpolate(tape: Tape, h: Value, candidate: Value, gate: Value): Value {
  expectEqualDims('interpolate', h, candidate);
  expectEqualDims('interpolate', h, gate);
  const difference = tape.graph.node('Sub', [candidate.name, h.name]);
  const change = tape.graph.node('Mul', [gate.name, difference]);
  const y: Value = { name: tape.graph.node('Add', [h.name, change]), dims: h.dims };
  tape.record([y], ([gradient]) => {
    const toCandidate = tape.graph.node('Mul', [gradient!, gate.name]);
    tape.contribute(candidate, { kind: 'value', value: toCandidate });
    tape.contribute(gate, { kind: 'value', value: tape.graph.node('Mul', [gradient!, difference]) });
    tape.contribute(h, { kind: 'value', value: tape.graph.node('Sub', [gradient!, toCandidate]) });
  });
  return y;
}

/** `x` limited to low..high. At and beyond the limits the gradient is zero. */
function clip(tape: Tape, x: Value, low: number, high: number): Value {
  const bounds = [tape.graph.scalar('float32', low), tape.graph.scalar('float32', high)];
  const y: Value = { name: tape.graph.node('Clip', [x.name, ...bounds]), dims: x.dims };
  tape.record([y], ([gradient]) => {
    const inside = tape.graph.node('Equal', [x.name, y.name]);
    const value = tape.graph.node('Where', [inside, gradient!, tape.graph.scalar('float32', 0)]);
    tape.contribute(x, { kind: 'value', value });
  });
  return y;
}

/** A matrix cut into parts of the given sizes along an axis. */
function split(tape: Tape, x: Value, axis: 0 | 1, sizes: readonly number[]): Value[] {
  if (sizes.reduce((sum, size) => sum + size, 0) !== x.dims[axis]) {
    throw new RangeError(`split: sizes of ${x.name} do not add up to ${x.dims[axis] ?? 0}`);
  }
  const stem = `${x.name}_split${axis}`;
  const parts = sizes.map((size, i): Value => {
    return { name: `${stem}_${i}`, dims: axis === 0 ? [size, x.dims[1]] : [x.dims[0], size] };
  });
  tape.graph.nodes(
    'Split',
    [x.name, tape.graph.shape(...sizes)],
    { axis },
    parts.map((part) => part.name),
  );
  tape.record(parts, (gradients) => {
    const known = gradients.map((gradient, i) => {
      if (gradient !== undefined) return gradient;
      const dims = parts[i].dims;
      return tape.constant(new Float32Array(dims[0] * dims[1]), dims).name;
    });
    tape.contribute(x, { kind: 'value', value: tape.graph.node('Concat', known, { axis }) });
  });
  return parts;
}

/** Matrices put together along an axis. */
function concat(tape: Tape, parts: readonly Value[], axis: 0 | 1): Value {
  const sizes = parts.map((part) => part.dims[axis]);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const y: Value = {
    name: tape.graph.node(
      'Concat',
      parts.map((part) => part.name),
      { axis },
    ),
    dims: axis === 0 ? [total, parts[0].dims[1]] : [parts[0].dims[0], total],
  };
  tape.record([y], ([gradient]) => {
    const names = parts.map((_, i) => `${gradient!}_part${axis}_${i}`);
    tape.graph.nodes('Split', [gradient!, tape.graph.shape(...sizes)], { axis }, names);
    parts.forEach((part, i) => {
      tape.contribute(part, { kind: 'value', value: names[i] });
    });
  });
  return y;
}

/** The mean of -ln softmax(logits)[target]. A loss: its own gradient is taken to be 1. */
function crossEntropy(tape: Tape, logits: Value, { name: targets }: Value): Value {
  const rows = logits.dims[0];
  const logarithms = tape.graph.node('LogSoftmax', [logits.name], { axis: 1 });
  const picked = tape.graph.node('GatherElements', [logarithms, targets], { axis: 1 });
  const mean = tape.graph.node('ReduceMean', [picked], { keepdims: 0 });
  const y: Value = { name: tape.graph.node('Neg', [mean]), dims: [] };
  tape.record([y], () => {
    const probabilities = tape.graph.node('Exp', [logarithms]);
    const minusOne = tape.constant(new Float32Array(rows).fill(-1), [rows, 1]).name;
    const error = tape.graph.node('ScatterElements', [probabilities, targets, minusOne], {
      axis: 1,
      reduction: 'add',
    });
    const value = tape.graph.node('Mul', [error, tape.graph.scalar('float32', 1 / rows)]);
    tape.contribute(logits, { kind: 'value', value });
  });
  return y;
}

/** The operators that write into a tape's graph. */
export function tapeOperators(tape: Tape): Operators<Value> {
  return {
    linear: (x, weights, bias) => linear(tape, x, weights, bias),
    add: (a, b) => add(tape, a, b),
    subtract: (a, b) => subtract(tape, a, b),
    multiply: (a, b) => multiply(tape, a, b),
    affine: (x, factor, offset) => affine(tape, x, factor, offset),
    interpolate: (h, candidate, gate) => interpolate(tape, h, candidate, gate),
    clip: (x, low, high) => clip(tape, x, low, high),
    split: (x, axis, sizes) => split(tape, x, axis, sizes),
    concat: (parts, axis) => concat(tape, parts, axis),
    crossEntropy: (logits, targets) => crossEntropy(tape, logits, targets),
    layerNorm: (x, scale, offset) => layerNorm(tape, x, scale, offset),
    positionRows: (table, first, shape) => positionRows(tape, table, first, shape),
    rotate: (x, cosines, sines, headWidth) => rotate(tape, x, cosines, sines, headWidth),
    attention: (query, key, value, shape, heads) => attention(tape, query, key, value, shape, heads),
  };
}
