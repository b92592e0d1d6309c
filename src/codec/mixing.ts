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

/** Has the model opened on a thread to spare, where a chunk of this size will be encoded with it, so that it is there by then. */
export function prepareStage({ stage, spare }: OpenModel, size: number): void {
  if (!stage || size < STAGED_MIN || !spare?.take()) return;
  spare.give();
  // Whoever asks for it is told.
  stage().catch(() => undefined);
}

/**
 * Codes a chunk's bytes, lanes in lock-step. Encoding, the model runs ahead on a thread to spare.
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
  if (!model) {
    codeRuns(coder, starts, watch);
    return;
  }
  const { stage, spare } = model;
  if (!stage || bytes.length < STAGED_MIN || !spare?.take()) {
    await codeSteps(coder, new ModelSteps(model, bytes, starts, true), bytes, starts, watch);
    return;
  }
  try {
    const staged = (await stage()).start(bytes);
    try {
      await codeSteps(coder, staged, bytes, starts, watch);
    } finally {
      staged.end();
    }
  } finally {
    spare.give();
  }
}

/**
 * The same for the other direction, in which a thread to spare guesses.
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
  if (!model) {
    codeRuns(coder, starts, watch);
    return;
  }
  const { stage, spare, session, contract } = model;
  if (!stage || !spare || !session.parts || contract.context > 0 || bytes.length < STAGED_MIN) {
    await codeSteps(coder, new ModelSteps(model, bytes, starts, false), bytes, starts, watch);
    return;
  }
  const input = new SpeculativeSteps(model, bytes, starts, coder);
  try {
    await codeSteps(coder, input, bytes, starts, watch);
  } finally {
    input.end();
  }
}

function codeSteps(
  coder: ByteCoder,
  input: StepLogits,
  bytes: Uint8Array,
  starts: Uint32Array,
  watch: Watch,
): Promise<void> {
  return followSteps(input, starts, watch, (at, lane) => {
    coder.code(lane, bytes[at], input.logits, input.offset(lane));
  });
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
