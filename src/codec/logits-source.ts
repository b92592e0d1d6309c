/**
 * Where the mixing gets the language model's logits from: a session on this thread, or, when encoding, another thread that
 * runs ahead (logits-stage.ts).
 *
 * @module
 */
import type { LaneSession } from '../model/session.ts';

/** Logits, step by step, lanes in lock-step. */
export interface LogitsSource {
  /** Where the logits of all lanes are, from {@link offset} on: [lanes, alphabet]. Valid until the next `advance`. */
  readonly logits: Int32Array;
  readonly offset: number;
  /**
   * Goes on by one step of every lane.
   *
   * @param tokens  what each lane is fed; a source that knows the bytes does not look at it
   * @returns undefined where the logits are there at once (most often), else a promise to wait for
   */
  advance(tokens: Int32Array): Promise<void> | undefined;
  /** All lanes as before the first token. A source that knows where a model's context ends does this by itself. */
  reset(): void;
}

/** Logits from a session of this thread. */
export class SessionLogits implements LogitsSource {
  readonly offset = 0;
  logits: Int32Array = new Int32Array(0);
  readonly #session: LaneSession;

  constructor(session: LaneSession) {
    this.#session = session;
  }

  advance(tokens: Int32Array): Promise<void> | undefined {
    const session = this.#session;
    if (session.runNow) {
      this.logits = session.runNow(tokens);
      return undefined;
    }
    return session.run(tokens, 1).then((logits) => {
      this.logits = logits;
    });
  }

  reset(): void {
    this.#session.reset();
  }
}
