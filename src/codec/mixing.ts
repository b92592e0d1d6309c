/**
 * Predictor 2: a chunk's bytes by mixing, with or without a language model (spec/lmz-format.md, section 11). Written once
 * for both directions: what differs is the coder that it is given.
 *
 * @module
 */
import type { ByteCoder } from '../mix/byte-coder.ts';
import { followSteps, ModelSteps, type OpenModel, UNWATCHED, type Watch } from './model-steps.ts';

/** Bytes of each lane in one call where there is no model. */
const RUN_STEPS = 256;
/** Chunks from this size on are worth another thread for the model. */
const STAGED_MIN = 1 << 18;

/**
 * Codes a chunk's bytes, lanes in lock-step.
 *
 * @param bytes   the chunk. Encoding: complete. Decoding: filled by the coder.
 * @param starts  where lanes begin, and, as last entry, where the chunk ends
 * @param known   whether all bytes are known in advance, that is, whether this is encoding
 */
export async function codeBytes(
  coder: ByteCoder,
  bytes: Uint8Array,
  starts: Uint32Array,
  model: OpenModel | undefined,
  known: boolean,
  watch: Watch = UNWATCHED,
): Promise<void> {
  if (!model) {
    codeRuns(coder, starts, watch);
    return;
  }
  const stage = known && bytes.length >= STAGED_MIN ? await model.stage?.() : undefined;
  const staged = stage?.start(bytes);
  const input = staged ?? new ModelSteps(model, bytes, starts, known);
  try {
    await followSteps(input, starts, watch, (at, lane) => {
      coder.code(lane, bytes[at], input.logits, input.offset(lane));
    });
  } finally {
    staged?.end();
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
