/**
 * Whether a model's graph is a Transformer that the exporter writes, of sizes that the kernel can run.
 *
 * @module
 */
import type { Constant } from '../onnx/constant.ts';
import type { Graph } from '../onnx/graph.ts';
import { constantOf, recognize, Unrecognized } from '../onnx/recognize.ts';
import { buildTransformer } from './graph.ts';
import {
  ALPHABET,
  GRIDS,
  type IntegerLayer,
  type IntegerNorm,
  type IntegerProduct,
  type TransformerNetwork,
  type TransformerSizes,
  VALUE_BITS,
} from './network.ts';

/** Heads and hidden layers are multiples of the kernel's vectors of eight. */
const SIZE_STEP = 8;
/** Query times key, int32, and all else is far within its type up to here. */
const WIDTH_MAX = 1024;
/** The kernel sums halves of attention weights times values in int32: 4097 * 2^12 * 127 < 2^31. */
const CONTEXT_MAX = 4096;
/** Exponents of float32 factors, far within what it holds. */
const SHIFT_MAX = 100;

function demand(condition: boolean): void {
  if (!condition) throw new Unrecognized();
}

/** A constant of that type and those dimensions. */
function shaped(
  graph: Graph,
  name: string,
  type: 'int8' | 'int16' | 'float32' | 'int64',
  ...dims: number[]
): Constant {
  const found = constantOf(graph, name, type, dims.length);
  demand(found.dims.every((size, i) => size === dims[i]));
  return found;
}

/** Integers that are stored times 2^-bits. What is no integer is found out when the graph is compared. */
function vector(graph: Graph, name: string, size: number, bits: number): Int32Array {
  return Int32Array.from(
    shaped(graph, name, 'float32', size).data as Float32Array,
    (value) => value * 2 ** bits,
  );
}

function product(
  graph: Graph,
  name: string,
  inputs: number,
  columns: number,
  biased: boolean,
): IntegerProduct {
  const scales = shaped(graph, `${name}.scale`, 'float32', columns).data as Float32Array;
  const shifts = Int32Array.from(scales, (scale) => -Math.round(Math.log2(scale)));
  demand(shifts.every((shift) => Math.abs(shift) <= SHIFT_MAX));
  return {
    inputs,
    columns,
    data: shaped(graph, name, 'int8', inputs, columns).data as Int8Array,
    shifts,
    ...(biased && { bias: vector(graph, `${name}.bias`, columns, 0) }),
  };
}

function readLayer(graph: Graph, sizes: TransformerSizes, index: number): IntegerLayer {
  const { width, heads, widening, positions } = sizes;
  const name = (part: string): string => `layer${index}.${part}`;
  const norm = (part: string): IntegerNorm => ({
    scale: vector(graph, name(`${part}.scale`), width, GRIDS.normal),
    offset: vector(graph, name(`${part}.offset`), width, GRIDS.normal),
  });
  const score = (shaped(graph, name('score.scale'), 'float32').data as Float32Array)[0];
  const productBits = GRIDS.score - Math.round(Math.log2(score));
  demand(Math.abs(productBits) <= SHIFT_MAX);
  const valueScale = shaped(graph, name('value.scale'), 'int64', heads, 1, width / heads).data;
  const valueBits = Int32Array.from(
    valueScale as BigInt64Array,
    (scale) => GRIDS.x - Math.round(Math.log2(Number(scale))),
  );
  demand(valueBits.every((bits) => bits >= VALUE_BITS.least && bits <= VALUE_BITS.most));
  return {
    project: product(graph, name('project'), width, (positions === 'rotary' ? 5 : 3) * width, false),
    productBits,
    valueBits,
    mix: product(graph, name('mix'), width, width, false),
    norm1: norm('norm1'),
    up: product(graph, name('up'), width, width * widening, true),
    down: product(graph, name('down'), width * widening, width, true),
    norm2: norm('norm2'),
  };
}

/** The network's numbers, if the graph has constants of its names; nothing is known yet of what it does with them. */
function readNetwork(graph: Graph): TransformerNetwork {
  const embedding = constantOf(graph, 'embedding', 'int16', 2);
  const width = embedding.dims[1];
  const heads = constantOf(graph, 'layer0.value.scale', 'int64', 3).dims[0];
  const widening = constantOf(graph, 'layer0.up', 'int8', 2).dims[1] / width;
  const context = constantOf(graph, 'positions0', 'int16', 2).dims[0];
  let layers = 1;
  while (graph.constants.has(`layer${layers}.project`)) layers++;
  const rotary = graph.constants.has('positions1');
  demand(
    embedding.dims[0] === ALPHABET &&
      (width & (width - 1)) === 0 &&
      width <= WIDTH_MAX &&
      width % (SIZE_STEP * heads) === 0 &&
      Number.isInteger(widening) &&
      context <= CONTEXT_MAX,
  );
  const config: TransformerSizes = {
    layers,
    heads,
    width,
    widening,
    context,
    positions: rotary ? 'rotary' : 'sinusoidal',
  };
  const table = (name: string): Int16Array =>
    shaped(graph, name, 'int16', context, rotary ? width / heads : width).data as Int16Array;
  return {
    config,
    embedding: embedding.data as Int16Array,
    positions: rotary ? [table('positions0'), table('positions1')] : [table('positions0')],
    layers: Array.from({ length: layers }, (_, index) => readLayer(graph, config, index)),
    output: product(graph, 'output', width, ALPHABET, true),
  };
}

/** The network that a graph computes, or undefined where the graph is anything else (onnx/recognize.ts). */
export function recognizeTransformer(graph: Graph): TransformerNetwork | undefined {
  return recognize(graph, readNetwork, buildTransformer);
}
