/**
 * The graph of an ONNX model as plain data, with everything that holds for any well-formed graph checked once: names
 * defined exactly once and before their use, operators of the standard domain, constants that are as long as they say.
 *
 * @module
 */
import { type Constant, invalidModel, RANK_MAX, readConstant } from './constant.ts';
import { type Element, elementLabel, elementNamed, elementOf } from './elements.ts';
import type { AttributeProto, ModelProto, NodeProto, ValueInfoProto } from './onnx-subset_pb.ts';

/** Operator sets whose supported operators all mean the same in lmz. */
export const OPSETS = { min: 13, max: 21 } as const;
/** Before IR version 4 every constant was an input too, and a caller could replace it. */
const IR_VERSIONS = { min: 4, max: 11 } as const;
const NODES_MAX = 100_000;

/** A graph input or output as declared: a dimension is a size or a symbolic name. */
export interface Port {
  readonly name: string;
  readonly type: Element;
  readonly dims: readonly (number | string)[];
}

/** One operator. Optional inputs that are left out are ''. */
export interface GraphNode {
  /** `Add "h_next"`, for messages */
  readonly label: string;
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

export interface Graph {
  readonly opset: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** In an order in which every node comes after those that it reads. */
  readonly nodes: readonly GraphNode[];
}

/** ONNX attribute types that lmz reads (AttributeProto.AttributeType), and the fields that carry them. */
const ATTRIBUTE_FIELDS = { 1: 'f', 2: 'i', 3: 's', 4: 't', 6: 'floats', 7: 'ints' } as const;

function readPort(info: ValueInfoProto, role: string): Port {
  const where = `${role} "${info.name}"`;
  const tensor = info.type?.tensorType;
  if (!tensor?.shape) throw invalidModel(`${where}: has no declared tensor shape`);
  const type = elementOf(tensor.elemType);
  if (!type) throw invalidModel(`${where}: element type ${elementLabel(tensor.elemType)} is not supported`);
  if (tensor.shape.dim.length > RANK_MAX) {
    throw invalidModel(`${where}: rank ${tensor.shape.dim.length}, at most ${RANK_MAX} expected`);
  }
  const dims = tensor.shape.dim.map((dim, axis) => {
    if (dim.dimParam !== '' && dim.dimValue !== 0n)
      throw invalidModel(`${where}: dimension ${axis} has a name and a size`);
    if (dim.dimParam !== '') return dim.dimParam;
    if (dim.dimValue < 1n || dim.dimValue > 0x7fffffffn) {
      throw invalidModel(`${where}: dimension ${axis} has neither a name nor a size of 1 or more`);
    }
    return Number(dim.dimValue);
  });
  return { name: info.name, type, dims };
}

function readAttributes(node: NodeProto, label: string): Map<string, AttributeProto> {
  const attributes = new Map<string, AttributeProto>();
  for (const attribute of node.attribute) {
    const field = ATTRIBUTE_FIELDS[attribute.type as keyof typeof ATTRIBUTE_FIELDS] as string | undefined;
    if (field === undefined) {
      throw invalidModel(
        `${label}: attribute "${attribute.name}" has type ${attribute.type}, which lmz does not read`,
      );
    }
    for (const [key, other] of Object.entries({
      f: attribute.f !== 0,
      i: attribute.i !== 0n,
      s: attribute.s.length > 0,
      t: attribute.t !== undefined,
      floats: attribute.floats.length > 0,
      ints: attribute.ints.length > 0,
    })) {
      if (other && key !== field)
        throw invalidModel(`${label}: attribute "${attribute.name}" has two values`);
    }
    if (attributes.has(attribute.name)) throw invalidModel(`${label}: attribute "${attribute.name}" twice`);
    attributes.set(attribute.name, attribute);
  }
  return attributes;
}

/** A Constant node's tensor. */
function constantOfNode(node: GraphNode): Constant {
  const attribute = node.attributes.values().next().value;
  if (node.attributes.size !== 1 || !attribute || node.inputs.length > 0 || node.outputs.length !== 1) {
    throw invalidModel(`${node.label}: one output and one attribute expected`);
  }
  const name = node.outputs[0];
  const int64 = elementNamed('int64');
  const float32 = elementNamed('float32');
  if (attribute.name === 'value' && attribute.t) return readConstant(attribute.t, name);
  if (attribute.name === 'value_int')
    return { name, type: int64, dims: [], data: BigInt64Array.of(attribute.i) };
  if (attribute.name === 'value_float')
    return { name, type: float32, dims: [], data: Float32Array.of(attribute.f) };
  if (attribute.name === 'value_ints') {
    return { name, type: int64, dims: [attribute.ints.length], data: BigInt64Array.from(attribute.ints) };
  }
  if (attribute.name === 'value_floats') {
    return {
      name,
      type: float32,
      dims: [attribute.floats.length],
      data: Float32Array.from(attribute.floats),
    };
  }
  throw invalidModel(`${node.label}: attribute "${attribute.name}" is not supported`);
}

function readVersions(model: ModelProto): number {
  if (model.irVersion < BigInt(IR_VERSIONS.min) || model.irVersion > BigInt(IR_VERSIONS.max)) {
    throw invalidModel(
      `ONNX IR version ${String(model.irVersion)}, ${IR_VERSIONS.min} to ${IR_VERSIONS.max} expected`,
    );
  }
  const opset = model.opsetImport.at(0);
  if (model.opsetImport.length !== 1 || !opset || !isStandardDomain(opset.domain)) {
    const domains = model.opsetImport.map((entry) => `"${entry.domain}"`).join(', ');
    throw invalidModel(`imports the operator sets ${domains || '(none)'}, only the standard one expected`);
  }
  if (opset.version < BigInt(OPSETS.min) || opset.version > BigInt(OPSETS.max)) {
    throw invalidModel(`operator set ${String(opset.version)}, ${OPSETS.min} to ${OPSETS.max} expected`);
  }
  return Number(opset.version);
}

function isStandardDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/**
 * Reads and checks a model's graph.
 *
 * @throws LmzError LMZ_MODEL_INVALID, naming the node, constant or port
 */
export function readGraph(model: ModelProto): Graph {
  const opset = readVersions(model);
  const graph = model.graph!;
  if (graph.node.length > NODES_MAX)
    throw invalidModel(`${graph.node.length} nodes, at most ${NODES_MAX} expected`);
  const defined = new Set<string>();
  const define = (name: string, where: string): void => {
    if (name === '') throw invalidModel(`${where}: has no name`);
    if (defined.has(name)) throw invalidModel(`${where}: the name "${name}" is defined twice`);
    defined.add(name);
  };
  const inputs = graph.input.map((info) => readPort(info, 'input'));
  for (const port of inputs) define(port.name, `input "${port.name}"`);
  const constants = new Map<string, Constant>();
  for (const tensor of graph.initializer) {
    define(tensor.name, `constant "${tensor.name}"`);
    constants.set(tensor.name, readConstant(tensor, tensor.name));
  }
  const nodes: GraphNode[] = [];
  for (const proto of graph.node) {
    const label = `${proto.opType} "${proto.name || (proto.output[0] ?? '')}"`;
    if (!isStandardDomain(proto.domain))
      throw invalidModel(`${label}: is of the custom domain "${proto.domain}"`);
    for (const name of proto.input) {
      if (name !== '' && !defined.has(name)) {
        throw invalidModel(`${label}: reads "${name}", which nothing before it defines`);
      }
    }
    const node: GraphNode = {
      label,
      name: proto.name,
      op: proto.opType,
      inputs: proto.input,
      outputs: proto.output,
      attributes: readAttributes(proto, label),
    };
    for (const name of proto.output) define(name, label);
    if (node.op === 'Constant') constants.set(node.outputs[0], constantOfNode(node));
    else nodes.push(node);
  }
  const outputs = graph.output.map((info) => readPort(info, 'output'));
  const seen = new Set<string>();
  for (const port of outputs) {
    if (!defined.has(port.name)) throw invalidModel(`output "${port.name}": no node computes it`);
    if (seen.has(port.name)) throw invalidModel(`output "${port.name}": is declared twice`);
    seen.add(port.name);
  }
  return { opset, inputs, outputs, constants, nodes };
}
