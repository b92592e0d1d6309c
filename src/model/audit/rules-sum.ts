/**
 * Rules of operators that add many values up: matrix products and reductions.
 *
 * Kernels add in any order, in blocks, with or without fused multiply-add, so every partial sum must be exact, not just
 * the result. A sum of terms t_i in low_i .. high_i with low_i <= 0 <= high_i has all its partial sums inside
 * [sum of low_i, sum of high_i]; the terms' ranges are widened to hold 0 first. That is also the range which the result
 * is known by, so that a runtime may fold a following scale or bias into the product.
 *
 * MatMulInteger multiplies 8-bit integers and adds in int32. Two more things are proven, for its kernels:
 *
 * - x86 without VNNI adds pairs of u8 * s8 products in int16, with saturation (vpmaddubsw); ARM kernels add pairs of
 *   s8 * s8 products in int16, wrapping. Which two weights of a column form a pair is the kernel's business. So with
 *   weights of type int8, the two largest magnitudes of a column, times the largest magnitude that an input may have in
 *   any kernel's form, stay within 32767. That form is: u8 as it is (up to its high end), s8 with 128 added, u8 with
 *   128 taken off (up to 128); all before zero points, which kernels apply afterwards. Weights of type uint8 are never
 *   multiplied so, they are widened to int16 or go to VNNI, which adds in int32.
 * - VNNI adds to int32 with saturation, starting from zero-point corrections. Up to 8192 rows, the largest that these
 *   and all products can reach together stays below 2^31: 4 * 8192 * 255 * 255.
 *
 * ReduceSum of 64-bit integers is proven up to 2^53: onnxruntime adds them up in doubles.
 *
 * @module
 */
import type { ElementArray } from '../onnx/elements.ts';
import { elementNamed } from '../onnx/elements.ts';
import type { NodeContext, Rule } from './context.ts';
import { type Dim, dimsText, equalDims, fixed, fixedSize, maxSize, type Shape } from './dim.ts';
import {
  addGrids,
  type Channels,
  type Grid,
  grid,
  hull,
  integers,
  joinGrids,
  mapChannels,
  multiplyGrids,
  partialSums,
  withZero,
  ZERO,
} from './grid.ts';
import { fixedShapeContent, keepLast } from './rules-shape.ts';
import { columnSums, largestPairs } from './scan.ts';
import type { Abstract } from './tensor.ts';

const ROWS_MAX = 8192;
const PAIR_MAX = 32767;
const DOUBLE = elementNamed('float64');
/** Products of grids per channel of both sides are added up one by one below this number. */
const PAIRS_MAX = 1 << 14;

type Weights = Exclude<ElementArray, BigInt64Array | BigUint64Array>;

interface Product {
  readonly shape: Shape;
  /** Length of the summed axis. */
  readonly rows: Dim;
  readonly columns: Dim;
}

function productShape(node: NodeContext, a: Shape, b: Shape): Product {
  if (a.length < 2 || b.length < 2) throw node.malformed('its inputs need two axes or more');
  const rows = b.at(-2)!;
  if (!equalDims(a.at(-1)!, rows))
    throw node.malformed(`shapes ${dimsText(a)} and ${dimsText(b)} do not go together`);
  const columns = b.at(-1)!;
  return { shape: [...node.broadcast(a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, columns], rows, columns };
}

function realEnd(n: bigint, exp: number): number {
  return n === 0n ? 0 : Number(n) * 2 ** exp;
}

/** By column, from the weights themselves. */
function weightedSums(
  node: NodeContext,
  weights: Weights,
  rows: number,
  x: Channels,
  w: Channels,
  columns: number,
): Grid[] {
  const inputs = x.map(withZero);
  const exp = Math.min(...inputs.map((g) => g.exp));
  const lows = inputs.map((g) => realEnd(g.low, g.exp));
  const highs = inputs.map((g) => realEnd(g.high, g.exp));
  const sums = columnSums(weights, rows, columns, lows, highs);
  return Array.from({ length: columns }, (_, column) => {
    const unit = exp + w[w.length === 1 ? 0 : column].exp;
    const [low, high] = [sums.low[column], sums.high[column]];
    if (low === 0 && high === 0) return ZERO;
    const [least, most] = [low / 2 ** unit, high / 2 ** unit];
    // Sums of doubles are exact up to here, so a sum that is reported as smaller is smaller.
    if (!(least > -(2 ** 53) && most < 2 ** 53))
      throw node.inexact(`the sums of column ${column} pass 2^53 units`);
    return grid(BigInt(least), BigInt(most), unit);
  });
}

/** By column, from the ranges of both sides. */
function rangedSums(rows: Dim, x: Channels, w: Channels): Channels {
  const count = BigInt(maxSize(rows));
  const left = x.length * w.length > PAIRS_MAX ? [hull(x)] : x;
  const each = left.length === 1 ? count : 1n;
  return w.map((column) => left.map((g) => partialSums(multiplyGrids(g, column), each)).reduce(addGrids));
}

function matrixSums(node: NodeContext, product: Product, a: number, b: number): Channels {
  const weights = node.input(b);
  const [x, w] = [node.channels(a), node.channels(b)];
  const [rows, columns] = [fixedSize(product.rows), fixedSize(product.columns)];
  const matrix = weights.constant;
  if (
    matrix &&
    weights.shape.length === 2 &&
    !(matrix instanceof BigInt64Array || matrix instanceof BigUint64Array)
  ) {
    demandWeights(node, w, b);
    node.spend(matrix.length);
    return weightedSums(node, matrix, rows!, x, w, columns!);
  }
  node.spendGrids(x.length * w.length);
  return rangedSums(product.rows, x, w);
}

/** Says "float weights" where that is what is wrong, before the sums are found to be too large. */
function demandWeights(node: NodeContext, w: Channels, index: number): void {
  if (node.input(index).type.kind === 'float') {
    node.demandExact(node.input(index).type, w, 'float weights are not exact: a column');
  }
}

function matMul(node: NodeContext): Abstract {
  const [a, b] = [node.input(0), node.input(1)];
  const type = node.sameType(a, b);
  if (type.kind === 'bool') throw node.malformed('a numeric tensor expected, got bool');
  const product = productShape(node, a.shape, b.shape);
  const channels = matrixSums(node, product, 0, 1);
  node.demandExact(type, channels, 'a sum of products');
  return node.make(type, product.shape, channels);
}

function gemm(node: NodeContext): Abstract {
  const [a, b] = [node.input(0), node.input(1)];
  const type = node.sameType(a, b);
  if (node.int('transA', 0) !== 0 || node.int('transB', 0) !== 0)
    throw node.malformed('transA and transB are not supported');
  if (node.float('alpha', 1) !== 1 || node.float('beta', 1) !== 1)
    throw node.malformed('alpha 1 and beta 1 expected');
  if (a.shape.length !== 2 || b.shape.length !== 2) throw node.malformed('two matrices expected');
  const product = productShape(node, a.shape, b.shape);
  let channels = matrixSums(node, product, 0, 1);
  if (node.has(2)) {
    const c = node.input(2);
    node.sameType(a, c);
    node.broadcast(product.shape, c.shape);
    const bias = node.channels(2).map(withZero);
    const longer = bias.length > channels.length ? bias : channels;
    channels = longer.map((_, i) =>
      addGrids(channels[channels.length === 1 ? 0 : i], bias[bias.length === 1 ? 0 : i]),
    );
  }
  node.demandExact(type, channels, 'a sum of products');
  return node.make(type, product.shape, channels);
}

/** A zero point: one constant for the inputs, one or one per column for the weights. */
function zeroPoints(node: NodeContext, index: number, of: Abstract, columns: number): ArrayLike<number> {
  if (!node.has(index)) return [0];
  const { type, shape, constant } = node.input(index);
  if (type !== of.type || !constant)
    throw node.malformed(`zero point ${index} must be a constant of type ${of.type.name}`);
  const perColumn = shape.length === 1 && constant.length === columns && columns > 0;
  if (constant.length !== 1 && !perColumn)
    throw node.malformed(`zero point ${index} has ${constant.length} elements`);
  return constant as ArrayLike<number>;
}

function offset(g: Grid, zero: number): Grid {
  return addGrids(g, grid(BigInt(-zero), BigInt(-zero)));
}

function matMulInteger(node: NodeContext): Abstract {
  const [a, b] = [node.input(0), node.input(1)];
  for (const { type } of [a, b]) {
    if (type.name !== 'uint8' && type.name !== 'int8')
      throw node.malformed(`uint8 or int8 expected, got ${type.name}`);
  }
  const product = productShape(node, a.shape, b.shape);
  const [rows, columns] = [fixedSize(product.rows) ?? Infinity, fixedSize(product.columns) ?? 0];
  if (rows > ROWS_MAX)
    throw node.inexact(`sums ${dimsText([product.rows])} products, at most ${ROWS_MAX} are proven`);
  const zeroA = zeroPoints(node, 2, a, 0);
  if (zeroA.length !== 1) throw node.malformed('one zero point for all inputs expected');
  const zeroB = zeroPoints(node, 3, b, columns);
  const raw = node.channels(0);
  const x = raw.map((g) => withZero(offset(g, zeroA[0])));
  const matrix = b.constant && b.shape.length === 2 ? b.constant : undefined;
  if (b.type.name === 'int8') {
    if (!matrix)
      throw node.inexact(
        'int8 weights must be a constant matrix: kernels may saturate',
        'Use uint8 weights.',
      );
    demandPairs(node, a, raw, largestPairs(matrix as Weights, rows, columns));
  }
  let channels: Channels;
  if (matrix) {
    const ends = x.map(integers);
    const weights = matrix as Weights;
    node.spend(weights.length);
    const lows = ends.map(({ low }) => Number(low));
    const highs = ends.map(({ high }) => Number(high));
    const sums = columnSums(weights, rows, columns, lows, highs, zeroB);
    channels = Array.from(sums.low, (low, column) => grid(BigInt(low), BigInt(sums.high[column])));
  } else {
    if (zeroB.length !== 1) throw node.malformed('one zero point for all weights expected');
    channels = rangedSums(
      product.rows,
      x,
      node.channels(1).map((g) => offset(g, zeroB[0])),
    );
  }
  const type = elementNamed('int32');
  node.demandExact(type, channels, 'a sum of products');
  return node.make(type, product.shape, channels);
}

function demandPairs(node: NodeContext, a: Abstract, raw: Channels, pairs: Int32Array): void {
  const high = Number(integers(hull(raw)).high);
  const most = a.type.name === 'int8' ? high + 128 : Math.max(high, 128);
  const largest = pairs.reduce((x, y) => Math.max(x, y), 0);
  if (largest * most > PAIR_MAX) {
    const column = pairs.indexOf(largest);
    throw node.inexact(
      `int8 weights of column ${column} add up to ${largest} in a pair, times inputs up to ${most} that is ${largest * most}; ` +
        `kernels that add pairs in 16 bits are exact up to ${PAIR_MAX}`,
      'Use uint8 weights with zero point 128, or smaller weights or inputs.',
    );
  }
}

/** The axes that a reduction reduces: an input, or before operator set 18 for Max and Min an attribute. */
function reducedAxes(node: NodeContext, x: Abstract): number[] {
  const rank = x.shape.length;
  const asAttribute = node.ints('axes');
  if (asAttribute && (node.node.op === 'ReduceSum' || node.opset >= 18))
    throw node.malformed('axes must be an input');
  if (asAttribute) return node.axes(asAttribute, rank);
  if (node.has(1)) return node.axes(fixedShapeContent(node, 1, 'axes'), rank);
  if (node.int('noop_with_empty_axes', 0) !== 0)
    throw node.malformed('noop_with_empty_axes=1 is not supported');
  return x.shape.map((_, axis) => axis);
}

function reduction(combine: (grids: Channels, others: bigint) => Grid, sums: boolean): Rule {
  return {
    inputs: [1, 2],
    attributes: ['keepdims', 'noop_with_empty_axes', 'axes'],
    apply(node) {
      const x = node.input(0);
      const type = x.type;
      if (type.kind === 'bool') throw node.malformed('a numeric tensor expected, got bool');
      const axes = reducedAxes(node, x);
      if (axes.length === 0) throw node.malformed('reduces no axis');
      const keep = node.int('keepdims', 1) !== 0;
      const last = x.shape.length - 1;
      const shape = x.shape.flatMap((dim, axis) => (axes.includes(axis) ? (keep ? [fixed(1)] : []) : [dim]));
      const others = axes
        .filter((axis) => axis !== last)
        .reduce((product, axis) => product * BigInt(maxSize(x.shape[axis])), 1n);
      const grids = node.channels(0);
      let channels: Channels;
      if (!axes.includes(last)) channels = mapChannels(grids, (g) => combine([g], others));
      else {
        const length = BigInt(maxSize(x.shape[last]));
        channels = [combine(grids, grids.length === 1 ? others * length : others)];
      }
      if (sums) {
        node.demandExact(type, channels, 'a sum');
        // onnxruntime adds integers up in doubles.
        if (type.kind !== 'float') node.demandExact(DOUBLE, channels, 'a sum');
      } else node.demandOrdered(type, grids);
      return node.make(type, shape, channels);
    },
  };
}

function cumulativeSum(node: NodeContext): Abstract {
  const x = node.input(0);
  const type = x.type;
  if (type.kind === 'bool') throw node.malformed('a numeric tensor expected, got bool');
  const axis = node.axis(fixedAxis(node), x.shape.length);
  const count = BigInt(maxSize(x.shape[axis]));
  const grids = keepLast(node.channels(0), axis < x.shape.length - 1);
  const channels = mapChannels(grids, (g) => partialSums(g, count));
  node.demandExact(type, channels, 'a sum');
  return node.make(type, x.shape, channels);
}

function fixedAxis(node: NodeContext): number {
  const axis = node.input(1).content?.at(0);
  const value = axis && fixedSize(axis);
  if (value === undefined) throw node.malformed('its axis is not a constant');
  return value;
}

export const SUMS: Readonly<Record<string, Rule>> = {
  MatMul: { inputs: [2, 2], apply: matMul },
  Gemm: { inputs: [2, 3], attributes: ['alpha', 'beta', 'transA', 'transB'], apply: gemm },
  MatMulInteger: { inputs: [2, 4], apply: matMulInteger },
  ReduceSum: reduction((grids, others) => grids.map((g) => partialSums(g, others)).reduce(addGrids), true),
  ReduceMax: reduction((grids) => grids.reduce(joinGrids), false),
  ReduceMin: reduction((grids) => grids.reduce(joinGrids), false),
  CumSum: { inputs: [2, 2], attributes: ['exclusive', 'reverse'], apply: cumulativeSum },
};
