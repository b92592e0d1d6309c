/**
 * A chunk's logits while it is decoded: computed here, or, while a thread is to spare, on a thread of their own that runs ahead
 * of the decoder by guessing (speculation.ts). The model's state goes from one to the other and back, so that both cores
 * work whether a file has one chunk or many.
 *
 * @module
 */
import type { BitListener } from '../mix/kernel.ts';
import type { LogitsStage, SpeculatedLogits } from './logits-stage.ts';
import { ModelSteps, type OpenModel, type StepLogits } from './model-steps.ts';

/** Steps between two looks at whether the other thread helps. */
const LOOK_STEPS = 16;
/** Steps that are timed on this thread before the other one is asked, at first; more after each time that it was slow. */
const TIMED_STEPS = { first: 256, growth: 2, most: 1 << 13 };
/**
 * Times in a row that a thread must be found free before the model is opened on it, which takes memory: between two chunks
 * one is free for a moment.
 */
const FREE_LOOKS = 8;
/** Steps after which an other thread that has been quick begins anew: what was may not be what is. */
const TRUSTED_STEPS = 1 << 12;
/** Milliseconds that the other thread may be late: to get going, and where it has not had its core for a while. */
const LATE = 3;

/** Whoever decodes the bytes and can tell of each bit. */
export interface BitReporter {
  reportBits(onBit: BitListener | undefined): void;
}

/** Logits of a decoder's only lane. */
export class SpeculativeSteps implements StepLogits {
  readonly #model: OpenModel;
  readonly #chunk: Uint8Array;
  readonly #reporter: BitReporter;
  readonly #own: ModelSteps;
  /** Where the current step's logits are. */
  #current: StepLogits;
  #opening: Promise<LogitsStage> | undefined;
  /** What came of it. */
  #thread: LogitsStage | undefined;
  #failed = false;
  #speculated: SpeculatedLogits | undefined;
  /** The step that is the other thread's first. */
  #first = 0;
  /** The step, and the time in milliseconds, that steps are timed from. */
  #from = 0;
  #began = performance.now();
  /** Milliseconds that a step takes on this thread alone. */
  #pace = 0;
  #timedSteps = TIMED_STEPS.first;
  /** Times in a row that a thread was found free. */
  #freeLooks = 0;

  /**
   * @param model  with `spare` and `stage`, and a session of one lane that can take steps back
   * @param chunk  filled by the decoder
   */
  constructor(model: OpenModel, chunk: Uint8Array, starts: Uint32Array, reporter: BitReporter) {
    this.#model = model;
    this.#chunk = chunk;
    this.#reporter = reporter;
    this.#own = new ModelSteps(model, chunk, starts, false);
    this.#current = this.#own;
  }

  get logits(): Int32Array {
    return this.#current.logits;
  }

  offset(lane: number): number {
    return this.#current.offset(lane);
  }

  go(step: number): Promise<void> | undefined {
    const change = step % LOOK_STEPS === 0 ? this.#look(step) : undefined;
    if (change) return change;
    this.#current = this.#speculated ?? this.#own;
    return this.#current.go(step - this.#first);
  }

  /**
   * Whether there should be another thread at this step, and none where there is one, or the other way round. Two threads on
   * one core, which other programs may bring about, wait for one another far longer than one alone needs.
   */
  #look(step: number): Promise<void> | undefined {
    const { spare } = this.#model;
    const steps = step - this.#from;
    const time = performance.now() - this.#began;
    if (!this.#speculated) {
      if (steps < this.#timedSteps) return undefined;
      this.#pace = time / steps;
      if (!this.#thread) {
        this.#freeLooks = spare!.isFree ? this.#freeLooks + 1 : 0;
        if (this.#freeLooks >= FREE_LOOKS) return this.#open(step);
      } else if (spare!.take()) {
        return this.#handOver(step, this.#thread);
      }
    } else if (spare!.isCrowded) {
      return this.#takeBack(step);
    } else if (time > steps * this.#pace + LATE) {
      this.#timedSteps = Math.min(TIMED_STEPS.most, this.#timedSteps * TIMED_STEPS.growth);
      return this.#takeBack(step);
    } else if (steps < TRUSTED_STEPS) {
      return undefined;
    } else {
      this.#timedSteps = TIMED_STEPS.first;
    }
    this.#time(step);
    return undefined;
  }

  #time(from: number): void {
    this.#from = from;
    this.#began = performance.now();
  }

  /** Opens the model on the other thread; meanwhile this one goes on, and now and then lets messages in. */
  async #open(step: number): Promise<void> {
    if (!this.#opening) {
      this.#opening = this.#model.stage!();
      this.#opening.then(
        (thread) => (this.#thread = thread),
        () => (this.#failed = true),
      );
    }
    await new Promise(setImmediate);
    if (this.#failed) await this.#opening;
    this.#time(step);
    this.#current = this.#own;
    await this.#own.go(step);
  }

  async #handOver(step: number, thread: LogitsStage): Promise<void> {
    const { session, spare } = this.#model;
    try {
      this.#speculated = thread.speculate(this.#chunk[step - 1], session.parts!.state);
    } catch (error) {
      spare!.give();
      throw error;
    }
    this.#first = step;
    this.#current = this.#speculated;
    this.#reporter.reportBits(this.#speculated.onBit);
    this.#time(step);
    await this.#speculated.go(0);
  }

  /** The other thread's last step is this one: the state after it is the first that this thread goes on from. */
  async #takeBack(step: number): Promise<void> {
    const speculated = this.#speculated!;
    this.#current = speculated;
    await speculated.go(step - this.#first);
    this.#reporter.reportBits(undefined);
    this.#model.session.parts!.state.set(await speculated.stop());
    this.#finish();
    this.#time(step);
  }

  #finish(): void {
    this.#speculated = undefined;
    this.#first = 0;
    this.#model.spare!.give();
  }

  /** Done with, wherever it is. */
  end(): void {
    if (!this.#speculated) return;
    this.#speculated.end();
    this.#finish();
  }
}
