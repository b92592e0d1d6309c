/**
 * Threads that an operation may use and that no task runs on: what a language model's own thread may take.
 *
 * @module
 */
import { CONTROL, type TaskControl } from './task.ts';

/** The claim of one task to a thread beside its own. */
export class SpareThread {
  readonly #control: TaskControl;
  readonly #threads: number;

  /** @param threads  that the operation may use */
  constructor(control: TaskControl, threads: number) {
    this.#control = control;
    this.#threads = threads;
  }

  /** Takes a thread, if there is one; {@link give} it back. */
  take(): boolean {
    Atomics.add(this.#control, CONTROL.staged, 1);
    if (!this.isCrowded) return true;
    this.give();
    return false;
  }

  give(): void {
    Atomics.sub(this.#control, CONTROL.staged, 1);
  }

  /** Whether there is one, now. */
  get isFree(): boolean {
    return this.#working < this.#threads;
  }

  /** Whether more threads are at work than the operation may use. */
  get isCrowded(): boolean {
    return this.#working > this.#threads;
  }

  get #working(): number {
    return Atomics.load(this.#control, CONTROL.busy) + Atomics.load(this.#control, CONTROL.staged);
  }
}
