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
import type { Task, TaskOutcome, TaskResults } from './task.ts';

/** Idle threads, with their models, are let go after this many milliseconds. They never keep the process alive. */
const IDLE_TIMEOUT = 5_000;

// Threads cannot load TypeScript: where this file runs from source, as in the tests, they run the build of it.
const worker = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/codec/worker.js' : './worker.js',
  import.meta.url,
);

const pools = new Map<number, Piscina<Task, TaskOutcome>>();

function poolOf(threads: number): Piscina<Task, TaskOutcome> {
  let pool = pools.get(threads);
  if (!pool) {
    pool = new Piscina({
      filename: fileURLToPath(worker),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: IDLE_TIMEOUT,
      // Loading the worker's modules is part of the first task, which is soon enough.
      concurrentTasksPerWorker: 1,
      recordTiming: false,
    });
    pools.set(threads, pool);
  }
  return pool;
}

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
  let stopWaiting: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stopWaiting = () => {
      // The caller is given the very reason that it aborted with, whatever that is.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      reject(signal.reason);
    };
  });
  signal.addEventListener('abort', stopWaiting, { once: true });
  try {
    const running = poolOf(threads).run({ ...task, control } as Task);
    running.catch(() => undefined);
    return unwrap(await Promise.race([running, aborted]), signal) as TaskResults[T['kind']];
  } catch (cause) {
    if (cause instanceof LmzError || signal.aborted) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new LmzError('LMZ_WORKER', `a worker thread failed: ${message}`, { cause });
  } finally {
    signal.removeEventListener('abort', stopWaiting);
  }
}

function unwrap(outcome: TaskOutcome, signal: AbortSignal): TaskResults[Task['kind']] {
  if ('cancelled' in outcome) throw signal.reason;
  if ('result' in outcome) return outcome.result;
  const { code, message, offset, hint } = outcome.failure;
  throw new LmzError(code, message, {
    ...(offset !== undefined && { offset }),
    ...(hint !== undefined && { hint }),
  });
}
