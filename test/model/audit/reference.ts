/**
 * A slow, plain evaluation of the audit's operators: integers and booleans as BigInt, floats as doubles without any
 * rounding to float32. Where the audit's proof holds, a runtime must agree with it in every bit.
 *
 * @module
 */
import type { ElementName } from '../../../src/model/onnx/elements.ts';
import type { GraphNode } from '../../../src/model/onnx/graph.ts';

export type Value = number | bigint;

export interface Dense {
  readonly type: ElementName;
  readonly dims: readonly number[];
  readonly data: readonly Value[];
}

export function isFloat(type: ElementName): boolean {
  return type === 'float32' || type === 'float64';
}

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** All indices of a shape, in row-major order. */
function* indices(dims: readonly number[]): Generator<number[]> {
  const index = dims.map(() => 0);
  for (let i = 0; i < sizeOf(dims); i++) {
    yield [...index];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      if (++index[axis] < dims[axis]) break;
      index[axis] = 0;
    }
  }
}

/** The element at an index of an equal or larger shape (broadcast). */
function at(x: Dense, index: readonly number[]): Value {
  let flat = 0;
  for (let axis = 0; axis < x.dims.length; axis++) {
    const position = index[index.length - x.dims.length + axis];
    flat = flat * x.dims[axis] + (x.dims[axis] === 1 ? 0 : position);
  }
  return x.data[flat];
}

function build(type: ElementName, dims: readonly number[], element: (index: number[]) => Value): Dense {
  return { type, dims, data: Array.from(indices(dims), element) };
}

function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(...shapes.map((shape) => shape[axis - rank + shape.length] ?? 1)),
  );
}

function map(type: ElementName, inputs: readonly Dense[], element: (...values: never[]) => Value): Dense {
  const dims = broadcast(inputs.map((x) => x.dims));
  return build(type, dims, (index) =>
    (element as (...values: Value[]) => Value)(...inputs.map((x) => at(x, index))),
  );
}

/** One rule for doubles and BigInts. */
const either =
  (number: (a: number, b: number) => number, big: (a: bigint, b: bigint) => bigint) =>
  (a: Value, b: Value) => (typeof a === 'bigint' ? big(a, b as bigint) : number(a, b as number));

const ARITHMETIC: Record<string, (a: Value, b: Value) => Value> = {
  Add: either(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: either(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: either(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Div: either(
    (a, b) => a / b,
    (a, b) => a / b,
  ),
  Mod: either(
    () => NaN,
    (a, b) => ((a % b) + b) % b,
  ),
  Min: (a, b) => (a < b ? a : b),
  Max: (a, b) => (a > b ? a : b),
  BitwiseAnd: either(
    () => NaN,
    (a, b) => a & b,
  ),
  BitwiseOr: either(
    () => NaN,
    (a, b) => a | b,
  ),
  BitwiseXor: either(
    () => NaN,
    (a, b) => a ^ b,
  ),
};
const COMPARISONS: Record<string, (a: Value, b: Value) => boolean> = {
  Equal: (a, b) => a === b,
  Less: (a, b) => a < b,
  Greater: (a, b) => a > b,
  LessOrEqual: (a, b) => a <= b,
  GreaterOrEqual: (a, b) => a >= b,
  And: (a, b) => a === 1n && b === 1n,
  Or: (a, b) => a === 1n || b === 1n,
  Xor: (a, b) => a !== b,
};

function halfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

const UNARY: Record<string, (a: Value) => Value> = {
  Neg: (a) => -a,
  Abs: (a) => (a < 0 ? -a : a),
  Sign: (a) => (typeof a === 'bigint' ? (a > 0n ? 1n : a < 0n ? -1n : 0n) : Math.sign(a)),
  Relu: (a) => (a < 0 ? (typeof a === 'bigint' ? 0n : 0) : a),
  Floor: (a) => Math.floor(Number(a)),
  Ceil: (a) => Math.ceil(Number(a)),
  Round: (a) => halfEven(Number(a)),
};

const TYPES: Record<number, ElementName> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  11: 'float64',
};

function castTo(type: ElementName): (a: Value) => Value {
  if (type === 'bool') return (a) => (Number(a) === 0 ? 0n : 1n);
  return isFloat(type) ? Number : BigInt;
}

/** Sum over k of left(k) * right(k), in the type's own arithmetic. */
function dot(count: number, float: boolean, left: (k: number) => Value, right: (k: number) => Value): Value {
  let sum: Value = float ? 0 : 0n;
  for (let k = 0; k < count; k++) sum = ARITHMETIC['Add'](sum, ARITHMETIC['Mul'](left(k), right(k)));
  return sum;
}

function product(type: ElementName, a: Dense, b: Dense): Dense {
  const [rows, depth, columns] = [a.dims.at(-2)!, a.dims.at(-1)!, b.dims.at(-1)!];
  const dims = [...broadcast([a.dims.slice(0, -2), b.dims.slice(0, -2)]), rows, columns];
  return build(type, dims, (index) => {
    const [batch, row, column] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
    return dot(
      depth,
      isFloat(type),
      (k) => at(a, [...batch, row, k]),
      (k) => at(b, [...batch, k, column]),
    );
  });
}

function less(x: Dense, zero: Dense | undefined): Dense {
  return zero ? map('int32', [x, zero], (a: bigint, b: bigint) => a - b) : x;
}

function numbers(x: Dense | undefined): number[] {
  return (x?.data ?? []).map(Number);
}

function intAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute ? Number(attribute.i) : fallback;
}

function reduced(node: GraphNode, x: Dense, axes: number[], combine: (a: Value, b: Value) => Value): Dense {
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  const real = (axes.length > 0 ? axes : x.dims.map((_, axis) => axis)).map(
    (axis) => (axis + x.dims.length) % x.dims.length,
  );
  const kept = x.dims.map((dim, axis) => (real.includes(axis) ? 1 : dim));
  const inner = x.dims.map((dim, axis) => (real.includes(axis) ? dim : 1));
  const result = build(x.type, kept, (index) =>
    Array.from(indices(inner), (offset) =>
      at(
        x,
        index.map((position, axis) => position + offset[axis]),
      ),
    ).reduce(combine),
  );
  return keep ? result : { ...result, dims: x.dims.filter((_, axis) => !real.includes(axis)) };
}

/** Evaluates one node. */
export function evaluate(node: GraphNode, inputs: readonly (Dense | undefined)[]): Dense[] {
  const { op } = node;
  const present = inputs.filter((input) => input !== undefined);
  const x = present[0];
  const y = inputs[1]!;
  if (op === 'Min' || op === 'Max') {
    return [present.reduce((a, b) => map(x.type, [a, b], ARITHMETIC[op]))];
  }
  if (op in ARITHMETIC) return [map(x.type, [x, y], ARITHMETIC[op])];
  if (op in COMPARISONS)
    return [map('bool', [x, y], (a: Value, b: Value) => (COMPARISONS[op](a, b) ? 1n : 0n))];
  if (op in UNARY) return [map(x.type, [x], UNARY[op])];
  const axis = (rank = x.dims.length): number => (intAttribute(node, 'axis', 0) + rank) % rank;
  switch (op) {
    case 'Identity':
      return [x];
    case 'Not':
      return [map('bool', [x], (a: Value) => (a === 0n ? 1n : 0n))];
    case 'BitwiseNot':
      return [map(x.type, [x], (a: bigint) => (x.type === 'uint8' ? 255n - a : ~a))];
    case 'BitShift': {
      const left = new TextDecoder().decode(node.attributes.get('direction')!.s) === 'LEFT';
      return [map(x.type, [x, y], (a: bigint, b: bigint) => (left ? a << b : a >> b))];
    }
    case 'Clip': {
      const raised = inputs[1] ? map(x.type, [x, inputs[1]], ARITHMETIC['Max']) : x;
      return [inputs[2] ? map(x.type, [raised, inputs[2]], ARITHMETIC['Min']) : raised];
    }
    case 'Cast': {
      const type = TYPES[intAttribute(node, 'to', 0)];
      return [map(type, [x], castTo(type))];
    }
    case 'Where':
      return [map(y.type, [x, y, inputs[2]!], (c: Value, a: Value, b: Value) => (c === 1n ? a : b))];
    case 'MatMul':
      return [product(x.type, x, y)];
    case 'MatMulInteger':
      return [product('int32', less(x, inputs[2]), less(y, inputs[3]))];
    case 'Gemm': {
      const result = product(x.type, x, y);
      return [inputs[2] ? map(x.type, [result, inputs[2]], ARITHMETIC['Add']) : result];
    }
    case 'ReduceSum':
      return [reduced(node, x, numbers(inputs[1]), ARITHMETIC['Add'])];
    case 'ReduceMax':
      return [reduced(node, x, numbers(inputs[1]), ARITHMETIC['Max'])];
    case 'ReduceMin':
      return [reduced(node, x, numbers(inputs[1]), ARITHMETIC['Min'])];
    case 'CumSum': {
      const along = (Number(y.data[0]) + x.dims.length) % x.dims.length;
      return [
        build(x.type, x.dims, (index) =>
          Array.from({ length: index[along] + 1 }, (_, i) => at(x, index.with(along, i))).reduce(
            ARITHMETIC['Add'],
          ),
        ),
      ];
    }
    case 'Gather': {
      const along = axis();
      const dims = [...x.dims.slice(0, along), ...y.dims, ...x.dims.slice(along + 1)];
      return [
        build(x.type, dims, (index) => {
          const row = Number(at(y, index.slice(along, along + y.dims.length)));
          const real = row < 0 ? row + x.dims[along] : row;
          return at(x, [...index.slice(0, along), real, ...index.slice(along + y.dims.length)]);
        }),
      ];
    }
    case 'Slice': {
      const [starts, ends, axes] = [numbers(inputs[1]), numbers(inputs[2]), numbers(inputs[3])];
      const steps = inputs[4] ? numbers(inputs[4]) : starts.map(() => 1);
      const dims = [...x.dims];
      const from = x.dims.map(() => 0);
      const by = x.dims.map(() => 1);
      for (const [i, along] of axes.entries()) {
        const size = x.dims[along];
        const place = (p: number): number => Math.min(Math.max(p < 0 ? p + size : p, 0), size);
        from[along] = place(starts[i]);
        by[along] = steps[i]!;
        dims[along] = Math.ceil((place(ends[i]) - from[along]) / by[along]);
      }
      return [
        build(x.type, dims, (index) =>
          at(
            x,
            index.map((p, along) => from[along] + p * by[along]),
          ),
        ),
      ];
    }
    case 'Split': {
      let start = 0;
      return numbers(y).map((part) => {
        const offset = start;
        start += part;
        const along = axis();
        return build(x.type, x.dims.with(along, part), (index) =>
          at(x, index.with(along, index[along] + offset)),
        );
      });
    }
    case 'Concat': {
      const along = axis();
      const total = present.reduce((sum, part) => sum + part.dims[along], 0);
      return [
        build(x.type, x.dims.with(along, total), (index) => {
          let position = index[along];
          for (const part of present) {
            if (position < part.dims[along]) return at(part, index.with(along, position));
            position -= part.dims[along];
          }
          throw new Error('past the end');
        }),
      ];
    }
    case 'Reshape': {
      const target = numbers(y).map((dim, i) => (dim === 0 ? x.dims[i] : dim));
      const known = target.filter((dim) => dim > 0).reduce((a, b) => a * b, 1);
      return [{ ...x, dims: target.map((dim) => (dim === -1 ? sizeOf(x.dims) / known : dim)) }];
    }
    case 'Squeeze': {
      const axes = numbers(y).map((a) => (a + x.dims.length) % x.dims.length);
      return [{ ...x, dims: x.dims.filter((_, a) => !axes.includes(a)) }];
    }
    case 'Unsqueeze': {
      const rank = x.dims.length + numbers(y).length;
      const axes = numbers(y).map((a) => (a + rank) % rank);
      const rest = [...x.dims];
      return [{ ...x, dims: Array.from({ length: rank }, (_, a) => (axes.includes(a) ? 1 : rest.shift()!)) }];
    }
    case 'Transpose': {
      const order = node.attributes.get('perm')!.ints.map(Number);
      const dims = order.map((a) => x.dims[a]);
      return [
        build(x.type, dims, (index) =>
          at(
            x,
            x.dims.map((_, a) => index[order.indexOf(a)]),
          ),
        ),
      ];
    }
    case 'Expand':
      return [build(x.type, broadcast([x.dims, numbers(y)]), (index) => at(x, index))];
    case 'Trilu': {
      const upper = intAttribute(node, 'upper', 1) === 1;
      const zero = isFloat(x.type) ? 0 : 0n;
      return [
        build(x.type, x.dims, (index) => {
          const [row, column] = [index.at(-2)!, index.at(-1)!];
          return (upper ? column >= row : column <= row) ? at(x, index) : zero;
        }),
      ];
    }
    default:
      throw new Error(`no reference for ${op}`);
  }
}
