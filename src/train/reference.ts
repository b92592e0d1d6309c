/**
 * Reference tokens and logits of a model, stored beside it: every engine, on every machine, must give these integers.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { toHex } from '../bytes.ts';
import type { Model } from '../model/load.ts';
import { openSession, type SessionOptions } from '../model/session.ts';

/** What is stored; JSON. */
export interface Reference {
  /** SHA-256 of the model file. */
  readonly model: string;
  /** Fed to one lane, one by one. */
  readonly tokens: readonly number[];
  /** SHA-256 of all logits, int32 little-endian, call after call. */
  readonly logitsSha256: string;
  /** The last call's logits, to see by how much another engine is wrong. */
  readonly lastLogits: readonly number[];
}

/**
 * Feeds tokens to a model and notes what comes out.
 *
 * @param options - the engine; every lane is fed the same tokens and must give the same logits.
 */
export async function makeReference(
  model: Model,
  tokens: readonly number[],
  options: SessionOptions = {},
): Promise<Reference> {
  const session = await openSession(model, options);
  const { lanes, alphabet } = session;
  const hash = createHash('sha256');
  let last: Int32Array = new Int32Array(alphabet);
  for (const token of tokens) {
    const logits = await session.run(new Int32Array(lanes).fill(token), 1);
    last = logits.slice(0, alphabet);
    for (let lane = 1; lane < lanes; lane++) {
      if (logits.subarray(lane * alphabet, (lane + 1) * alphabet).some((logit, i) => logit !== last[i])) {
        throw new RangeError(`lane ${lane} gives other logits than lane 0`);
      }
    }
    hash.update(new Uint8Array(last.buffer, last.byteOffset, last.byteLength));
  }
  await session.release();
  return { model: toHex(model.hash), tokens, logitsSha256: hash.digest('hex'), lastLogits: [...last] };
}
