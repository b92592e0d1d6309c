/**
 * The integer Transformer as an exact ONNX graph (spec/lmz-format.md, section 8.1): the formulas of network.ts over any
 * number of lanes and bytes. Numbers are float32 integers, except attention's means and sums of squares (float64, for
 * they pass 2^24) and divisions (int64).
 *
 * Keys and values of the last `context` bytes are states of 8 bits. A call joins those of its own bytes to them and
 * keeps the last: a cache that slides, so that every byte sees the same number of places before it, whether it comes
 * alone or in a sequence. Places that nothing was written to are masked by the count of bytes so far.
 *
 * The exporter writes it; recognize.ts writes it again, to compare a file with it node for node.
 *
 * @module
 */
import type { GraphBuilder } from '../onnx/builder.ts';
import {
  ALPHABET,
  BYTE_MAX,
  EMBEDDED_MAX,
  GRIDS,
  HIDDEN_LIMIT,
  type IntegerLayer,
  type IntegerNorm,
  meanMax,
  NORMAL_MAX,
  normalFactor,
  POWER_BITS,
  POWER_MAX,
  queryMax,
  RESIDUAL_MAX,
  ROOT_ROWS,
  ROOT_SHIFTS,
  rootTable,
  type TransformerNetwork,
  UNROTATED_MAX,
  X_MAX,
} from './network.ts';
import { IntegerNodes } from './nodes.ts';

/** What every layer uses. */
interface Shared {
  /** Whether a byte sees a place, [lanes, 1, time, context + time]. */
  readonly seen: string;
  /** int64 [1]: bytes of this call. */
  readonly time: string;
  /** Rotary positions: cosines and sines [lanes, time, 1, width / heads]. */
  readonly turn?: readonly [string, string];
  readonly roots: string;
}

class TransformerNodes extends IntegerNodes {
  readonly network: TransformerNetwork;
  readonly #masks = new Map<number, string>();

  constructor(network: TransformerNetwork) {
    super();
    this.network = network;
  }

  norm(sum: string, { scale, offset }: IntegerNorm, name: string, roots: string): string {
    const { width } = this.network.config;
    const double = (value: number): string => this.graph.constant(Float64Array.of(value), []);
    const int64 = (value: number): string => this.graph.scalar('int64', value);
    const y = this.clip(sum, -RESIDUAL_MAX / width, RESIDUAL_MAX / width);
    const mean = this.roundShift(this.op('ReduceSum', y, this.shape(-1)), Math.log2(width));
    const c = this.op('Sub', y, mean);
    // The audit does not know that squares are positive.
    const size = this.cast(this.op('Abs', c), 'float64');
    const squares = this.op('ReduceSum', this.op('Mul', size, size), this.shape(-1));
    const [row, ...more] = ROOT_SHIFTS.map((shift) =>
      this.op(
        'Clip',
        this.op('Floor', this.op('Mul', squares, double(2 ** -shift))),
        double(0),
        double(ROOT_ROWS),
      ),
    ) as [string, ...string[]];
    const rows = more.reduce((sum, next) => this.op('Add', sum, next), row);
    const first = this.cast(this.op('Gather', roots, this.cast(rows, 'int32')), 'int64');
    const whole = this.cast(squares, 'int64');
    const newton = (root: string): string => this.op('Add', root, this.op('Div', whole, root));
    const twice = newton(this.op('Div', newton(first), int64(2)));
    const scaledUp = this.op('Mul', this.cast(c, 'int64'), int64(2 * normalFactor(width)));
    const ratio = this.cast(this.op('Div', scaledUp, twice), 'float64');
    const normal = this.cast(this.op('Clip', ratio, double(-NORMAL_MAX), double(NORMAL_MAX)), 'float32');
    const scaled = this.op('Mul', normal, this.vector(scale, GRIDS.normal, `${name}.scale`));
    const moved = this.op('Add', scaled, this.vector(offset, GRIDS.normal, `${name}.offset`));
    return this.clip(this.op('Round', moved), -X_MAX, X_MAX);
  }

  /** Queries, keys and values, [lanes, time, heads, width / heads] each. */
  project(x: string, layer: IntegerLayer, name: string, turn: Shared['turn']): [string, string, string] {
    const { width, heads } = this.network.config;
    const queryMost = queryMax(this.network.config, layer.productBits);
    const size = width / heads;
    const all = this.product(x, layer.project, `${name}.project`);
    const limit = (values: string, most: number): string => this.clip(values, -most, most);
    if (turn === undefined) {
      const byHead = this.op('Reshape', all, this.shape(0, 0, 3 * heads, size));
      const [q, k, v] = this.split(byHead, 2, [heads, heads, heads]) as [string, string, string];
      return [limit(q, queryMost), limit(k, BYTE_MAX), limit(v, BYTE_MAX)];
    }
    const [straight, v, turned] = this.split(all, 2, [2 * width, width, 2 * width]) as [
      string,
      string,
      string,
    ];
    const limited = (values: string): string =>
      this.op('Reshape', limit(values, UNROTATED_MAX), this.shape(0, 0, 2 * heads, size));
    const sum = this.op(
      'Add',
      this.op('Mul', limited(straight), turn[0]),
      this.op('Mul', limited(turned), turn[1]),
    );
    const rotated = this.roundShift(sum, GRIDS.cosine + GRIDS.beforeRotation);
    const [q, k] = this.split(rotated, 2, [heads, heads]) as [string, string];
    const values = this.op('Reshape', limit(v, BYTE_MAX), this.shape(0, 0, heads, size));
    return [limit(q, queryMost), limit(k, BYTE_MAX), values];
  }

  /** A state with this call's part at its end; its last `context` places are the next state. */
  cache(state: string, dims: readonly (string | number)[], part: string, axis: number, time: string): string {
    const before = this.graph.input(state, 'int8', dims);
    const all = this.graph.node('Concat', [before, this.cast(part, 'int8')], { axis });
    const kept = this.op('Slice', all, time, this.shape(2 ** 31), this.shape(axis));
    this.graph.emit(kept, `${state}_next`, 'int8', dims);
    return all;
  }

  /**
   * Added to scores: 0 for places that a byte sees, for others so much that they are below any by more than the range of
   * attention.
   */
  mask(seen: string, scoreMax: number): string {
    const masked = 2 * scoreMax + 2 * POWER_MAX;
    const known = this.#masks.get(masked) ?? this.op('Where', seen, this.number(0), this.number(-masked));
    this.#masks.set(masked, known);
    return known;
  }

  attend(x: string, layer: IntegerLayer, index: number, { seen, time, turn }: Shared): string {
    const { width, heads, context } = this.network.config;
    const size = width / heads;
    const [q, k, v] = this.project(x, layer, `layer${index}`, turn);
    const finer = 2 ** (GRIDS.score - layer.productBits);
    const factor = this.graph.constant(Float32Array.of(finer), [], `layer${index}.score.scale`);
    const query = this.op('Mul', this.transpose(q, 0, 2, 1, 3), factor);
    const scoreMax = Math.ceil(size * queryMax(this.network.config, layer.productBits) * BYTE_MAX * finer);
    const keys = this.cache(
      `key${index}`,
      ['lanes', heads, size, context],
      this.transpose(k, 0, 2, 3, 1),
      3,
      time,
    );
    const values = this.cache(
      `value${index}`,
      ['lanes', heads, context, size],
      this.transpose(v, 0, 2, 1, 3),
      2,
      time,
    );
    const products = this.op('Round', this.op('MatMul', query, this.cast(keys, 'float32')));
    const scores = this.op('Add', products, this.mask(seen, scoreMax));
    const most = this.graph.node('ReduceMax', [scores], { axes: [3] });
    const above = this.op('Sub', scores, this.op('Sub', most, this.number(POWER_MAX)));
    const u = this.clip(above, 0, POWER_MAX);
    const second = this.roundShift(this.op('Mul', u, u), POWER_BITS);
    const fourth = this.roundShift(this.op('Mul', second, second), POWER_BITS);
    const weights = this.cast(this.op('Mul', fourth, fourth), 'float64');
    const sums = this.op('MatMul', weights, this.cast(values, 'float64'));
    const total = this.op('ReduceSum', weights, this.shape(3));
    const divisor = this.op('Max', total, this.graph.constant(Float64Array.of(1), []));
    const scale = this.graph.constant(
      BigInt64Array.from(layer.valueBits, (bits) => 2n ** BigInt(GRIDS.x - bits)),
      [heads, 1, size],
      `layer${index}.value.scale`,
    );
    const means = this.op(
      'Div',
      this.op('Mul', this.cast(sums, 'int64'), scale),
      this.cast(divisor, 'int64'),
    );
    // 64-bit integers beyond 32 bits are not put in order exactly; doubles are.
    const bound = (value: number): string => this.graph.constant(Float64Array.of(value), []);
    const meanMost = meanMax(index);
    const limited = this.op('Clip', this.cast(means, 'float64'), bound(-meanMost), bound(meanMost));
    const joined = this.op(
      'Reshape',
      this.transpose(this.cast(limited, 'float32'), 0, 2, 1, 3),
      this.shape(0, 0, width),
    );
    return this.product(joined, layer.mix, `layer${index}.mix`);
  }

  layer(x: string, layer: IntegerLayer, index: number, shared: Shared): string {
    const name = `layer${index}`;
    const attended = this.op('Add', x, this.attend(x, layer, index, shared));
    const middle = this.norm(attended, layer.norm1, `${name}.norm1`, shared.roots);
    const hidden = this.clip(this.product(middle, layer.up, `${name}.up`), 0, HIDDEN_LIMIT);
    const thought = this.op('Add', middle, this.product(hidden, layer.down, `${name}.down`));
    return this.norm(thought, layer.norm2, `${name}.norm2`, shared.roots);
  }

  /** Tokens and positions become the first layer's input. */
  embed(token: string): { x: string; shared: Shared } {
    const { graph } = this;
    const { config, embedding, positions } = this.network;
    const { width, context } = config;
    const time = graph.node('Shape', [token], { start: 1, end: 2 });
    const count = this.op('Squeeze', time, this.shape(0));
    const range = (limit: string): string =>
      this.op('Range', graph.scalar('int64', 0), limit, graph.scalar('int64', 1));

    const before = graph.input('position', 'int32', ['lanes', 1]);
    const limit = graph.scalar('int32', context);
    const after = this.op('Min', this.op('Add', before, this.cast(time, 'int32')), limit);
    graph.emit(after, 'position_next', 'int32', ['lanes', 1]);

    const steps = this.cast(range(count), 'int32');
    const places = this.op('Min', this.op('Add', before, steps), graph.scalar('int32', context - 1));
    const rows = positions.map((table, i) => {
      const columns = table.length / context;
      return this.cast(
        this.op('Gather', graph.constant(table, [context, columns], `positions${i}`), places),
        'float32',
      );
    });
    const bytes = graph.constant(embedding, [ALPHABET, width], 'embedding');
    let x = this.cast(this.op('Gather', bytes, token), 'float32');
    const rotary = config.positions === 'rotary';
    if (!rotary) x = this.op('Add', x, rows[0]);
    x = this.clip(x, -EMBEDDED_MAX, EMBEDDED_MAX);

    // Byte t sees itself, which is place context + t, and the context places before it, as far as they hold something.
    const place = this.cast(range(this.op('Add', count, graph.scalar('int64', context))), 'float32');
    const byte = this.op('Unsqueeze', this.cast(steps, 'float32'), this.shape(1));
    const held = this.op('Sub', this.number(context), this.cast(before, 'float32'));
    const first = this.op('Max', byte, this.op('Unsqueeze', held, this.shape(1)));
    const last = this.op('Add', byte, this.number(context));
    const seen = this.op('And', this.op('GreaterOrEqual', place, first), this.op('LessOrEqual', place, last));
    const roots = rootTable();
    const shared: Shared = {
      seen: this.op('Unsqueeze', seen, this.shape(1)),
      time,
      roots: graph.constant(roots, [roots.length], 'roots'),
    };
    if (!rotary) return { x, shared };
    const turn = rows.map((row) => this.op('Unsqueeze', row, this.shape(2))) as [string, string];
    return { x, shared: { ...shared, turn } };
  }
}

/** Writes the network's nodes, constants, inputs and outputs. */
export function buildTransformer(network: TransformerNetwork): GraphBuilder {
  const nodes = new TransformerNodes(network);
  const { graph } = nodes;
  const embedded = nodes.embed(graph.input('token', 'int32', ['lanes', 'time']));
  let { x } = embedded;
  for (const [index, layer] of network.layers.entries()) x = nodes.layer(x, layer, index, embedded.shared);
  const logits = nodes.cast(nodes.product(x, network.output, 'output'), 'int32');
  graph.emit(logits, 'logits', 'int32', ['lanes', 'time', ALPHABET]);
  return graph;
}
