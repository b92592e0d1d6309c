/**
 * A model on its way from the thread that chose and audited it to those that run it.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import { loadModel, type Model } from '../model/load.ts';
import { type ModelReference, sharedBytes } from './task.ts';

/** A model as other threads take it: its file in shared memory. */
export function toReference({ hash, bytes, platformBound }: Model): ModelReference {
  return { hash, bytes: sharedBytes(bytes), platformBound };
}

/** The model again, on another thread: whoever sent it has had it audited, and only its reading is repeated. */
export function loadReference({ hash, bytes, platformBound }: ModelReference): Model {
  return loadModel(bytes.slice(), {
    expectedHash: hash,
    platformBound,
    trustedHashes: new Set([toHex(hash)]),
  });
}
