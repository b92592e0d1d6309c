/**
 * Whether a model's graph is, node for node, what an exporter of lmz writes. A family's sizes and numbers are read from the
 * graph's constants; with them the graph is written anew and compared: operators, names, attributes, types, shapes and
 * every constant. Metadata is never looked at.
 *
 * @module
 */
import { equalBytes } from '../../bytes.ts';
import type { GraphBuilder } from './builder.ts';
import type { Constant } from './constant.ts';
import type { ElementArray, ElementName } from './elements.ts';
import { type Graph, type GraphNode, type Port, readGraph } from './graph.ts';
import type { AttributeProto } from './onnx-subset_pb.ts';

/** Thrown where a graph is not of the family; {@link recognize} catches it. */
export class Unrecognized extends Error {}

/** A constant of that type and rank. */
export function constantOf(
  graph: Graph,
  name: string | undefined,
  type: ElementName,
  rank: number,
): Constant {
  const found = name === undefined ? undefined : graph.constants.get(name);
  if (found?.type.name !== type || found.dims.length !== rank) throw new Unrecognized();
  return found;
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

/** ONNX attribute types: an integer, or a list of them. The exporters write no others. */
const INTEGERS = [2, 7];

function sameAttribute(a: AttributeProto, b: AttributeProto | undefined): boolean {
  return (
    b?.type === a.type &&
    a.name === b.name &&
    INTEGERS.includes(a.type) &&
    a.i === b.i &&
    sameList(a.ints, b.ints)
  );
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
 *
 * @param read   the network's numbers, if the graph has constants of its names; throws {@link Unrecognized} otherwise
 * @param build  writes the graph of a network
 */
export function recognize<T>(
  graph: Graph,
  read: (graph: Graph) => T,
  build: (network: T) => GraphBuilder,
): T | undefined {
  try {
    const network = read(graph);
    return sameGraph(graph, readGraph(build(network).model())) ? network : undefined;
  } catch (error) {
    if (error instanceof Unrecognized) return undefined;
    throw error;
  }
}
