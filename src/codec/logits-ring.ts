/**
 * What two threads share when one computes logits and the other codes with them: a ring of steps in memory, the numbers
 * that say how far each thread is, and their messages.
 *
 * @module
 */
import type { ModelReference, TaskFailure } from './task.ts';

/** Steps in the ring: enough to ride out a pause, few enough to stay in a cache (1 KiB a step and lane). */
export const RING_STEPS = 256;
/** Steps between two looks at the other thread's counter. */
export const BATCH_STEPS = 32;

/** Shared Int32, indexed by {@link SHARED}. */
export type RingControl = Int32Array;
/** Words of a cache line: what one thread writes and the other one watches has a line of its own. */
const LINE = 16;
export const SHARED = {
  /** Steps whose logits are in the ring. */
  written: 0,
  /** Decoding: what is known of a step's byte, as {@link progressOf} says; {@link GIVE_UP}. */
  progress: LINE,
  /** Steps that the coder is done with. */
  read: 2 * LINE,
  /** Not 0: give up. */
  cancelled: 2 * LINE + 1,
  /** Not 0: the coder has nothing left to code with; it wants a message when it has. */
  starved: 3 * LINE,
  /** Decoding, not 0: the model's thread sleeps until `progress` changes. */
  asleep: 3 * LINE + 1,
  /** Decoding, not 0: the model's thread has given up. */
  stopped: 3 * LINE + 2,
  /** Always 0: to wait for nothing. */
  nothing: 3 * LINE + 3,
} as const;
const CONTROL_WORDS = 4 * LINE;

export function createRingControl(): RingControl {
  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  control[SHARED.progress] = progressOf(0, 1);
  return control;
}

/** Of `progress`: nobody wants logits any more. */
export const GIVE_UP = -1;
const PARTIAL_BITS = 9;
const STEP_MASK = 2 ** (31 - PARTIAL_BITS) - 1;

/** The step, as far as it goes in, and what is known of its byte, after a leading 1. */
export function progressOf(step: number, partial: number): number {
  return ((step & STEP_MASK) << PARTIAL_BITS) | partial;
}

/** What is known of the step's byte, after a leading 1, where this progress is of the step or the one before. */
export function partialOf(progress: number, step: number): number {
  return progress >> PARTIAL_BITS === (step & STEP_MASK) ? progress & (2 ** PARTIAL_BITS - 1) : 1;
}

/** Looks, about two nanoseconds each: as long as a few dozen bytes take. */
const SPINS = 1 << 18;
/** Naps after that, and their milliseconds, of which the system makes more. */
const NAPS = 100;
const NAP = 0.02;

/**
 * Waits a moment for what the other thread is about to do. Looking costs the fraction of a microsecond, waking up a hundred of
 * them; but the other thread may have no core to work on while this one looks.
 *
 * @returns whether it is so
 */
export function isSoon(control: RingControl, isSo: () => boolean): boolean {
  for (let spin = 0; spin < SPINS; spin++) if (isSo()) return true;
  for (let nap = 0; nap < NAPS; nap++) {
    Atomics.wait(control, SHARED.nothing, 0, NAP);
    if (isSo()) return true;
  }
  return false;
}

/** Opens the thread's session. */
export interface OpenRequest {
  readonly kind: 'open';
  readonly model: ModelReference;
  readonly lanes: number;
}

/** One chunk to compute logits for. */
export interface RunRequest {
  readonly kind: 'run';
  /** The chunk's symbols, in shared memory. */
  readonly symbols: Uint8Array;
  /** Where each lane begins; see lanes.ts. */
  readonly starts: Uint32Array;
  /** int32 [RING_STEPS, lanes, alphabet], in shared memory. */
  readonly ring: Int32Array;
  readonly control: RingControl;
}

/** One chunk, or the rest of one, to compute logits for while it is decoded; one lane. */
export interface SpeculateRequest {
  readonly kind: 'speculate';
  /** Of the first step. */
  readonly token: number;
  /** What the lane remembers before that, in shared memory; at the end, what it remembers after the last step written. */
  readonly state: Uint8Array;
  /** int32 [RING_STEPS, 1, 256], in shared memory. */
  readonly ring: Int32Array;
  readonly control: RingControl;
}

export type StageRequest = OpenRequest | RunRequest | SpeculateRequest;

/** What the thread answers; any error past opening ends it. Errors travel as plain data: structured cloning would drop their codes. */
export type StageReply =
  | { readonly kind: 'opened'; readonly alphabet: number }
  | { readonly kind: 'failed'; readonly failure: TaskFailure }
  | { readonly kind: 'written' };
