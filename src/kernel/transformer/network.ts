/**
 * What the kernel knows of a network: laid out by src/model/transformer/kernel.ts, field by field in this order, each of 32
 * bits; those that name an array are its address.
 */

/** Places of a lane's cache are padded to this, so that a block of them is two vectors of scores. */
export const BLOCK_PLACES: usize = 8;
/** Columns of a head that lie together in the cache; a head's width is a multiple of it. */
export const GROUP: usize = 8;
/** Bytes of a lane before its cache: the count of bytes so far, int32. */
export const LANE_HEAD: usize = 64;

/** int16 weights [blocks of columns][pairs of inputs][32 columns][2]; float32 [columns] the others. */
@unmanaged
export class Matrix {
  pairs: i32;
  blocks: i32;
  weights: i32;
  scales: i32;
  /** Zeros where the graph has none. */
  bias: i32;
}

/** A normalisation's factors and offsets, float32 [width], times 2^-9. */
@unmanaged
export class Norm {
  scale: i32;
  offset: i32;
}

@unmanaged
export class Layer {
  project: Matrix;
  mix: Matrix;
  up: Matrix;
  down: Matrix;
  norm1: Norm;
  norm2: Norm;
  /** Takes a product of query and key to the grid of scores. */
  scoreScale: f32;
  queryMax: f32;
  meanMax: f32;
  /** float64 [width], takes means of values to the grid of what becomes of them. */
  valueScale: i32;
}

@unmanaged
export class Network {
  width: i32;
  heads: i32;
  hidden: i32;
  context: i32;
  rotary: i32;
  /** Places of the cache of a layer, padded: at least context + 1. */
  places: i32;
  layers: i32;
  /** Addresses of the layers, int32. */
  layer: i32;
  output: Matrix;
  /** int16 [256][width] */
  embedding: i32;
  /** int16 [context][width], or cosines [context][width / heads]. */
  positions: i32;
  /** Sines. */
  sines: i32;
  /** int32: square roots by twelve bits of a number. */
  roots: i32;
  /** Of a normal value; log2 of the width; limit of a residual sum. */
  normalFactor: f32;
  widthFactor: f32;
  residualMax: f32;
  /** int16 [max(width, hidden)], what the next product multiplies. */
  input: i32;
  /** float32 [width], what came in last. */
  residual: i32;
  /** float32 [columns of the widest product] */
  sums: i32;
  /** int16 [3][width]: query, key and value. */
  query: i32;
  /** int32 or float32 [places], of one head */
  scores: i32;
  /** Blocks of places whose weights are not all zero: see attention.ts. */
  weights: i32;
  /** Work space of a product: (offset into weights, pair of inputs) of each pair that is not zero. */
  list: i32;
}
