/**
 * The Transformer in integers: what a trained one is rounded to (src/train/transformer-quantize.ts), what the exact ONNX
 * graph computes (graph.ts), and what reference.ts has as plain loops. A value v on a grid of b bits is held as the integer
 * v * 2^b.
 *
 * One byte of a lane, `round` to the nearest and halves to even, `/` truncated towards zero:
 *
 *     x          clip(embedding[token] + sinusoids[position], +-5000)                      8 bits; later ones +-2^11
 *     q          clip(round(x P / 2^..), +-4095)                                 p - b bits, by column; p <= 12
 *     k, v       clip(round(x P / 2^..), +-127)                                  b and c bits, by column
 *                with rotary positions q and k have one bit more at first, are within +-8191, and are turned and
 *                clipped then: round((q cos + q' sin) / 2^11), q' being the turned columns
 *     s_j        round(q k_j 2^(9-p))            9 bits: 4096 is 8 nats; of the 'context' bytes before and this one
 *     u_j        clip(s_j - max s + 4096, 0, 4096)
 *     w_j        round(round(u_j^2 / 2^12)^2 / 2^12)^2
 *     o          clip(2^(8-c) sum(w_j v_j) / max(1, sum w_j), +-2^11)                      8 bits; +-5000 in the first layer
 *     x'         norm(x + round(o M / 2^..))
 *     h          clip(round(x' U / 2^..) + bias, 0, 2^9)                                   6 bits
 *     x''        norm(x' + round(h D / 2^..) + bias)
 *     logits     round(x'' O / 2^..) + bias                                                6 bits, of binary logarithms
 *
 *     norm(y)    c = y - round(sum y / n), y being clipped to +-2^24 / n
 *                r = t' + sum c^2 / t'    t = the table's square root of sum c^2, t' = (t + sum c^2 / t) / 2 and r / 2 two of
 *                                         Newton's steps from it
 *                clip(round((clip(2 c f / r, +-2^12) scale + offset) / 2^9), +-2^11)        f = round(2^9 sqrt n)
 *
 * @module
 */
/** Symbols that the network predicts. */
export const ALPHABET = 256;

/** What the arithmetic must know of a network's sizes. */
export interface TransformerSizes {
  readonly layers: number;
  readonly heads: number;
  /** A power of two. */
  readonly width: number;
  /** Hidden units, in units of the width. */
  readonly widening: number;
  /** Bytes before it that a byte sees, and positions. */
  readonly context: number;
  readonly positions: 'sinusoidal' | 'rotary';
}

/** Bits of the grids. */
export const GRIDS = {
  /** Everything between the layers, within +-2^11: 64 products with 8-bit weights stay below 2^24. */
  x: 8,
  /** Hidden units, 0..2^9: 256 products with 8-bit weights stay below 2^24. */
  hidden: 6,
  /** A query's bits and a key's, together; fewer in a layer whose queries and keys are large. */
  product: 12,
  /** Scores: 2^12 is the range of attention, 8 nats. */
  score: 9,
  /** Normal values, and the factors that they are multiplied by. */
  normal: 9,
  scale: 8,
  cosine: 10,
  /** Bits of queries and keys before their rotation, more than after. */
  beforeRotation: 1,
  logit: 6,
} as const;

export const X_MAX = 2 ** 11;
/** Embeddings are trained freely and become larger than what is normalised; the first layer's weights are coarser for it. */
export const EMBEDDED_MAX = 5000;
/** Attention's means in the layer of this index are of what was embedded, or of what was normalised. */
export function meanMax(layer: number): number {
  return layer === 0 ? EMBEDDED_MAX : X_MAX;
}
export const HIDDEN_LIMIT = 2 ** 9;
/** Keys, values and weights are within +- this. */
export const BYTE_MAX = 127;
/**
 * Queries are within +- this. They are not kept, so they may be finer than keys: with 8 bits of both, rounding cost 0.5
 * to 0.7 % instead of 0.1. Scores are limited so that float32 holds their differences, and what is masked below them:
 * sums with keys stay below 2^24 units of the product, 2^22 where a unit of the product is as coarse as a score's.
 */
export function queryMax({ width, heads }: TransformerSizes, productBits: number): number {
  const room = 24 - Math.min(2, Math.max(0, GRIDS.score + 2 - productBits));
  return Math.min(4095, Math.floor((2 ** room - 2 ** 14) / ((width / heads) * BYTE_MAX)));
}
/** Attention weights are the eighth power of scores above the largest minus this, which is 2^POWER_BITS. */
export const POWER_BITS = 12;
export const POWER_MAX = 2 ** POWER_BITS;
/**
 * A step of values finer than that of what becomes of them would be lost. At least 3: their sums over all places, on the
 * grid of what becomes of them, then stay below 2^53.
 */
export const VALUE_BITS = { least: 3, most: GRIDS.x } as const;
/** Queries and keys before their rotation. */
export const UNROTATED_MAX = 8191;
/**
 * Sums of all columns' magnitudes in a residual sum, so that their mean is exact; about 128 times as much as is usual. Each
 * column is clipped to its share, which the audit sees: it knows a column's largest weight, not the sum of all. Single
 * columns of trained sums go up to 150 where others' deviation is 0.4, so squares need 44 bits: doubles hold them.
 */
export const RESIDUAL_MAX = 2 ** 24;
export const NORMAL_MAX = 2 ** 12;
/**
 * Squares' sums are looked up by twelve of their bits, at the first of these shifts where twelve are enough. The row is
 * the sum over all shifts of min(4095, floor(squares / 2^shift)): what is too large for one fills its part of the table.
 */
export const ROOT_SHIFTS = [8, 20, 32] as const;
export const ROOT_ROWS = 4095;

/** Square roots of the middles of the rows' ranges; a double's square root is exact enough on every machine. */
export function rootTable(): Int32Array {
  const middles = ROOT_SHIFTS.flatMap((shift, level) =>
    Array.from({ length: level === 0 ? ROOT_ROWS + 1 : ROOT_ROWS }, (_, i) => {
      const row = level === 0 ? i : i + 1;
      return (row + 0.5) * 2 ** shift;
    }),
  );
  return Int32Array.from(middles, (middle) => Math.round(Math.sqrt(middle)));
}

/** 2^9 times the square root of the width: what makes c / sqrt(sum c^2) a normal value on its grid. */
export function normalFactor(width: number): number {
  return Math.round(2 ** GRIDS.normal * Math.sqrt(width));
}

/** A matrix product in integers: round(x data / 2^shifts) + bias. */
export interface IntegerProduct {
  readonly inputs: number;
  readonly columns: number;
  /** [inputs, columns], row-major. */
  readonly data: Int8Array;
  readonly shifts: Int32Array;
  readonly bias?: Int32Array;
}

/** A normalisation's factors and offsets. */
export interface IntegerNorm {
  readonly scale: Int32Array;
  readonly offset: Int32Array;
}

/** One layer. */
export interface IntegerLayer {
  /** To queries, keys and values; with rotary positions then the turned queries and keys. */
  readonly project: IntegerProduct;
  /** Bits of a query's and a key's product. */
  readonly productBits: number;
  /** Bits of each column of the values. */
  readonly valueBits: Int32Array;
  readonly mix: IntegerProduct;
  readonly norm1: IntegerNorm;
  readonly up: IntegerProduct;
  readonly down: IntegerProduct;
  readonly norm2: IntegerNorm;
}

/** The whole network. */
export interface TransformerNetwork {
  readonly config: TransformerSizes;
  /** [256, width] */
  readonly embedding: Int16Array;
  /** Sinusoids [context, width]; or cosines, then sines, of a head, [context, width / heads] each. */
  readonly positions: readonly Int16Array[];
  readonly layers: readonly IntegerLayer[];
  readonly output: IntegerProduct;
}
