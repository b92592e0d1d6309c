/**
 * Rules of elementwise arithmetic. ONNX's integer operators wrap when they overflow, so every result is proven to lie
 * in its type; its float operators round, so every result is proven to need no rounding.
 *
 * - Add, Sub: both operands on the finer of their grids, and the sum on it within the type.
 * - Mul: as it says; times +-2^k it only moves the exponent, which is exact for any significand.
 * - Div: integers truncate toward zero (divisor proven not 0); floats only by constants +-2^k.
 * - Mod: integers with a divisor proven positive; fmod=0, the remainder has the divisor's sign.
 * - Min, Max, Clip, Sign, Relu: 64-bit integers only within 32 bits (see NodeContext.demandOrdered).
 * - Cast: values that the new type holds; floats to integers only where they are integers already.
 *
 * The sign of a float zero is not followed: -0 and 0 are equal to every operator that is allowed.
 *
 * @module
 */
import { type Element, elementLabel, elementOf } from '../onnx/elements.ts';
import type { NodeContext, Rule } from './context.ts';
import { addDims, type Dim, multiplyDims, subtractDims } from './dim.ts';
import {
  addGrids,
  grid,
  type Grid,
  integers,
  isWhole,
  mapChannels,
  maxBig,
  maxGrids,
  minBig,
  minGrids,
  multiplyGrids,
  negateGrid,
  powerOfTwo,
  ZERO,
  zipChannels,
} from './grid.ts';
import { type Abstract, constantTensor } from './tensor.ts';

function numericType(node: NodeContext, ...tensors: readonly Abstract[]): Element {
  const type = node.sameType(...tensors);
  if (type.kind === 'bool') throw node.malformed('a numeric tensor expected, got bool');
  return type;
}

/** Shapes are integer vectors too: their values stay known through + - *. */
function combineContent(a: Abstract, b: Abstract, rule: (x: Dim, y: Dim) => Dim): readonly Dim[] | undefined {
  const [x, y] = [a.content, b.content];
  if (!x || !y || (x.length !== y.length && x.length !== 1 && y.length !== 1)) return undefined;
  const longer = x.length >= y.length ? x : y;
  return longer.map((_, i) => rule(x.length === 1 ? x[0] : x[i], y.length === 1 ? y[0] : y[i]));
}

function binary(grids: (x: Grid, y: Grid) => Grid, dims: (x: Dim, y: Dim) => Dim): Rule {
  return {
    inputs: [2, 2],
    apply(node) {
      const [a, b] = [node.input(0), node.input(1)];
      const type = numericType(node, a, b);
      const shape = node.broadcast(a.shape, b.shape);
      const channels = zipChannels(node.channels(0), node.channels(1), grids);
      node.demandExact(type, channels);
      return node.make(type, shape, channels, combineContent(a, b, dims));
    },
  };
}

function multiply(node: NodeContext): Abstract {
  const [a, b] = [node.input(0), node.input(1)];
  const type = numericType(node, a, b);
  const shape = node.broadcast(a.shape, b.shape);
  const channels = zipChannels(node.channels(0), node.channels(1), (x, y) => {
    const product = multiplyGrids(x, y);
    if (type.kind === 'float' && (powerOfTwo(x) || powerOfTwo(y))) node.demandExponent(type, product);
    else node.demandExact(type, [product]);
    return product;
  });
  return node.make(type, shape, channels, combineContent(a, b, multiplyDims));
}

/** Quotients of integers, truncated: the extremes are at the corners, for the divisor does not change its sign. */
function quotient(x: Grid, y: Grid): Grid {
  const [a, b] = [integers(x), integers(y)];
  const corners = [a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high];
  return grid(corners.reduce(minBig), corners.reduce(maxBig));
}

function divide(node: NodeContext): Abstract {
  const [a, b] = [node.input(0), node.input(1)];
  const type = numericType(node, a, b);
  const shape = node.broadcast(a.shape, b.shape);
  const channels = zipChannels(node.channels(0), node.channels(1), (x, y) => {
    if (y.low <= 0n && y.high >= 0n) throw node.inexact('its divisor may be 0');
    if (type.kind !== 'float') return quotient(x, y);
    if (!powerOfTwo(y)) {
      throw node.inexact('divides floats by something else than a constant power of two');
    }
    const result = multiplyGrids(x, { low: y.low, high: y.high, exp: -y.exp });
    node.demandExponent(type, result);
    return result;
  });
  node.demandExact(type, type.kind === 'float' ? [] : channels);
  return node.make(type, shape, channels);
}

function remainder(node: NodeContext): Abstract {
  const [a, b] = [node.input(0), node.input(1)];
  const type = node.integerType(a);
  node.sameType(a, b);
  const shape = node.broadcast(a.shape, b.shape);
  if (node.int('fmod', 0) !== 0)
    throw node.malformed('fmod=1 is not supported (its sign follows the dividend)');
  const channels = zipChannels(node.channels(0), node.channels(1), (x, y) => {
    const [dividend, divisor] = [integers(x), integers(y)];
    if (divisor.low < 1n)
      throw node.inexact(`its divisor may be ${String(divisor.low)}, a positive one expected`);
    if (dividend.low >= 0n && dividend.high < divisor.low) return x;
    const most = divisor.high - 1n;
    return grid(0n, dividend.low >= 0n ? minBig(dividend.high, most) : most);
  });
  return node.make(type, shape, channels);
}

function unary(grids: (x: Grid) => Grid, ordering = false): Rule {
  return {
    inputs: [1, 1],
    apply(node) {
      const a = node.input(0);
      const type = numericType(node, a);
      if (ordering) node.demandOrdered(type, node.channels(0));
      const channels = mapChannels(node.channels(0), grids);
      // -(-128) is the one value that negation takes out of a type.
      if (type.kind !== 'float') node.demandExact(type, channels);
      return node.make(type, a.shape, channels);
    },
  };
}

function absolute(x: Grid): Grid {
  if (x.low >= 0n) return x;
  return x.high <= 0n ? negateGrid(x) : grid(0n, maxBig(-x.low, x.high), x.exp);
}

/** A rule for floats alone. */
function floats(rule: Rule): Rule {
  return {
    ...rule,
    apply(node) {
      const { type } = node.input(0);
      if (type.kind !== 'float') throw node.malformed(`a float tensor expected, got ${type.name}`);
      return rule.apply(node);
    },
  };
}

/** Rounding of fractions to integers, by the rule for n / 2^k. */
function rounding(low: (n: bigint, k: bigint) => bigint, high: (n: bigint, k: bigint) => bigint): Rule {
  return floats(
    unary((x) => (isWhole(x) ? x : grid(low(x.low, BigInt(-x.exp)), high(x.high, BigInt(-x.exp))))),
  );
}

// BigInt's >> rounds towards minus infinity.
const floor = (n: bigint, k: bigint): bigint => n >> k;
const ceiling = (n: bigint, k: bigint): bigint => -(-n >> k);

function extreme(pick: (x: Grid, y: Grid) => Grid): Rule {
  return {
    inputs: [1, 64],
    apply(node) {
      const tensors = node.inputs();
      const type = numericType(node, ...tensors);
      const shape = node.broadcast(...tensors.map((tensor) => tensor.shape));
      const all = tensors.map((_, i) => node.channels(i));
      for (const each of all) node.demandOrdered(type, each);
      const channels = all.reduce((x, y) => zipChannels(x, y, pick));
      return node.make(type, shape, channels);
    },
  };
}

/**
 * min(max(x, low), high). Where low may be above high, ONNX and its implementations differ; so it is proven not to be.
 */
function clip(node: NodeContext): Abstract {
  const x = node.input(0);
  const type = numericType(node, x);
  node.demandOrdered(type, node.channels(0));
  const bounds = [1, 2].map((index) => {
    if (!node.has(index)) return undefined;
    const bound = node.input(index);
    node.sameType(x, bound);
    if (bound.shape.length > 0) throw node.malformed('its bounds must be scalars');
    node.demandOrdered(type, node.channels(index));
    return node.channels(index)[0];
  });
  const [low, high] = bounds;
  if (low && high && addGrids(low, negateGrid(high)).high > 0n)
    throw node.inexact('its lower bound may be above its upper one');
  const channels = mapChannels(node.channels(0), (g) => {
    const raised = low ? maxGrids(g, low) : g;
    return high ? minGrids(raised, high) : raised;
  });
  return node.make(type, x.shape, channels);
}

function cast(node: NodeContext): Abstract {
  const x = node.input(0);
  const code = node.int('to', 0);
  const type = elementOf(code);
  if (!type) throw node.malformed(`casts to ${elementLabel(code)}, which is not supported`);
  if (type.kind === 'bool') return node.make(type, x.shape, [grid(0n, 1n)]);
  const channels = node.channels(0);
  for (const g of channels) {
    if (type.kind !== 'float' && !isWhole(g)) {
      throw node.inexact(
        `casts fractions (multiples of 2^${g.exp}) to ${type.name}`,
        'Put a Floor before it.',
      );
    }
  }
  node.demandExact(type, channels);
  if (x.constant) {
    node.checkShape(x.shape);
    const wide = x.constant instanceof BigInt64Array || x.constant instanceof BigUint64Array;
    // Whatever fits a type other than these two is a safe integer.
    const narrow = type.name !== 'int64' && type.name !== 'uint64';
    const data = wide && narrow ? Float64Array.from(x.constant as BigInt64Array, Number) : x.constant;
    return constantTensor(type, x.shape, data);
  }
  return node.make(type, x.shape, channels, type.kind === 'float' ? undefined : x.content);
}

function sign(x: Grid): Grid {
  return grid(x.low < 0n ? -1n : x.low > 0n ? 1n : 0n, x.high > 0n ? 1n : x.high < 0n ? -1n : 0n);
}

export const ARITHMETIC: Readonly<Record<string, Rule>> = {
  Add: binary(addGrids, addDims),
  Sub: binary((x, y) => addGrids(x, negateGrid(y)), subtractDims),
  Mul: { inputs: [2, 2], apply: multiply },
  Div: { inputs: [2, 2], apply: divide },
  Mod: { inputs: [2, 2], attributes: ['fmod'], apply: remainder },
  Neg: unary(negateGrid),
  Abs: unary(absolute),
  Sign: unary(sign, true),
  // onnxruntime fails on Relu of integers before Clip; Max does the same.
  Relu: floats(unary((x) => maxGrids(x, ZERO))),
  Floor: rounding(floor, floor),
  Ceil: rounding(ceiling, ceiling),
  // To the nearest, halves to even: between ceil(x - 1/2) and floor(x + 1/2).
  Round: rounding(
    (n, k) => ceiling(2n * n - (1n << k), k + 1n),
    (n, k) => floor(2n * n + (1n << k), k + 1n),
  ),
  Min: extreme(minGrids),
  Max: extreme(maxGrids),
  Clip: { inputs: [1, 3], apply: clip },
  Cast: { inputs: [1, 1], attributes: ['to', 'saturate'], apply: cast },
};
