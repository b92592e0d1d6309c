/**
 * Graphs without a contract around them, for the rules of the audit.
 *
 * @module
 */
import { type Dimension, GraphBuilder } from '../../../src/model/onnx/builder.ts';
import type { ElementName } from '../../../src/model/onnx/elements.ts';
import { elementNamed } from '../../../src/model/onnx/elements.ts';
import { readGraph } from '../../../src/model/onnx/graph.ts';
import { parseModelProto } from '../../../src/model/onnx/parse.ts';
import { proveGraph, type Proof } from '../../../src/model/audit/audit.ts';
import { fixed, LANES, TIME } from '../../../src/model/audit/dim.ts';
import { grid, type Grid } from '../../../src/model/audit/grid.ts';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, OperatorSetIdProtoSchema } from '../../../src/model/onnx/onnx-subset_pb.ts';

/** Type, shape, least and largest value; `exp` for multiples of 2^exp. */
export interface Given {
  type: ElementName;
  dims: readonly Dimension[];
  low: number | bigint;
  high: number | bigint;
  exp?: number;
}

export function given(
  type: ElementName,
  dims: readonly Dimension[],
  low: number | bigint,
  high: number | bigint,
  exp = 0,
): Given {
  return { type, dims, low, high, exp };
}

/** A model file of the same bytes under another operator set. */
export function withOpset(bytes: Uint8Array, version: number): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  model.opsetImport = [create(OperatorSetIdProtoSchema, { version: BigInt(version) })];
  return toBinary(ModelProtoSchema, model);
}

/** Proves a graph that need not be a model. */
export function prove(bytes: Uint8Array, inputs: Readonly<Record<string, Given>>): Proof {
  return proveGraph(
    readGraph(parseModelProto(bytes)),
    new Map(
      Object.entries(inputs).map(([name, { type, dims, low, high, exp }]) => [
        name,
        {
          type: elementNamed(type),
          shape: dims.map((dim) => (typeof dim === 'number' ? fixed(dim) : dim === 'lanes' ? LANES : TIME)),
          channels: [grid(BigInt(low), BigInt(high), exp ?? 0)],
        },
      ]),
    ),
  );
}

/** Builds a graph with these inputs and proves it: what is known of the tensor that `build` names. */
export function proveOne(
  inputs: Readonly<Record<string, Given>>,
  build: (graph: GraphBuilder) => string,
  opset = 17,
): { channels: readonly Grid[]; shape: string } {
  const graph = new GraphBuilder('one');
  for (const [name, { type, dims }] of Object.entries(inputs)) graph.input(name, type, dims);
  const output = build(graph);
  const proof = prove(withOpset(graph.build({}), opset), inputs);
  const entry = proof.entries.find((candidate) => candidate.output === output);
  return { channels: proof.tensors.get(output)!.channels!, shape: entry?.shape ?? '' };
}

/** `low..high` or `low..high*2^exp`, channel by channel. */
export function text(channels: readonly Grid[]): string {
  return channels
    .map(({ low, high, exp }) => {
      const shift = low === 0n && high === 0n ? 0 : low === high || exp > 0 ? Math.max(exp, 0) : 0;
      const ends = `${String(low << BigInt(shift))}..${String(high << BigInt(shift))}`;
      return exp < 0 ? `${ends}*2^${exp}` : ends;
    })
    .join(' ');
}

/** Shorthands of the tables of rules. */
export const LIMIT = 2 ** 24;
export const float = (low: number, high: number, exp = 0, dims: (number | string)[] = ['lanes', 4]): Given =>
  given('float32', dims, low, high, exp);
export const int32 = (low: number, high: number, dims: (number | string)[] = ['lanes', 4]): Given =>
  given('int32', dims, low, high);
export const int64 = (low: number | bigint, high: number | bigint): Given =>
  given('int64', ['lanes', 4], low, high);

export type Build = (graph: GraphBuilder) => string;
export const binary =
  (op: string): Build =>
  (graph) =>
    graph.node(op, ['x', 'y']);
export const unary =
  (op: string): Build =>
  (graph) =>
    graph.node(op, ['x']);
export const scaled =
  (op: string, by: number): Build =>
  (graph) =>
    graph.node(op, ['x', graph.scalar('float32', by)]);
export const f32 = (graph: GraphBuilder, values: number[], dims?: number[]): string =>
  graph.constant(Float32Array.from(values), dims);
export const i64 = (graph: GraphBuilder, values: number[]): string => graph.shape(...values);
