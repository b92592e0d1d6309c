/**
 * The language model as a stage of its own: when encoding, all bytes are known, so that one thread can compute logits
 * ahead while another mixes and codes; when decoding, it computes them for the likeliest byte ahead of the decoder
 * (speculation.ts). Logits travel through a ring in shared memory; the coder's thread stays open to events where it waits for
 * long, so that a thread that dies is an error and never a hang.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { LmzError } from '../errors.ts';
import { laneStarts } from './lanes.ts';
import {
  BATCH_STEPS,
  createRingControl,
  GIVE_UP,
  isSoon,
  type OpenRequest,
  progressOf,
  RING_STEPS,
  type RunRequest,
  SHARED,
  type SpeculateRequest,
  type StageReply,
} from './logits-ring.ts';
import type { StepLogits } from './model-steps.ts';
import type { BitListener } from '../mix/kernel.ts';
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

/** The logits of a chunk that is being decoded. */
export interface SpeculatedLogits extends StagedLogits {
  /** Tells what is known of the current step's byte. */
  readonly onBit: BitListener;
  /**
   * Ends it at the current step, whose logits stay valid.
   *
   * @returns what the model's lane remembers after the current step
   */
  stop(): Promise<Uint8Array>;
}

class RingReader implements SpeculatedLogits {
  readonly logits: Int32Array;
  readonly control = createRingControl();
  readonly #stepSize: number;
  readonly #onEnd: () => void;
  readonly #alphabet: number;
  readonly #state: Uint8Array | undefined;
  #step = 0;
  /** Where the current step's logits begin. */
  #offset = 0;
  /** Steps known to be in the ring. */
  #written = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @param state  shared, for a chunk that is decoded */
  constructor(ring: Int32Array, alphabet: number, onEnd: () => void, state?: Uint8Array) {
    this.logits = ring;
    this.#alphabet = alphabet;
    this.#stepSize = ring.length / RING_STEPS;
    this.#onEnd = onEnd;
    this.#state = state;
  }

  offset(lane: number): number {
    return this.#offset + lane * this.#alphabet;
  }

  go(step: number): Promise<void> | undefined {
    this.#step = step;
    this.#offset = (step % RING_STEPS) * this.#stepSize;
    if (step % BATCH_STEPS === 0) {
      Atomics.store(this.control, SHARED.read, step);
      Atomics.notify(this.control, SHARED.read);
    }
    if (this.#has(step)) return undefined;
    const has = (): boolean => this.#has(step);
    return this.#state && isSoon(this.control, has) ? undefined : this.#wait(has);
  }

  #has(step: number): boolean {
    if (step < this.#written) return true;
    this.#written = Atomics.load(this.control, SHARED.written);
    return step < this.#written;
  }

  async #wait(isSo: () => boolean): Promise<void> {
    for (;;) {
      Atomics.store(this.control, SHARED.starved, 1);
      // It may have written before it could see the flag.
      if (isSo()) return;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  readonly onBit = (partial: number): void => {
    this.#progress(progressOf(this.#step, partial));
  };

  #progress(progress: number): void {
    Atomics.store(this.control, SHARED.progress, progress);
    if (Atomics.load(this.control, SHARED.asleep) !== 0) Atomics.notify(this.control, SHARED.progress);
  }

  async stop(): Promise<Uint8Array> {
    this.#progress(GIVE_UP);
    const hasStopped = (): boolean => Atomics.load(this.control, SHARED.stopped) !== 0;
    if (!isSoon(this.control, hasStopped)) await this.#wait(hasStopped);
    this.end();
    return this.#state!;
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
    this.#progress(GIVE_UP);
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
    const reader = this.#begin();
    this.#worker.postMessage({
      kind: 'run',
      symbols: sharedBytes(symbols),
      starts: laneStarts(symbols.length, this.#lanes),
      ring: this.#ring,
      control: reader.control,
    } satisfies RunRequest);
    return reader;
  }

  /**
   * Begins a chunk that is being decoded, or goes on with one. Its steps count from 0 again. Call `end()` of what it returns
   * in any case.
   *
   * @param token  of the first step
   * @param state  what the lane of a session of the same model remembers before that ({@link StepParts}); copied
   * @throws TypeError and LmzError as {@link start}
   */
  speculate(token: number, state: Uint8Array): SpeculatedLogits {
    const shared = sharedBytes(state);
    const reader = this.#begin(shared);
    this.#worker.postMessage({
      kind: 'speculate',
      token,
      state: shared,
      ring: this.#ring,
      control: reader.control,
    } satisfies SpeculateRequest);
    return reader;
  }

  #begin(state?: Uint8Array): RingReader {
    if (this.#reader) throw new TypeError('start() on a stage that is at work');
    if (this.#failure) throw this.#failure;
    const onEnd = (): void => {
      if (this.#reader !== reader) return;
      this.#reader = undefined;
      this.#worker.unref();
    };
    const reader = new RingReader(this.#ring, this.#alphabet, onEnd, state);
    this.#reader = reader;
    this.#worker.ref();
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
