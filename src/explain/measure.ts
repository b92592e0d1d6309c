/**
 * What each byte of a chunk costs: as its frame codes it, by the network alone, and by mixing alone. All three are coded in
 * step, in one pass; nothing is estimated.
 *
 * @module
 */
import { laneStarts } from '../codec/lanes.ts';
import { codeHighBits } from '../codec/masked.ts';
import { followSteps, ModelSteps, type OpenModel, type Watch } from '../codec/model-steps.ts';
import { CDF_BITS, CdfBuilder } from '../entropy/cdf.ts';
import type { EntropyCoder } from '../entropy/coder.ts';
import { createKernelEncoder, type KernelEncoder } from '../mix/kernel.ts';
import type { MixParameters } from '../mix/parameters.ts';
import { Candidates } from './candidates.ts';

/** Ways to code a byte whose costs are shown side by side. */
export const WAYS = ['coded', 'network', 'mixing'] as const;
/** `coded`: as the frame does it; the others: without the other half. */
export type Way = (typeof WAYS)[number];

/** Bits of each byte, by way. */
export type Costs = Readonly<Record<Way, Float32Array>>;

/** What is to be measured. */
export interface MeasureTask {
  /** The chunk, or its beginning where it has one lane. */
  readonly bytes: Uint8Array;
  /** Size of the whole chunk. */
  readonly size: number;
  readonly lanes: number;
  /** How its frame codes it. */
  readonly coding: 'stored' | 'lm' | 'mix' | 'lm+mix';
  /** Parameters of mixing: the frame's, or those that it would have had. */
  readonly mix: MixParameters;
}

/** Costs of a chunk, and what the network expected. */
export interface Measured {
  readonly costs: Costs;
  readonly candidates: Candidates;
}

/** @param model  of as many lanes as the task */
export async function measure(task: MeasureTask, model: OpenModel, watch: Watch): Promise<Measured> {
  const { bytes, lanes, coding, mix } = task;
  const { alphabet, logitBits } = model.contract;
  const starts = laneStarts(task.size === bytes.length || lanes > 1 ? task.size : bytes.length, lanes);
  const network = networkCosts(bytes, alphabet);
  const symbols = alphabet === 128 ? bytes.map((byte) => byte & 127) : bytes;
  const candidates = new Candidates(bytes.length);
  const builder = new CdfBuilder(alphabet, logitBits);
  const steps = new ModelSteps(model, symbols, starts, true);
  const alone = new Meter(createKernelEncoder(bytes, starts, { ...mix, languageModel: false }), bytes);
  const both =
    coding === 'lm+mix'
      ? new Meter(createKernelEncoder(bytes, starts, { ...mix, languageModel: true }, logitBits), bytes)
      : undefined;
  await followSteps(steps, starts, watch, (at, lane) => {
    const offset = steps.offset(lane);
    const cdf = builder.fill(steps.logits, offset);
    network[at] += costOf(cdf[symbols[at] + 1] - cdf[symbols[at]]);
    candidates.note(at, cdf);
    alone.code(at, lane);
    both?.code(at, lane, steps.logits, offset);
  });
  alone.end();
  both?.end();
  const mixing = alone.costs;
  const coded = {
    stored: () => new Float32Array(bytes.length).fill(8),
    lm: () => network,
    mix: () => mixing,
    'lm+mix': () => both!.costs,
  }[coding]();
  return { costs: { coded, network, mixing }, candidates };
}

/** Bits that a symbol of this frequency takes. */
function costOf(frequency: number): number {
  return CDF_BITS - Math.log2(frequency);
}

/** Drives an encoder and notes how far each byte takes it. */
class Meter {
  readonly costs: Float32Array;
  readonly #encoder: KernelEncoder;
  readonly #bytes: Uint8Array;
  #bits = 0;

  constructor(encoder: KernelEncoder, bytes: Uint8Array) {
    this.costs = new Float32Array(bytes.length);
    this.#encoder = encoder;
    this.#bytes = bytes;
  }

  code(at: number, lane: number, logits?: Int32Array, offset?: number): void {
    this.#encoder.code(lane, this.#bytes[at], logits, offset);
    const { bits } = this.#encoder;
    this.costs[at] = bits - this.#bits;
    this.#bits = bits;
  }

  /** Hands the kernel back. */
  end(): void {
    this.#encoder.finish();
  }
}

/** Where the network's costs go: zeros, or the costs of the high bits that a model of 128 symbols leaves to others. */
function networkCosts(bytes: Uint8Array, alphabet: number): Float32Array {
  const costs = new Float32Array(bytes.length);
  if (alphabet !== 128) return costs;
  // Clear bits at the end leave the coded number as it is: the stream of high bits ends with the last one that is set.
  const end = bytes.findLastIndex((byte) => byte > 127) + 1;
  let at = 0;
  const coder: EntropyCoder = {
    encodes: true,
    symbol: (_cdf, symbol) => symbol,
    bit: (probability, bit) => {
      costs[at++] = costOf(bit === 1 ? probability : 2 ** CDF_BITS - probability);
      return bit;
    },
  };
  codeHighBits(coder, bytes.slice(0, end));
  return costs;
}
