/**
 * Predictor 1: the language model alone (spec/lmz-format.md, section 7). Written once for both directions: what differs
 * is the coder that it is given.
 *
 * @module
 */
import { CdfBuilder } from '../entropy/cdf.ts';
import type { EntropyCoder } from '../entropy/coder.ts';
import type { ModelContract } from '../model/contract.ts';
import type { LaneSession } from '../model/session.ts';
import { laneStarts } from './lanes.ts';
import { ModelSteps } from './model-steps.ts';

/** Steps between two reports of progress. */
const REPORT_STEPS = 1024;
/** Whoever waits for a chunk. */
export interface Watch {
  /** Called before every step; throws to end the work. */
  requireWanted(): void;
  /** Called now and then with the number of symbols coded since the last call. */
  onSymbols(count: number): void;
}

/** Nobody does. */
export const UNWATCHED: Watch = { requireWanted: () => undefined, onSymbols: () => undefined };

/**
 * Codes a chunk's symbols, lanes in lock-step. A decoder feeds one token of each lane at a time; an encoder, which knows
 * them all, feeds sequences where the model takes them, and gets the same logits.
 *
 * @param symbols   the chunk, each below the alphabet. Encoding: complete. Decoding: filled here.
 */
export async function codeSymbols(
  coder: EntropyCoder,
  session: LaneSession,
  contract: ModelContract,
  symbols: Uint8Array,
  watch: Watch = UNWATCHED,
): Promise<void> {
  const starts = laneStarts(symbols.length, session.lanes);
  const lanes = session.lanes;
  const steps = starts[1];
  const builder = new CdfBuilder(contract.alphabet, contract.logitBits);
  const input = new ModelSteps({ session, contract }, symbols, starts, coder.encodes);
  let reported = 0;
  for (let step = 0; step < steps; step++) {
    watch.requireWanted();
    const waiting = input.go(step);
    if (waiting) await waiting;
    for (let lane = 0; lane < lanes; lane++) {
      const at = starts[lane] + step;
      if (at >= starts[lane + 1]) continue;
      symbols[at] = coder.symbol(builder.fill(input.logits, input.offset(lane)), symbols[at]);
    }
    if ((step + 1) % REPORT_STEPS === 0) {
      const coded = Math.min((step + 1) * lanes, symbols.length);
      watch.onSymbols(coded - reported);
      reported = coded;
    }
  }
  watch.onSymbols(symbols.length - reported);
}
