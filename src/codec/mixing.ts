/**
 * Predictor 2: a chunk's bytes by mixing, with or without a language model (spec/lmz-format.md, section 11). Written once
 * for both directions: what differs is the coder that it is given.
 *
 * @module
 */
import type { ByteCoder } from '../mix/byte-coder.ts';
import { UNWATCHED, type Watch } from './language-model.ts';
import { ModelSteps, type OpenModel, type StepLogits } from './model-steps.ts';

/** Steps between two looks at whether the work is still wanted, and between two reports of progress. */
const RUN_STEPS = 256;
const REPORT_STEPS = 1024;
/** Chunks from this size on are worth a message to another thread. */
const STAGE_MIN = 1 << 16;

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
  const lanes = starts.length - 1;
  const steps = starts[1];
  let reported = 0;
  const report = (step: number) => {
    const coded = Math.min(step * lanes, bytes.length);
    watch.onSymbols(coded - reported);
    reported = coded;
  };
  if (!model) {
    for (let step = 0; step < steps; step += RUN_STEPS) {
      watch.requireWanted();
      coder.codeRun(Math.min(RUN_STEPS, steps - step));
      report(step + RUN_STEPS);
    }
    return;
  }
  const staged = known && bytes.length >= STAGE_MIN ? model.stage?.start(bytes) : undefined;
  try {
    await codeSteps(staged ?? new ModelSteps(model, bytes, starts, known));
  } finally {
    staged?.end();
  }
  report(steps);

  async function codeSteps(input: StepLogits): Promise<void> {
    for (let step = 0; step < steps; step++) {
      if (step % RUN_STEPS === 0) watch.requireWanted();
      if (step % REPORT_STEPS === 0) report(step);
      const waiting = input.go(step);
      if (waiting) await waiting;
      for (let lane = 0; lane < lanes; lane++) {
        const at = starts[lane] + step;
        if (at < starts[lane + 1]) coder.code(lane, bytes[at], input.logits, input.offset(lane));
      }
    }
  }
}
