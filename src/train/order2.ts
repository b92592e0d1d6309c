/**
 * The order-2 model: P(next byte | last two bytes), counted over the training corpora and exported as an ONNX graph of
 * table look-ups. It needs no training run, and so it stands in until a trained network takes its place.
 *
 * The pairs of last bytes that save most bits own a row of 256 logits each; every other pair shares the row of its last
 * byte, estimated from the pairs that share it. The counts of the categories are weighted ({@link ORDER2_CATEGORIES}),
 * smoothed towards order 1 and order 0 (Witten and Bell, "The zero-frequency problem", 1991), and rounded to eight bits.
 *
 * The same corpora give the same file: no random numbers, files read in the order of their names.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { GraphBuilder } from '../model/onnx/builder.ts';
import { elementNamed } from '../model/onnx/elements.ts';

const ALPHABET = 256;
const PAIRS = ALPHABET * ALPHABET;

/** A folder of the training corpora, with what the model card must say of it. */
export interface Order2Category {
  /** The folder's name. */
  name: string;
  /** Its share of the weighted counts; the shares add up to one. */
  share: number;
  /** Where its texts come from and under which licences (shared/corpora/README.md). */
  source: string;
}

/**
 * What the model is counted over. The shares say what lmz is for, English text and source code first, not how large the
 * corpora happen to be.
 */
export const ORDER2_CATEGORIES: readonly Order2Category[] = [
  {
    name: 'prose',
    share: 0.4,
    source: 'classic-books-markdown, 254 books (public domain)',
  },
  {
    name: 'wiki',
    share: 0.25,
    source:
      'MediaWiki exports, wikitext-2, FreeCAD/OpenTTD/Whonix wikis, FOLDOC (CC BY-SA, GFDL, GPL), BIPs (BSD/PD/CC0), jargon (PD)',
  },
  {
    name: 'code',
    share: 0.25,
    source: 'free software sources and documentation (MIT, BSD, Apache-2.0, PSF, GPL, LGPL, GFDL, CC BY, PD)',
  },
  {
    name: 'multilingual',
    share: 0.1,
    source:
      'COST-ELTeC novels (CC BY 4.0), Gutenberg and Wikisource (mostly PD, a few unclear), Wikipedia and XQuAD (CC BY-SA), OpenTTD wiki (GFDL/CC BY-SA), Debian manpages (GPL/mixed)',
  },
];

/** What may be chosen; the defaults were picked on the validation part (models/README.md). */
export interface Order2Options {
  /** Rows of the table, the 256 shared ones included. */
  rows: number;
  /** Logits are in units of 2^-logitBits bits. */
  logitBits: number;
  /** Witten-Bell's escape, per distinct successor, at order 2 and at order 1. */
  smoothing: number;
}

/** The table must fit in 4,000,000 bytes beside the index map (4 bytes a pair) and about 2 kB of graph and metadata. */
export const ORDER2_DEFAULTS: Readonly<Order2Options> = { rows: 14_590, logitBits: 3, smoothing: 2 };

/** The token that stands before the first byte: a line's end. The byte before it is zero, as every state at the start. */
export const ORDER2_START = 10;

/** A table of logits and which row each pair of bytes uses. */
export interface Order2Table {
  options: Order2Options;
  /** Row of the pair `previous * 256 + byte`. Rows 0 to 255 are the shared ones. */
  rowOfPair: Int32Array;
  /** `rows * 256` logits; a row's largest is 255. */
  logits: Uint8Array;
}

/** Adds every byte of one file to `counts`, at `(byte before last * 256 + last byte) * 256 + byte`. */
export function countTriples(counts: Uint32Array, bytes: Uint8Array): void {
  let pair = ORDER2_START;
  for (const byte of bytes) {
    const triple = (pair << 8) | byte;
    counts[triple]++;
    pair = triple & 0xffff;
  }
}

/** Zeroed counts for {@link countTriples}: 64 MiB. */
export function newTripleCounts(): Uint32Array {
  return new Uint32Array(PAIRS * ALPHABET);
}

/**
 * Adds the categories' counts, each scaled so that the sums stand to one another as the shares do and add up to the number
 * of bytes that were counted.
 */
export function weightCounts(parts: readonly { counts: Uint32Array; share: number }[]): Float64Array {
  const sums = parts.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  const total = sums.reduce((sum, part) => sum + part, 0);
  const weighted = new Float64Array(PAIRS * ALPHABET);
  parts.forEach(({ counts, share }, part) => {
    if (sums[part] === 0) return;
    const weight = (share * total) / sums[part];
    for (let at = 0; at < weighted.length; at++) weighted[at] += weight * counts[at];
  });
  return weighted;
}

/** Witten-Bell: counts at `at`, blended with `lower` by how many distinct successors were seen. Written to `out`. */
function blend(
  counts: Float64Array,
  at: number,
  lower: Float64Array,
  lowerAt: number,
  smoothing: number,
  out: Float64Array,
  outAt: number,
): void {
  let sum = 0;
  let distinct = 0;
  for (let c = 0; c < ALPHABET; c++) {
    const count = counts[at + c];
    sum += count;
    if (count > 0) distinct++;
  }
  // A context that was never seen is the lower order itself.
  const escape = smoothing * Math.max(distinct, 1);
  for (let c = 0; c < ALPHABET; c++) {
    out[outAt + c] = (counts[at + c] + escape * lower[lowerAt + c]) / (sum + escape);
  }
}

/**
 * P(c | b), 256 x 256, from the counts of the given pairs, blended with `lower`: one distribution for all last bytes, or
 * one for each.
 */
function order1(
  counts: Float64Array,
  pairs: readonly number[],
  lower: Float64Array,
  smoothing: number,
): Float64Array {
  const sums = new Float64Array(PAIRS);
  for (const pair of pairs) {
    const from = pair * ALPHABET;
    const to = (pair & 0xff) * ALPHABET;
    for (let c = 0; c < ALPHABET; c++) sums[to + c] += counts[from + c];
  }
  const probabilities = new Float64Array(PAIRS);
  for (let at = 0; at < PAIRS; at += ALPHABET) {
    blend(sums, at, lower, lower.length === PAIRS ? at : 0, smoothing, probabilities, at);
  }
  return probabilities;
}

/** P(c), with half a count for what never came. */
function order0(counts: Float64Array): Float64Array {
  const probabilities = new Float64Array(ALPHABET).fill(0.5);
  for (let at = 0; at < counts.length; at++) probabilities[at & 0xff] += counts[at];
  const sum = probabilities.reduce((total, count) => total + count, 0);
  return probabilities.map((count) => count / sum);
}

/** The pairs that were followed by anything, ascending. */
function pairsSeen(counts: Float64Array): number[] {
  const seen: number[] = [];
  let last = -1;
  for (let at = 0; at < counts.length; at++) {
    if (counts[at] === 0) continue;
    const pair = at >> 8;
    if (pair !== last) seen.push(pair);
    last = pair;
  }
  return seen;
}

/** Rounds one distribution to logits: 255 for the likeliest byte, 0 for what is too far below it to tell. */
function roundRow(p: Float64Array, at: number, logitBits: number, out: Uint8Array, outAt: number): void {
  let largest = 0;
  for (let c = 0; c < ALPHABET; c++) largest = Math.max(largest, p[at + c]);
  const unit = 2 ** logitBits;
  for (let c = 0; c < ALPHABET; c++) {
    out[outAt + c] = Math.max(0, 255 - Math.round(unit * Math.log2(largest / p[at + c])));
  }
}

/**
 * Picks the pairs that own a row and fills the table.
 *
 * A pair's worth is the bits that its own row saves on its own counts against the shared row. The shared rows are
 * estimated from what is left to share them, which changes the worth of each pair: a few rounds settle that.
 */
export function buildOrder2(counts: Float64Array, options: Order2Options): Order2Table {
  const { rows, logitBits, smoothing } = options;
  if (!(rows >= ALPHABET && rows <= PAIRS)) throw new RangeError(`rows must be 256..65536, got ${rows}`);
  const seen = pairsSeen(counts);
  const p1 = order1(counts, seen, order0(counts), smoothing);
  const own = new Float64Array(ALPHABET);

  let owners = new Set<number>();
  let shared = p1;
  for (let round = 0; round < 4; round++) {
    const worth = new Float64Array(PAIRS);
    for (const pair of seen) {
      const at = pair * ALPHABET;
      const sharedAt = (pair & 0xff) * ALPHABET;
      blend(counts, at, p1, sharedAt, smoothing, own, 0);
      let bits = 0;
      for (let c = 0; c < ALPHABET; c++) {
        const count = counts[at + c];
        if (count > 0) bits += count * Math.log2(own[c] / shared[sharedAt + c]);
      }
      worth[pair] = bits;
    }
    // Equal worth is decided by the pair's number, so that the order never depends on the sort.
    const ranked = seen.slice().sort((a, b) => worth[b] - worth[a] || a - b);
    owners = new Set(ranked.slice(0, rows - ALPHABET).filter((pair) => worth[pair] > 0));
    const sharing = seen.filter((pair) => !owners.has(pair));
    shared = order1(counts, sharing, p1, smoothing);
  }

  const rowOfPair = new Int32Array(PAIRS);
  const logits = new Uint8Array((ALPHABET + owners.size) * ALPHABET);
  for (let b = 0; b < ALPHABET; b++) roundRow(shared, b * ALPHABET, logitBits, logits, b * ALPHABET);
  let row = ALPHABET;
  for (let pair = 0; pair < PAIRS; pair++) {
    if (!owners.has(pair)) {
      rowOfPair[pair] = pair & 0xff;
      continue;
    }
    blend(counts, pair * ALPHABET, p1, (pair & 0xff) * ALPHABET, smoothing, own, 0);
    roundRow(own, 0, logitBits, logits, row * ALPHABET);
    rowOfPair[pair] = row++;
  }
  return { options, rowOfPair, logits };
}

/**
 * What the codec pays for `bytes`, in bits: the table's logits as powers of two, in a CDF of total 2^24 in which every
 * symbol has at least one. (Its rounding to integers is left out; it costs about 1e-5 bits a byte.)
 */
export function order2Cost(table: Order2Table, bytes: Uint8Array): number {
  const { rowOfPair, logits, options } = table;
  const unit = 2 ** options.logitBits;
  const total = 2 ** 24;
  const cost = new Float64Array(logits.length);
  for (let at = 0; at < logits.length; at += ALPHABET) {
    let sum = 0;
    for (let c = 0; c < ALPHABET; c++) sum += 2 ** (logits[at + c] / unit);
    for (let c = 0; c < ALPHABET; c++) {
      const frequency = 1 + (2 ** (logits[at + c] / unit) / sum) * (total - ALPHABET);
      cost[at + c] = Math.log2(total / frequency);
    }
  }
  let bits = 0;
  let pair = ORDER2_START;
  for (const byte of bytes) {
    bits += cost[rowOfPair[pair] * ALPHABET + byte];
    pair = ((pair << 8) | byte) & 0xffff;
  }
  return bits;
}

/**
 * The model file. Five nodes beside the state's: at one lane onnxruntime's own cost of a call (10 us) hides them all.
 *
 * @param metadata - free properties beside those of the contract: where the counts came from
 */
export function order2Model(table: Order2Table, metadata: Record<string, string> = {}): Uint8Array {
  const graph = new GraphBuilder('order2');
  const token = graph.input('token', 'int32', ['lanes', 1]);
  const previous = graph.input('previous', 'int32', ['lanes', 1]);
  const pair = graph.node(
    'Add',
    [graph.node('Mul', [previous, graph.scalar('int32', ALPHABET)]), token],
    {},
    'pair',
  );
  const row = graph.node(
    'Gather',
    [graph.constant(table.rowOfPair, [PAIRS], 'row_of_pair'), pair],
    { axis: 0 },
    'row',
  );
  const rows = graph.constant(table.logits, [table.logits.length / ALPHABET, ALPHABET], 'rows');
  graph.node(
    'Cast',
    [graph.node('Gather', [rows, row], { axis: 0 })],
    { to: elementNamed('int32').code },
    'logits',
  );
  graph.output('logits', 'int32', ['lanes', 1, ALPHABET]);
  graph.emit(token, 'previous_next', 'int32', ['lanes', 1]);
  return graph.build({
    'lmz.contract': '1',
    'lmz.name': 'order2',
    'lmz.alphabet': String(ALPHABET),
    'lmz.logit_bits': String(table.options.logitBits),
    'lmz.start': String(ORDER2_START),
    'lmz.context': '0',
    'lmz.time': 'step',
    'lmz.state.previous': '0 255',
    ...metadata,
  });
}

/** One file of a category, cut in two: what is counted, and the end that is only measured. */
export interface Order2Text {
  training: Uint8Array;
  validation: Uint8Array;
}

/** The part of each file, at its end, that is never counted. */
export const VALIDATION_SHARE = 0.015;

/** Reads a category's files (`*.br`) one after the other, in the order of their names. */
export function* readCategory(folder: string): Generator<Order2Text> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.br'));
  for (const name of names.sort()) {
    const text = brotliDecompressSync(readFileSync(join(folder, name)));
    const cut = text.length - Math.floor(text.length * VALIDATION_SHARE);
    yield { training: text.subarray(0, cut), validation: text.subarray(cut) };
  }
}
