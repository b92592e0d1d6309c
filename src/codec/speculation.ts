/**
 * The model's thread while a chunk is decoded: it feeds the byte that its own prediction makes the likeliest before that byte
 * is known, and learns of each bit as soon as it is decoded. A step for a byte that a bit has refuted is given up and begun
 * again with the likeliest of those that are left, so at the latest when all bits are known the right one is fed.
 * What comes out are the same logits; only when they come depends on luck. (Speculative execution, as of branches.)
 *
 * @module
 */
import { ALPHABET, type StepParts } from '../model/wasm.ts';
import {
  GIVE_UP,
  isSoon,
  partialOf,
  RING_STEPS,
  type RingControl,
  SHARED,
  type SpeculateRequest,
} from './logits-ring.ts';

/** Whether a byte begins with the bits that are known. */
function agrees(byte: number, partial: number): boolean {
  return (byte | ALPHABET) >> (Math.clz32(partial) - 23) === partial;
}

/** The progress, once it is no longer this one. */
function waitForChange(control: RingControl, progress: number): number {
  const hasChanged = (): boolean => Atomics.load(control, SHARED.progress) !== progress;
  if (!isSoon(control, hasChanged)) {
    Atomics.store(control, SHARED.asleep, 1);
    Atomics.wait(control, SHARED.progress, progress);
    Atomics.store(control, SHARED.asleep, 0);
  }
  return Atomics.load(control, SHARED.progress);
}

/**
 * Computes logits step by step until it is told to give up.
 *
 * @param parts    of a model's only lane
 * @param written  called where there is something new in the shared memory
 */
export function speculate(parts: StepParts, request: SpeculateRequest, written: () => void): void {
  const { token, state, ring, control } = request;
  parts.state.set(state);
  for (let part = 0; part < parts.count; part++) parts.run(part, token);
  for (let step = 0; ; step++) {
    ring.set(parts.logits, (step % RING_STEPS) * ALPHABET);
    Atomics.store(control, SHARED.written, step + 1);
    written();
    parts.save();
    let progress = Atomics.load(control, SHARED.progress);
    let partial = partialOf(progress, step);
    let guess = parts.likeliest(partial);
    for (let part = 0; progress !== GIVE_UP && (partial < ALPHABET || part < parts.count);) {
      if (part < parts.count) {
        parts.run(part++, guess);
        progress = Atomics.load(control, SHARED.progress);
      } else {
        progress = waitForChange(control, progress);
      }
      partial = partialOf(progress, step);
      if (!agrees(guess, partial)) {
        parts.restore();
        guess = parts.likeliest(partial);
        part = 0;
      }
    }
    if (progress === GIVE_UP) break;
  }
  parts.restore();
  state.set(parts.state);
  Atomics.store(control, SHARED.stopped, 1);
  written();
}
