/**
 * The Transformer of "Language Modeling Is Compression" (https://arxiv.org/abs/2309.10668): a decoder over bytes with
 * layer normalisation after every residual sum. Two parts of it are others, so that the trained network can be computed
 * in integers: attention weights are eighth powers (see gradient/attention.ts), the hidden layers' activation is
 * x limited to 0..8.
 *
 * A segment of text is attended to as a whole and nothing before it. Positions are carried on from one segment of a text
 * to the next and begin again after the context, so that a context longer than a segment has all its positions trained.
 *
 * @module
 */
import type { TransformerSizes } from '../model/transformer/network.ts';
import type { ForwardInputs, ForwardOutputs, Network, ParameterSpec, SegmentShape } from './network.ts';
import type { Operators } from './operators.ts';
import { rotaryTables, sinusoidTable } from './transformer-positions.ts';

/** What defines the network; JSON. After `context` bytes everything begins again. */
export interface TransformerConfig extends TransformerSizes {
  readonly network: 'transformer';
  /** Standard deviation of all weights at the start. */
  readonly initScale: number;
}

/** The thesis' sizes. */
export const TRANSFORMER: TransformerConfig = {
  network: 'transformer',
  layers: 4,
  heads: 8,
  width: 64,
  widening: 4,
  context: 2048,
  positions: 'sinusoidal',
  initScale: 0.02,
};

const ALPHABET = 256;
/** Hidden units are limited to this. */
export const HIDDEN_MAX = 8;

/** What the parameters of layer l are called. */
export const layerName = (layer: number, part: string): string => `layer${layer}.${part}`;

function checkConfig({ layers, heads, width, widening, context, positions }: TransformerConfig): void {
  const sizes = { layers, heads, width, widening, context };
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`${name}: ${size} is no positive integer`);
  }
  if ((width & (width - 1)) !== 0 || width < 4) throw new RangeError(`width: ${width} is no power of two`);
  if (width % (2 * heads) !== 0) throw new RangeError(`${heads} heads of even width do not make ${width}`);
  if (!['sinusoidal', 'rotary'].includes(positions)) throw new RangeError(`unknown positions "${positions}"`);
}

function parameterSpecs(config: TransformerConfig): ParameterSpec[] {
  const { layers, width, widening, initScale } = config;
  const hidden = width * widening;
  const matrix = (name: string, inputs: number, columns: number): ParameterSpec => ({
    name,
    dims: [inputs, columns],
    initial: (random) => initScale * random.normal(),
  });
  const vector = (name: string, size: number, value = 0): ParameterSpec => ({
    name,
    dims: [size],
    initial: () => value,
  });
  const specs = Array.from({ length: layers }, (_, layer) => {
    const name = (part: string): string => layerName(layer, part);
    return [
      matrix(name('query'), width, width),
      matrix(name('key'), width, width),
      matrix(name('value'), width, width),
      matrix(name('mix'), width, width),
      vector(name('norm1.scale'), width, 1),
      vector(name('norm1.offset'), width),
      matrix(name('up'), width, hidden),
      vector(name('up.bias'), hidden),
      matrix(name('down'), hidden, width),
      vector(name('down.bias'), width),
      vector(name('norm2.scale'), width, 1),
      vector(name('norm2.offset'), width),
    ];
  }).flat();
  return [...specs, matrix('output', width, ALPHABET), vector('output.bias', ALPHABET)];
}

function forward<V>(
  config: TransformerConfig,
  ops: Operators<V>,
  shape: SegmentShape,
  inputs: ForwardInputs<V>,
): ForwardOutputs<V> {
  const { layers, heads, width, positions } = config;
  const position = inputs.states['position'];
  let x = ops.affine(inputs.embedded, Math.sqrt(width));
  let turn = (projected: V): V => projected;
  if (positions === 'sinusoidal') {
    x = ops.add(x, ops.positionRows(sinusoidTable(config), position, shape));
  } else {
    const { cosines, sines } = rotaryTables(config);
    const [cos, sin] = [cosines, sines].map((table) => ops.positionRows(table, position, shape)) as [V, V];
    turn = (projected) => ops.rotate(projected, cos, sin, width / heads);
  }
  for (let layer = 0; layer < layers; layer++) {
    const p = (part: string): V => inputs.parameters[layerName(layer, part)];
    const query = turn(ops.linear(x, p('query')));
    const key = turn(ops.linear(x, p('key')));
    const mean = ops.attention(query, key, ops.linear(x, p('value')), shape, heads);
    const attended = ops.add(x, ops.linear(mean, p('mix')));
    const middle = ops.layerNorm(attended, p('norm1.scale'), p('norm1.offset'));
    const hidden = ops.clip(ops.linear(middle, p('up'), p('up.bias')), 0, HIDDEN_MAX);
    const thought = ops.add(middle, ops.linear(hidden, p('down'), p('down.bias')));
    x = ops.layerNorm(thought, p('norm2.scale'), p('norm2.offset'));
  }
  const logits = ops.linear(x, inputs.parameters['output'], inputs.parameters['output.bias']);
  return {
    loss: ops.crossEntropy(logits, inputs.targets),
    states: { position: ops.affine(position, 1, shape.steps) },
  };
}

/**
 * The network of a configuration.
 *
 * @throws RangeError where the configuration makes no sense
 */
export function transformerNetwork(config: TransformerConfig): Network {
  checkConfig(config);
  return {
    config: { ...config },
    parameters: parameterSpecs(config),
    embedding: { width: config.width, kinds: [], rows: [], spread: config.initScale },
    states: [{ name: 'position', width: 1 }],
    forward: (ops, shape, inputs) => forward(config, ops, shape, inputs),
  };
}
