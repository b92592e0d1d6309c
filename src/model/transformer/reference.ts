/**
 * The integer Transformer as plain loops over numbers: the formulas of network.ts, one byte of one lane at a time. Kernel and
 * graph are held against it.
 *
 * @module
 */
import {
  BYTE_MAX,
  EMBEDDED_MAX,
  GRIDS,
  HIDDEN_LIMIT,
  type IntegerLayer,
  type IntegerNorm,
  type IntegerProduct,
  meanMax,
  NORMAL_MAX,
  normalFactor,
  POWER_MAX,
  queryMax,
  RESIDUAL_MAX,
  type TransformerNetwork,
  UNROTATED_MAX,
  X_MAX,
} from './network.ts';

const clip = (x: number, most: number, least = -most): number => Math.min(most, Math.max(least, x));

/** To the nearest integer, halves to even. */
function round(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** round(x data / 2^shifts) + bias for every column. */
function product({ inputs, columns, data, shifts, bias }: IntegerProduct, x: Float64Array): Float64Array {
  const sums = new Float64Array(columns);
  for (let i = 0; i < inputs; i++) {
    // Many, in the hidden layer. The kernel is held against this at every load.
    if (x[i] === 0) continue;
    for (let j = 0; j < columns; j++) sums[j] += x[i] * data[i * columns + j];
  }
  for (let j = 0; j < columns; j++) sums[j] = round(sums[j] * 2 ** -shifts[j]) + (bias?.[j] ?? 0);
  return sums;
}

/** The middle of its 2^8, 2^20 or 2^32 numbers stands for each. */
function tableRoot(squares: number): number {
  const shift = squares < 2 ** 20 ? 8 : squares < 2 ** 32 ? 20 : 32;
  return Math.round(Math.sqrt((Math.floor(squares / 2 ** shift) + 0.5) * 2 ** shift));
}

function norm({ scale, offset }: IntegerNorm, sums: Float64Array): Float64Array {
  const width = sums.length;
  const y = sums.map((value) => clip(value, RESIDUAL_MAX / width));
  const mean = round(y.reduce((sum, value) => sum + value, 0) / width);
  const c = y.map((value) => value - mean);
  const squares = c.reduce((sum, value) => sum + value ** 2, 0);
  const table = tableRoot(squares);
  const root = Math.trunc((table + Math.trunc(squares / table)) / 2);
  const twice = root + Math.trunc(squares / root);
  const factor = 2 * normalFactor(width);
  return c.map((value, i) => {
    const normal = clip(Math.trunc((value * factor) / twice), NORMAL_MAX);
    return clip(round((normal * scale[i] + offset[i]) * 2 ** -GRIDS.normal), X_MAX);
  });
}

/** What a layer remembers: keys and values of the places that a byte sees, oldest first. */
interface Memory {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
}

/** One lane of a network. */
export class TransformerReference {
  readonly #network: TransformerNetwork;
  readonly #memories: Memory[];
  #count = 0;

  constructor(network: TransformerNetwork) {
    this.#network = network;
    this.#memories = network.layers.map(() => ({ keys: [], values: [] }));
  }

  #project(
    layer: IntegerLayer,
    x: Float64Array,
    place: number,
  ): [q: Float64Array, k: Float64Array, v: Float64Array] {
    const { config, positions } = this.#network;
    const { width, heads } = config;
    const size = width / heads;
    const queryMost = queryMax(config, layer.productBits);
    const all = product(layer.project, x);
    const part = (i: number, most: number): Float64Array =>
      all.subarray(i * width, (i + 1) * width).map((value) => clip(value, most));
    if (config.positions === 'sinusoidal') return [part(0, queryMost), part(1, BYTE_MAX), part(2, BYTE_MAX)];
    const rotated = (straight: number, turned: number, most: number): Float64Array => {
      const t = part(turned, UNROTATED_MAX);
      return part(straight, UNROTATED_MAX).map((value, i) => {
        const at = place * size + (i % size);
        const sum = value * positions[0][at] + t[i] * positions[1][at];
        return clip(round(sum * 2 ** -(GRIDS.cosine + GRIDS.beforeRotation)), most);
      });
    };
    return [rotated(0, 3, queryMost), rotated(1, 4, BYTE_MAX), part(2, BYTE_MAX)];
  }

  #attend(index: number, q: Float64Array): Float64Array {
    const { config, layers } = this.#network;
    const { keys, values } = this.#memories[index];
    const { productBits, valueBits } = layers[index];
    const size = config.width / config.heads;
    const means = new Float64Array(config.width);
    for (let first = 0; first < config.width; first += size) {
      const scores = keys.map((key) => {
        let sum = 0;
        for (let i = first; i < first + size; i++) sum += q[i] * key[i];
        return round(sum * 2 ** (GRIDS.score - productBits));
      });
      const most = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((score) => {
        const u = clip(score - most + POWER_MAX, POWER_MAX, 0);
        return round(round(u ** 2 / POWER_MAX) ** 2 / POWER_MAX) ** 2;
      });
      const total = weights.reduce((a, b) => a + b);
      for (let i = first; i < first + size; i++) {
        let sum = 0;
        for (const [j, value] of values.entries()) sum += weights[j] * value[i];
        const mean = Math.trunc((sum * 2 ** (GRIDS.x - valueBits[i])) / total);
        means[i] = clip(mean, meanMax(index));
      }
    }
    return means;
  }

  /** Feeds a byte; returns the logits, int32 [256]. */
  step(token: number): Int32Array {
    const { config, embedding, positions, layers, output } = this.#network;
    const { width, context } = config;
    const place = Math.min(this.#count++, context - 1);
    let x: Float64Array = Float64Array.from({ length: width }, (_, i) => {
      const position = config.positions === 'sinusoidal' ? positions[0][place * width + i] : 0;
      return clip(embedding[token * width + i] + position, EMBEDDED_MAX);
    });
    for (const [index, layer] of layers.entries()) {
      const [q, k, v] = this.#project(layer, x, place);
      const { keys, values } = this.#memories[index];
      keys.push(k);
      values.push(v);
      if (keys.length > context + 1) {
        keys.shift();
        values.shift();
      }
      const mixed = product(layer.mix, this.#attend(index, q));
      const middle = norm(
        layer.norm1,
        x.map((value, i) => value + mixed[i]),
      );
      const hidden = product(layer.up, middle).map((value) => clip(value, HIDDEN_LIMIT, 0));
      const added = product(layer.down, hidden);
      x = norm(
        layer.norm2,
        middle.map((value, i) => value + added[i]),
      );
    }
    return Int32Array.from(product(output, x));
  }
}
