/**
 * What surrounds one encoding or decoding: cancellation and progress.
 *
 * @module
 */
import { setMaxListeners } from 'node:events';
import type { Progress } from './options.ts';
import { CONTROL, createControl, type TaskControl } from './task.ts';

/** Milliseconds between two looks at what the worker threads have done. */
const PROGRESS_INTERVAL = 100;

/** One run of the encoder or decoder. */
export class Operation {
  /** Aborted when the operation is to end early. */
  readonly signal: AbortSignal;
  /** What worker threads share with this operation. */
  readonly control: TaskControl = createControl();
  readonly #controller = new AbortController();
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  readonly #total: number | undefined;
  readonly #forward: (() => void) | undefined;
  readonly #outer: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #reported = -1;

  constructor(options: {
    signal?: AbortSignal | undefined;
    totalSize?: number | undefined;
    onProgress?: ((progress: Progress) => void) | undefined;
  }) {
    this.signal = this.#controller.signal;
    // One listener for every task under way, however many threads there are.
    setMaxListeners(0, this.signal);
    this.#total = options.totalSize;
    this.#onProgress = options.onProgress;
    const outer = options.signal;
    if (outer) {
      this.#outer = outer;
      this.#forward = () => {
        this.abort(outer.reason);
      };
      if (outer.aborted) this.#forward();
      else outer.addEventListener('abort', this.#forward, { once: true });
    }
    if (this.#onProgress)
      this.#timer = setInterval(() => {
        this.#report();
      }, PROGRESS_INTERVAL).unref();
  }

  /** Tells worker threads to give up; whoever waits for them is rejected with the reason at once. */
  abort(reason: unknown): void {
    Atomics.store(this.control, CONTROL.cancelled, 1);
    this.#controller.abort(reason);
  }

  /** Input bytes that are done with, beside those that worker threads count. */
  countIn(bytes: number): void {
    this.#bytesIn += bytes;
  }

  countOut(bytes: number): void {
    this.#bytesOut += bytes;
  }

  /** Ends it, with a last report where it went well. */
  close(completed: boolean): void {
    clearInterval(this.#timer);
    if (this.#forward) this.#outer?.removeEventListener('abort', this.#forward);
    if (completed) this.#report();
  }

  #report(): void {
    this.#bytesIn += Atomics.exchange(this.control, CONTROL.bytesIn, 0);
    const state = this.#bytesIn + this.#bytesOut;
    if (state === this.#reported) return;
    this.#reported = state;
    this.#onProgress?.({ bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, total: this.#total });
  }
}
