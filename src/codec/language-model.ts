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
import { followSteps, ModelSteps, UNWATCHED, type Watch } from './model-steps.ts';

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
  const builder = new CdfBuilder(contract.alphabet, contract.logitBits);
  const input = new ModelSteps({ session, contract }, symbols, starts, coder.encodes);
  await followSteps(input, starts, watch, (at, lane) => {
    symbols[at] = coder.symbol(builder.fill(input.logits, input.offset(lane)), symbols[at]);
  });
}
