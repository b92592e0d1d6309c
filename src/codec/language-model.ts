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
 * Codes a chunk's symbols, lanes in lock-step.
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
  const { lanes } = session;
  const { alphabet, start, context } = contract;
  const builder = new CdfBuilder(alphabet, contract.logitBits);
  const starts = laneStarts(symbols.length, lanes);
  const steps = starts[1];
  const tokens = new Int32Array(lanes).fill(start);
  session.reset();
  let reported = 0;
  for (let step = 0; step < steps; step++) {
    if (context > 0 && step > 0 && step % context === 0) {
      session.reset();
      tokens.fill(start);
    }
    watch.requireWanted();
    const logits = await session.run(tokens, 1);
    for (let lane = 0; lane < lanes; lane++) {
      const at = starts[lane] + step;
      if (at < starts[lane + 1]) {
        const symbol = coder.symbol(builder.fill(logits, lane * alphabet), symbols[at]);
        symbols[at] = symbol;
        tokens[lane] = symbol;
      } else {
        tokens[lane] = start;
      }
    }
    if ((step + 1) % REPORT_STEPS === 0) {
      watch.onSymbols(REPORT_STEPS * lanes);
      reported += REPORT_STEPS * lanes;
    }
  }
  watch.onSymbols(symbols.length - reported);
}
