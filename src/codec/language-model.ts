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

/** Symbols between two reports of progress, of every lane. */
const REPORT_STEPS = 1024;
/**
 * Tokens of all lanes in one call, where an encoder feeds sequences. The Transformer takes 1.4 ms of processor time a byte
 * one by one, 0.27 in sequences of 16, 0.22 of 32 and 64, 0.27 of 128.
 */
const CALL_TOKENS = 64;

/** Whoever waits for a chunk. */
export interface Watch {
  /** Called before every call of the model; throws to end the work. */
  requireWanted(): void;
  /** Called now and then with the number of symbols coded since the last call. */
  onSymbols(count: number): void;
}

/** Nobody does. */
export const UNWATCHED: Watch = { requireWanted: () => undefined, onSymbols: () => undefined };

/** The symbols of all lanes, and what is fed for each. */
class LaneTokens {
  readonly starts: Uint32Array;
  readonly #symbols: Uint8Array;
  readonly #contract: ModelContract;

  constructor(symbols: Uint8Array, lanes: number, contract: ModelContract) {
    this.starts = laneStarts(symbols.length, lanes);
    this.#symbols = symbols;
    this.#contract = contract;
  }

  /** Steps of the longest lanes. */
  get steps(): number {
    return this.starts[1];
  }

  /** Steps from a step to the next reset, or to the end. */
  untilReset(step: number): number {
    const { context } = this.#contract;
    return Math.min(this.steps - step, context > 0 ? context - (step % context) : Infinity);
  }

  /** Tokens [lanes, time] from a step on: the symbol before each; the start token where there is none. */
  fill(tokens: Int32Array, step: number, time: number): void {
    const { starts } = this;
    const { start, context } = this.#contract;
    const first = step === 0 || (context > 0 && step % context === 0);
    for (let lane = 0; lane < starts.length - 1; lane++) {
      for (let t = 0; t < time; t++) {
        const at = starts[lane] + step + t - 1;
        const known = (t > 0 || !first) && at < starts[lane + 1];
        tokens[lane * time + t] = known ? this.#symbols[at] : start;
      }
    }
  }
}

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
  const { lanes } = session;
  const { alphabet } = contract;
  const builder = new CdfBuilder(alphabet, contract.logitBits);
  const input = new LaneTokens(symbols, lanes, contract);
  const { starts, steps } = input;
  const sequences = coder.encodes && contract.time === 'sequence';
  const longest = sequences ? Math.max(1, Math.floor(CALL_TOKENS / lanes)) : 1;
  let tokens = new Int32Array(lanes);
  session.reset();
  let reported = 0;
  for (let step = 0; step < steps;) {
    if (contract.context > 0 && step > 0 && step % contract.context === 0) session.reset();
    watch.requireWanted();
    const time = Math.min(longest, input.untilReset(step));
    if (tokens.length !== lanes * time) tokens = new Int32Array(lanes * time);
    input.fill(tokens, step, time);
    const logits = await session.run(tokens, time);
    for (let t = 0; t < time; t++, step++) {
      for (let lane = 0; lane < lanes; lane++) {
        const at = starts[lane] + step;
        if (at >= starts[lane + 1]) continue;
        symbols[at] = coder.symbol(builder.fill(logits, (lane * time + t) * alphabet), symbols[at]);
      }
    }
    const coded = Math.min(step * lanes, symbols.length);
    if (coded - reported >= REPORT_STEPS * lanes) {
      watch.onSymbols(coded - reported);
      reported = coded;
    }
  }
  watch.onSymbols(symbols.length - reported);
}
