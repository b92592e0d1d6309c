/**
 * Writes ONNX files: a graph is built node by node, tensors are named by strings, and the result is one model file
 * with its metadata properties (https://github.com/onnx/onnx/blob/main/docs/IR.md).
 *
 * @module
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { type ElementArray, elementHeldBy, type ElementName, elementNamed } from './elements.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx-subset_pb.ts';

/** ONNX attribute types (AttributeProto.AttributeType). */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, floats: 6, ints: 7 } as const;

/** A float attribute must be told from an integer one: `{ float: 1 }`. */
export type Attribute = number | bigint | string | readonly number[] | { float: number };
/** A dimension: a fixed size or a symbolic name. */
export type Dimension = number | string;

function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'object' && 'float' in value) {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.float, f: value.float });
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: ATTRIBUTE_TYPE.string,
      s: new TextEncoder().encode(value),
    });
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.int, i: BigInt(value) });
  }
  return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.ints, ints: value.map(BigInt) });
}

function valueInfo(name: string, type: ElementName, dims: readonly Dimension[]): ValueInfoProto {
  const dim = dims.map((size) =>
    typeof size === 'number' ? { dimValue: BigInt(size) } : { dimParam: size },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { tensorType: { elemType: elementNamed(type).code, shape: { dim } } },
  });
}

/** The tensor's elements as little-endian bytes, without a copy: every platform of Node is little-endian. */
function rawBytes(data: ElementArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Builds one ONNX model. Every method that makes a tensor returns its name.
 *
 * @example
 * ```ts
 * const graph = new GraphBuilder('double');
 * const x = graph.input('x', 'int32', ['lanes', 4]);
 * graph.output(graph.node('Add', [x, x], {}, 'y'), 'int32', ['lanes', 4]);
 * const file = graph.build({ 'lmz.contract': '1' });
 * ```
 */
export class GraphBuilder {
  readonly #graph: GraphProto;
  #count = 0;

  constructor(name: string) {
    this.#graph = create(GraphProtoSchema, { name });
  }

  input(name: string, type: ElementName, dims: readonly Dimension[]): string {
    this.#graph.input.push(valueInfo(name, type, dims));
    return name;
  }

  output(name: string, type: ElementName, dims: readonly Dimension[]): string {
    this.#graph.output.push(valueInfo(name, type, dims));
    return name;
  }

  /** An initializer. Without `dims` it is a vector, or a scalar with `dims = []`. */
  constant(data: ElementArray, dims: readonly number[] = [data.length], name = this.#fresh('const')): string {
    const tensor: TensorProto = create(TensorProtoSchema, {
      name,
      dims: dims.map(BigInt),
      dataType: elementHeldBy(data).code,
      rawData: rawBytes(data),
    });
    this.#graph.initializer.push(tensor);
    return name;
  }

  /** A scalar initializer. */
  scalar(type: 'float32' | 'int32' | 'int64', value: number): string {
    if (type === 'float32') return this.constant(Float32Array.of(value), []);
    if (type === 'int32') return this.constant(Int32Array.of(value), []);
    return this.constant(BigInt64Array.of(BigInt(value)), []);
  }

  /** A vector of int64: axes, shapes, starts and ends. */
  shape(...values: number[]): string {
    return this.constant(BigInt64Array.from(values.map(BigInt)));
  }

  /** A node with one output, whose name is returned (and is the node's name too). */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    output = this.#fresh(opType),
  ): string {
    this.nodes(opType, inputs, attributes, [output]);
    return output;
  }

  /** A node with several outputs. */
  nodes(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute>,
    outputs: readonly string[],
  ): void {
    this.#graph.node.push(
      create(NodeProtoSchema, {
        name: outputs[0],
        opType,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
      }),
    );
  }

  /** A graph output under the name that the contract wants, of a tensor that has another name. */
  emit(tensor: string, name: string, type: ElementName, dims: readonly Dimension[]): void {
    this.node('Identity', [tensor], {}, name);
    this.output(name, type, dims);
  }

  /** The model file's bytes. */
  build(metadata: Record<string, string>, producer = 'lmz'): Uint8Array {
    return toBinary(ModelProtoSchema, this.model(metadata, producer));
  }

  /** The model as a message; constants are views of the arrays that they were made of. */
  model(metadata: Record<string, string> = {}, producer = 'lmz'): ModelProto {
    return create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: producer,
      opsetImport: [{ domain: '', version: 17n }],
      graph: this.#graph,
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  #fresh(stem: string): string {
    return `${stem.toLowerCase()}_${this.#count++}`;
  }
}
