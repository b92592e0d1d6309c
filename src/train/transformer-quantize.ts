/**
 * Rounding of a trained Transformer to integers (src/model/transformer/network.ts), and back.
 *
 * Weights have 8 bits and a power of two for each column. Keys and values have 8 bits too; their grids are chosen for each
 * column from the size that the weights give them, for what comes out of a normalisation has a known size. A query's grid
 * follows from its key's: their products are on the same one in all of a layer, as fine as its largest column allows.
 * Sinusoidal positions need that: their first layer finds a place by keys of up to 100 and scores of hundreds of nats.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import {
  BYTE_MAX,
  EMBEDDED_MAX,
  GRIDS,
  HIDDEN_LIMIT,
  type IntegerLayer,
  type IntegerNorm,
  type IntegerProduct,
  meanMax,
  queryMax,
  RESIDUAL_MAX,
  type TransformerNetwork,
  VALUE_BITS,
  X_MAX,
} from '../model/transformer/network.ts';
import type { Parameters } from './engine.ts';
import { layerName, type TransformerConfig } from './transformer.ts';
import { rotaryTables, sinusoidTable } from './transformer-positions.ts';

/** A trained network, rounded. */
export interface IntegerTransformer extends TransformerNetwork {
  readonly config: TransformerConfig;
}

/** Rounded factors and offsets of the normalisation. */
const SCALE_MAX = 1023;
const OFFSET_MAX = 2 ** 20;
/** Biases of the products. */
const BIAS_MAX = 2 ** 13;

/** Logits are base-2 logarithms. */
const TO_BITS = 1 / Math.LN2;
/** Queries, keys and values have room for so many standard deviations; with 64 columns there cannot be more than 8. */
const HEADROOM = 6;
/** The exponents of weights. At least 3: products of hidden units then stay below 2^23, room for a residual. */
const EXPONENTS = { least: 0, residual: 3, most: 20 } as const;
const limited = (value: number, most: number): number => Math.max(-most, Math.min(most, Math.round(value)));

/** A score's unit is 2^13 products at most, so that the range of attention is a whole number of them. */
const LEAST_PRODUCT_BITS = GRIDS.score - 13;

/** A matrix of a parameter with what the rounding must know. */
interface Columns {
  readonly weights: Float32Array;
  readonly inputs: number;
  readonly columns: number;
  /** Takes the weights to the units of the results. */
  readonly factor: number;
}

function scaleColumns(matrix: Columns, factors: Float64Array): Columns {
  return { ...matrix, weights: matrix.weights.map((weight, at) => weight * factors[at % matrix.columns]) };
}

/** The largest weight that any number of inputs up to `most` can have so that sums stay below 2^24. */
function weightLimit(inputs: number, most: number): number {
  const limit = Math.min(BYTE_MAX, Math.floor(2 ** 24 / (inputs * most)));
  if (limit < 7) throw new RangeError(`${inputs} inputs leave no room for weights in sums below 2^24`);
  return limit;
}

/** Rounds columns: `to[j]` is the grid of column j's results. */
function roundColumns(
  { weights, inputs, columns, factor }: Columns,
  from: number,
  to: ArrayLike<number>,
  limit: number,
  leastExponent: number,
): { data: Int8Array; shifts: Int32Array } {
  const data = new Int8Array(inputs * columns);
  const shifts = new Int32Array(columns);
  for (let j = 0; j < columns; j++) {
    let most = 0;
    for (let i = 0; i < inputs; i++) most = Math.max(most, Math.abs(weights[i * columns + j] * factor));
    let exponent: number = EXPONENTS.most;
    while (exponent > leastExponent && most * 2 ** exponent > limit + 0.5) exponent--;
    for (let i = 0; i < inputs; i++) {
      data[i * columns + j] = limited(weights[i * columns + j] * factor * 2 ** exponent, limit);
    }
    shifts[j] = from + exponent - to[j];
  }
  return { data, shifts };
}

/** An embedding's value on the grid of a layer's inputs. */
function embedded(value: number, width: number): number {
  return limited(value * Math.sqrt(width) * 2 ** GRIDS.x, EMBEDDED_MAX);
}

function roundVector(values: Float32Array, bits: number, most: number): Int32Array {
  return Int32Array.from(values, (value) => limited(value * 2 ** bits, most));
}

/** What is known of a layer's inputs: for the first all of the embedding, for others what they were normalised with. */
type LayerInputs =
  | { readonly embedding: Float32Array; readonly sinusoids: boolean }
  | { readonly scale: Float32Array; readonly offset: Float32Array };

/**
 * The largest magnitude of a layer's inputs, on their grid. Embeddings could grow to EMBEDDED_MAX, and hardly get a third
 * of it; what they do not use is a bit more for the first layer's weights, worth 0.5 % of sinusoidal models' bits.
 */
function inputMax(width: number, from: LayerInputs): number {
  if ('scale' in from) return X_MAX;
  const most = from.embedding.reduce((max, value) => Math.max(max, Math.abs(embedded(value, width))), 0);
  return Math.min(EMBEDDED_MAX, most + (from.sinusoids ? 2 ** GRIDS.x : 0));
}

/** How large each column of a product gets: nearly always, and for bytes alone always. */
function largest({ weights, inputs, columns, factor }: Columns, from: LayerInputs): Float64Array {
  return Float64Array.from({ length: columns }, (_, j) => {
    const weight = (i: number): number => factor * weights[i * columns + j];
    let squares = 0;
    let most = 0;
    if ('scale' in from) {
      for (let i = 0; i < inputs; i++) {
        squares += (from.scale[i] * weight(i)) ** 2;
        most += from.offset[i] * weight(i);
      }
      most = Math.abs(most);
    } else {
      for (let row = 0; row < from.embedding.length; row += inputs) {
        let sum = 0;
        for (let i = 0; i < inputs; i++) sum += from.embedding[row + i] * weight(i);
        most = Math.max(most, Math.sqrt(inputs) * Math.abs(sum));
      }
      if (from.sinusoids) for (let i = 0; i < inputs; i++) squares += 0.5 * weight(i) ** 2;
    }
    return Math.max(most + HEADROOM * Math.sqrt(squares), 1e-3);
  });
}

/** Both columns of a rotation get the larger size. */
function pairMaxima(values: Float64Array, headWidth: number): Float64Array {
  const half = headWidth / 2;
  return values.map((value, j) => Math.max(value, values[j % headWidth < half ? j + half : j - half]));
}

/** Bits of a grid on which a number fits. */
function roomBits(limit: number, most: number): number {
  return Math.floor(Math.log2(limit / most));
}

/**
 * The finest grid of products on which all of a layer's queries and keys have room.
 *
 * @param room - of every column's queries and keys, by the product's bits
 */
function productBitsOf(room: (bits: number) => Int32Array): number {
  let bits: number = GRIDS.product;
  while (bits > LEAST_PRODUCT_BITS && room(bits).some((most) => most < bits)) bits--;
  return bits;
}

/** Column of the turned matrix <- column of the matrix, and its sign: (a, b) becomes (-b, a). */
export function turnedColumn(column: number, headWidth: number): { source: number; sign: 1 | -1 } {
  const half = headWidth / 2;
  return column % headWidth < half ? { source: column + half, sign: -1 } : { source: column - half, sign: 1 };
}

/** Puts matrices of the same inputs side by side. */
function join(inputs: number, parts: readonly { data: Int8Array; shifts: Int32Array }[]): IntegerProduct {
  const columns = parts.reduce((sum, { shifts }) => sum + shifts.length, 0);
  const data = new Int8Array(inputs * columns);
  const shifts = new Int32Array(columns);
  let at = 0;
  for (const part of parts) {
    const width = part.shifts.length;
    shifts.set(part.shifts, at);
    for (let i = 0; i < inputs; i++)
      data.set(part.data.subarray(i * width, (i + 1) * width), i * columns + at);
    at += width;
  }
  return { inputs, columns, data, shifts };
}

function turned(
  { data, shifts }: { data: Int8Array; shifts: Int32Array },
  width: number,
  headWidth: number,
): { data: Int8Array; shifts: Int32Array } {
  const sources = Array.from(shifts, (_, j) => turnedColumn(j, headWidth));
  return {
    data: data.map((_, at) => {
      const { source, sign } = sources[at % width];
      return sign * data[at - (at % width) + source];
    }),
    // Pairs have the same grids.
    shifts: shifts.map((_, j) => shifts[sources[j].source]),
  };
}

/** The largest sum that a residual product and its bias can give, all columns together; x itself beside it. */
function demandRoom({ columns, data, shifts, bias }: IntegerProduct, most: number, name: string): void {
  let sum = columns * EMBEDDED_MAX;
  for (const [at, weight] of data.entries()) sum += Math.abs(weight) * most * 2 ** -shifts[at % columns];
  for (const value of bias ?? []) sum += Math.abs(value);
  if (sum > RESIDUAL_MAX - 2 * columns)
    throw new LmzError('LMZ_MODEL_INVALID', `${name}: the weights are too large for exact sums`);
}

function makeLayer(
  config: TransformerConfig,
  parameter: (part: string) => Float32Array,
  inputs: LayerInputs,
): IntegerLayer {
  const { width, heads, widening, positions } = config;
  const headWidth = width / heads;
  const hidden = width * widening;
  const limitIn = weightLimit(width, inputMax(width, inputs));
  // Attention's means are of what was embedded in the first layer, of what was normalised in others.
  const most = meanMax('embedding' in inputs ? 0 : 1);
  const limitMeans = weightLimit(width, most);
  const limit = weightLimit(width, X_MAX);
  const square = (part: string, factor = 1): Columns => {
    return { weights: parameter(part), inputs: width, columns: width, factor };
  };
  const rotary = positions === 'rotary';
  const value = square('value');
  const sizes = (columns: Columns): Float64Array => {
    const each = largest(columns, inputs);
    return rotary ? pairMaxima(each, headWidth) : each;
  };
  // What a key is multiplied by, so that its column fills its bits, its query is divided by.
  const keySizes = sizes(square('key'));
  const bits = Int32Array.from(keySizes, (size) => roomBits(BYTE_MAX, size));
  const fill = keySizes.map((size, j) => (BYTE_MAX * 2 ** -bits[j]) / size);
  const key = scaleColumns(square('key'), fill);
  const query = scaleColumns(
    square('query', 1 / Math.sqrt(headWidth)),
    fill.map((factor) => 1 / factor),
  );
  const querySizes = sizes(query);
  const productBits = productBitsOf((of) =>
    bits.map((b, j) => b + roomBits(queryMax(config, of), querySizes[j])),
  );
  const valueBits = Int32Array.from(largest(value, inputs), (most) =>
    Math.max(VALUE_BITS.least, Math.min(VALUE_BITS.most, roomBits(BYTE_MAX, most))),
  );
  const more = rotary ? GRIDS.beforeRotation : 0;
  const round = (columns: Columns, to: Int32Array): { data: Int8Array; shifts: Int32Array } =>
    roundColumns(columns, GRIDS.x, to, limitIn, EXPONENTS.least);
  const q = round(
    query,
    bits.map((b) => productBits - b + more),
  );
  const k = round(
    key,
    bits.map((b) => b + more),
  );
  const parts = [q, k, round(value, valueBits)];
  if (rotary) parts.push(turned(q, width, headWidth), turned(k, width, headWidth));
  const norm = (name: string): IntegerNorm => ({
    scale: roundVector(parameter(`${name}.scale`), GRIDS.scale, SCALE_MAX),
    offset: roundVector(parameter(`${name}.offset`), GRIDS.scale + GRIDS.normal, OFFSET_MAX),
  });
  const onX = new Int32Array(width).fill(GRIDS.x);
  const layer: IntegerLayer = {
    project: join(width, parts),
    productBits,
    valueBits,
    mix: {
      inputs: width,
      columns: width,
      ...roundColumns(square('mix'), GRIDS.x, onX, limitMeans, EXPONENTS.residual),
    },
    norm1: norm('norm1'),
    up: {
      inputs: width,
      columns: hidden,
      ...roundColumns(
        { weights: parameter('up'), inputs: width, columns: hidden, factor: 1 },
        GRIDS.x,
        new Int32Array(hidden).fill(GRIDS.hidden),
        limit,
        EXPONENTS.least,
      ),
      bias: roundVector(parameter('up.bias'), GRIDS.hidden, BIAS_MAX),
    },
    down: {
      inputs: hidden,
      columns: width,
      ...roundColumns(
        { weights: parameter('down'), inputs: hidden, columns: width, factor: 1 },
        GRIDS.hidden,
        onX,
        weightLimit(hidden, HIDDEN_LIMIT),
        EXPONENTS.residual,
      ),
      bias: roundVector(parameter('down.bias'), GRIDS.x, BIAS_MAX),
    },
    norm2: norm('norm2'),
  };
  demandRoom(layer.mix, most, 'mix');
  demandRoom(layer.down, HIDDEN_LIMIT, 'down');
  return layer;
}

function positionTables(config: TransformerConfig): Int16Array[] {
  if (config.positions === 'sinusoidal') {
    return [Int16Array.from(sinusoidTable(config).data, (value) => Math.round(value * 2 ** GRIDS.x))];
  }
  const { width, heads, context } = config;
  const headWidth = width / heads;
  const { cosines, sines } = rotaryTables(config);
  // All heads turn alike; the first one's columns are kept.
  return [cosines, sines].map(({ data }) =>
    Int16Array.from({ length: context * headWidth }, (_, at) =>
      Math.round(data[Math.floor(at / headWidth) * width + (at % headWidth)] * 2 ** GRIDS.cosine),
    ),
  );
}

/**
 * Rounds a network.
 *
 * @param tables - the bytes' embeddings, [256, width].
 * @throws LmzError `LMZ_MODEL_INVALID` where a weight is no finite number.
 */
export function quantizeTransformer(
  config: TransformerConfig,
  parameters: Parameters,
  tables: Float32Array,
): IntegerTransformer {
  for (const [name, values] of [...Object.entries(parameters), ['tables', tables] as const]) {
    if (!values.every(Number.isFinite))
      throw new LmzError('LMZ_MODEL_INVALID', `${name} holds a value that is not finite`);
  }
  const { width } = config;
  let inputs: LayerInputs = { embedding: tables, sinusoids: config.positions === 'sinusoidal' };
  const layers: IntegerLayer[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const parameter = (part: string): Float32Array => parameters[layerName(layer, part)];
    layers.push(makeLayer(config, parameter, inputs));
    inputs = { scale: parameter('norm2.scale'), offset: parameter('norm2.offset') };
  }
  const columns = parameters['output'].length / width;
  return {
    config,
    embedding: Int16Array.from(tables, (value) => embedded(value, width)),
    positions: positionTables(config),
    layers,
    output: {
      inputs: width,
      columns,
      ...roundColumns(
        { weights: parameters['output'], inputs: width, columns, factor: TO_BITS },
        GRIDS.x,
        new Int32Array(columns).fill(GRIDS.logit),
        weightLimit(width, X_MAX),
        EXPONENTS.least,
      ),
      bias: roundVector(
        parameters['output.bias'].map((value) => value * TO_BITS),
        GRIDS.logit,
        BIAS_MAX,
      ),
    },
  };
}
