/**
 * Rules of operators that change shapes: values stay what they are, only where they lie changes.
 *
 * Constants stay constants through Reshape, Squeeze and Unsqueeze. A result keeps its grids by channel as long as the last axis stays the last axis.
 *
 * @module
 */
import { elementNamed } from '../onnx/elements.ts';
import { readConstant } from '../onnx/constant.ts';
import type { NodeContext, Rule } from './context.ts';
import {
  type Dim,
  dimsText,
  divideDims,
  equalDims,
  fixed,
  fixedSize,
  maxSize,
  minSize,
  multiplyDims,
  type Shape,
} from './dim.ts';
import { type Channels, grid, type Grid, hull, joinGrids, ZERO } from './grid.ts';
import { type Abstract, constantTensor, fileConstant, fixedContent } from './tensor.ts';

/** The values of a shape input. */
export function shapeContent(node: NodeContext, index: number, what: string): readonly Dim[] {
  const tensor = node.input(index);
  if (tensor.type.name !== 'int64' || tensor.shape.length > 1)
    throw node.malformed(`${what} must be a vector of int64`);
  if (!tensor.content) throw node.malformed(`${what} is not known before the model runs`);
  return tensor.content;
}

/** The same, where lanes and time may not occur. */
export function fixedShapeContent(node: NodeContext, index: number, what: string): number[] {
  shapeContent(node, index, what);
  const values = fixedContent(node.input(index));
  if (!values) throw node.malformed(`${what} depends on lanes or time`);
  return values;
}

/** An integer that depends on lanes and time, as a grid. */
function dimGrid(dim: Dim): Grid {
  return grid(BigInt(minSize(dim)), BigInt(maxSize(dim)));
}

function ofContent(
  node: NodeContext,
  name: 'int64' | 'int32',
  shape: Shape,
  content: readonly Dim[],
): Abstract {
  const type = elementNamed(name);
  const channels = content.map(dimGrid);
  node.demandExact(type, channels, 'the shape');
  return node.make(type, shape, channels, content);
}

/** The grids after a change of shape that may have moved the last axis. */
export function keepLast(channels: Channels, kept: boolean): Channels {
  return kept ? channels : [hull(channels)];
}

function reshaped(node: NodeContext, x: Abstract, shape: Shape): Abstract {
  node.checkShape(shape);
  if (x.constant) return constantTensor(x.type, shape, x.constant);
  const [before, after] = [x.shape.at(-1) ?? fixed(1), shape.at(-1) ?? fixed(1)];
  const content = shape.length <= 1 ? x.content : undefined;
  return node.make(x.type, shape, keepLast(node.channels(0), equalDims(before, after)), content);
}

function reshape(node: NodeContext): Abstract {
  const x = node.input(0);
  if (node.int('allowzero', 0) !== 0) throw node.malformed('allowzero=1 is not supported');
  const target = shapeContent(node, 1, 'the shape');
  const total = x.shape.reduce(multiplyDims, fixed(1));
  let inferred = -1;
  const shape = target.map((dim, axis) => {
    const size = fixedSize(dim);
    if (size === 0) {
      const copied = x.shape.at(axis);
      if (!copied) throw node.malformed(`copies dimension ${axis} of a tensor of rank ${x.shape.length}`);
      return copied;
    }
    if (size !== undefined && size < 0) {
      if (size !== -1 || inferred >= 0)
        throw node.malformed('the shape has more than one -1, or another negative number');
      inferred = axis;
      return fixed(1);
    }
    return dim;
  });
  const product = shape.reduce(multiplyDims, fixed(1));
  if (inferred >= 0) {
    const rest = divideDims(total, product);
    if (!rest) throw node.malformed(`${dimsText(x.shape)} does not divide into ${dimsText(target)}`);
    shape[inferred] = rest;
  } else if (!equalDims(total, product)) {
    throw node.malformed(`${dimsText(x.shape)} and ${dimsText(shape)} have different sizes`);
  }
  return reshaped(node, x, shape);
}

function squeeze(node: NodeContext): Abstract {
  const x = node.input(0);
  const rank = x.shape.length;
  const axes = node.has(1)
    ? node.axes(fixedShapeContent(node, 1, 'axes'), rank)
    : x.shape.flatMap((dim, axis) => (fixedSize(dim) === 1 ? [axis] : []));
  if (!node.has(1) && x.shape.some((dim) => fixedSize(dim) === undefined)) {
    throw node.malformed('without axes its rank depends on lanes or time');
  }
  for (const axis of axes) {
    if (fixedSize(x.shape[axis]) !== 1)
      throw node.malformed(`dimension ${axis} of ${dimsText(x.shape)} is not 1`);
  }
  return reshaped(
    node,
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

function unsqueeze(node: NodeContext): Abstract {
  const x = node.input(0);
  const values = fixedShapeContent(node, 1, 'axes');
  const rank = x.shape.length + values.length;
  const axes = node.axes(values, rank);
  const rest = [...x.shape];
  return reshaped(
    node,
    x,
    Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? fixed(1) : rest.shift()!)),
  );
}

function transpose(node: NodeContext): Abstract {
  const x = node.input(0);
  const rank = x.shape.length;
  const order = node.ints('perm') ?? x.shape.map((_, axis) => rank - 1 - axis);
  if (order.length !== rank) throw node.malformed(`perm has ${order.length} axes, ${rank} expected`);
  node.axes(order, rank);
  if (order.some((axis) => axis < 0)) throw node.malformed('perm has a negative axis');
  return node.make(
    x.type,
    order.map((axis) => x.shape[axis]),
    keepLast(node.channels(0), order.at(-1) === rank - 1),
  );
}

function expand(node: NodeContext): Abstract {
  const x = node.input(0);
  const shape = node.broadcast(x.shape, shapeContent(node, 1, 'the shape'));
  return node.make(x.type, shape, node.channels(0));
}

function shapeOf(node: NodeContext): Abstract {
  const { shape } = node.input(0);
  const rank = shape.length;
  const clamp = (value: number): number => Math.min(Math.max(value < 0 ? value + rank : value, 0), rank);
  const content = shape.slice(clamp(node.int('start', 0)), clamp(node.int('end', rank)));
  if (content.length === 0) throw node.malformed('the shape of a scalar is empty');
  return ofContent(node, 'int64', [fixed(content.length)], content);
}

function constantOfShape(node: NodeContext): Abstract {
  const shape = shapeContent(node, 0, 'the shape');
  const value = node.node.attributes.get('value')?.t;
  if (!value) return node.make(elementNamed('float32'), shape, [ZERO]);
  const filler = fileConstant(readConstant(value, `value of ${node.node.label}`));
  if (fixedSize(filler.shape.reduce(multiplyDims, fixed(1))) !== 1)
    throw node.malformed('its value is not one number');
  if (!filler.channels) throw node.inexact('its value is an infinity or a NaN');
  return node.make(filler.type, shape, filler.channels);
}

/** The integers 0, 1, 2 ... below a limit, which may depend on lanes and time. */
function range(node: NodeContext): Abstract {
  const type = node.integerType(node.input(0));
  node.sameType(...node.inputs());
  const [start, limit, delta] = [0, 1, 2].map((index) => node.input(index).content?.at(0));
  if (!start || !limit || !delta)
    throw node.malformed('its start, limit and delta are not known before the model runs');
  if (fixedSize(start) !== 0 || fixedSize(delta) !== 1) throw node.malformed('start 0 and delta 1 expected');
  const channels = [grid(0n, BigInt(maxSize(limit)) - 1n)];
  node.demandExact(type, channels);
  return node.make(type, [limit], channels);
}

function trilu(node: NodeContext): Abstract {
  const x = node.input(0);
  if (x.shape.length < 2) throw node.malformed('a matrix expected');
  return node.make(
    x.type,
    x.shape,
    node.channels(0).map((g) => joinGrids(g, ZERO)),
  );
}

export const SHAPES: Readonly<Record<string, Rule>> = {
  Identity: { inputs: [1, 1], apply: (node) => node.input(0) },
  Reshape: { inputs: [2, 2], attributes: ['allowzero'], apply: reshape },
  Squeeze: { inputs: [1, 2], apply: squeeze },
  Unsqueeze: { inputs: [2, 2], apply: unsqueeze },
  Transpose: { inputs: [1, 1], attributes: ['perm'], apply: transpose },
  Expand: { inputs: [2, 2], apply: expand },
  Shape: { inputs: [1, 1], attributes: ['start', 'end'], apply: shapeOf },
  ConstantOfShape: { inputs: [1, 1], attributes: ['value'], apply: constantOfShape },
  Range: { inputs: [3, 3], apply: range },
  Trilu: { inputs: [1, 2], attributes: ['upper'], since: 14, apply: trilu },
};
