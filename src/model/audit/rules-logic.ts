/**
 * Rules of comparisons, choices and bits: exact by nature, only their ranges need care. Comparisons are not followed
 * into the branches that they choose: Where is known to give one of its two values.
 *
 * @module
 */
import { elementNamed } from '../onnx/elements.ts';
import type { NodeContext, Rule } from './context.ts';
import {
  grid,
  type Grid,
  gridBits,
  integers,
  joinGrids,
  mapChannels,
  maxBig,
  minBig,
  zipChannels,
} from './grid.ts';
import type { Abstract } from './tensor.ts';

const TRUTH: Grid = grid(0n, 1n);
const BOOL = elementNamed('bool');

function comparison(ordering: boolean): Rule {
  return {
    inputs: [2, 2],
    apply(node) {
      const [a, b] = [node.input(0), node.input(1)];
      const type = node.sameType(a, b);
      for (const index of [0, 1]) {
        // Asks for the grids in any case, so that infinities and NaNs are refused.
        const channels = node.channels(index);
        if (ordering) node.demandOrdered(type, channels);
      }
      return node.make(BOOL, node.broadcast(a.shape, b.shape), [TRUTH]);
    },
  };
}

function logic(inputs: 1 | 2): Rule {
  return {
    inputs: [inputs, inputs],
    apply(node) {
      const tensors = node.inputs();
      if (tensors.some((tensor) => tensor.type !== BOOL)) throw node.malformed('bool tensors expected');
      return node.make(BOOL, node.broadcast(...tensors.map((tensor) => tensor.shape)), [TRUTH]);
    },
  };
}

function where(node: NodeContext): Abstract {
  const [condition, a, b] = [node.input(0), node.input(1), node.input(2)];
  if (condition.type !== BOOL) throw node.malformed('its condition must be bool');
  const type = node.sameType(a, b);
  const shape = node.broadcast(condition.shape, a.shape, b.shape);
  return node.make(type, shape, zipChannels(node.channels(1), node.channels(2), joinGrids));
}

/** Integers of `bits` magnitude bits in two's complement. */
function wide(bits: number, negative: boolean): Grid {
  const end = 1n << BigInt(bits);
  return grid(negative ? -end : 0n, end - 1n);
}

function bitwise(rule: (a: Grid, b: Grid, bits: number) => Grid): Rule {
  return {
    inputs: [2, 2],
    since: 18,
    apply(node) {
      const [a, b] = [node.input(0), node.input(1)];
      const type = node.integerType(a);
      node.sameType(a, b);
      const shape = node.broadcast(a.shape, b.shape);
      const channels = zipChannels(node.channels(0), node.channels(1), (x, y) => {
        const [p, q] = [integers(x), integers(y)].map(({ low, high }) => grid0(low, high)) as [Grid, Grid];
        return rule(p, q, Math.max(gridBits(p), gridBits(q)));
      });
      return node.make(type, shape, channels);
    },
  };
}

/** Without a single value's exponent: n itself is what bit operators work on. */
function grid0(low: bigint, high: bigint): Grid {
  return { low, high, exp: 0 };
}

function shift(node: NodeContext): Abstract {
  const [x, amount] = [node.input(0), node.input(1)];
  const type = node.sameType(x, amount);
  if (type.kind !== 'unsigned') throw node.malformed(`an unsigned tensor expected, got ${type.name}`);
  const shape = node.broadcast(x.shape, amount.shape);
  const direction = node.text('direction', '');
  if (direction !== 'LEFT' && direction !== 'RIGHT')
    throw node.malformed(`direction "${direction}", LEFT or RIGHT expected`);
  const channels = zipChannels(node.channels(0), node.channels(1), (a, b) => {
    const [value, by] = [integers(a), integers(b)];
    const width = BigInt(type.size * 8);
    if (by.high >= width)
      throw node.inexact(`shifts by up to ${String(by.high)} bits, less than ${String(width)} expected`);
    return direction === 'LEFT'
      ? grid(value.low << by.low, value.high << by.high)
      : grid(value.low >> by.high, value.high >> by.low);
  });
  node.demandExact(type, channels);
  return node.make(type, shape, channels);
}

function bitwiseNot(node: NodeContext): Abstract {
  const x = node.input(0);
  const type = node.integerType(x);
  const ones = type.kind === 'signed' ? -1n : type.high;
  const channels = mapChannels(node.channels(0), (g) => {
    const { low, high } = integers(g);
    return grid(ones - high, ones - low);
  });
  return node.make(type, x.shape, channels);
}

export const LOGIC: Readonly<Record<string, Rule>> = {
  Equal: comparison(false),
  Less: comparison(true),
  Greater: comparison(true),
  LessOrEqual: comparison(true),
  GreaterOrEqual: comparison(true),
  And: logic(2),
  Or: logic(2),
  Xor: logic(2),
  Not: logic(1),
  Where: { inputs: [3, 3], apply: where },
  BitShift: { inputs: [2, 2], attributes: ['direction'], apply: shift },
  BitwiseAnd: bitwise((a, b, bits) => {
    if (a.low >= 0n && b.low >= 0n) return grid(0n, minBig(a.high, b.high));
    if (a.low >= 0n) return grid(0n, a.high);
    return b.low >= 0n ? grid(0n, b.high) : wide(bits, true);
  }),
  BitwiseOr: bitwise((a, b, bits) =>
    a.low >= 0n && b.low >= 0n ? grid(maxBig(a.low, b.low), (1n << BigInt(bits)) - 1n) : wide(bits, true),
  ),
  BitwiseXor: bitwise((a, b, bits) => wide(bits, a.low < 0n || b.low < 0n)),
  BitwiseNot: { inputs: [1, 1], since: 18, apply: bitwiseNot },
};
