/**
 * Predictor 2: a chunk's bytes by mixing, with or without a language model (spec/lmz-format.md, section 11). Written once
 * for both directions: what differs is the coder that it is given.
 *
 * @module
 */
import type { ByteCoder } from '../mix/byte-coder.ts';
import {
  followSteps,
  ModelSteps,
  type OpenModel,
  type StepLogits,
  UNWATCHED,
  type Watch,
} from './model-steps.ts';
import { type BitReporter, SpeculativeSteps } from './speculative-steps.ts';

/** Bytes of each lane in one call where there is no model. */
const RUN_STEPS = 256;
/** Chunks from this size on are worth another thread for the model. */
const STAGED_MIN = 1 << 18;

/** Where a chunk's logits come from, and what is to be done when they are no longer needed. */
interface Input {
  readonly steps: StepLogits;
  end?(): void;
}

/** Has the model opened on a thread to spare, where a chunk of this size will be encoded with it, so that it is there by then. */
export function prepareStage({ stage, spare }: OpenModel, size: number): void {
  if (!stage || size < STAGED_MIN || !spare?.isFree) return;
  // Whoever asks for it is told.
  stage().catch(() => undefined);
}

/**
 * Encodes a chunk's bytes, lanes in lock-step; the model runs ahead on a thread to spare.
 *
 * @param bytes   the chunk, complete
 * @param starts  where lanes begin, and, as last entry, where the chunk ends
 */
export async function encodeBytes(
  coder: ByteCoder,
  bytes: Uint8Array,
  starts: Uint32Array,
  model: OpenModel | undefined,
  watch: Watch = UNWATCHED,
): Promise<void> {
  await codeBytes(coder, bytes, starts, model && (await inputAhead(model, bytes, starts)), watch);
}

/**
 * Decodes them; the model guesses on a thread to spare.
 *
 * @param bytes  the chunk, filled by the coder
 */
export async function decodeBytes(
  coder: ByteCoder & BitReporter,
  bytes: Uint8Array,
  starts: Uint32Array,
  model: OpenModel | undefined,
  watch: Watch = UNWATCHED,
): Promise<void> {
  await codeBytes(coder, bytes, starts, model && inputAlong(model, bytes, starts, coder), watch);
}

async function inputAhead(model: OpenModel, bytes: Uint8Array, starts: Uint32Array): Promise<Input> {
  const { stage, spare } = model;
  if (!stage || bytes.length < STAGED_MIN || !spare?.take()) {
    return { steps: new ModelSteps(model, bytes, starts, true) };
  }
  try {
    const steps = (await stage()).start(bytes);
    const end = (): void => {
      steps.end();
      spare.give();
    };
    return { steps, end };
  } catch (error) {
    spare.give();
    throw error;
  }
}

function inputAlong(model: OpenModel, bytes: Uint8Array, starts: Uint32Array, reporter: BitReporter): Input {
  const { stage, spare, session, contract } = model;
  if (!stage || !spare || !session.parts || contract.context > 0 || bytes.length < STAGED_MIN) {
    return { steps: new ModelSteps(model, bytes, starts, false) };
  }
  const steps = new SpeculativeSteps(model, bytes, starts, reporter);
  const end = (): void => {
    steps.end();
  };
  return { steps, end };
}

async function codeBytes(
  coder: ByteCoder,
  bytes: Uint8Array,
  starts: Uint32Array,
  input: Input | undefined,
  watch: Watch,
): Promise<void> {
  if (!input) {
    codeRuns(coder, starts, watch);
    return;
  }
  const { steps } = input;
  try {
    await followSteps(steps, starts, watch, (at, lane) => {
      coder.code(lane, bytes[at], steps.logits, steps.offset(lane));
    });
  } finally {
    input.end?.();
  }
}

function codeRuns(coder: ByteCoder, starts: Uint32Array, watch: Watch): void {
  const lanes = starts.length - 1;
  const size = starts[lanes];
  let reported = 0;
  for (let step = 0; step < starts[1]; step += RUN_STEPS) {
    watch.requireWanted();
    coder.codeRun(Math.min(RUN_STEPS, starts[1] - step));
    const coded = Math.min((step + RUN_STEPS) * lanes, size);
    watch.onSymbols(coded - reported);
    reported = coded;
  }
}
