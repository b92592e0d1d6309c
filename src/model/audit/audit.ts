/**
 * The audit: proves that a model computes the same bits on every machine.
 *
 * Abstract interpretation of the graph by intervals. Inputs are known by their declared ranges: the token 0 .. alphabet
 * - 1, every state its `lmz.state.X`. Node by node, a rule derives what the results may be, and refuses where a type
 * would have to round, wrap or saturate. The states' proof is inductive: zeros lie in the declared range, and from any
 * state inside, the graph is proven to make a next state inside; so the bounds hold at every step of every input.
 *
 * It holds for the graph as written. What runtimes may do to it without being asked, folding scales and biases into
 * products, reordering sums, replacing a division by 2^k with a product, stays inside the same bounds (see rules-sum.ts).
 *
 * @module
 */
import { LOGIT_MAX, type ModelContract } from '../contract.ts';
import { LmzError } from '../../errors.ts';
import type { Element, ElementName } from '../onnx/elements.ts';
import type { Graph, GraphNode, Port } from '../onnx/graph.ts';
import { invalidModel } from '../onnx/constant.ts';
import { NodeContext, type Rule, type Work } from './context.ts';
import { type Dim, dimsText, equalDims, fixed, LANES, type Shape, TIME } from './dim.ts';
import { grid, gridBits, gridText, hull, integers, isWhole } from './grid.ts';
import { ARITHMETIC } from './rules-arithmetic.ts';
import { INDEXING } from './rules-index.ts';
import { LOGIC } from './rules-logic.ts';
import { SHAPES } from './rules-shape.ts';
import { SUMS } from './rules-sum.ts';
import { type Abstract, fileConstant } from './tensor.ts';

const RULES = new Map<string, Rule>(
  Object.entries({ ...ARITHMETIC, ...LOGIC, ...SHAPES, ...INDEXING, ...SUMS }),
);

/** Operators that an exact model may use. */
export const EXACT_OPERATORS: readonly string[] = [...RULES.keys()].sort();

/** Operators whose results can outgrow their type: where a model's headroom is used up. */
const ADDING: ReadonlySet<string> = new Set([
  'Add',
  'Sub',
  'Mul',
  'MatMul',
  'MatMulInteger',
  'Gemm',
  'ReduceSum',
  'CumSum',
  'BitShift',
]);

/** One tensor that a node computes. */
export interface AuditEntry {
  readonly node: string;
  readonly op: string;
  readonly output: string;
  readonly type: ElementName;
  /** `[lanes, time, 256]` */
  readonly shape: string;
  /** Every value is n * 2^exponent with an integer n, low <= n <= high. */
  readonly low: bigint;
  readonly high: bigint;
  readonly exponent: number;
  /** Bits of the largest magnitude that a value's significand (floats) or value (integers) needs. */
  readonly bits: number;
  /** Bits that the type holds exactly: 24 for float32, 31 for int32, 8 for uint8. */
  readonly capacity: number;
}

export interface AuditReport {
  /** In the order of the graph. */
  readonly entries: readonly AuditEntry[];
  /** The sum or product with the fewest bits to spare; undefined for a graph that has none. */
  readonly tightest: AuditEntry | undefined;
}

function capacity(type: Element): number {
  return type.kind === 'float' ? (type.size === 4 ? 24 : 53) : type.high.toString(2).length;
}

function declaredShape(port: Port, contract: ModelContract): Shape {
  return port.dims.map((dim): Dim => {
    if (typeof dim === 'number') return fixed(dim);
    if (dim === 'lanes') return LANES;
    // A step model is only ever given one token at a time.
    return contract.time === 'step' ? fixed(1) : TIME;
  });
}

/** What is known of the inputs: the contract's ranges. */
function contractInputs(graph: Graph, contract: ModelContract): Map<string, Abstract> {
  return new Map(
    graph.inputs.map((port) => {
      const state = contract.states.find(({ name }) => name === port.name);
      const range = state ? grid(state.low, state.high) : grid(0n, BigInt(contract.alphabet) - 1n);
      return [port.name, { type: port.type, shape: declaredShape(port, contract), channels: [range] }];
    }),
  );
}

function proveNode(
  node: GraphNode,
  opset: number,
  tensors: ReadonlyMap<string, Abstract>,
  work: Work,
): Abstract[] {
  const rule = RULES.get(node.op);
  if (!rule) {
    throw new LmzError(
      'LMZ_MODEL_NOT_EXACT',
      `${node.label}: the operator ${node.op} is not exact, or not known to be`,
      {
        hint: `Exact operators: ${EXACT_OPERATORS.join(', ')}.`,
      },
    );
  }
  const inputs = node.inputs.map((name) => (name === '' ? undefined : tensors.get(name)));
  while (inputs.length > 0 && node.inputs[inputs.length - 1] === '') inputs.pop();
  const context = new NodeContext(node, opset, inputs, work);
  for (const [index, name] of node.inputs.entries()) {
    // What is defined but unknown here is a constant without elements: the empty bounds of some exporters.
    if (name !== '' && !inputs[index]) throw context.malformed(`input ${index} ("${name}") has no elements`);
  }
  const [fewest, most] = rule.inputs;
  if (inputs.length < fewest || inputs.length > most) {
    throw context.malformed(
      `${inputs.length} inputs, ${fewest === most ? fewest : `${fewest} to ${most}`} expected`,
    );
  }
  if (rule.since !== undefined && opset < rule.since) {
    throw context.malformed(`needs operator set ${rule.since}, the model has ${opset}`);
  }
  for (const name of node.attributes.keys()) {
    if (rule.attributes?.includes(name) !== true)
      throw context.malformed(`attribute "${name}" is not supported`);
  }
  const results = [rule.apply(context)].flat();
  if (node.outputs.length !== results.length) {
    throw context.malformed(`${node.outputs.length} outputs, ${results.length} expected`);
  }
  return results;
}

function entryOf(node: GraphNode, output: string, tensor: Abstract): AuditEntry {
  const all = hull(tensor.channels!);
  const whole = tensor.type.kind !== 'float';
  const { low, high } = whole ? integers(all) : all;
  const bits = whole ? gridBits({ low, high, exp: 0 }) : Math.max(...tensor.channels!.map(gridBits));
  return {
    node: node.name,
    op: node.op,
    output,
    type: tensor.type.name,
    shape: dimsText(tensor.shape),
    low,
    high,
    exponent: whole || (low === 0n && high === 0n) ? 0 : all.exp,
    // A proven value never needs more than the type has; -128 and 2^24 only look like it, as do mixed exponents.
    bits: Math.min(bits, capacity(tensor.type)),
    capacity: capacity(tensor.type),
  };
}

/** An output as the contract has it: type, shape, and values in the range. */
function proveOutput(port: Port, tensor: Abstract, contract: ModelContract, low: bigint, high: bigint): void {
  const where = `output "${port.name}"`;
  const shape = declaredShape(port, contract);
  const found = `${tensor.type.name} ${dimsText(tensor.shape)}`;
  if (
    tensor.type !== port.type ||
    tensor.shape.length !== shape.length ||
    !tensor.shape.every((dim, axis) => equalDims(dim, shape[axis]))
  ) {
    throw invalidModel(
      `${where}: the graph makes ${found}, but ${port.type.name} ${dimsText(shape)} is declared`,
    );
  }
  for (const g of tensor.channels ?? []) {
    if (!isWhole(g))
      throw notExact(`${where}: may have fractions (multiples of 2^${g.exp}), integers expected`);
    const values = integers(g);
    if (values.low < low || values.high > high) {
      throw notExact(`${where}: ${gridText(g)} is past its range ${String(low)} .. ${String(high)}`);
    }
  }
  if (!tensor.channels) throw notExact(`${where}: holds an infinity or a NaN`);
}

function notExact(message: string): LmzError {
  return new LmzError('LMZ_MODEL_NOT_EXACT', message);
}

/** What was proven of a graph: every tensor by its name, and the report's entries. */
export interface Proof {
  readonly tensors: ReadonlyMap<string, Abstract>;
  readonly entries: readonly AuditEntry[];
}

/**
 * Proves a graph for inputs of the given types, shapes and ranges.
 *
 * @throws LmzError as {@link auditGraph}
 */
export function proveGraph(graph: Graph, inputs: ReadonlyMap<string, Abstract>): Proof {
  const tensors = new Map(inputs);
  for (const constant of graph.constants.values()) {
    if (constant.data.length > 0) tensors.set(constant.name, fileConstant(constant));
  }
  const entries: AuditEntry[] = [];
  const work: Work = { done: 0 };
  for (const node of graph.nodes) {
    const results = proveNode(node, graph.opset, tensors, work);
    for (const [index, result] of results.entries()) {
      const output = node.outputs[index];
      tensors.set(output, result);
      if (!result.channels) throw notExact(`${node.label}: its result holds an infinity or a NaN`);
      entries.push(entryOf(node, output, result));
    }
  }
  return { tensors, entries };
}

/**
 * Audits a graph that readGraph and readContract accepted.
 *
 * @throws LmzError LMZ_MODEL_NOT_EXACT, with the node, the bound and the number that breaks it; LMZ_MODEL_INVALID where
 *   the graph makes no sense (shapes, types) or uses an operator in an unsupported form
 */
export function auditGraph(graph: Graph, contract: ModelContract): AuditReport {
  const { tensors, entries } = proveGraph(graph, contractInputs(graph, contract));
  for (const port of graph.outputs) {
    const tensor = tensors.get(port.name);
    if (!tensor) throw invalidModel(`output "${port.name}": is a constant without elements`);
    const state = contract.states.find(({ name }) => `${name}_next` === port.name);
    const limit = BigInt(LOGIT_MAX);
    proveOutput(port, tensor, contract, state?.low ?? -limit, state?.high ?? limit);
  }
  const sums = entries.filter(({ op }) => ADDING.has(op));
  const spare = (entry: AuditEntry): number => entry.capacity - entry.bits;
  const tightest = sums.at(0) && sums.reduce((a, b) => (spare(b) < spare(a) ? b : a));
  return { entries, tightest };
}
