/**
 * Rules of operators that pick parts of tensors or put them together. Gather is a model's table look-up: its indices are
 * proven to lie inside, for what an index outside does is not the same everywhere.
 *
 * @module
 */
import type { NodeContext, Rule } from './context.ts';
import {
  addDims,
  type Dim,
  dimText,
  equalDims,
  fixed,
  fixedSize,
  minSize,
  type Shape,
  subtractDims,
} from './dim.ts';
import { type Channels, CHANNELS_MAX, type Grid, integers, joinGrids, zipChannels } from './grid.ts';
import { fixedShapeContent, keepLast, shapeContent } from './rules-shape.ts';
import { type Abstract, fixedContent } from './tensor.ts';

function replaced(shape: Shape, axis: number, dim: Dim): Dim[] {
  return shape.map((old, i) => (i === axis ? dim : old));
}

function gather(node: NodeContext): Abstract {
  const [data, indices] = [node.input(0), node.input(1)];
  if (indices.type.name !== 'int32' && indices.type.name !== 'int64') {
    throw node.malformed(`indices of type ${indices.type.name}, int32 or int64 expected`);
  }
  const axis = node.axis(node.int('axis', 0), data.shape.length);
  const size = BigInt(minSize(data.shape[axis]));
  for (const g of node.channels(1)) {
    const { low, high } = integers(g);
    if (low < -size || high >= size) {
      throw node.inexact(
        `its indices ${String(low)} .. ${String(high)} may leave a table of ${String(size)} rows`,
        'Clip them, or take the remainder.',
      );
    }
  }
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const known = data.content && indices.shape.length <= 1 ? fixedContent(indices) : undefined;
  const content = known?.map((index) => data.content!.at(index)!);
  return node.make(data.type, shape, keepLast(node.channels(0), axis < data.shape.length - 1), content);
}

/** The start or end of a slice: counted from the end where negative, and never outside. */
function clampPosition(node: NodeContext, position: Dim, dim: Dim): Dim {
  const fixedPosition = fixedSize(position);
  if (fixedPosition === undefined) {
    // Symbolic, as an end "time": inside for sure, or refused.
    if (minSize(position) >= 0 && minSize(subtractDims(dim, position)) >= 0) return position;
    throw node.malformed(`cannot place ${dimText(position)} in a dimension of ${dimText(dim)}`);
  }
  const size = fixedSize(dim);
  if (size !== undefined) {
    const counted = fixedPosition < 0 ? fixedPosition + size : fixedPosition;
    return fixed(Math.min(Math.max(counted, 0), size));
  }
  if (fixedPosition < 0) {
    const counted = addDims(dim, fixed(fixedPosition));
    if (minSize(counted) >= 0) return counted;
  } else {
    if (fixedPosition >= 2 ** 31) return dim;
    if (fixedPosition <= minSize(dim)) return position;
  }
  throw node.malformed(`cannot place ${fixedPosition} in a dimension of ${dimText(dim)}`);
}

/** Values of `starts` and `ends`; exporters write the largest and smallest int64 for "to the end". */
function positions(node: NodeContext, index: number, what: string): readonly Dim[] {
  const { constant } = node.input(index);
  if (constant instanceof BigInt64Array && constant.length <= 8) {
    const end = 2n ** 31n;
    return Array.from(constant, (value) => fixed(Number(value > end ? end : value < -end ? -end : value)));
  }
  return shapeContent(node, index, what);
}

function slice(node: NodeContext): Abstract {
  const x = node.input(0);
  const rank = x.shape.length;
  const starts = positions(node, 1, 'starts');
  const ends = positions(node, 2, 'ends');
  const axes = node.has(3)
    ? node.axes(fixedShapeContent(node, 3, 'axes'), rank)
    : node.axes(
        starts.map((_, i) => i),
        rank,
      );
  const steps = node.has(4) ? fixedShapeContent(node, 4, 'steps') : starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw node.malformed('starts, ends, axes and steps have different lengths');
  }
  let shape: Shape = x.shape;
  let channels = node.channels(0);
  let content = x.content;
  for (const [i, axis] of axes.entries()) {
    const dim = x.shape[axis];
    const step = steps[i];
    const start = clampPosition(node, starts[i], dim);
    const length = subtractDims(clampPosition(node, ends[i], dim), start);
    const size = fixedSize(length);
    if (step < 1 || (step > 1 && size === undefined))
      throw node.malformed(`step ${step} is not supported here`);
    shape = replaced(shape, axis, size === undefined ? length : fixed(Math.max(0, Math.ceil(size / step))));
    const from = fixedSize(start);
    const picked = <T>(items: readonly T[]): readonly T[] =>
      items.slice(from, from! + size!).filter((_, at) => at % step === 0);
    if (axis === rank - 1 && channels.length > 1) channels = picked(channels);
    content = content && from !== undefined && size !== undefined ? picked(content) : undefined;
  }
  node.checkShape(shape);
  return node.make(x.type, shape, channels, content);
}

function split(node: NodeContext): Abstract[] {
  const x = node.input(0);
  const axis = node.axis(node.int('axis', 0), x.shape.length);
  const size = fixedSize(x.shape[axis]);
  if (size === undefined) throw node.malformed(`splits a dimension of ${dimText(x.shape[axis])}`);
  const count = node.node.outputs.length;
  const even = Math.ceil(size / count);
  const sizes = node.has(1)
    ? fixedShapeContent(node, 1, 'the split')
    : Array.from({ length: count }, (_, i) => Math.min(even, size - i * even));
  if (node.int('num_outputs', count) !== count || sizes.length !== count) {
    throw node.malformed(`splits into ${sizes.length} parts, but has ${count} outputs`);
  }
  if (sizes.some((part) => part < 1) || sizes.reduce((a, b) => a + b, 0) !== size) {
    throw node.malformed(`splits ${size} into ${sizes.join(' + ')}`);
  }
  const channels = node.channels(0);
  const byChannel = axis === x.shape.length - 1 && channels.length > 1;
  let at = 0;
  return sizes.map((part) => {
    const from = at;
    at += part;
    return node.make(
      x.type,
      replaced(x.shape, axis, fixed(part)),
      byChannel ? channels.slice(from, at) : channels,
      x.content?.slice(from, at),
    );
  });
}

function concat(node: NodeContext): Abstract {
  const tensors = node.inputs();
  const first = tensors[0];
  const type = node.sameType(...tensors);
  const rank = first.shape.length;
  const axis = node.axis(node.int('axis', Number.NaN), rank);
  for (const { shape } of tensors) {
    if (shape.length !== rank || shape.some((dim, i) => i !== axis && !equalDims(dim, first.shape[i]))) {
      throw node.malformed('its inputs have different shapes');
    }
  }
  const length = tensors.map((tensor) => tensor.shape[axis]).reduce(addDims);
  const size = fixedSize(length);
  const all = tensors.map((_, i) => node.channels(i));
  let channels: Channels;
  if (axis < rank - 1) channels = all.reduce((a, b) => zipChannels(a, b, joinGrids));
  else if (size !== undefined && size <= CHANNELS_MAX) {
    channels = all.flatMap((part, i): readonly Grid[] => {
      const width = fixedSize(tensors[i].shape[axis])!;
      return part.length === width ? part : Array.from({ length: width }, () => part[0]);
    });
  } else channels = [all.flat().reduce(joinGrids)];
  const contents = tensors.map((tensor) => tensor.content);
  const content = contents.every((part) => part !== undefined) ? contents.flat() : undefined;
  return node.make(type, replaced(first.shape, axis, length), channels, content);
}

export const INDEXING: Readonly<Record<string, Rule>> = {
  Gather: { inputs: [2, 2], attributes: ['axis'], apply: gather },
  Slice: { inputs: [3, 5], apply: slice },
  Split: { inputs: [1, 2], attributes: ['axis', 'num_outputs'], apply: split },
  Concat: { inputs: [1, 1024], attributes: ['axis'], apply: concat },
};
