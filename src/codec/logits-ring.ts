/**
 * The memory that two threads share when one computes logits and the other codes with them: a ring of steps, and the two
 * counters that say how far each thread is.
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
export const SHARED = {
  /** Steps whose logits are in the ring. */
  written: 0,
  /** Steps that the coder is done with. */
  read: 1,
  /** Not 0: give up. */
  cancelled: 2,
  /** Not 0: the coder has nothing left to code with; it wants a message when it has. */
  starved: 3,
} as const;

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

export type StageRequest = OpenRequest | RunRequest;

/** What the thread answers; any error past opening ends it. Errors travel as plain data: structured cloning would drop their codes. */
export type StageReply =
  | { readonly kind: 'opened'; readonly alphabet: number }
  | { readonly kind: 'failed'; readonly failure: TaskFailure }
  | { readonly kind: 'written' };
