/**
 * Attention of one byte to all places that it sees.
 *
 * A layer's cache is a ring of context + 1 places, so that the byte that leaves is overwritten by the one that comes; in
 * which order they lie changes no sum. The places after the last one written to are not seen: they get a score so low
 * that their weight is zero, which is what the graph's mask does. (It lowers the scores of places without a byte by twice
 * the largest score and twice the range of attention: below the largest one seen by more than the range, so that they add
 * nothing to sums or to the total.) Nothing need therefore be cleared when a lane begins again.
 */
import { remember } from './cache';
import { BLOCK_PLACES, GROUP, Layer, Network } from './network';

/** The range of attention. A weight is the eighth power of what a score is above its bottom, as a part of this. */
const POWER_MAX: f32 = 4096;
const POWER_STEP: f32 = 1.0 / 4096.0;
/**
 * A score of this or less above the bottom of the range has weight zero: 431^2 / 2^12 rounds to 45, 45^2 / 2^12 to 0.
 */
const ZERO_MAX: f32 = 431;
/** A score that is below all. */
const UNSEEN: f32 = -1e38;
/** Bytes of a block of 8 places in the list of weights: high and low halves, int16 [8] each, and the offset of its values. */
const ENTRY: usize = 48;
/** Bytes of 8 places' values of a group. */
const BLOCK_BYTES: usize = BLOCK_PLACES * GROUP;

/** Products of a group's query, in pairs, with keys of 4 places. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function products(keys: usize, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  const low = i32x4.add(
    i32x4.dot_i16x8_s(v128.load8x8_s(keys), q0),
    i32x4.dot_i16x8_s(v128.load8x8_s(keys, 8), q1),
  );
  const high = i32x4.add(
    i32x4.dot_i16x8_s(v128.load8x8_s(keys, 16), q2),
    i32x4.dot_i16x8_s(v128.load8x8_s(keys, 24), q3),
  );
  return i32x4.add(low, high);
}

/**
 * Adds the products of one group, or two, of a head to the scores up to `end`, which is after a whole block.
 *
 * @param first - they are not added but set
 * @param last - they are taken to their grid, float32, and the largest of all but the last block returned
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function addProducts(
  keys: usize,
  more: usize,
  query: usize,
  scores: usize,
  end: usize,
  factor: f32,
  two: bool,
  first: bool,
  last: bool,
): v128 {
  const q0 = v128.load32_splat(query);
  const q1 = v128.load32_splat(query, 4);
  const q2 = v128.load32_splat(query, 8);
  const q3 = v128.load32_splat(query, 12);
  const q4 = v128.load32_splat(query, 16);
  const q5 = v128.load32_splat(query, 20);
  const q6 = v128.load32_splat(query, 24);
  const q7 = v128.load32_splat(query, 28);
  const scale = f32x4.splat(factor);
  let most = f32x4.splat(UNSEEN);
  let block = most;
  for (let to = scores; to < end; to += BLOCK_PLACES * 4) {
    let a = products(keys, q0, q1, q2, q3);
    let b = products(keys + 4 * GROUP, q0, q1, q2, q3);
    if (two) {
      a = i32x4.add(a, products(more, q4, q5, q6, q7));
      b = i32x4.add(b, products(more + 4 * GROUP, q4, q5, q6, q7));
      more += BLOCK_BYTES;
    }
    keys += BLOCK_BYTES;
    if (!first) {
      a = i32x4.add(a, v128.load(to));
      b = i32x4.add(b, v128.load(to, 16));
    }
    if (last) {
      a = f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(a), scale));
      b = f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(b), scale));
      most = f32x4.pmax(most, block);
      block = f32x4.pmax(a, b);
    }
    v128.store(to, a);
    v128.store(to, b, 16);
  }
  return most;
}

/** Query times keys, for the places up to `seen`; the rest of the last block is not seen. Returns the largest score. */
function score(network: Network, keys: usize, query: usize, seen: usize, end: usize, factor: f32): f32 {
  const scores: usize = network.scores;
  const groupBytes = <usize>network.places * GROUP;
  const size = <usize>network.width / <usize>network.heads;
  let more = keys + groupBytes;
  let most: v128;
  // Widths of heads are powers of two.
  if (size == GROUP) {
    most = addProducts(keys, keys, query, scores, end, factor, false, true, true);
  } else if (size == 2 * GROUP) {
    most = addProducts(keys, more, query, scores, end, factor, true, true, true);
  } else {
    addProducts(keys, more, query, scores, end, factor, true, true, false);
    for (let i: usize = 4 * GROUP; ; i += 2 * GROUP) {
      keys = more + groupBytes;
      more = keys + groupBytes;
      query += GROUP * 4;
      if (i == size) break;
      addProducts(keys, more, query, scores, end, factor, true, false, false);
    }
    most = addProducts(keys, more, query, scores, end, factor, true, false, true);
  }
  for (let at = scores + (seen << 2); at < end; at += 4) store<f32>(at, UNSEEN);
  most = f32x4.pmax(most, f32x4.pmax(v128.load(end - 32), v128.load(end - 16)));
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

/** Fourth powers of four numbers 0..2^12, on that grid, as int32. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function fourth(u: v128): v128 {
  const step = f32x4.splat(POWER_STEP);
  const second = f32x4.nearest(f32x4.mul(f32x4.mul(u, u), step));
  const power = f32x4.nearest(f32x4.mul(f32x4.mul(second, second), step));
  // Above 2^23 float32 counts in ones, so that the integer is in its lowest bits.
  return v128.xor(f32x4.add(power, f32x4.splat(8388608)), i32x4.splat(0x4b000000));
}

/** Attention weights are sums of high * 2^12 + low: high within 0..2^12, low below it. */
let listEnd: usize = 0;
let total: f64 = 0;

/**
 * Lists the blocks of places with weights that are not all zero, up to {@link listEnd}, and sums the weights up.
 *
 * @param bottom - a score of the weight zero, from which the range of attention begins
 */
function weigh(scores: usize, end: usize, bottom: f32, list: usize): void {
  const below = f32x4.splat(bottom);
  const zero = f32x4.splat(ZERO_MAX);
  const ones = i16x8.splat(1);
  const mask = i32x4.splat(4095);
  let high = i32x4.splat(0);
  let low = i32x4.splat(0);
  let to = list;
  let values: i32 = 0;
  for (let at = scores; at < end; at += 32) {
    const a = f32x4.sub(v128.load(at), below);
    const b = f32x4.sub(v128.load(at, 16), below);
    if (v128.any_true(f32x4.gt(f32x4.pmax(a, b), zero))) {
      const none = f32x4.splat(0);
      const f = fourth(f32x4.pmax(a, none));
      const g = fourth(f32x4.pmax(b, none));
      // Of 16 bits, with zeros between them: their squares.
      const w = i32x4.dot_i16x8_s(f, f);
      const x = i32x4.dot_i16x8_s(g, g);
      const highs = i16x8.narrow_i32x4_s(i32x4.shr_u(w, 12), i32x4.shr_u(x, 12));
      const lows = i16x8.narrow_i32x4_s(v128.and(w, mask), v128.and(x, mask));
      high = i32x4.add(high, i32x4.dot_i16x8_s(highs, ones));
      low = i32x4.add(low, i32x4.dot_i16x8_s(lows, ones));
      v128.store(to, highs);
      v128.store(to, lows, 16);
      store<i32>(to, values, 32);
      to += ENTRY;
    }
    values += <i32>BLOCK_BYTES;
  }
  listEnd = to;
  total = <f64>sumOf(high) * 4096 + <f64>sumOf(low);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function sumOf(x: v128): i32 {
  return (
    i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3)
  );
}

/** Two means: whole parts of sums * scale / total, limited. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function mean(high: v128, low: v128, scale: usize, divisor: v128, most: f64): v128 {
  const sums = f64x2.add(
    f64x2.mul(f64x2.convert_low_i32x4_s(high), f64x2.splat(4096)),
    f64x2.convert_low_i32x4_s(low),
  );
  // Below 2^48: a double's quotient has the same whole part (norm.ts).
  const means = f64x2.trunc(f64x2.div(f64x2.mul(sums, v128.load(scale)), divisor));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.pmin(f64x2.pmax(means, f64x2.splat(-most)), f64x2.splat(most)));
}

/** Four means, int32. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function means(high: v128, low: v128, scale: usize, divisor: v128, most: f64): v128 {
  const first = mean(high, low, scale, divisor, most);
  const upper = v128.shuffle<i64>(high, high, 1, 1);
  const second = mean(upper, v128.shuffle<i64>(low, low, 1, 1), scale + 16, divisor, most);
  return v128.shuffle<i64>(first, second, 0, 2);
}

/**
 * Weighted means of a group's values, int16 [8].
 *
 * Sums in int32: of 4097 places at most, values up to 127 and halves of weights up to 2^12 each: below 2^31.
 */
function average(values: usize, list: usize, scale: usize, most: f64, out: usize): void {
  let h0 = i32x4.splat(0);
  let h1 = i32x4.splat(0);
  let l0 = i32x4.splat(0);
  let l1 = i32x4.splat(0);
  const end = listEnd;
  for (let at = list; at < end; at += ENTRY) {
    const v = values + <usize>load<u32>(at, 32);
    let high = v128.load32_splat(at);
    let low = v128.load32_splat(at, 16);
    let left = v128.load8x8_s(v);
    let right = v128.load8x8_s(v, 8);
    h0 = i32x4.add(h0, i32x4.dot_i16x8_s(left, high));
    h1 = i32x4.add(h1, i32x4.dot_i16x8_s(right, high));
    l0 = i32x4.add(l0, i32x4.dot_i16x8_s(left, low));
    l1 = i32x4.add(l1, i32x4.dot_i16x8_s(right, low));
    high = v128.load32_splat(at, 4);
    low = v128.load32_splat(at, 20);
    left = v128.load8x8_s(v, 16);
    right = v128.load8x8_s(v, 24);
    h0 = i32x4.add(h0, i32x4.dot_i16x8_s(left, high));
    h1 = i32x4.add(h1, i32x4.dot_i16x8_s(right, high));
    l0 = i32x4.add(l0, i32x4.dot_i16x8_s(left, low));
    l1 = i32x4.add(l1, i32x4.dot_i16x8_s(right, low));
    high = v128.load32_splat(at, 8);
    low = v128.load32_splat(at, 24);
    left = v128.load8x8_s(v, 32);
    right = v128.load8x8_s(v, 40);
    h0 = i32x4.add(h0, i32x4.dot_i16x8_s(left, high));
    h1 = i32x4.add(h1, i32x4.dot_i16x8_s(right, high));
    l0 = i32x4.add(l0, i32x4.dot_i16x8_s(left, low));
    l1 = i32x4.add(l1, i32x4.dot_i16x8_s(right, low));
    high = v128.load32_splat(at, 12);
    low = v128.load32_splat(at, 28);
    left = v128.load8x8_s(v, 48);
    right = v128.load8x8_s(v, 56);
    h0 = i32x4.add(h0, i32x4.dot_i16x8_s(left, high));
    h1 = i32x4.add(h1, i32x4.dot_i16x8_s(right, high));
    l0 = i32x4.add(l0, i32x4.dot_i16x8_s(left, low));
    l1 = i32x4.add(l1, i32x4.dot_i16x8_s(right, low));
  }
  const divisor = f64x2.splat(total);
  const low = means(h0, l0, scale, divisor, most);
  v128.store(out, i16x8.narrow_i32x4_s(low, means(h1, l1, scale + 32, divisor, most)));
}

/**
 * Attention of the byte whose projections are in `sums`; the means are written to `input`.
 *
 * @param cache - the layer's
 * @param count - of the lane's bytes before this one, as far as positions tell them apart
 * @param slot - the byte's place in the cache
 */
export function attend(network: Network, layer: Layer, cache: usize, count: i32, slot: i32): void {
  const width: usize = network.width;
  remember(network, layer, cache, count, slot);
  const query: usize = network.query;
  const seen = <usize>count + 1;
  const end = <usize>network.scores + (((seen + BLOCK_PLACES - 1) & ~(BLOCK_PLACES - 1)) << 2);
  const size = width / <usize>network.heads;
  const list: usize = network.weights;
  const places: usize = network.places;
  const values = cache + width * places;
  for (let first: usize = 0; first < width; first += size) {
    const most = score(network, cache + first * places, query + (first << 1), seen, end, layer.scoreScale);
    // The largest has the whole range, so that the total is at least 2^24.
    weigh(network.scores, end, most - POWER_MAX, list);
    for (let i = first; i < first + size; i += GROUP) {
      const scale = <usize>layer.valueScale + (i << 3);
      average(values + i * places, list, scale, layer.meanMax, <usize>network.input + (i << 1));
    }
  }
}
