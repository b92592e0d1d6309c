/**
 * Worker threads, shared by all operations of the process: a stream does not block its program's thread, and many small
 * inputs pay for starting threads once.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { LmzError } from '../errors.ts';
import type { Operation } from './operation.ts';
import { CONTROL, errorOf, type PrepareTask, type Task, type TaskOutcome, type TaskResults } from './task.ts';

/** Idle threads, with their models, are let go after this many milliseconds. They never keep the process alive. */
const IDLE_TIMEOUT = 5_000;
/** Longest wait for threads when the process exits, in milliseconds each. */
const EXIT_TIMEOUT = 1_000;

// Threads cannot load TypeScript: where this file runs from source, as in the tests, they run the build of it.
const worker = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/codec/worker.js' : './worker.js',
  import.meta.url,
);

/** Threads, and those who wait for them. */
class Pool {
  readonly #piscina: Piscina<Task, TaskOutcome>;
  readonly #waiting = new Set<(error: unknown) => void>();

  constructor(threads: number) {
    this.#piscina = new Piscina({
      filename: fileURLToPath(worker),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: IDLE_TIMEOUT,
      recordTiming: false,
    });
    // A thread that dies before it takes tasks: piscina tells nobody who waits, and starts no other.
    this.#piscina.on('error', (error: unknown) => {
      pools.delete(threads);
      for (const reject of this.#waiting) reject(error);
    });
  }

  /** The task's outcome, or a rejection with the signal's reason as soon as it aborts. */
  async run(task: Task, signal: AbortSignal): Promise<TaskOutcome> {
    let reject: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_, rejected) => (reject = rejected));
    const abort = () => {
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.add(reject);
    try {
      const running = this.#piscina.run(task);
      atWork.add(task);
      const ended = () => {
        atWork.delete(task);
      };
      // It may fail when nobody waits for it any more.
      running.then(ended, ended);
      return await Promise.race([running, failed]);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(reject);
    }
  }
}

const pools = new Map<number, Pool>();
/** Tasks that threads may have begun. */
const atWork = new Set<Task>();

// A thread that is ended inside onnxruntime-node aborts the whole process (an uncaught Napi::Error), so whoever calls
// process.exit() waits for threads to come out of it: for one step of a model, as a rule.
process.on('exit', () => {
  for (const { control } of atWork) Atomics.store(control, CONTROL.cancelled, 1);
  for (const { control } of atWork) {
    let busy: number;
    do busy = Atomics.load(control, CONTROL.busy);
    while (busy > 0 && Atomics.wait(control, CONTROL.busy, busy, EXIT_TIMEOUT) !== 'timed-out');
  }
});

/**
 * Runs a task on one of `threads` threads.
 *
 * @throws LmzError as the task did; LMZ_WORKER where the thread died; the operation's reason where it was aborted
 */
export async function runTask<T extends Task>(
  threads: number,
  task: Omit<T, 'control'>,
  operation: Operation,
): Promise<TaskResults[T['kind']]> {
  const { signal, control } = operation;
  signal.throwIfAborted();
  let pool = pools.get(threads);
  if (!pool) pools.set(threads, (pool = new Pool(threads)));
  try {
    const outcome = await pool.run({ ...task, control } as unknown as Task, signal);
    if ('cancelled' in outcome) throw signal.reason;
    if ('result' in outcome) return outcome.result as TaskResults[T['kind']];
    throw errorOf(outcome.failure);
  } catch (cause) {
    if (cause instanceof LmzError || signal.aborted) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new LmzError('LMZ_WORKER', `a worker thread failed: ${message}`, { cause });
  }
}

/**
 * Starts a thread that will run a model, so that it loads its code while this one reads the model's file.
 *
 * @returns when it is ready, or can't be: then the task that follows fails, and says why
 */
export async function prepareThread(threads: number, operation: Operation): Promise<void> {
  try {
    await runTask<PrepareTask>(threads, { kind: 'prepare' }, operation);
  } catch {
    // As it says above.
  }
}
