/**
 * A model on its way from the thread that chose and audited it to those that run it.
 *
 * @module
 */
import { loadAgain, type Model } from '../model/load.ts';
import { ELEMENT_ARRAYS } from '../model/onnx/elements.ts';
import { type ModelReference, sharedBytes } from './task.ts';

/** A model as other threads take it: its file in shared memory. */
export function toReference({ hash, bytes, platformBound }: Model): ModelReference {
  return { hash, bytes: sharedBytes(bytes), platformBound };
}

/** The model again, on another thread. Its constants are views of the shared memory. */
export function loadReference({ hash, bytes, platformBound }: ModelReference): Model {
  return loadAgain(bytes, hash, platformBound);
}

/** Bytes of a lane's states, as the model declares them: a Transformer's are keys and values of its whole context. */
export function stateBytesOf({ contract }: Model): number {
  return contract.states.reduce(
    (sum, { type, size }) => sum + size * ELEMENT_ARRAYS[type].BYTES_PER_ELEMENT,
    0,
  );
}
