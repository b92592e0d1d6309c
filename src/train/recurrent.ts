/**
 * The default network: a gated recurrent unit over hashed n-gram embeddings. Hard gates and a clipped candidate keep
 * every value in a small range, which is what makes its export to integers cheap.
 *
 *     x_t = byte row + one row of each context's table                    [width]
 *     z_t = clip(0.25 (x_t Wz + h_{t-1} Uz + bz) + 0.5, 0, 1)              [units]
 *     r_t = likewise with Wr, Ur, br (variant "gru" only)
 *     c_t = clip(x_t Wc + bc + r_t * (h_{t-1} Uc), -1, 1)                  ("minimal": r_t = 1)
 *     h_t = h_{t-1} + z_t * (c_t - h_{t-1})
 *     q_t = clip([h_t, x_t] A + ba, 0, 1)                                  [hidden]
 *     logits = q_t V + bv, and with direct connections + h_t Vh + x_t Vx   (no hidden layer: these alone)
 *
 * Only the products with h_{t-1} run step by step; everything else is one product over the whole segment.
 *
 * @module
 */
import { CONTEXT_KINDS, type ContextKind } from './contexts.ts';
import type { ForwardInputs, ForwardOutputs, Network, ParameterSpec, SegmentShape } from './network.ts';
import type { Operators } from './operators.ts';
import type { Random } from './random.ts';

/** The sizes and choices of a recurrent network. */
export interface RecurrentConfig {
  readonly network: 'recurrent';
  /** With ("gru") or without ("minimal") the reset gate. */
  readonly cell: 'gru' | 'minimal';
  readonly units: number;
  /** Width of the embedding rows. */
  readonly width: number;
  /** Size of the layer between state and logits; 0 for none. */
  readonly hidden: number;
  /** Whether state and rows reach the logits beside that layer too. Without a layer they must. */
  readonly direct: boolean;
  readonly kinds: readonly ContextKind[];
  /** Rows of each context's table, primes. */
  readonly rows: readonly number[];
}

/** Symbols that the network predicts. */
const ALPHABET = 256;

function isPrime(n: number): boolean {
  if (n < 2) return false;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

/** The largest prime that is not above `n`. */
export function primeUpTo(n: number): number {
  let candidate = Math.floor(n);
  while (candidate > 2 && !isPrime(candidate)) candidate--;
  return candidate;
}

const zero = (): number => 0;
/** Normally distributed with the variance that keeps a sum over `inputs` terms at about `gain`^2. */
const spread =
  (inputs: number, gain = 1) =>
  (random: Random): number =>
    (gain * random.normal()) / Math.sqrt(inputs);

function parameterSpecs(config: RecurrentConfig): ParameterSpec[] {
  const { cell, units, width, hidden } = config;
  const gates = cell === 'gru' ? 3 : 2;
  const specs: ParameterSpec[] = [
    { name: 'inputWeights', dims: [width, gates * units], initial: spread(width) },
    { name: 'stateWeights', dims: [units, gates * units], initial: spread(units, 0.7) },
    {
      name: 'gateBias',
      dims: [gates * units],
      // Update gates start between nearly closed and half open: some units remember long, some follow quickly.
      initial: (random, index) => (index < units ? -1.8 + 1.8 * random.uniform() : 0),
    },
    { name: 'outputBias', dims: [ALPHABET], initial: zero },
  ];
  if (config.direct) {
    specs.push(
      { name: 'outputState', dims: [units, ALPHABET], initial: spread(units, 0.5) },
      { name: 'outputInput', dims: [width, ALPHABET], initial: spread(width, 0.5) },
    );
  }
  if (hidden > 0) {
    specs.push(
      { name: 'hiddenState', dims: [units, hidden], initial: spread(units) },
      { name: 'hiddenInput', dims: [width, hidden], initial: spread(width) },
      { name: 'hiddenBias', dims: [hidden], initial: () => 0.3 },
      { name: 'outputHidden', dims: [hidden, ALPHABET], initial: spread(hidden, 0.5) },
    );
  }
  return specs;
}

function forward<V>(
  config: RecurrentConfig,
  ops: Operators<V>,
  shape: SegmentShape,
  inputs: ForwardInputs<V>,
): ForwardOutputs<V> {
  const { units, hidden, cell } = config;
  const { parameters: p, embedded: x } = inputs;
  const columns = new Array<number>(cell === 'gru' ? 3 : 2).fill(units);
  const times = new Array<number>(shape.steps).fill(shape.lanes);
  // The columns of the weights are: update gate, candidate, reset gate. A gate's factor 0.25 is taken into its weights
  // once, and its offset into the input's part: steps only add and clip.
  const [stateZ, stateC, stateR] = ops
    .split(p['stateWeights'], 1, columns)
    .map((part, i) => (i === 1 ? part : ops.affine(part, 0.25))) as [V, V, V?];
  const [inputZ, inputC, inputR] = ops
    .split(ops.linear(x, p['inputWeights'], p['gateBias']), 1, columns)
    .map((part, i) => ops.split(i === 1 ? part : ops.affine(part, 0.25, 0.5), 0, times)) as [V[], V[], V[]?];

  let h: V = inputs.states['hidden'];
  const history: V[] = [];
  for (let t = 0; t < shape.steps; t++) {
    const z = ops.clip(ops.linear(h, stateZ, inputZ[t]), 0, 1);
    let candidate: V;
    if (stateR === undefined || inputR === undefined) {
      candidate = ops.linear(h, stateC, inputC[t]);
    } else {
      const r = ops.clip(ops.linear(h, stateR, inputR[t]), 0, 1);
      candidate = ops.add(ops.multiply(r, ops.linear(h, stateC)), inputC[t]);
    }
    h = ops.interpolate(h, ops.clip(candidate, -1, 1), z);
    history.push(h);
  }

  const states = ops.concat(history, 0);
  let logits: V = p['outputBias'];
  if (config.direct) {
    logits = ops.linear(states, p['outputState'], ops.linear(x, p['outputInput'], logits));
  }
  if (hidden > 0) {
    const sum = ops.linear(states, p['hiddenState'], ops.linear(x, p['hiddenInput'], p['hiddenBias']));
    logits = ops.linear(ops.clip(sum, 0, 1), p['outputHidden'], logits);
  }
  return { loss: ops.crossEntropy(logits, inputs.targets), states: { hidden: h } };
}

/**
 * @throws RangeError where sizes make no sense.
 */
export function recurrentNetwork(config: RecurrentConfig): Network {
  for (const name of ['units', 'width'] as const) {
    if (!Number.isInteger(config[name]) || config[name] < 1)
      throw new RangeError(`${name}: ${config[name]} is no positive integer`);
  }
  if (config.hidden === 0 && !config.direct) throw new RangeError('nothing leads to the logits');
  if (config.kinds.length !== config.rows.length)
    throw new RangeError('one number of rows for each context is needed');
  for (const kind of config.kinds)
    if (!(kind in CONTEXT_KINDS)) throw new RangeError(`unknown context "${kind}"`);
  for (const rows of config.rows)
    if (!isPrime(rows)) throw new RangeError(`table rows: ${rows} is not prime`);
  return {
    config: { ...config },
    parameters: parameterSpecs(config),
    embedding: { width: config.width, kinds: config.kinds, rows: config.rows },
    states: [{ name: 'hidden', width: config.units }],
    forward: (ops, shape, inputs) => forward(config, ops, shape, inputs),
  };
}
