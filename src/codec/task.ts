/**
 * What the main thread and its worker threads say to each other: plain data.
 *
 * @module
 */
import type { CodedFrame } from '../container/frame.ts';
import type { LmzErrorCode } from '../errors.ts';
import type { Engine } from '../model/ort.ts';
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

export interface ModelTask {
  model: ModelReference;
  lanes: number;
  engine: Engine;
  control: TaskControl;
}

export interface EncodeTask extends ModelTask {
  kind: 'encode';
  chunk: Uint8Array;
  /** Give a stored frame where the coded one is not smaller. */
  mayStore: boolean;
}

export interface DecodeTask extends ModelTask {
  kind: 'decode';
  frame: CodedFrame;
  payload: Uint8Array;
}

export interface FingerprintTask extends ModelTask {
  kind: 'fingerprint';
}

export type Task = EncodeTask | DecodeTask | FingerprintTask;

/** An LmzError as plain data: structured cloning would drop its code. */
export interface TaskFailure {
  code: LmzErrorCode;
  message: string;
  offset: number | undefined;
  hint: string | undefined;
}

/** What each kind of task gives. */
export interface TaskResults {
  encode: EncodedFrame;
  decode: Uint8Array;
  fingerprint: { fingerprint: Uint8Array; runtime: string };
}

export type TaskOutcome =
  { result: TaskResults[Task['kind']] } | { failure: TaskFailure } | { cancelled: true };
