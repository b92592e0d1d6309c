/**
 * What the main thread and its worker threads say to each other: plain data.
 *
 * @module
 */
import type { CodedFrame } from '../container/frame.ts';
import { LmzError, type LmzErrorCode } from '../errors.ts';
import type { Engine } from '../model/ort.ts';
import type { ContextSet } from '../mix/parameters.ts';
import type { EncodedFrame } from './chunk.ts';

/**
 * Shared Int32, indexed by {@link CONTROL}. Cancelling by a flag that the worker looks at, not by ending its thread,
 * keeps the thread and its model for the next task.
 */
export type TaskControl = Int32Array;
export const CONTROL = {
  /** Input bytes that workers are done with, since the main thread last looked. */
  bytesIn: 0,
  /** Not 0: give up. */
  cancelled: 1,
  /** Tasks that worker threads have begun and not ended. */
  busy: 2,
  /** Threads of language models that work beside tasks. */
  staged: 3,
} as const;

/** A control of no tasks, not cancelled. */
export function createControl(): TaskControl {
  return new Int32Array(new SharedArrayBuffer(4 * Object.keys(CONTROL).length));
}

/** A model on its way to a worker. */
export interface ModelReference {
  hash: Uint8Array;
  /** The ONNX file, in shared memory: one copy for all threads. */
  bytes: Uint8Array;
  platformBound: boolean;
}

interface AnyTask {
  engine: Engine;
  control: TaskControl;
}

/** A model at work on a number of lanes. */
export interface ModelTask extends AnyTask {
  model: ModelReference;
  lanes: number;
}

/** How a chunk is to be coded: by predictor 1, or by predictor 2 with these limits. */
export type Coding = { predictor: 'lm' } | { predictor: 'mix'; contexts: ContextSet; tableBits: number };

export interface EncodeTask extends AnyTask {
  kind: 'encode';
  chunk: Uint8Array;
  lanes: number;
  coding: Coding;
  /** Threads that the operation may use: where some are idle, the model gets one of its own. */
  threads: number;
  /** Needed by predictor 1; predictor 2 takes it where it pays. */
  model: ModelReference | undefined;
  /** Give a stored frame where the coded one is not smaller. */
  mayStore: boolean;
}

export interface DecodeTask extends AnyTask {
  kind: 'decode';
  /** As for an encoder. */
  threads: number;
  frame: CodedFrame;
  payload: Uint8Array;
  /** Given where the frame uses it. */
  model: ModelReference | undefined;
}

export interface FingerprintTask extends ModelTask {
  kind: 'fingerprint';
}

/** Loads the code that runs models, and nothing more. */
export interface PrepareTask {
  kind: 'prepare';
  control: TaskControl;
}

export type Task = EncodeTask | DecodeTask | FingerprintTask | PrepareTask;

/** An LmzError as plain data: structured cloning would drop its code. */
export interface TaskFailure {
  code: LmzErrorCode;
  message: string;
  offset: number | undefined;
  hint: string | undefined;
}

/** An error as plain data. */
export function failureOf({ code, message, offset, hint }: LmzError): TaskFailure {
  return { code, message, offset, hint };
}

/** The error that was sent as plain data. */
export function errorOf({ code, message, offset, hint }: TaskFailure): LmzError {
  return new LmzError(code, message, {
    ...(offset !== undefined && { offset }),
    ...(hint !== undefined && { hint }),
  });
}

/** Bytes in memory that threads share: a copy, unless they are there already. */
export function sharedBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** What each kind of task gives. */
export interface TaskResults {
  encode: EncodedFrame;
  decode: Uint8Array;
  fingerprint: { fingerprint: Uint8Array; runtime: string };
  prepare: undefined;
}

export type TaskOutcome =
  { result: TaskResults[Task['kind']] } | { failure: TaskFailure } | { cancelled: true };
