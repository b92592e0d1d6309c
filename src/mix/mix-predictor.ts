/**
 * Predictor 2: the adaptive statistics of a chunk, with or without a language model, mixed into one probability per bit.
 * The plain reference; a fast kernel must give the same bits.
 *
 * A bit's way: the histories of all contexts, matches, low orders and the language model become inputs; seven mixers, each
 * with weights chosen by another small context, weigh them; two mixers weigh those; four probability maps refine. The fast
 * set of contexts makes do with one match model, one low order, five mixers, one above them, and two coarse maps; the best
 * one adds contexts, and what runs of a byte in them say.
 *
 * @module
 */
import { adapt, UNKNOWN_PROBABILITY } from './adaptive-probability.ts';
import { NEXT_HISTORY } from './bit-history.ts';
import { type Context, contextsOf } from './contexts.ts';
import { hash2 } from './hash.ts';
import { IndirectHistory, LaneHistory } from './lane-history.ts';
import { LanguageModelInput } from './language-model-input.ts';
import { clipStretch, squash, STRETCH_TABLE, stretchOf } from './logistic.ts';
import { bitLength, MatchModel } from './match-model.ts';
import { inputVector, Mixer } from './mixer.ts';
import { matchTableBits, type MixParameters } from './parameters.ts';
import type { BitPredictor } from './predictor.ts';
import { CoarseProbabilityMap, ProbabilityMap, type Refinement } from './probability-map.ts';
import { runBits, RunMap } from './run-map.ts';
import { SlotTable } from './slots.ts';
import { startOf } from './start.ts';
import { rangeOf } from './text-state.ts';

const f = Math.fround;

/** Limits of the counts of histories' probabilities and of the direct ones of orders 1 to 3. */
const HISTORY_LIMIT = 255;
const DIRECT_LIMITS = [255, 127, 60];
/** Blocks of 16 nodes in the direct tables of orders 2 and 3, and in a map of hashed contexts, as powers of two. */
const DIRECT_BLOCK_BITS = 16;
const MAP_BLOCK_BITS = 12;
/** Of a slot's hash, what the second half of a byte keeps of the first: slots of one byte lie in one page of memory. */
const PAGE_MASK = 0x00ffff00;
/** Minimum lengths of the match models. */
const MATCH_MINIMA = [6, 14];
const FAST_MATCH_MINIMA = [6];
/** The second layer's learning rate. */
const RATE_SECOND_LAYER = f(0.002);
const BIAS = 0.3;
/** Shares of the mixed and of each refined probability in the result. */
const SHARE_MIXED = f(0.4);
const SHARE_MAP = f(0.15);
const FAST_SHARE_MIXED = 0.5;
const FAST_SHARE_MAP = 0.25;
/** Results keep so many units of 2^-24 away from 0 and 1. */
const P_MIN = 64;
const P_MAX = 2 ** 24 - P_MIN;
/** Number of weight vectors of each selecting context of the first layer, and of the second. */
const SET_SIZES = [256, 264, 256, 56, 2048, 504, 1024];
const SET_SIZES_WITH_MODEL = [256, 264, 256, 56, 768, 504, 1024];
const FAST_SET_SIZES = [256, 264, 256, 56, 504];
const SECOND_SET_SIZES = [256, 160];
/** Contexts of a map. */
const MAP_CONTEXTS = 65536;

/** See the module's head. */
export class MixPredictor implements BitPredictor {
  readonly #chunk: Uint8Array;
  readonly #parameters: MixParameters;
  readonly #fast: boolean;
  readonly #lanes: LaneHistory[];
  readonly #contexts: readonly Context[];
  readonly #slots: SlotTable;
  readonly #hashes: Int32Array;
  readonly #slotOf: Int32Array;
  /** Words of {@link adapt}: what each history of each context means. */
  readonly #meanings: Uint32Array;
  readonly #meaningOf: Int32Array;
  readonly #matches: readonly MatchModel[];
  readonly #runs: RunMap | undefined;
  readonly #direct: readonly Uint32Array[];
  readonly #directAt = new Int32Array(3);
  readonly #model = new LanguageModelInput();
  readonly #inputs: Float32Array;
  readonly #biasAt: number;
  readonly #outputs: Float32Array;
  readonly #layer1: readonly Mixer[];
  readonly #layer2: readonly Mixer[];
  readonly #modelMaps: readonly ProbabilityMap[];
  readonly #maps: readonly Refinement[];
  #lane: LaneHistory;
  /** The bits of the byte so far, after a leading 1; how many. */
  #partial = 1;
  #bit = 0;
  #matchBucket = 0;
  #probability = 0;

  /**
   * @param chunk       encoder: complete; decoder: as long as the raw chunk, filled here byte by byte
   * @param laneStarts  where lanes begin, and, as last entry, where the chunk ends
   */
  constructor(chunk: Uint8Array, laneStarts: ArrayLike<number>, parameters: MixParameters) {
    this.#chunk = chunk;
    this.#parameters = parameters;
    const fast = (this.#fast = parameters.contexts === 'fast');
    const indirect = new IndirectHistory();
    this.#lanes = Array.from(
      { length: laneStarts.length - 1 },
      (_, lane) => new LaneHistory(chunk, laneStarts[lane], indirect),
    );
    this.#lane = this.#lanes[0];
    this.#contexts = contextsOf(parameters);
    const count = this.#contexts.length;
    this.#slots = new SlotTable(parameters.tableBits);
    this.#hashes = new Int32Array(count);
    this.#slotOf = new Int32Array(count);
    this.#meaningOf = new Int32Array(count);
    this.#meanings = new Uint32Array(count * 256);
    const start = startOf(parameters);
    for (let i = 0; i < count; i++) this.#meanings.set(start.histories, i * 256);
    const matchBits = matchTableBits(parameters.tableBits);
    const minima = fast ? FAST_MATCH_MINIMA : MATCH_MINIMA;
    this.#matches = minima.map((minimum) => new MatchModel(chunk, laneStarts, minimum, matchBits));
    const directSizes = fast ? [65536] : [65536, 16 << DIRECT_BLOCK_BITS, 16 << DIRECT_BLOCK_BITS];
    this.#direct = directSizes.map((size) => new Uint32Array(size).fill(UNKNOWN_PROBABILITY));
    const { languageModel } = parameters;
    const best = parameters.contexts === 'best';
    if (best) this.#runs = new RunMap(count, runBits(parameters.tableBits));
    this.#biasAt = start.inputs.length - 1;
    this.#inputs = inputVector(start.inputs.length + (best ? count : 0));
    this.#inputs[this.#biasAt] = BIAS;
    const setSizes = fast ? FAST_SET_SIZES : languageModel ? SET_SIZES_WITH_MODEL : SET_SIZES;
    this.#layer1 = setSizes.map(
      (size) => new Mixer(this.#inputs, size, start.inputs, start.rateFirst, start.rateLast),
    );
    this.#outputs = inputVector(setSizes.length);
    this.#layer2 = start.outputs.map(
      (weights, i) =>
        new Mixer(this.#outputs, SECOND_SET_SIZES[i], weights, RATE_SECOND_LAYER, RATE_SECOND_LAYER),
    );
    const modelMapSizes = languageModel ? [256, 65536, 65536, 16 * 256 * 3] : [];
    this.#modelMaps = modelMapSizes.map((size) => new ProbabilityMap(size));
    this.#maps = fast
      ? Array.from({ length: 2 }, () => new CoarseProbabilityMap(MAP_CONTEXTS))
      : Array.from({ length: 4 }, () => new ProbabilityMap(MAP_CONTEXTS));
  }

  beginByte(lane: number, cdf?: Uint32Array): void {
    const h = (this.#lane = this.#lanes[lane]);
    for (const match of this.#matches) match.beginByte(lane, h.at);
    const [short, long] = this.#matches as [MatchModel, MatchModel?];
    const longest = long && long.length > 0 && long.length >= short.length ? long : short;
    h.matchLength = longest.length;
    h.expected = longest.expected + 1;
    const n = h.matchLength;
    this.#matchBucket = n === 0 ? 0 : Math.min(15, n < 16 ? n >> 1 : bitLength(n) + 3);
    this.#contexts.forEach(({ of, salt }, i) => {
      this.#hashes[i] = hash2(of(h), salt);
    });
    this.#runs?.beginByte(this.#hashes);
    if (cdf !== undefined) this.#model.beginByte(cdf);
    this.#partial = 1;
    this.#bit = 0;
  }

  p(): number {
    const h = this.#lane;
    const x = this.#inputs;
    const partial = this.#partial;
    const bit = this.#bit;
    const shift = 7 - bit;
    const order1 = h.last4 & 255;
    const hits = this.#histories(bit, partial);
    let at = 2 * this.#contexts.length;
    for (const match of this.#matches) {
      match.predict(x, at, partial, shift);
      at += 2;
    }
    // What hashed contexts know of the bits: those before this half of the byte by hash, then the node, side by side.
    const half = bit < 4 ? 1 : partial >> (bit - 4);
    const node = this.#node();
    const order2Hash = hash2(h.last4 & 0xffff, half);
    const order3Hash = hash2(h.last4 & 0xffffff, half + 77);
    const mapRow = (hash: number): number => ((hash & ((1 << MAP_BLOCK_BITS) - 1)) << 4) | node;
    const order2Row = mapRow(order2Hash);
    this.#directAt[0] = (order1 << 8) | partial;
    this.#directAt[1] = ((order2Hash >>> (32 - DIRECT_BLOCK_BITS)) << 4) | node;
    this.#directAt[2] = ((order3Hash >>> (32 - DIRECT_BLOCK_BITS)) << 4) | node;
    this.#direct.forEach((words, i) => (x[at++] = STRETCH_TABLE[words[this.#directAt[i]] >>> 20]));

    // The bit that the longest match expects, as long as it was right in this byte; 2 without one.
    const expected =
      h.expected > 0 && (h.expected + 255) >> (shift + 1) === partial ? ((h.expected - 1) >> shift) & 1 : 2;
    const bucket = this.#matchBucket;
    let possible = 0;
    let modelSet = ((h.last4 >>> 8) & 255) * 8 + bit;
    if (this.#parameters.languageModel) {
      const stretched = this.#model.stretched(partial, shift);
      possible = this.#model.possible(partial, shift);
      const sure = Math.min(11, Math.trunc(Math.abs(stretched) * 2));
      modelSet = ((sure * 2 + (stretched > 0 ? 1 : 0)) * 4 + possible) * 8 + bit;
      const [byPartial, byOrder1, byOrder2, byMatch] = this.#modelMaps;
      x[at] = stretched;
      // A model that is very sure is beyond what `squash` reaches.
      x[at + 1] = f(f(squash(clipStretch(stretched)) - 0.5) * 2);
      x[at + 2] = stretchOf(byPartial.refine(stretched, partial));
      x[at + 3] = stretchOf(byOrder1.refine(stretched, partial | (order1 << 8)));
      x[at + 4] = stretchOf(byOrder2.refine(stretched, order2Row));
      x[at + 5] = stretchOf(byMatch.refine(stretched, (bucket * 256 + partial) * 3 + expected));
    }

    this.#runs?.predict(x, this.#biasAt + 1, partial, shift);

    const { text } = h;
    const matchSet = (expected === 2 ? 0 : bucket * 2 + expected + 1) * 8 + bit;
    const wordSet = (Math.min(text.wordLength, 7) * 8 + rangeOf((h.last4 >>> 8) & 255)) * 8 + bit;
    const sets = this.#fast
      ? [partial, matchSet, order1, hits * 8 + bit, wordSet]
      : [partial, matchSet, order1, hits * 8 + bit, modelSet, wordSet, this.#placeSet(bit)];
    this.#layer1.forEach((mixer, i) => (this.#outputs[i] = mixer.mix(sets[i])));
    let p: number;
    if (this.#fast) {
      const mixed = this.#layer2[0].mix(partial);
      const [map1, map2] = this.#maps;
      const refined = f(map1.refine(mixed, partial | (order1 << 8)) + map2.refine(mixed, order2Row));
      p = f(f(squash(mixed) * FAST_SHARE_MIXED) + f(refined * FAST_SHARE_MAP));
    } else {
      const first = this.#layer2[0].mix(partial);
      const second = this.#layer2[1].mix(expected === 2 ? possible * 8 + bit : (bucket + 4) * 8 + bit);
      const mixed = f(f(first + second) * 0.5);
      const [map1, map2, map3, mapWord] = this.#maps;
      p = f(squash(mixed) * SHARE_MIXED);
      p = f(p + f(map1.refine(mixed, partial | (order1 << 8)) * SHARE_MAP));
      p = f(p + f(map2.refine(mixed, order2Row) * SHARE_MAP));
      p = f(p + f(map3.refine(mixed, mapRow(order3Hash)) * SHARE_MAP));
      p = f(p + f(mapWord.refine(mixed, mapRow(hash2(text.word, half))) * SHARE_MAP));
    }
    this.#probability = Math.max(P_MIN, Math.min(P_MAX, Math.trunc(f(p * 2 ** 24))));
    return this.#probability;
  }

  /** Selects weights by the place in the line or in the record. */
  #placeSet(bit: number): number {
    const { text, records, count, last4 } = this.#lane;
    const place =
      this.#parameters.profile === 'text'
        ? Math.min(text.column >> 3, 15) * 8 + rangeOf(last4 & 255)
        : ((count % records.record) & 31) * 4 + (records.row > 0 ? 1 : 0);
    return place * 8 + bit;
  }

  /** Inputs from the contexts' histories; returns how many of the orders have seen this context before. */
  #histories(bit: number, partial: number): number {
    const x = this.#inputs;
    const { bytes } = this.#slots;
    const count = this.#contexts.length;
    if (bit === 0) {
      for (let i = 0; i < count; i++) this.#slotOf[i] = this.#slots.find(this.#hashes[i]);
    } else if (bit === 4) {
      for (let i = 0; i < count; i++) {
        const first = this.#hashes[i];
        this.#slotOf[i] = this.#slots.find((first & PAGE_MASK) | (hash2(first, partial) & ~PAGE_MASK));
      }
    }
    const node = this.#node();
    let hits = 0;
    for (let i = 0; i < count; i++) {
      const history = bytes[this.#slotOf[i] + node];
      const at = i * 256 + history;
      this.#meaningOf[i] = at;
      if (history === 0) {
        x[2 * i] = x[2 * i + 1] = 0;
      } else {
        const meaning = this.#meanings[at];
        x[2 * i] = STRETCH_TABLE[meaning >>> 20];
        x[2 * i + 1] = ((meaning >>> 16) - 32768) / 16384;
        if (this.#contexts[i].order) hits++;
      }
    }
    return hits;
  }

  /** Node of a slot's tree: the bits of this half of the byte, after a leading 1. */
  #node(): number {
    if (this.#bit < 4) return this.#partial;
    const half = 1 << (this.#bit - 4);
    return (this.#partial & (half - 1)) | half;
  }

  update(bit: number): void {
    for (const mixer of this.#layer1) mixer.train(bit);
    for (const mixer of this.#layer2) mixer.train(bit);
    for (const map of this.#maps) map.update(bit);
    for (const map of this.#modelMaps) map.update(bit);
    const { bytes } = this.#slots;
    const node = this.#node();
    for (let i = 0; i < this.#contexts.length; i++) {
      adapt(this.#meanings, this.#meaningOf[i], bit, HISTORY_LIMIT);
      const at = this.#slotOf[i] + node;
      bytes[at] = NEXT_HISTORY[2 * bytes[at] + bit];
    }
    for (const match of this.#matches) match.update(bit);
    this.#runs?.update(bit);
    this.#direct.forEach((words, i) => {
      adapt(words, this.#directAt[i], bit, DIRECT_LIMITS[i]);
    });
    this.#partial = (this.#partial << 1) | bit;
    if (++this.#bit === 8) this.#endByte(this.#partial & 255);
  }

  #endByte(byte: number): void {
    const h = this.#lane;
    this.#chunk[h.at] = byte;
    this.#runs?.endByte(byte);
    h.see(byte);
  }
}
