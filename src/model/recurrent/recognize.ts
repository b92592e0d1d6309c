/**
 * Whether a model's graph is the recurrent network that the exporter writes.
 *
 * @module
 */
import type { Constant } from '../onnx/constant.ts';
import type { Graph } from '../onnx/graph.ts';
import { constantOf, recognize, Unrecognized } from '../onnx/recognize.ts';
import { buildRecurrent } from './graph.ts';
import { BYTE_ROWS, CONTEXT_SIZE, type RecurrentNetwork, type ScaledMatrix } from './network.ts';

/** Sums of so many 8-bit rows fit in 16 bits, and of context hashes in 63. */
const CONTEXTS_MAX = 64;
/** Coefficients of context hashes are below this. */
const COEFFICIENT_LIMIT = 1n << 20n;

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

/** The network that a graph computes, or undefined where the graph is anything else (onnx/recognize.ts). */
export function recognizeRecurrent(graph: Graph): RecurrentNetwork | undefined {
  return recognize(graph, readNetwork, buildRecurrent);
}
