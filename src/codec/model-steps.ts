/**
 * A language model's logits for a chunk, step by step (spec/lmz-format.md, section 7.1): which tokens are fed, when states
 * are reset, and how many steps go into one call.
 *
 * @module
 */
import type { ModelContract } from '../model/contract.ts';
import type { LogitsStage } from './logits-stage.ts';
import type { LaneSession } from '../model/session.ts';
import type { SpareThread } from './spare-thread.ts';

/** Whoever waits for a chunk. */
export interface Watch {
  /** Called before every step, or every few of them; throws to end the work. */
  requireWanted(): void;
  /** Called now and then with the number of symbols coded since the last call. */
  onSymbols(count: number): void;
}

/** Nobody does. */
export const UNWATCHED: Watch = { requireWanted: () => undefined, onSymbols: () => undefined };

/**
 * Tokens of all lanes in one call, where bytes are known in advance, the model takes sequences and the engine needs time for
 * a call. In onnxruntime the Transformer takes 1.4 ms of processor time a byte one by one, 0.27 in sequences of 16, 0.22 of 32
 * and 64, 0.27 of 128.
 */
const CALL_TOKENS = 64;

/** A model at work, and what is to be known of it. */
export interface OpenModel {
  readonly session: LaneSession;
  readonly contract: ModelContract;
  /** Opens the same model on a thread of its own; given where the engine can work on one that may be ended at any time. */
  readonly stage?: () => Promise<LogitsStage>;
  /** To be taken for that. */
  readonly spare?: SpareThread;
}

/** Logits step by step, lanes in lock-step: computed here, or on a thread that runs ahead (logits-stage.ts). */
export interface StepLogits {
  /** Logits of the current step, and maybe of others; see {@link offset}. Valid until the next step. */
  readonly logits: Int32Array;
  /** Where a lane's logits begin in {@link logits}. */
  offset(lane: number): number;
  /**
   * Goes to a step; steps follow one another from 0.
   *
   * @returns a promise only where the logits have to be waited for
   */
  go(step: number): Promise<void> | undefined;
}

/** The steps of one chunk, computed by a session of this thread. */
export class ModelSteps implements StepLogits {
  logits: Int32Array = new Int32Array(0);
  readonly #session: LaneSession;
  readonly #contract: ModelContract;
  readonly #symbols: Uint8Array;
  readonly #starts: Uint32Array;
  /** Most steps of a call. */
  readonly #longest: number;
  #tokens: Int32Array;
  /** Steps of the current call, and the first of them; the current one, counted from there. */
  #time = 0;
  #from = 0;
  #t = 0;

  /**
   * @param symbols  the chunk; each is read when the step after it begins, or earlier where `known`
   * @param starts   where lanes begin, and, as last entry, where the chunk ends
   * @param known    whether all symbols are known in advance
   */
  constructor({ session, contract }: OpenModel, symbols: Uint8Array, starts: Uint32Array, known: boolean) {
    const { lanes } = session;
    this.#session = session;
    this.#contract = contract;
    this.#symbols = symbols;
    this.#starts = starts;
    const sequences = known && contract.time === 'sequence' && !session.runNow;
    this.#longest = sequences ? Math.max(1, Math.floor(CALL_TOKENS / lanes)) : 1;
    this.#tokens = new Int32Array(lanes);
  }

  offset(lane: number): number {
    return (lane * this.#time + this.#t) * this.#contract.alphabet;
  }

  go(step: number): Promise<void> | undefined {
    this.#t = step - this.#from;
    if (this.#t < this.#time) return undefined;
    const { context } = this.#contract;
    if (step === 0 || (context > 0 && step % context === 0)) this.#session.reset();
    const untilReset = context > 0 ? context - (step % context) : Infinity;
    const time = Math.min(this.#longest, this.#starts[1] - step, untilReset);
    this.#from = step;
    this.#time = time;
    this.#t = 0;
    this.#fill(step, time);
    if (time === 1 && this.#session.runNow) {
      this.logits = this.#session.runNow(this.#tokens);
      return undefined;
    }
    return this.#session.run(this.#tokens, time).then((logits) => {
      this.logits = logits;
    });
  }

  /** Tokens [lanes, time]: the symbol before each step's; the start token where there is none. */
  #fill(step: number, time: number): void {
    const starts = this.#starts;
    const { start, context } = this.#contract;
    const lanes = starts.length - 1;
    const isReset = step === 0 || (context > 0 && step % context === 0);
    if (this.#tokens.length !== lanes * time) this.#tokens = new Int32Array(lanes * time);
    for (let lane = 0; lane < lanes; lane++) {
      for (let t = 0; t < time; t++) {
        const at = starts[lane] + step + t - 1;
        const known = (t > 0 || !isReset) && at < starts[lane + 1];
        this.#tokens[lane * time + t] = known ? this.#symbols[at] : start;
      }
    }
  }
}

/** Steps between two reports of progress. */
const REPORT_STEPS = 1024;

/**
 * Goes through a chunk step by step.
 *
 * @param code  codes the byte at `at` of a lane by the current logits
 */
export async function followSteps(
  input: StepLogits,
  starts: Uint32Array,
  watch: Watch,
  code: (at: number, lane: number) => void,
): Promise<void> {
  const lanes = starts.length - 1;
  const steps = starts[1];
  const size = starts[lanes];
  let reported = 0;
  for (let step = 0; step < steps; step++) {
    watch.requireWanted();
    const waiting = input.go(step);
    if (waiting) await waiting;
    for (let lane = 0; lane < lanes; lane++) {
      const at = starts[lane] + step;
      if (at < starts[lane + 1]) code(at, lane);
    }
    if ((step + 1) % REPORT_STEPS === 0) {
      const coded = Math.min((step + 1) * lanes, size);
      watch.onSymbols(coded - reported);
      reported = coded;
    }
  }
  watch.onSymbols(size - reported);
}
