/**
 * Whether a model's graph is, node for node, the recurrent network that the exporter writes. Sizes and numbers are read
 * from the graph's constants; with them the graph is written anew and compared: operators, names, attributes, types,
 * shapes and every constant. Metadata is never looked at.
 *
 * @module
 */
import { equalBytes } from '../../bytes.ts';
import type { Constant } from '../onnx/constant.ts';
import type { ElementArray } from '../onnx/elements.ts';
import { type Graph, type GraphNode, type Port, readGraph } from '../onnx/graph.ts';
import type { AttributeProto } from '../onnx/onnx-subset_pb.ts';
import { buildRecurrent } from './graph.ts';
import { BYTE_ROWS, CONTEXT_SIZE, type RecurrentNetwork, type ScaledMatrix } from './network.ts';

/** Sums of so many 8-bit rows fit in 16 bits, and of context hashes in 63. */
const CONTEXTS_MAX = 64;
/** Coefficients of context hashes are below this. */
const COEFFICIENT_LIMIT = 1n << 20n;

/** A constant of that type and rank; throws {@link Unrecognized} otherwise. */
function constantOf(graph: Graph, name: string | undefined, type: string, rank: number): Constant {
  const found = name === undefined ? undefined : graph.constants.get(name);
  if (found?.type.name !== type || found.dims.length !== rank) throw new Unrecognized();
  return found;
}

/** Thrown, and caught, in this file only. */
class Unrecognized extends Error {}

function matrixOf(graph: Graph, name: string): ScaledMatrix {
  const { dims, data } = constantOf(graph, name, 'int8', 2);
  const scales = constantOf(graph, `${name}_scale`, 'float32', 1).data as Float32Array;
  return { inputs: dims[0], columns: dims[1], data: data as Int8Array, scales };
}

/** The second input of the first node that has this operator and a constant of this rank in that place. */
function operand(graph: Graph, op: string, rank: number): Constant {
  for (const node of graph.nodes) {
    const found = node.op === op ? graph.constants.get(node.inputs[1] ?? '') : undefined;
    if (found?.type.name === 'int64' && found.dims.length === rank) return found;
  }
  throw new Unrecognized();
}

/** The network's numbers, if the graph has constants of its names; nothing is known yet of what it does with them. */
function readNetwork(graph: Graph): RecurrentNetwork {
  const tables = constantOf(graph, 'tables', 'int8', 2);
  const fromInput = matrixOf(graph, 'fromInput');
  const fromState = matrixOf(graph, 'fromState');
  const fromNewState = matrixOf(graph, 'fromNewState');
  const fromHidden = graph.constants.has('fromHidden') ? matrixOf(graph, 'fromHidden') : undefined;
  const bias = constantOf(graph, 'bias', 'float32', 1).data as Float32Array;
  const coefficients = operand(graph, 'MatMul', 2).data as BigInt64Array;
  const rows = Array.from(operand(graph, 'Mod', 1).data as BigInt64Array, Number);
  const units = fromState.inputs;
  const gates = fromState.columns / units;
  const sums = rows.reduce((sum, size) => sum + size, BYTE_ROWS);
  if (
    (gates !== 2 && gates !== 3) ||
    rows.length > CONTEXTS_MAX ||
    rows.some((size) => size < 1) ||
    sums !== tables.dims[0] ||
    coefficients.length !== CONTEXT_SIZE * rows.length ||
    coefficients.some((value) => value < 0n || value >= COEFFICIENT_LIMIT)
  ) {
    throw new Unrecognized();
  }
  return {
    gates,
    units,
    width: tables.dims[1],
    hidden: fromHidden?.inputs ?? 0,
    coefficients,
    rows,
    tables: tables.data as Int8Array,
    fromInput,
    fromState,
    fromNewState,
    ...(fromHidden && { fromHidden }),
    bias,
  };
}

function bytesOf(data: ElementArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function sameConstant(a: Constant, b: Constant): boolean {
  if (a.type !== b.type || !sameList(a.dims, b.dims) || a.data.byteLength !== b.data.byteLength) return false;
  // Large ones are the very same memory.
  const same = a.data.buffer === b.data.buffer && a.data.byteOffset === b.data.byteOffset;
  return same || equalBytes(bytesOf(a.data), bytesOf(b.data));
}

function samePort(a: Port, b: Port): boolean {
  return a.name === b.name && a.type === b.type && sameList(a.dims, b.dims);
}

function sameAttribute(a: AttributeProto, b: AttributeProto | undefined): boolean {
  // The exporter writes integers only.
  return b?.type === a.type && a.name === b.name && a.type === 2 && a.i === b.i;
}

function sameNode(a: GraphNode, b: GraphNode): boolean {
  return (
    a.op === b.op &&
    sameList(a.inputs, b.inputs) &&
    sameList(a.outputs, b.outputs) &&
    a.attributes.size === b.attributes.size &&
    [...a.attributes].every(([name, attribute]) => sameAttribute(attribute, b.attributes.get(name)))
  );
}

function sameGraph(a: Graph, b: Graph): boolean {
  const every = <T>(left: readonly T[], right: readonly T[], same: (x: T, y: T) => boolean): boolean =>
    left.length === right.length && left.every((item, i) => same(item, right[i]));
  return (
    a.opset === b.opset &&
    every(a.inputs, b.inputs, samePort) &&
    every(a.outputs, b.outputs, samePort) &&
    every(a.nodes, b.nodes, sameNode) &&
    every([...a.constants.keys()].sort(), [...b.constants.keys()].sort(), (x, y) => x === y) &&
    [...a.constants].every(([name, constant]) => sameConstant(constant, b.constants.get(name)!))
  );
}

/**
 * The network that a graph computes, or undefined where the graph is anything else.
 *
 * That its sums are exact is for the audit to prove: what is said here is only what the nodes are.
 */
export function recognizeRecurrent(graph: Graph): RecurrentNetwork | undefined {
  try {
    const network = readNetwork(graph);
    return sameGraph(graph, readGraph(buildRecurrent(network).model())) ? network : undefined;
  } catch (error) {
    if (error instanceof Unrecognized) return undefined;
    throw error;
  }
}
