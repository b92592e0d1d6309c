/**
 * Running a model lane by lane, step by step: the states stay inside, the caller sees tokens and logits.
 *
 * The hot path copies the tokens into a tensor that is made once and hands the runtime's output states back as inputs.
 * Output tensors are left to the runtime: preallocated ones were no faster (14.0 against 15.2 us a call with one lane,
 * 18.8 against 21.2 with 16, 64 units, onnxruntime-node 1.30).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { LANES_MAX, LOGIT_MAX, TIME_MAX } from './contract.ts';
import { LmzError } from '../errors.ts';
import { type Model, runtimeBytes } from './load.ts';
import {
  type Engine,
  firstLine,
  openRuntime,
  type Runtime,
  type RuntimeSession,
  type RuntimeTensor,
  type TensorData,
} from './ort.ts';
import { KernelLaneSession } from './kernel-session.ts';
import { ELEMENT_ARRAYS } from './onnx/elements.ts';
import { openKernel } from './recurrent/kernel.ts';
import { recognizeRecurrent } from './recurrent/recognize.ts';
import { requireTokens } from './tokens.ts';
import { openTransformer } from './transformer/kernel.ts';
import { recognizeTransformer } from './transformer/recognize.ts';
import type { LaneKernel, StepParts } from './wasm.ts';

/** A model at work on a fixed number of lanes. */
export interface LaneSession {
  readonly lanes: number;
  readonly alphabet: number;
  /** Name, version and platform of the runtime. */
  readonly engine: string;
  /**
   * Feeds `time` tokens per lane.
   *
   * @param tokens  `tokens[lane * time + t]`, 0 .. alphabet - 1; copied before the call returns
   * @returns logits [lanes, time, alphabet], valid until the next call
   * @throws LmzError LMZ_ENGINE when the runtime fails; LMZ_MODEL_INVALID for logits of a platform-bound model that are
   *   no numbers within +-2^30
   */
  run(tokens: Int32Array | Uint8Array, time: number): Promise<Int32Array>;
  /**
   * As {@link run} with one token per lane, at once: a promise for each byte costs as much as a small network. Only on
   * engines that can, and that gain nothing from sequences; `run` works on all.
   */
  runNow?(tokens: Int32Array | Uint8Array): Int32Array;
  /** Steps that can be given up and taken back, for engines that can do that; of one lane. */
  readonly parts?: StepParts | undefined;
  /** The states as before the first token. */
  reset(): void;
  /** Frees the runtime's memory. Safe to call twice. */
  release(): Promise<void>;
}

export interface SessionOptions {
  /** 1 .. 4096; default 1. */
  lanes?: number;
  /**
   * Default 'auto': the WebAssembly kernel where one knows the model, which is the fastest with any number of lanes, else
   * onnxruntime-node, else onnxruntime-web. All compute the same logits.
   */
  engine?: Engine;
}

class OrtLaneSession implements LaneSession {
  readonly lanes: number;
  readonly alphabet: number;
  readonly engine: string;
  readonly #model: Model;
  readonly #runtime: Runtime;
  readonly #session: RuntimeSession;
  readonly #feeds: Record<string, RuntimeTensor> = {};
  /** Zeros of every state. The runtime never writes to inputs, so one set serves every reset. */
  readonly #zeros: [name: string, next: string, tensor: RuntimeTensor][] = [];
  #tokens: Int32Array;
  #time = 1;
  #rounded: Int32Array = new Int32Array(0);
  #state: 'idle' | 'running' | 'released' = 'idle';

  constructor(model: Model, lanes: number, runtime: Runtime, session: RuntimeSession) {
    this.lanes = lanes;
    this.alphabet = model.contract.alphabet;
    this.engine = runtime.id;
    this.#model = model;
    this.#runtime = runtime;
    this.#session = session;
    for (const state of model.contract.states) {
      const data: TensorData = new ELEMENT_ARRAYS[state.type](lanes * state.size);
      this.#zeros.push([
        state.name,
        `${state.name}_next`,
        runtime.tensor(state.type, data, [lanes, ...state.dims]),
      ]);
    }
    this.#tokens = this.#makeTokens(1);
    this.reset();
  }

  #makeTokens(time: number): Int32Array {
    const tokens = new Int32Array(this.lanes * time);
    this.#feeds['token'] = this.#runtime.tensor('int32', tokens, [this.lanes, time]);
    this.#time = time;
    return tokens;
  }

  reset(): void {
    this.#demandIdle('reset');
    for (const [name, , zeros] of this.#zeros) this.#feeds[name] = zeros;
  }

  #demandIdle(call: string): void {
    if (this.#state !== 'idle') throw new TypeError(`${call}() on a session that is ${this.#state}`);
  }

  #setTokens(tokens: Int32Array | Uint8Array, time: number): void {
    if (time !== this.#time) {
      if (!Number.isInteger(time) || time < 1 || time > TIME_MAX) {
        throw new RangeError(`"time" expected an integer 1 to ${TIME_MAX}, got ${time}`);
      }
      if (this.#model.contract.time === 'step')
        throw new RangeError(`"time" expected 1 for a step model, got ${time}`);
      this.#tokens = this.#makeTokens(time);
    }
    requireTokens(tokens, this.#tokens.length, this.alphabet);
    this.#tokens.set(tokens);
  }

  async run(tokens: Int32Array | Uint8Array, time: number): Promise<Int32Array> {
    this.#demandIdle('run');
    this.#setTokens(tokens, time);
    this.#state = 'running';
    try {
      const outputs = await this.#session.run(this.#feeds);
      for (const [name, next] of this.#zeros) this.#feeds[name] = outputs[next]!;
      const logits = outputs['logits'].data;
      return this.#model.platformBound
        ? this.#round(logits as Float32Array | Int32Array)
        : (logits as Int32Array);
    } catch (cause) {
      if (cause instanceof LmzError) throw cause;
      throw new LmzError('LMZ_ENGINE', `${this.#runtime.name} failed: ${firstLine(cause)}`, { cause });
    } finally {
      this.#state = 'idle';
    }
  }

  /** Math.round: to the nearest integer, halves towards plus infinity; nothing else about it is left to the engine. */
  #round(logits: Float32Array | Int32Array): Int32Array {
    if (this.#rounded.length !== logits.length) this.#rounded = new Int32Array(logits.length);
    const rounded = this.#rounded;
    for (let i = 0; i < logits.length; i++) {
      const value = Math.round(logits[i]);
      if (!(value >= -LOGIT_MAX && value <= LOGIT_MAX)) {
        throw new LmzError('LMZ_MODEL_INVALID', `the model gave the logit ${logits[i]}, past +-2^30`);
      }
      rounded[i] = value;
    }
    return rounded;
  }

  async release(): Promise<void> {
    if (this.#state === 'released') return;
    this.#demandIdle('release');
    this.#state = 'released';
    await this.#session.release();
  }
}

/**
 * The WebAssembly kernel of the model's family.
 *
 * @throws LmzError LMZ_ENGINE where there is none, or it cannot be had
 */
async function kernelOf({ graph, platformBound }: Model, lanes: number): Promise<LaneKernel> {
  // A kernel's arithmetic is that of the graph only as far as the graph's is exact.
  if (!platformBound) {
    const recurrent = recognizeRecurrent(graph);
    if (recurrent !== undefined) return openKernel(recurrent, lanes);
    const transformer = recognizeTransformer(graph);
    if (transformer !== undefined) return openTransformer(transformer, lanes);
  }
  throw new LmzError('LMZ_ENGINE', 'the WebAssembly kernels run networks that lmz exports, and this is none');
}

async function openKernelSession(model: Model, lanes: number): Promise<LaneSession> {
  return new KernelLaneSession(await kernelOf(model, lanes), model.contract.time);
}

/**
 * Opens a model on an engine. Sessions hold native memory: release them.
 *
 * @throws LmzError LMZ_ENGINE when no engine can be loaded or it refuses the model
 */
export async function openSession(model: Model, options: SessionOptions = {}): Promise<LaneSession> {
  const { lanes = 1, engine = 'auto' } = options;
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > LANES_MAX) {
    throw new RangeError(`"lanes" expected an integer 1 to ${LANES_MAX}, got ${lanes}`);
  }
  if (engine === 'kernel') return openKernelSession(model, lanes);
  if (engine === 'auto') {
    try {
      return await openKernelSession(model, lanes);
    } catch (error) {
      if (!(error instanceof LmzError)) throw error;
    }
  }
  const runtime = await openRuntime(engine);
  return new OrtLaneSession(model, lanes, runtime, await runtime.create(runtimeBytes(model)));
}

/** Steps of the fingerprint's probe. */
export const PROBE_STEPS = 64;

/**
 * What a model computes here, in 32 bytes: SHA-256 over its logits (int32, little-endian) for a fixed probe.
 *
 * The probe: states as at the start, {@link PROBE_STEPS} calls of one token per lane. The tokens come from
 * x = 1; before each token x = (x * 1664525 + 1013904223) mod 2^32; the token is floor(x / 2^16) mod alphabet; step by
 * step, within a step lane 0 first. The digest takes the logits of each call as they are, [lanes, 1, alphabet].
 */
export async function fingerprint(model: Model, lanes: number, engine: Engine = 'auto'): Promise<Uint8Array> {
  const session = await openSession(model, { lanes, engine });
  try {
    const hash = createHash('sha256');
    const tokens = new Int32Array(lanes);
    let x = 1;
    for (let step = 0; step < PROBE_STEPS; step++) {
      for (let lane = 0; lane < lanes; lane++) {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
        tokens[lane] = (x >>> 16) % session.alphabet;
      }
      const logits = await session.run(tokens, 1);
      // Typed arrays are little-endian on every platform that Node supports.
      hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
    }
    return new Uint8Array(hash.digest());
  } finally {
    await session.release();
  }
}
