/**
 * The integer recurrent network as an exact ONNX graph (spec/lmz-format.md, section 8.1): float32 tensors that hold only
 * integers (times a power of two for one node, before Floor), int64 for contexts.
 *
 * One step of a lane, with the grids of network.ts (all divisions are by powers of two):
 *
 *     contexts    token -> last bytes, word hashes -> rows -> x = sum of a row of each table
 *     p           floor(x W / 2^..) + bias                      sums of gates, candidate, hidden layer, logits
 *     s           floor(round(h / 2^6) U / 2^..)                sums of gates and candidate
 *     z, r        clip(floor((p + s) / 2^7), 0, 2^7)
 *     c           clip((p + floor(r clip(s, -2^16, 2^16) / 2^7)) 2^3, -2^15, 2^15)
 *     h'          clip(h + floor(z (c - h) / 2^7 + 1/2), -2^15, 2^15)
 *     o           floor(round(h' / 2^6) O / 2^..)               sums of hidden layer and logits
 *     q           clip(floor((p + o) / 2^3), 0, 2^9)
 *     logits      floor((p + o + floor(q V / 2^..)) / 2^4 + 1/2)
 *
 * The exporter writes it; recognize.ts writes it again, to compare a file with it node for node.
 *
 * @module
 */
import { GraphBuilder } from '../onnx/builder.ts';
import {
  ALPHABET,
  BYTE_ROWS,
  CONTEXT_BYTES,
  CONTEXT_SIZE,
  GRIDS,
  LETTER_VALUES,
  LOGIT_BITS,
  type MatrixName,
  type RecurrentNetwork,
  STATE_LIMIT,
  STATE_SUM_LIMIT,
  WORD_FACTOR,
  WORD_MODULUS,
} from './network.ts';

/** Nodes in terms of names, on one graph. */
class ExactNodes {
  readonly graph: GraphBuilder;

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  op(operator: string, ...inputs: string[]): string {
    return this.graph.node(operator, inputs);
  }

  number(value: number): string {
    return this.graph.scalar('float32', value);
  }

  /** floor(x * 2^bits) */
  floorShift(x: string, bits: number): string {
    return this.op('Floor', this.op('Mul', x, this.number(2 ** bits)));
  }

  /** floor(x * 2^bits + 1/2) */
  roundShift(x: string, bits: number): string {
    return this.op('Floor', this.op('Add', this.op('Mul', x, this.number(2 ** bits)), this.number(0.5)));
  }

  clip(x: string, low: number, high: number): string {
    return this.op('Clip', x, this.number(low), this.number(high));
  }

  /** floor(x * weights), to integers on each column's grid. */
  product(x: string, network: RecurrentNetwork, name: MatrixName): string {
    const { graph } = this;
    const { inputs, columns, data, scales } = network[name]!;
    const weights = graph.node('Cast', [graph.constant(data, [inputs, columns], name)], { to: 1 });
    const scale = graph.constant(scales, [columns], `${name}_scale`);
    return this.op('Floor', this.op('Mul', this.op('MatMul', x, weights), scale));
  }

  split(x: string, sizes: readonly number[]): string[] {
    const names = sizes.map((_, i) => `${x}_${i}`);
    this.graph.nodes('Split', [x, this.graph.shape(...sizes)], { axis: 1 }, names);
    return names;
  }
}

/** Contexts and states of the last bytes and words; returns the rows to gather, int64 [lanes, tables + 1]. */
function contextRows(nodes: ExactNodes, { coefficients, rows }: RecurrentNetwork): string {
  const { graph } = nodes;
  const token = graph.node('Cast', [graph.input('token', 'int32', ['lanes', 1])], { to: 7 });
  const kept = CONTEXT_BYTES - 1;
  const before = graph.input('bytes', 'int64', ['lanes', kept]);
  const word = graph.input('word', 'int64', ['lanes', 1]);
  const previous = graph.input('previous', 'int64', ['lanes', 1]);

  const axis = graph.shape(1);
  const newest = graph.node('Slice', [before, graph.shape(0), graph.shape(kept - 1), axis]);
  graph.emit(graph.node('Concat', [token, newest], { axis: 1 }), 'bytes_next', 'int64', ['lanes', kept]);

  const zero = graph.scalar('int64', 0);
  const letter = nodes.op('Gather', graph.constant(BigInt64Array.from(LETTER_VALUES, BigInt)), token);
  const noLetter = nodes.op('Equal', letter, zero);
  const longer = nodes.op('Add', nodes.op('Mul', word, graph.scalar('int64', WORD_FACTOR)), letter);
  const hash = nodes.op('Mod', longer, graph.scalar('int64', WORD_MODULUS));
  const wordNext = nodes.op('Where', noLetter, zero, hash);
  const ended = nodes.op('Where', nodes.op('Equal', word, zero), previous, word);
  const previousNext = nodes.op('Where', noLetter, ended, previous);
  graph.emit(wordNext, 'word_next', 'int64', ['lanes', 1]);
  graph.emit(previousNext, 'previous_next', 'int64', ['lanes', 1]);

  const vector = graph.node('Concat', [token, before, wordNext, previousNext], { axis: 1 });
  const sums = nodes.op('MatMul', vector, graph.constant(coefficients, [CONTEXT_SIZE, rows.length]));
  const sizes = graph.constant(BigInt64Array.from(rows, BigInt));
  let next = BYTE_ROWS;
  const first = rows.map((size) => (next += size) - size);
  const hashed = nodes.op(
    'Add',
    nodes.op('Mod', sums, sizes),
    graph.constant(BigInt64Array.from(first, BigInt)),
  );
  return graph.node('Concat', [token, hashed], { axis: 1 });
}

/** Writes the network's nodes, constants, inputs and outputs. */
export function buildRecurrent(network: RecurrentNetwork): GraphBuilder {
  const { gates, units, width, hidden, bias } = network;
  const graph = new GraphBuilder('lmz recurrent');
  const nodes = new ExactNodes(graph);

  const rows = contextRows(nodes, network);
  const tables = graph.constant(network.tables, [network.tables.length / width, width], 'tables');
  const gathered = graph.node('Cast', [nodes.op('Gather', tables, rows)], { to: 1 });
  const x = graph.node('ReduceSum', [gathered, graph.shape(1)], { keepdims: 0 });

  const gateColumns = new Array<number>(gates).fill(units);
  const outColumns = hidden > 0 ? [hidden, ALPHABET] : [ALPHABET];
  const inputSums = nodes.op(
    'Add',
    nodes.product(x, network, 'fromInput'),
    graph.constant(bias, [bias.length], 'bias'),
  );
  const parts = nodes.split(inputSums, [...gateColumns, ...outColumns]);
  const [inputZ, inputC] = parts as [string, string];
  const inputR = gates === 3 ? parts[2] : undefined;

  const h = graph.input('hidden', 'float32', ['lanes', units]);
  const toRead = GRIDS.stateRead - GRIDS.state;
  const stateSums = nodes.product(nodes.roundShift(h, toRead), network, 'fromState');
  const [stateZ, stateC, stateR] = nodes.split(stateSums, gateColumns) as [string, string, string?];
  // A gate is 0.25 a + 0.5: two bits less; the half is in the bias.
  const gate = (input: string, state: string): string =>
    nodes.clip(
      nodes.floorShift(nodes.op('Add', input, state), GRIDS.gate - GRIDS.sum - 2),
      0,
      2 ** GRIDS.gate,
    );
  const z = gate(inputZ, stateZ);
  let candidate = stateC;
  if (inputR !== undefined && stateR !== undefined) {
    const limited = nodes.clip(stateC, -STATE_SUM_LIMIT, STATE_SUM_LIMIT);
    candidate = nodes.floorShift(nodes.op('Mul', gate(inputR, stateR), limited), -GRIDS.gate);
  }
  const sum = nodes.op('Add', inputC, candidate);
  const c = nodes.clip(
    nodes.op('Mul', sum, nodes.number(2 ** (GRIDS.state - GRIDS.sum))),
    -STATE_LIMIT,
    STATE_LIMIT,
  );
  const change = nodes.roundShift(nodes.op('Mul', z, nodes.op('Sub', c, h)), -GRIDS.gate);
  const next = nodes.clip(nodes.op('Add', h, change), -STATE_LIMIT, STATE_LIMIT);
  graph.emit(next, 'hidden_next', 'float32', ['lanes', units]);

  const read = nodes.roundShift(next, toRead);
  const newSums = nodes.product(read, network, 'fromNewState');
  const outParts = hidden > 0 ? nodes.split(newSums, outColumns) : [newSums];
  let logits = nodes.op('Add', parts.at(-1)!, outParts.at(-1)!);
  if (network.fromHidden !== undefined) {
    const before = nodes.op('Add', parts.at(-2)!, outParts[0]);
    const q = nodes.clip(nodes.floorShift(before, GRIDS.hidden - GRIDS.sum), 0, 2 ** GRIDS.hidden);
    const fromHidden = nodes.product(q, network, 'fromHidden');
    logits = nodes.op('Add', logits, fromHidden);
  }
  const rounded = graph.node('Cast', [nodes.roundShift(logits, LOGIT_BITS - GRIDS.logitSum)], { to: 6 });
  graph.emit(nodes.op('Unsqueeze', rounded, graph.shape(1)), 'logits', 'int32', ['lanes', 1, ALPHABET]);
  return graph;
}
