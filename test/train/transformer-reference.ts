/**
 * The integer Transformer, written from the formulas of src/train/transformer-integers.ts with nothing but loops over
 * numbers that are integers: what an exported model must compute, bit for bit.
 *
 * @module
 */
import type {
  IntegerNorm,
  IntegerProduct,
  IntegerTransformer,
} from '../../src/train/transformer-integers.ts';

const clip = (x: number, most: number, least = -most): number => Math.min(most, Math.max(least, x));

/** To the nearest integer, halves to even. */
function round(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function product(x: readonly number[], { inputs, columns, data, shifts, bias }: IntegerProduct): number[] {
  return Array.from({ length: columns }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < inputs; i++) sum += x[i] * data[i * columns + j];
    return round(sum * 2 ** -shifts[j]) + (bias?.[j] ?? 0);
  });
}

/** The middle of its 2^8, 2^20 or 2^32 numbers stands for each. */
function tableRoot(squares: number): number {
  const shift = squares < 2 ** 20 ? 8 : squares < 2 ** 32 ? 20 : 32;
  return Math.round(Math.sqrt((Math.floor(squares / 2 ** shift) + 0.5) * 2 ** shift));
}

function norm(sums: readonly number[], { scale, offset }: IntegerNorm): number[] {
  const width = sums.length;
  const y = sums.map((value) => clip(value, 2 ** 24 / width));
  const mean = round(y.reduce((sum, value) => sum + value, 0) / width);
  const c = y.map((value) => value - mean);
  const squares = c.reduce((sum, value) => sum + value ** 2, 0);
  const table = tableRoot(squares);
  const root = Math.trunc((table + Math.trunc(squares / table)) / 2);
  const twice = root + Math.trunc(squares / root);
  const factor = Math.round(2 ** 9 * Math.sqrt(width));
  return c.map((value, i) => {
    const normal = clip(Math.trunc((2 * value * factor) / twice), 4096);
    return clip(round((normal * scale[i] + offset[i]) / 512), 2048);
  });
}

/** What a layer remembers: rows of keys and values. */
interface Memory {
  readonly keys: number[][];
  readonly values: number[][];
}

/** One lane of a network. */
export class TransformerLane {
  readonly #network: IntegerTransformer;
  readonly #memories: Memory[];
  #count = 0;

  constructor(network: IntegerTransformer) {
    this.#network = network;
    this.#memories = network.layers.map(() => ({ keys: [], values: [] }));
  }

  #project(x: readonly number[], layer: number, place: number): [number[], number[], number[]] {
    const { config, layers, positions } = this.#network;
    const { width, heads } = config;
    const size = width / heads;
    const units = [2 ** 22, 2 ** 23, 2 ** 24][Math.min(2, Math.max(0, layers[layer].productBits - 9))];
    const queryMost = Math.min(4095, Math.floor((units - 16384) / (size * 127)));
    const all = product(x, layers[layer].project);
    const part = (i: number, most: number): number[] =>
      all.slice(i * width, (i + 1) * width).map((value) => clip(value, most));
    if (config.positions === 'sinusoidal') return [part(0, queryMost), part(1, 127), part(2, 127)];
    const rotated = (straight: number, turned: number, most: number): number[] => {
      const t = part(turned, 8191);
      return part(straight, 8191).map((value, i) => {
        const at = place * size + (i % size);
        return clip(round((value * positions[0][at] + t[i] * positions[1][at]) / 2 ** 11), most);
      });
    };
    return [rotated(0, 3, queryMost), rotated(1, 4, 127), part(2, 127)];
  }

  #attend(layer: number, q: readonly number[]): number[] {
    const { config, layers } = this.#network;
    const { keys, values } = this.#memories[layer];
    const size = config.width / config.heads;
    return q.flatMap((_, first) => {
      if (first % size !== 0) return [];
      const scores = keys.map((key) => {
        let sum = 0;
        for (let i = first; i < first + size; i++) sum += q[i] * key[i];
        return round(sum * 2 ** (9 - layers[layer].productBits));
      });
      const most = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((score) => {
        const u = clip(score - most + 4096, 4096, 0);
        return round(round(u ** 2 / 4096) ** 2 / 4096) ** 2;
      });
      const total = weights.reduce((a, b) => a + b);
      return Array.from({ length: size }, (__, i) => {
        let sum = 0;
        for (const [j, value] of values.entries()) sum += weights[j] * value[first + i];
        return clip(
          Math.trunc((sum * 2 ** (8 - layers[layer].valueBits[first + i])) / total),
          layer === 0 ? 5000 : 2048,
        );
      });
    });
  }

  /** Feeds a byte; returns the 256 logits in 2^-6 bits. */
  step(token: number): number[] {
    const { config, embedding, positions, layers, output } = this.#network;
    const { width, context } = config;
    const place = Math.min(this.#count++, context - 1);
    let x = Array.from({ length: width }, (_, i) => {
      const position = config.positions === 'sinusoidal' ? positions[0][place * width + i] : 0;
      return clip(embedding[token * width + i] + position, 5000);
    });
    for (const [index, layer] of layers.entries()) {
      const [q, k, v] = this.#project(x, index, place);
      const { keys, values } = this.#memories[index];
      keys.push(k);
      values.push(v);
      if (keys.length > context + 1) {
        keys.shift();
        values.shift();
      }
      const mixed = product(this.#attend(index, q), layer.mix);
      const middle = norm(
        x.map((value, i) => value + mixed[i]),
        layer.norm1,
      );
      const hidden = product(middle, layer.up).map((value) => clip(value, 512, 0));
      const added = product(hidden, layer.down);
      x = norm(
        middle.map((value, i) => value + added[i]),
        layer.norm2,
      );
    }
    return product(x, output);
  }
}
