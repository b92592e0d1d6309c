/**
 * Predictor 2 for one chunk, with the coder: src/mix/mix-predictor.ts. The work of a bit is ordered so that memory is
 * fetched early: where the next bit's statistics lie is known as soon as this one is coded, before anything learns.
 */
import { adapt, adapt4 } from './adaptive';
import { beginsLikeliest, fillCdf, possibleByModel, setLogitBits, stretchedByModel } from './cdf';
import { beginStream, codeBit, makeRoom } from './coder';
import { hashContexts } from './contexts';
import { hash2 } from './hash';
import { LANE_BYTES, Lane, beginLane, laneOf, rangeOf, see } from './lane';
import { squash1, stretch4 } from './logistic';
import { beginMatches, bitLength, learnMatches, predictMatches, resetMatches } from './match';
import { knotOf, learn4, learnCoarse, refine4, refineCoarse, setCoarseRows, setRows } from './maps';
import {
  COARSE_ONE_AT,
  COARSE_ROW_BYTES,
  COARSE_TWO_AT,
  DIRECT_ONE_AT,
  DIRECT_THREE_AT,
  DIRECT_TWO_AT,
  HASHES_AT,
  INPUTS_AT,
  MAP_ONE_AT,
  MAP_THREE_AT,
  MAP_TWO_AT,
  MAP_WORD_AT,
  MEANINGS_AT,
  MODEL_MAP_AT,
  MODEL_MATCH_MAP_AT,
  NEXT_AT,
  NOBODY_AT,
  ROW_BYTES,
  SECOND_AT,
  SLOTS_AT,
  START_AT,
  STRETCH_AT,
  WORDS_AT,
  WORD_OF_AT,
  laneStartsAt,
} from './memory';
import {
  BIAS,
  choose,
  chooseFast,
  mixFirst,
  mixFirstFast,
  mixSecond,
  mixSecondFast,
  resetMixers,
  trainMixers,
  trainMixersFast,
} from './mixer';
import { beginRuns, endRuns, learnRuns, predictRuns, resetRuns } from './runs';
import { load4, store4To } from './scattered';
import { bucketOf, find } from './slots';

/** Direct probabilities are stored with this bit flipped: zero memory means 1/2, of which nothing is known. */
const UNKNOWN: u32 = 1 << 31;
const P_MIN: u32 = 64;
const P_MAX: u32 = (1 << 24) - 64;
/** A count of all ones marks the word of the empty history, which predicts nothing. */
const EMPTY: i32 = 1023;
/** Of a slot's hash, what the second half of a byte keeps of the first. */
const PAGE_MASK: u32 = 0x00ffff00;

/** Parameters of the chunk. */
let binary: bool = false;
let fast: bool = false;
let best: bool = false;
let withModel: bool = false;
let lanes: u32 = 1;
/** Number of contexts; which of them are orders whose hits are counted, as bits; bytes of the histories' inputs. */
let contexts: u32 = 0;
let orders: u32 = 0;
/** The lane whose next byte is prepared already; -1 for none. */
let prepared: i32 = -1;

/** Where the current bit's direct probabilities lie. */
let direct1: u32 = 0;
let direct2: u32 = 0;
let direct3: u32 = 0;
/** Numbers of the current bit's rows in the maps of orders 1 and 2. */
let mapOne: u32 = 0;
let mapTwo: u32 = 0;
let matchBucket: u32 = 0;
/** Bytes from row to row in the maps of orders 1 and 2. */
let pairBytes: u32 = 0;
/** The language model's stretched prediction of the bit. */
let byModel: f32 = 0;
/** Whether the driver wants to know what is decoded. */
let reporting: bool = false;
/** What fetching reads goes here, so that it is not optimised away. */
export let fetched: u32 = 0;

/**
 * Tells the driver of a bit, before anything learns it: of a byte's last, and of those from the first on that the likeliest
 * byte, by the language model, does not have.
 *
 * @param partial - what is known of the byte, after a leading 1
 */
// @ts-ignore: a decorator of AssemblyScript
@external("driver", "coded")
declare function coded(partial: u32): void;

/** Whether the driver is told of bits of the chunk. */
export function reportBits(report: bool): void {
  reporting = report;
}

/** Starts a chunk, after its memory was laid out. */
export function beginChunk(
  isBinary: bool,
  isFast: bool,
  isBest: bool,
  languageModel: bool,
  logitBits: u32,
  laneCount: u32,
  contextCount: u32,
  orderBits: u32,
  runBits: u32,
  decode: bool,
  streamBytes: u32,
  inputs: u32,
  rateFirst: f32,
  rateLast: f32,
): void {
  binary = isBinary;
  fast = isFast;
  best = isBest;
  withModel = languageModel;
  lanes = laneCount;
  contexts = contextCount;
  orders = orderBits;
  prepared = -1;
  reporting = false;
  setLogitBits(logitBits);
  pairBytes = languageModel ? 2 * ROW_BYTES : ROW_BYTES;
  for (let i: u32 = 0; i < contextCount; i++) {
    const at = MEANINGS_AT + (i << 10);
    memory.copy(at, START_AT, 1024);
    store<u32>(at, UNKNOWN | EMPTY);
  }
  // Contexts are worked on in fours: those that fill up the last four read a slot that belongs to nobody.
  for (let i = contextCount; (i & 3) !== 0; i++) store<u32>(SLOTS_AT + (i << 2), NOBODY_AT);
  for (let lane: u32 = 0; lane < laneCount; lane++) beginLane(lane, load<u32>(laneStartsAt + (lane << 2)));
  resetMatches();
  if (isBest) resetRuns(contextCount, runBits);
  resetMixers(inputs, isBest ? contextCount : 0, languageModel, isFast, rateFirst, rateLast);
  beginStream(decode, streamBytes);
}

export function laneBytes(): u32 {
  return LANE_BYTES;
}

/** Everything of a lane's next byte that does not need the language model. */
function prepare(lane: u32): void {
  const h = laneOf(lane);
  beginMatches(h, fast);
  const n = h.matchLength;
  matchBucket = n === 0 ? 0 : min<u32>(15, n < 16 ? n >> 1 : bitLength(n) + 3);
  hashContexts(h, binary, fast, best);
  fetchSlots();
  if (best) beginRuns();
  if (fast) aimFast(h, 1);
  else aim(h, 1);
}

/** Reads the buckets of the hashes, all at once, so that later reads find them in the cache. */
@inline
function fetchSlots(): void {
  let sum: u32 = 0;
  const end = HASHES_AT + (contexts << 2);
  for (let at = HASHES_AT; at < end; at += 4) sum += load<u8>(bucketOf(load<u32>(at)));
  fetched = sum;
}

/** Finds the slots of the hashes. */
function findSlots(): void {
  const end = contexts << 2;
  for (let i: u32 = 0; i < end; i += 4) store<u32>(SLOTS_AT + i, find(load<u32>(HASHES_AT + i)));
}

/** Node of a half byte's tree: the bits of this half that are known, after a leading 1. */
@inline
function nodeOf(partial: u32): u32 {
  if (partial < 16) return partial;
  const place: u32 = 1 << (27 - clz(partial));
  return (partial & (place - 1)) | place;
}

/** What is known of a byte before its current half, with a leading 1. */
@inline
function halfOf(partial: u32): u32 {
  return partial < 16 ? 1 : partial >> (27 - clz(partial));
}

/** The first of the 16 rows of maps that a hash selects, by its number. */
@inline
function blockOf(hash: u32): u32 {
  return (hash & 0xfff) << 4;
}

/** Computes where the statistics of a bit lie, except the slots and the language model's, and reads them. */
@inline
function aim(h: Lane, partial: u32): void {
  const last4 = h.last4;
  const small = partial | ((last4 & 255) << 8);
  const node = nodeOf(partial);
  const half = halfOf(partial);
  const order2 = hash2(last4 & 0xffff, half);
  const order3 = hash2(last4 & 0xffffff, half + 77);
  direct1 = DIRECT_ONE_AT + (small << 2);
  direct2 = DIRECT_TWO_AT + (order2 >> 16 << 6) + (node << 2);
  direct3 = DIRECT_THREE_AT + (order3 >> 16 << 6) + (node << 2);
  mapOne = small;
  mapTwo = blockOf(order2) + node;
  const row1 = MAP_ONE_AT + mapOne * pairBytes;
  const row2 = MAP_TWO_AT + mapTwo * pairBytes;
  const row3 = MAP_THREE_AT + (blockOf(order3) + node) * ROW_BYTES;
  const row4 = MAP_WORD_AT + (blockOf(hash2(h.word, half)) + node) * ROW_BYTES;
  setRows(0, row1, row2, row3, row4);
  // Which of a row's three lines it will be is not known yet.
  fetched =
    load<u32>(direct2) +
    load<u32>(direct3) +
    load<u32>(row2) +
    load<u32>(row2, 64) +
    load<u32>(row2, 128) +
    load<u32>(row3) +
    load<u32>(row3, 64) +
    load<u32>(row3, 128) +
    load<u32>(row4) +
    load<u32>(row4, 64) +
    load<u32>(row4, 128);
}

/** The same for the fast set of contexts. */
@inline
function aimFast(h: Lane, partial: u32): void {
  const last4 = h.last4;
  mapOne = partial | ((last4 & 255) << 8);
  mapTwo = blockOf(hash2(last4 & 0xffff, halfOf(partial))) + nodeOf(partial);
  direct1 = DIRECT_ONE_AT + (mapOne << 2);
  const row1 = COARSE_ONE_AT + mapOne * COARSE_ROW_BYTES;
  const row2 = COARSE_TWO_AT + mapTwo * COARSE_ROW_BYTES;
  setCoarseRows(row1, row2);
  fetched = load<u32>(row1, 32) + load<u32>(row2, 32);
}

/** The same for the language model's maps; after {@link aim}, when its prediction of the byte is there. */
@inline
function aimModel(h: Lane, partial: u32, shift: u32): void {
  const stretched = stretchedByModel(partial, shift);
  const row1 = MAP_ONE_AT + mapOne * pairBytes + ROW_BYTES;
  const row2 = MAP_TWO_AT + mapTwo * pairBytes + ROW_BYTES;
  const row3 = MODEL_MAP_AT + partial * ROW_BYTES;
  const inMatch = (matchBucket * 256 + partial) * 3 + expectedBit(h, partial, shift);
  const row4 = MODEL_MATCH_MAP_AT + inMatch * ROW_BYTES;
  setRows(1, row1, row2, row3, row4);
  byModel = stretched;
  const knot = knotOf(stretched);
  fetched = load<u32>(row1 + knot) + load<u32>(row2 + knot) + load<u32>(row4 + knot);
}

/** The bit that the longest match expects, as long as it was right in this byte; 2 without one. */
@inline
function expectedBit(h: Lane, partial: u32, shift: u32): u32 {
  const expected = h.expected;
  return expected > 0 && (expected + 255) >> (shift + 1) === partial ? ((expected - 1) >> shift) & 1 : 2;
}

/** Inputs from the contexts' histories, four contexts at a time; returns how many of the orders are known here. */
@inline
function readHistories(node: u32): u32 {
  const end = contexts << 2;
  let known: u32 = 0;
  const low10 = i32x4.splat(1023);
  for (let i: u32 = 0; i < end; i += 16) {
    const base = MEANINGS_AT + (i << 8);
    const word0 = base + (<u32>load<u8>(load<u32>(SLOTS_AT + i) + node) << 2);
    const word1 = base + 1024 + (<u32>load<u8>(load<u32>(SLOTS_AT + i, 4) + node) << 2);
    const word2 = base + 2048 + (<u32>load<u8>(load<u32>(SLOTS_AT + i, 8) + node) << 2);
    const word3 = base + 3072 + (<u32>load<u8>(load<u32>(SLOTS_AT + i, 12) + node) << 2);
    const words = load4(word0, word1, word2, word3);
    store<u32>(WORD_OF_AT + i, word0);
    store<u32>(WORD_OF_AT + i, word1, 4);
    store<u32>(WORD_OF_AT + i, word2, 8);
    store<u32>(WORD_OF_AT + i, word3, 12);
    v128.store(WORDS_AT + i, words);
    const seen = i32x4.ne(v128.and(words, low10), low10);
    known |= <u32>i32x4.bitmask(seen) << (i >> 2);
    const x = v128.and(stretch4(i32x4.shr_u(words, 20)), seen);
    const centred = i32x4.sub(i32x4.shr_u(words, 16), i32x4.splat(32768));
    const y = v128.and(
      f32x4.mul(f32x4.convert_i32x4_s(centred), f32x4.splat(<f32>(1.0 / 16384.0))),
      seen,
    );
    v128.store(INPUTS_AT + (i << 1), v128.shuffle<i32>(x, y, 0, 4, 1, 5));
    v128.store(INPUTS_AT + (i << 1), v128.shuffle<i32>(x, y, 2, 6, 3, 7), 16);
  }
  return popcnt(known & orders);
}

/** Moves the history at an address on. */
@inline
function step(at: u32, next: u32): void {
  store<u8>(at, load<u8>(next + (<u32>load<u8>(at) << 1)));
}

/** Teaches the histories' meanings and the histories, four contexts at a time. */
@inline
function learnHistories(node: u32, bit: u32): void {
  const end = contexts << 2;
  const next = NEXT_AT + bit;
  for (let i: u32 = 0; i < end; i += 16) {
    store4To(WORD_OF_AT + i, adapt4(v128.load(WORDS_AT + i), bit));
    // One after the other: two contexts may have got the same slot.
    step(load<u32>(SLOTS_AT + i) + node, next);
    step(load<u32>(SLOTS_AT + i, 4) + node, next);
    step(load<u32>(SLOTS_AT + i, 8) + node, next);
    step(load<u32>(SLOTS_AT + i, 12) + node, next);
  }
}

/** The six inputs from the language model. */
@inline
function readModel(at: u32): void {
  const stretched = byModel;
  store<f32>(at, stretched);
  const limited: f32 = stretched > 15.99 ? <f32>15.99 : stretched < -15.99 ? <f32>-15.99 : stretched;
  store<f32>(at, (squash1(limited) - 0.5) * 2, 4);
  const refined = refine4(1, stretched);
  const index = i32x4.trunc_sat_f32x4_s(f32x4.mul(refined, f32x4.splat(4096)));
  const inputs = stretch4(i32x4.min_s(index, i32x4.splat(4095)));
  v128.store(at, v128.shuffle<i32>(inputs, inputs, 2, 0, 1, 3), 8);
}

@inline
function readDirect(at: u32, word: u32): void {
  store<f32>(at, load<f32>(STRETCH_AT + ((load<u32>(word) ^ UNKNOWN) >> 20 << 2)));
}

@inline
function inUnits(p: f32): u32 {
  return max(P_MIN, min(P_MAX, <u32>(p * 16777216)));
}

/** Probability that the next bit is 1, in units of 2^-24. */
@inline
function predict(h: Lane, partial: u32, bit: u32, node: u32): u32 {
  const shift = 7 - bit;
  const order1 = h.last4 & 255;
  const order2 = (h.last4 >> 8) & 255;
  const hits = readHistories(node);
  const at = INPUTS_AT + (contexts << 3);
  predictMatches(at, partial, shift);
  readDirect(at + 16, direct1);
  readDirect(at + 20, direct2);
  readDirect(at + 24, direct3);
  const expected = expectedBit(h, partial, shift);
  const bucket = matchBucket;
  let possible: u32 = 0;
  let modelSet = order2 * 8 + bit;
  if (withModel) {
    const stretched = byModel;
    possible = possibleByModel(partial, shift);
    const sure = min<i32>(11, <i32>(abs(stretched) * 2));
    modelSet = (((<u32>sure << 1) + (stretched > 0 ? 1 : 0)) * 4 + possible) * 8 + bit;
    readModel(at + 28);
  }
  if (best) predictRuns(at + (withModel ? 56 : 32), partial, shift);
  choose(
    partial,
    (expected === 2 ? 0 : bucket * 2 + expected + 1) * 8 + bit,
    order1,
    hits * 8 + bit,
    modelSet,
    (min<u32>(h.wordLength, 7) * 8 + rangeOf(order2)) * 8 + bit,
    (binary
      ? ((h.count % h.record) & 31) * 4 + (h.row > 0 ? 1 : 0)
      : min<u32>(h.column >> 3, 15) * 8 + rangeOf(order1)) *
      8 +
      bit,
  );
  mixFirst();
  const mixed = mixSecond(partial, expected === 2 ? possible * 8 + bit : (bucket + 4) * 8 + bit);
  const refined = f32x4.mul(refine4(0, mixed), f32x4.splat(0.15));
  let p: f32 = load<f32>(SECOND_AT, 8) * <f32>0.4;
  p += f32x4.extract_lane(refined, 0);
  p += f32x4.extract_lane(refined, 1);
  p += f32x4.extract_lane(refined, 2);
  p += f32x4.extract_lane(refined, 3);
  return inUnits(p);
}

/** The same with the fast set of contexts. */
@inline
function predictFast(h: Lane, partial: u32, bit: u32, node: u32): u32 {
  const shift = 7 - bit;
  const hits = readHistories(node);
  const at = INPUTS_AT + (contexts << 3);
  predictMatches(at, partial, shift);
  readDirect(at + 8, direct1);
  const expected = expectedBit(h, partial, shift);
  if (withModel) readModel(at + 12);
  else store<f32>(at + 12, BIAS);
  chooseFast(
    partial,
    (expected === 2 ? 0 : matchBucket * 2 + expected + 1) * 8 + bit,
    h.last4 & 255,
    hits * 8 + bit,
    (min<u32>(h.wordLength, 7) * 8 + rangeOf((h.last4 >> 8) & 255)) * 8 + bit,
  );
  mixFirstFast();
  const mixed = mixSecondFast(partial);
  return inUnits(load<f32>(SECOND_AT) * <f32>0.5 + refineCoarse(mixed) * <f32>0.25);
}

/** Everything learns the bit, except the meanings and histories. */
@inline
function learn(bit: u32): void {
  const bit4 = f32x4.splat(<f32>bit);
  if (fast) {
    trainMixersFast(bit4);
    learnCoarse(bit);
  } else {
    trainMixers(bit4);
    learn4(0, bit4);
  }
  if (withModel) learn4(1, bit4);
}

/** Codes the next byte of a lane; encoding, it is `byte`. */
export function codeByte(lane: u32, byte: u32): u32 {
  const h = laneOf(lane);
  makeRoom();
  if (prepared !== <i32>lane) prepare(lane);
  if (withModel) {
    fillCdf();
    aimModel(h, 1, 7);
  }
  let partial: u32 = 1;
  for (let bit: u32 = 0; bit < 8; bit++) {
    if ((bit & 3) === 0) findSlots();
    const node = nodeOf(partial);
    const p = fast ? predictFast(h, partial, bit, node) : predict(h, partial, bit, node);
    const y = codeBit(p, (byte >> (7 - bit)) & 1);
    partial = (partial << 1) | y;
    if (reporting && (bit === 7 || !beginsLikeliest(partial, 7 - bit))) coded(partial);
    const old1 = direct1;
    const old2 = direct2;
    const old3 = direct3;
    learnMatches(y);
    if (bit < 7) {
      if (fast) aimFast(h, partial);
      else aim(h, partial);
      if (withModel) aimModel(h, partial, 6 - bit);
      if (bit === 3) {
        const end = HASHES_AT + (contexts << 2);
        for (let at = HASHES_AT; at < end; at += 4) {
          const first = load<u32>(at);
          store<u32>(at, (first & PAGE_MASK) | (hash2(first, partial) & ~PAGE_MASK));
        }
        fetchSlots();
      }
    } else {
      store<u8>(h.start + h.count, <u8>partial);
      see(h, partial & 255);
      if (best) endRuns(partial & 255);
      if (lanes === 1) {
        prepare(lane);
        prepared = 0;
      } else {
        prepared = -1;
      }
    }
    learn(y);
    learnHistories(node, y);
    if (best) learnRuns(y);
    adapt(old1, y, 255, UNKNOWN);
    if (!fast) {
      adapt(old2, y, 127, UNKNOWN);
      adapt(old3, y, 60, UNKNOWN);
    }
  }
  return partial & 255;
}

/** Codes the next `steps` bytes of every lane that has one, in lock-step, from and to the chunk's memory. */
export function codeRun(steps: u32): void {
  for (let step: u32 = 0; step < steps; step++) {
    for (let lane: u32 = 0; lane < lanes; lane++) {
      const h = laneOf(lane);
      const at = h.start + h.count;
      const starts = laneStartsAt + (lane << 2);
      if (h.count < load<u32>(starts + 4) - load<u32>(starts)) codeByte(lane, load<u8>(at));
    }
  }
}
