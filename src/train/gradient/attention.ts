/**
 * Causal attention over ONNX, forward and backward as one operator.
 *
 * The weights are no exponentials but the powers that exponentials are the limit of: with scores s in nats and m the
 * largest of a row,
 *
 *     w = max(0, 1 + (s - m) / 8)^8        (exp(s - m) = lim (1 + (s - m) / n)^n)
 *
 * normalised by their sum. Three squarings compute that in integers, and an exported network computes what was trained.
 * Unlike exponentials these powers are not invariant under a shift, so the gradient flows through m as well.
 *
 * Queries are taken in blocks, each with the keys up to its own end: that leaves out nearly half of the square.
 *
 * @module
 */
import type { SegmentShape } from '../network.ts';
import type { Tape, Value } from './tape.ts';

/** Scores this far below the largest, in nats, have no weight; also the exponent. */
export const ATTENTION_RANGE = 8;
/** Added to the scores of later bytes: far below any score that counts. */
const MASKED = -1e4;
/** Queries of a block. */
const BLOCK = 128;

/** Writes the nodes of one attention; heads are [lanes, heads, time, size]. */
class AttentionNodes {
  readonly #tape: Tape;
  readonly #heads: readonly number[];
  readonly #rows: readonly number[];

  constructor(tape: Tape, { lanes, steps }: SegmentShape, heads: number, width: number) {
    this.#tape = tape;
    this.#heads = [steps, lanes, heads, width / heads];
    this.#rows = [steps * lanes, width];
  }

  op(operator: string, ...inputs: string[]): string {
    return this.#tape.graph.node(operator, inputs);
  }

  number(value: number): string {
    return this.#tape.graph.scalar('float32', value);
  }

  shape(...values: number[]): string {
    return this.#tape.graph.shape(...values);
  }

  transpose(x: string, ...perm: number[]): string {
    return this.#tape.graph.node('Transpose', [x], { perm });
  }

  /** Keys and columns change places. */
  turned(x: string): string {
    return this.transpose(x, 0, 1, 3, 2);
  }

  toHeads(x: string): string {
    return this.transpose(this.op('Reshape', x, this.shape(...this.#heads)), 1, 2, 0, 3);
  }

  fromHeads(x: string): string {
    return this.op('Reshape', this.transpose(x, 2, 0, 1, 3), this.shape(...this.#rows));
  }

  rowSum(x: string): string {
    return this.op('ReduceSum', x, this.shape(3));
  }

  rowMax(x: string): string {
    return this.#tape.graph.node('ReduceMax', [x], { axes: [3] });
  }

  /** Some of the times. */
  times(x: string, from: number, to: number): string {
    return this.op('Slice', x, this.shape(from), this.shape(to), this.shape(2));
  }

  /** The first times of all, with zeros behind. */
  padded(x: string, missing: number): string {
    return missing === 0 ? x : this.op('Pad', x, this.shape(0, 0, 0, 0, 0, 0, missing, 0));
  }

  sum(parts: readonly string[]): string {
    return parts.length === 1 ? parts[0] : this.op('Sum', ...parts);
  }

  join(parts: readonly string[]): string {
    return parts.length === 1 ? parts[0] : this.#tape.graph.node('Concat', parts, { axis: 2 });
  }

  /** 0 where a query sees a key; queries from..to of the times, keys 0..to. */
  mask(from: number, to: number): string {
    const mask = Float32Array.from({ length: (to - from) * to }, (_, at) =>
      at % to > from + Math.floor(at / to) ? MASKED : 0,
    );
    return this.#tape.constant(mask, [to - from, to]).name;
  }
}

/** Queries `from..to` with their keys; all names of tensors of one block. */
interface Block {
  readonly from: number;
  readonly to: number;
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly scores: string;
  readonly most: string;
  /** The seventh powers and the eighth, which are the weights, and the weights' sums. */
  readonly seventh: string;
  readonly weights: string;
  readonly total: string;
  readonly mean: string;
}

function forwardBlock(
  nodes: AttentionNodes,
  [queries, keys, values]: readonly [string, string, string],
  from: number,
  to: number,
): Block {
  const q = nodes.times(queries, from, to);
  const [k, v] = [nodes.times(keys, 0, to), nodes.times(values, 0, to)];
  const scores = nodes.op('Add', nodes.op('MatMul', q, nodes.turned(k)), nodes.mask(from, to));
  const most = nodes.rowMax(scores);
  const u = nodes.op('Relu', nodes.op('Sub', scores, nodes.op('Sub', most, nodes.number(1))));
  const second = nodes.op('Mul', u, u);
  const sixth = nodes.op('Mul', nodes.op('Mul', second, second), second);
  const seventh = nodes.op('Mul', sixth, u);
  const weights = nodes.op('Mul', seventh, u);
  const total = nodes.rowSum(weights);
  const mean = nodes.op('Div', nodes.op('MatMul', weights, v), total);
  return { from, to, q, k, v, scores, most, seventh, weights, total, mean };
}

/** Gradients of a block's queries, and of all keys and values that it saw. */
function backwardBlock(
  nodes: AttentionNodes,
  { q, k, v, scores, most, seventh, weights, total, mean }: Block,
  gradient: string,
): [string, string, string] {
  const g = nodes.op('Div', gradient, total);
  const toValues = nodes.op('MatMul', nodes.turned(weights), g);
  // The weights' gradient, times the eighth power's own: 8 u^7.
  const g8 = nodes.op('Mul', g, nodes.number(ATTENTION_RANGE));
  const toWeights = nodes.op(
    'Sub',
    nodes.op('MatMul', g8, nodes.turned(v)),
    nodes.rowSum(nodes.op('Mul', g8, mean)),
  );
  const direct = nodes.op('Mul', toWeights, seventh);
  const toScores = nodes.op(
    'Where',
    nodes.op('Equal', scores, most),
    nodes.op('Sub', direct, nodes.rowSum(direct)),
    direct,
  );
  return [nodes.op('MatMul', toScores, k), nodes.op('MatMul', nodes.turned(toScores), q), toValues];
}

/**
 * Every row attends to the rows of its lane up to its own.
 *
 * @param query - [steps * lanes, width], as key and value; each head has width / heads columns of its own.
 */
export function attention(
  tape: Tape,
  query: Value,
  key: Value,
  value: Value,
  shape: SegmentShape,
  heads: number,
): Value {
  const { steps } = shape;
  const width = query.dims[1];
  const nodes = new AttentionNodes(tape, shape, heads, width);
  // Scores in units of ATTENTION_RANGE nats.
  const scale = nodes.number(1 / (ATTENTION_RANGE * Math.sqrt(width / heads)));
  const inputs = [
    nodes.op('Mul', nodes.toHeads(query.name), scale),
    nodes.toHeads(key.name),
    nodes.toHeads(value.name),
  ] as const;
  const blocks: Block[] = [];
  for (let from = 0; from < steps; from += BLOCK) {
    blocks.push(forwardBlock(nodes, inputs, from, Math.min(steps, from + BLOCK)));
  }
  const y: Value = {
    name: nodes.fromHeads(nodes.join(blocks.map(({ mean }) => mean))),
    dims: query.dims,
  };

  tape.record([y], ([gradient]) => {
    const all = nodes.toHeads(gradient!);
    const parts = blocks.map((block) => backwardBlock(nodes, block, nodes.times(all, block.from, block.to)));
    const toAll = (part: 1 | 2): string =>
      nodes.sum(parts.map((gradients, i) => nodes.padded(gradients[part], steps - blocks[i].to)));
    const toQueries = nodes.op('Mul', nodes.join(parts.map(([part]) => part)), scale);
    tape.contribute(query, { kind: 'value', value: nodes.fromHeads(toQueries) });
    tape.contribute(key, { kind: 'value', value: nodes.fromHeads(toAll(1)) });
    tape.contribute(value, { kind: 'value', value: nodes.fromHeads(toAll(2)) });
  });
  return y;
}
