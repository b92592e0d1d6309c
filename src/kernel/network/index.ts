/**
 * One step of the integer recurrent network (src/model/recurrent/graph.ts has the formulas), 128-bit SIMD.
 *
 * Products are sums of int16 pairs in int32; everything between them is float32, operator for operator as the graph has
 * it, on integers that float32 holds exactly (the audit proves that).
 *
 * Memory is laid out by src/model/recurrent/kernel.ts: it fills a {@link Network}, all of whose fields are int32.
 * Units, hidden layer and columns are padded to whole blocks of 16; padding has zero weights, scales and biases, and so
 * stays zero. Row widths are padded to 8.
 */
import { accumulate, clip, narrow } from '../products';

const ALPHABET: usize = 256;
const CONTEXT_BYTES: usize = 6;
/** Bytes of a lane before its state: the last 5 bytes, the word so far, the word before, as int64. */
const LANE_HEAD: usize = 64;

/**
 * int8 weights [blocks][pairs of inputs][BLOCK columns][2] and each column's scale, float32. They are widened where they are
 * used: kept wider they would be twice as much to read from the second-level cache, of which mixing needs its part.
 */
@unmanaged
class Matrix {
  pairs: i32;
  blocks: i32;
  weights: i32;
  scales: i32;
}

/** Columns of sums: update gate, candidate, reset gate, hidden layer, logits, in this order everywhere. */
@unmanaged
class Network {
  gates: i32;
  units: i32;
  hidden: i32;
  width: i32;
  columns: i32;
  contexts: i32;
  /** int64 [contexts][8] */
  coefficients: i32;
  /** int64 [contexts] */
  sizes: i32;
  /** int64 [contexts], the first row of each context's table */
  first: i32;
  /** int64 [256] */
  letters: i32;
  wordFactor: i32;
  wordModulus: i32;
  /** int8 [rows][width] */
  tables: i32;
  /** float32 [columns] */
  bias: i32;
  /** Matrix of width inputs and all columns. */
  fromInput: i32;
  /** Matrix of the state's inputs and all columns: those before the hidden layer are for the next step. */
  fromState: i32;
  /** Matrix of the hidden layer's inputs and the logits' columns. */
  fromHidden: i32;
  /** int16 [width] */
  x: i32;
  /** float32 [columns], of the rows, with biases */
  inputSums: i32;
  /** float32 [columns], of the state */
  stateSums: i32;
  /** int32 [256] */
  hiddenSums: i32;
  /** int16 [units], what the state as products read it has changed by */
  change: i32;
  /** int16 [hidden] */
  q: i32;
  /** Work space of a product: (offset into weights, pair of inputs) of each pair that is not zero. */
  list: i32;
}

/** sums += x * matrix, in the blocks of columns from the first to the one before the last. */
function multiply(matrix: Matrix, x: usize, list: usize, sums: usize, from: i32, to: i32): void {
  accumulate(matrix.weights, matrix.pairs, x, list, sums, from, to);
}

/** floor(sums * scales): int32 to float32 */
function scaled(sums: usize, scales: usize): v128 {
  return f32x4.floor(f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), v128.load(scales)));
}

/** floor(x * factor) */
function floorScale(x: v128, factor: f32): v128 {
  return f32x4.floor(f32x4.mul(x, f32x4.splat(factor)));
}

/** floor(x * factor + 1/2) */
function roundScale(x: v128, factor: f32): v128 {
  return f32x4.floor(f32x4.add(f32x4.mul(x, f32x4.splat(factor)), f32x4.splat(0.5)));
}

/** Contexts of the lane with the new byte, and the sum of their tables' rows. */
function embed(network: Network, lane: usize, token: i32): void {
  const letter = load<i64>(<usize>network.letters + ((<usize>token) << 3));
  const word = load<i64>(lane, 40);
  let wordNext: i64 = 0;
  let previousNext = load<i64>(lane, 48);
  if (letter != 0) {
    wordNext = (word * <i64>network.wordFactor + letter) % <i64>network.wordModulus;
  } else if (word != 0) {
    previousNext = word;
  }
  store<i64>(lane, wordNext, 40);
  store<i64>(lane, previousNext, 48);

  const width: usize = network.width;
  const tables: usize = network.tables;
  const x: usize = network.x;
  let row = tables + <usize>token * width;
  for (let k: usize = 0; k < width; k += 8) v128.store(x + (k << 1), v128.load8x8_s(row + k));

  const contexts: usize = network.contexts;
  let coefficients: usize = network.coefficients;
  for (let i: usize = 0; i < contexts; i++) {
    let sum = <i64>token * load<i64>(coefficients);
    // The newest byte is the token; the lane holds those before it.
    for (let b: usize = 0; b < CONTEXT_BYTES - 1; b++) {
      sum += load<i64>(lane + (b << 3)) * load<i64>(coefficients + (b << 3), 8);
    }
    sum += wordNext * load<i64>(coefficients, 48) + previousNext * load<i64>(coefficients, 56);
    coefficients += 64;
    const index =
      (sum % load<i64>(<usize>network.sizes + (i << 3))) + load<i64>(<usize>network.first + (i << 3));
    row = tables + <usize>index * width;
    for (let k: usize = 0; k < width; k += 8) {
      v128.store(x + (k << 1), i16x8.add(v128.load(x + (k << 1)), v128.load8x8_s(row + k)));
    }
  }
  memory.copy(lane + 8, lane, 32);
  store<i64>(lane, <i64>token);
}

/** The lane's new state from the sums of gates and candidate, and what it changes for matrix products. */
function advance(network: Network, h: usize, read: usize): void {
  const bytes = (<usize>network.units) << 2;
  const p: usize = network.inputSums;
  const s: usize = network.stateSums;
  const change: usize = network.change;
  const gru = network.gates == 3;
  let low = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const z = clip(floorScale(f32x4.add(v128.load(p + i), v128.load(s + i)), 1.0 / 128.0), 0, 128);
    let candidate = v128.load(s + bytes + i);
    if (gru) {
      const sums = f32x4.add(v128.load(p + 2 * bytes + i), v128.load(s + 2 * bytes + i));
      const r = clip(floorScale(sums, 1.0 / 128.0), 0, 128);
      candidate = floorScale(f32x4.mul(r, clip(candidate, -65536, 65536)), 1.0 / 128.0);
    }
    const sum = f32x4.add(v128.load(p + bytes + i), candidate);
    const c = clip(f32x4.mul(sum, f32x4.splat(8)), -32768, 32768);
    const old = v128.load(h + i);
    const step = roundScale(f32x4.mul(z, f32x4.sub(c, old)), 1.0 / 128.0);
    const next = clip(f32x4.add(old, step), -32768, 32768);
    v128.store(h + i, next);
    const rounded = roundScale(next, 1.0 / 64.0);
    if (i & 16) {
      const at = (i - 16) >> 1;
      const now = narrow(low, rounded);
      v128.store(change + at, i16x8.sub(now, v128.load(read + at)));
      v128.store(read + at, now);
    }
    low = rounded;
  }
}

/** out = floor(sums * scales) + bias, or without bias where there is none. */
function scaleAll(sums: usize, scales: usize, bias: usize, out: usize, columns: usize): void {
  if (bias != 0) {
    for (let i: usize = 0; i < columns << 2; i += 16) {
      v128.store(out + i, f32x4.add(scaled(sums + i, scales + i), v128.load(bias + i)));
    }
  } else {
    for (let i: usize = 0; i < columns << 2; i += 16) v128.store(out + i, scaled(sums + i, scales + i));
  }
}

/** The hidden layer from the sums of the rows and of the new state. */
function activate(p: usize, o: usize, q: usize, hidden: usize): void {
  for (let i: usize = 0; i < hidden << 2; i += 32) {
    const low = floorScale(f32x4.add(v128.load(p + i), v128.load(o + i)), 0.125);
    const high = floorScale(f32x4.add(v128.load(p + i, 16), v128.load(o + i, 16)), 0.125);
    v128.store(q + (i >> 1), narrow(clip(low, 0, 512), clip(high, 0, 512)));
  }
}

/** The blocks of a part, of so many, of a product's columns. */
@inline
function share(blocks: i32, part: i32, parts: i32): i32 {
  return (blocks * part) / parts;
}

/** A part of the rows' product: before the first, contexts and rows; after the last, scales. */
function multiplyInput(network: Network, lane: usize, token: i32, part: i32): void {
  const p: usize = network.inputSums;
  const fromInput = changetype<Matrix>(<usize>network.fromInput);
  const blocks = fromInput.blocks;
  if (part === 0) {
    embed(network, lane, token);
    memory.fill(p, 0, <usize>network.columns << 2);
  }
  const from = share(blocks, part, INPUT_PARTS);
  const to = share(blocks, part + 1, INPUT_PARTS);
  multiply(fromInput, network.x, network.list, p, from, to);
  if (part === INPUT_PARTS - 1) scaleAll(p, fromInput.scales, network.bias, p, network.columns);
}

/**
 * A part of the state's product; before the first, the new state.
 *
 * Most units of the state change by nothing that products see in a step, so its sums are kept and only what has changed
 * is added; integers, so they are the same sums.
 */
function multiplyState(network: Network, lane: usize, part: i32): void {
  const units: usize = network.units;
  const h = lane + LANE_HEAD;
  const read = h + (units << 2);
  const sums = read + (units << 1);
  const fromState = changetype<Matrix>(<usize>network.fromState);
  const blocks = fromState.blocks;
  if (part === 0) {
    scaleAll(sums, fromState.scales, 0, network.stateSums, <usize>network.gates * units);
    advance(network, h, read);
  }
  const from = share(blocks, part, STATE_PARTS);
  const to = share(blocks, part + 1, STATE_PARTS);
  multiply(fromState, network.change, network.list, sums, from, to);
}

/** The logits, from the sums of rows and state. */
function predict(network: Network, lane: usize, logits: usize): void {
  const units: usize = network.units;
  const hidden: usize = network.hidden;
  const sums = lane + LANE_HEAD + units * 6;
  const p: usize = network.inputSums;
  const s: usize = network.stateSums;
  const out = (<usize>network.gates * units) << 2;
  const fromState = changetype<Matrix>(<usize>network.fromState);
  scaleAll(sums + out, <usize>fromState.scales + out, 0, s + out, hidden + ALPHABET);

  const logitColumns = out + (hidden << 2);
  const p2 = p + logitColumns;
  const s2 = s + logitColumns;
  if (hidden > 0) {
    activate(p + out, s + out, network.q, hidden);
    const fromHidden = changetype<Matrix>(<usize>network.fromHidden);
    const v: usize = network.hiddenSums;
    memory.fill(v, 0, ALPHABET << 2);
    multiply(fromHidden, network.q, network.list, v, 0, fromHidden.blocks);
    const scales: usize = fromHidden.scales;
    for (let i: usize = 0; i < ALPHABET << 2; i += 16) {
      const before = f32x4.add(v128.load(p2 + i), v128.load(s2 + i));
      const sum = f32x4.add(before, scaled(v + i, scales + i));
      v128.store(logits + i, i32x4.trunc_sat_f32x4_s(roundScale(sum, 0.0625)));
    }
  } else {
    for (let i: usize = 0; i < ALPHABET << 2; i += 16) {
      const sum = f32x4.add(v128.load(p2 + i), v128.load(s2 + i));
      v128.store(logits + i, i32x4.trunc_sat_f32x4_s(roundScale(sum, 0.0625)));
    }
  }
}

/** Parts of a step, of about the same time: products with the rows, with the state, and the output. */
const INPUT_PARTS: i32 = 2;
const STATE_PARTS: i32 = 3;
const PARTS: i32 = INPUT_PARTS + STATE_PARTS + 1;

export function parts(): i32 {
  return PARTS;
}

/**
 * Does one part of a step; all of them, in order, feed a byte to a lane. Between them a step can be given up, if the
 * lane's state is then put back.
 *
 * @param address - of the Network
 * @param lane - of its state: LANE_HEAD bytes, float32 [units], int16 [units], int32 [columns]
 * @param logits - where int32 [256] are written
 */
export function stepPart(address: usize, lane: usize, token: i32, logits: usize, part: i32): void {
  const network = changetype<Network>(address);
  if (part < INPUT_PARTS) multiplyInput(network, lane, token, part);
  else if (part < PARTS - 1) multiplyState(network, lane, part - INPUT_PARTS);
  else predict(network, lane, logits);
}

/** Feeds one byte to a lane. */
export function step(address: usize, lane: usize, token: i32, logits: usize): void {
  for (let part = 0; part < PARTS; part++) stepPart(address, lane, token, logits, part);
}

/**
 * The byte of the largest logit, of those that begin with certain bits.
 *
 * @param logits - where int32 [256] are
 * @param partial - the bits, after a leading 1
 */
export function likeliest(logits: usize, partial: u32): u32 {
  const unknown = clz(partial) - 23;
  const first = (partial << unknown) & 255;
  let best = first;
  let most = i32.MIN_VALUE;
  for (let byte = first; byte < first + (1 << unknown); byte++) {
    const logit = load<i32>(logits + (byte << 2));
    if (logit > most) {
      most = logit;
      best = byte;
    }
  }
  return best;
}
