/**
 * The language model as a stage of its own: when encoding, all bytes are known, so that one thread can compute logits
 * ahead while another mixes and codes. Logits travel through a ring in shared memory, in batches; the coder's thread
 * stays open to events where it waits, so that a thread that dies is an error and never a hang.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { LmzError } from '../errors.ts';
import { laneStarts } from './lanes.ts';
import {
  BATCH_STEPS,
  type OpenRequest,
  RING_STEPS,
  type RingControl,
  type RunRequest,
  SHARED,
  type StageReply,
} from './logits-ring.ts';
import type { StepLogits } from './model-steps.ts';
import { errorOf, sharedBytes } from './task.ts';

// Threads cannot load TypeScript: where this file runs from source, as in the tests, they run the build of it.
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/codec/logits-worker.js' : './logits-worker.js',
  import.meta.url,
);

/** The logits of one chunk, as they come. */
export interface StagedLogits extends StepLogits {
  /** Done with, wherever it is. Safe to call twice. */
  end(): void;
}

class RingReader implements StagedLogits {
  readonly logits: Int32Array;
  readonly control: RingControl = new Int32Array(new SharedArrayBuffer(4 * Object.keys(SHARED).length));
  readonly #stepSize: number;
  readonly #onEnd: () => void;
  readonly #alphabet: number;
  /** Where the current step's logits begin. */
  #offset = 0;
  /** Steps known to be in the ring. */
  #written = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(ring: Int32Array, alphabet: number, onEnd: () => void) {
    this.logits = ring;
    this.#alphabet = alphabet;
    this.#stepSize = ring.length / RING_STEPS;
    this.#onEnd = onEnd;
  }

  offset(lane: number): number {
    return this.#offset + lane * this.#alphabet;
  }

  go(step: number): Promise<void> | undefined {
    this.#offset = (step % RING_STEPS) * this.#stepSize;
    if (step % BATCH_STEPS === 0) {
      Atomics.store(this.control, SHARED.read, step);
      Atomics.notify(this.control, SHARED.read);
    }
    return this.#has(step) ? undefined : this.#wait(step);
  }

  #has(step: number): boolean {
    if (step < this.#written) return true;
    this.#written = Atomics.load(this.control, SHARED.written);
    return step < this.#written;
  }

  async #wait(step: number): Promise<void> {
    for (;;) {
      Atomics.store(this.control, SHARED.starved, 1);
      // It may have written before it could see the flag.
      if (this.#has(step)) return;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The thread has written, or will write no more. */
  wake(failure?: Error): void {
    this.#failure ??= failure;
    this.#wake?.();
  }

  end(): void {
    this.wake(new TypeError('go() after end()'));
    Atomics.store(this.control, SHARED.cancelled, 1);
    Atomics.notify(this.control, SHARED.read);
    this.#onEnd();
  }
}

/** A thread with a model: one chunk at a time. */
export class LogitsStage {
  readonly #worker: Worker;
  readonly #lanes: number;
  readonly #alphabet: number;
  readonly #ring: Int32Array;
  #reader: RingReader | undefined;
  #failure: Error | undefined;

  private constructor(worker: Worker, lanes: number, alphabet: number) {
    this.#worker = worker;
    this.#lanes = lanes;
    this.#alphabet = alphabet;
    this.#ring = new Int32Array(new SharedArrayBuffer(4 * RING_STEPS * lanes * alphabet));
    // The only message after the first: there are more logits.
    worker.on('message', () => this.#reader?.wake());
    const ended = (error: Error): void => {
      this.#failure ??= error;
      this.#reader?.wake(this.#failure);
    };
    worker.on('error', (cause) => {
      ended(threadError(cause));
    });
    worker.on('exit', () => {
      ended(threadError(undefined));
    });
    // An idle stage keeps no process alive.
    worker.unref();
  }

  /**
   * Starts a thread and opens the model on it. The model must have been audited.
   *
   * Only the WebAssembly kernel runs on it: the thread of a native call must not be ended, and it would need a promise
   * for each byte.
   *
   * @throws LmzError LMZ_WORKER where the thread ends, LMZ_ENGINE where the kernel cannot run the model; whatever
   *   loadModel throws
   */
  static async open(request: Omit<OpenRequest, 'kind'>): Promise<LogitsStage> {
    const worker = new Worker(workerFile);
    let onEnd: (cause: unknown) => void = () => undefined;
    try {
      const reply = await new Promise<StageReply>((resolve, reject) => {
        onEnd = (cause) => {
          reject(threadError(cause instanceof Error ? cause : undefined));
        };
        worker.once('message', resolve).once('error', onEnd).once('exit', onEnd);
        const { model, lanes } = request;
        worker.postMessage({ kind: 'open', model, lanes } satisfies OpenRequest);
      });
      if (reply.kind === 'failed') throw errorOf(reply.failure);
      if (reply.kind !== 'opened') throw new Error(`unexpected reply "${reply.kind}"`);
      const stage = new LogitsStage(worker, request.lanes, reply.alphabet);
      worker.off('error', onEnd).off('exit', onEnd);
      return stage;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /**
   * Begins a chunk. Call `end()` of what it returns in any case.
   *
   * @param symbols  the chunk, each below the model's alphabet; copied unless in shared memory
   * @throws TypeError while another chunk is begun and not ended; LmzError LMZ_WORKER where the thread has died
   */
  start(symbols: Uint8Array): StagedLogits {
    if (this.#reader) throw new TypeError('start() on a stage that is at work');
    if (this.#failure) throw this.#failure;
    const reader = new RingReader(this.#ring, this.#alphabet, () => {
      if (this.#reader !== reader) return;
      this.#reader = undefined;
      this.#worker.unref();
    });
    this.#reader = reader;
    this.#worker.ref();
    this.#worker.postMessage({
      kind: 'run',
      symbols: sharedBytes(symbols),
      starts: laneStarts(symbols.length, this.#lanes),
      ring: this.#ring,
      control: reader.control,
    } satisfies RunRequest);
    return reader;
  }

  /** Ends the thread; a chunk at work fails. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function threadError(cause: Error | undefined): LmzError {
  const why = cause === undefined ? '' : `: ${cause.message}`;
  return new LmzError('LMZ_WORKER', `the thread of the language model has ended${why}`, { cause });
}
