/**
 * A chunk by mixing: for which profile, with tables of which size, and whether the language model takes part. Machine code,
 * spreadsheets, images or genes gain nothing from a model of text, and would cost its time all the same. Text without one
 * (genes, numbers, base64) takes the standard contexts where all of them do not pay on the sample.
 *
 * @module
 */
import { HASH_BYTES } from '../container/layout.ts';
import { type ContextSet, type MixParameters, profileOf, tableBitsFor } from '../mix/parameters.ts';
import { encodeMix, type EncodedFrame, frameSize, mixBits } from './chunk.ts';
import { laneStarts } from './lanes.ts';
import { prepareStage } from './mixing.ts';
import type { OpenModel, Watch } from './model-steps.ts';

/**
 * Chunks up to this size are coded with the model and without; what is smaller is kept, the hash that names the model in
 * the header counted, since a file of a small chunk most often has no other.
 */
const BOTH_MAX = 1 << 16;
/**
 * Of larger ones, so many pieces, spread over the chunk, are; larger pieces of chunks of a MiB or more, where they cost less
 * than 1 % of the time. Mixing knows little in so short a sample, so text gains 9 to 45 % there, 4 to 30 % in the whole;
 * executables, spreadsheets, images and fonts without text lose in both (18 validation files: no decision wrong by 1.1 %).
 * Made-up genes and proteins take 0.3 and 0.1 % less with fewer contexts, base64, hexadecimal and columns of numbers 0.9 to
 * 3.3 % more; so did their samples. Binary data is not asked: all contexts win by 1.4 to 4.2 % on files of eight kinds, and a
 * sample of one was misleading.
 */
const PIECES = 3;
const PIECE = 4096;
const LARGE_PIECE = 8192;
const LARGE_MIN = 1 << 20;
/** There the model has to save one byte in so many. */
const GAIN = 100;
/**
 * A glance first, which is enough where the model saves one byte in so few: 28 to 59 % of it on text. Of 63 files of other
 * kinds and of a system's own, 36 saved that much on the glance, and 12 % or more on the sample.
 */
const GLANCE_PIECE = 1024;
const GLANCE_GAIN = 5;

/**
 * A chunk coded by mixing; the chunk is not changed.
 *
 * @param limits  the set of contexts, and log2 of the largest slot table
 * @param model   of 256 symbols; takes part where it pays
 */
export async function encodeMixed(
  chunk: Uint8Array,
  lanes: number,
  limits: { contexts: ContextSet; tableBits: number },
  model: OpenModel | undefined,
  watch: Watch,
): Promise<EncodedFrame> {
  const parameters = {
    profile: profileOf(chunk),
    contexts: limits.contexts,
    tableBits: tableBitsFor(chunk.length, limits.tableBits),
  };
  const without: MixParameters = { ...parameters, languageModel: false };
  const withModel: MixParameters = { ...parameters, languageModel: true };
  const quiet: Watch = { ...watch, onSymbols: () => undefined };
  if (!model) return encodeMix(chunk, lanes, without, undefined, watch);
  if (chunk.length <= BOTH_MAX) {
    const first = await encodeMix(chunk, lanes, without, undefined, quiet);
    const second = await encodeMix(chunk, lanes, withModel, model, watch);
    return frameSize(second) + HASH_BYTES < frameSize(first) ? second : first;
  }
  prepareStage(model, chunk.length);
  const glance = sampleOf(chunk, GLANCE_PIECE);
  if (saves(await bothSizes(glance), GLANCE_GAIN)) return encodeMix(chunk, lanes, withModel, model, watch);
  const sample = sampleOf(chunk, chunk.length < LARGE_MIN ? PIECE : LARGE_PIECE);
  const sizes = await bothSizes(sample);
  if (saves(sizes, GAIN)) return encodeMix(chunk, lanes, withModel, model, watch);
  const fewer: MixParameters = { ...without, contexts: 'standard' };
  const suffice =
    without.contexts === 'best' &&
    without.profile === 'text' &&
    (await sizeOf(sample, fewer, undefined)) < sizes.without;
  return encodeMix(chunk, lanes, suffice ? fewer : without, undefined, watch);

  async function bothSizes(part: Uint8Array): Promise<Sizes> {
    return {
      without: await sizeOf(part, without, undefined),
      withModel: await sizeOf(part, withModel, model),
    };
  }

  async function sizeOf(part: Uint8Array, mix: MixParameters, by: OpenModel | undefined): Promise<number> {
    const tableBits = tableBitsFor(part.length, limits.tableBits);
    return (await mixBits(part, lanes, { ...mix, tableBits }, by, quiet)).bytes.length;
  }
}

/** Of a part of a chunk, coded without the model and with it. */
interface Sizes {
  readonly without: number;
  readonly withModel: number;
}

/** Whether the model saves one byte in so many. */
function saves({ without, withModel }: Sizes, gain: number): boolean {
  return withModel * gain < without * (gain - 1);
}

function sampleOf(chunk: Uint8Array, size: number): Uint8Array {
  const sample = new Uint8Array(size * PIECES);
  // The middles of equal parts.
  const parts = laneStarts(chunk.length, PIECES);
  for (let i = 0; i < PIECES; i++) {
    const at = Math.floor((parts[i] + parts[i + 1] - size) / 2);
    sample.set(chunk.subarray(at, at + size), i * size);
  }
  return sample;
}
