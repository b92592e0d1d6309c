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

/** How a reference is computed. */
export interface ReferenceOptions extends SessionOptions {
  /** Tokens of a call; more than one for sequence models only (default 1). */
  readonly time?: number;
}

/**
 * Feeds tokens to a model and notes what comes out.
 *
 * @param options - the engine; every lane is fed the same tokens and must give the same logits.
 */
export async function makeReference(
  model: Model,
  tokens: readonly number[],
  { time = 1, ...options }: ReferenceOptions = {},
): Promise<Reference> {
  const session = await openSession(model, options);
  const { lanes, alphabet } = session;
  const hash = createHash('sha256');
  let last: Int32Array = new Int32Array(alphabet);
  for (let at = 0; at < tokens.length; at += time) {
    const call = tokens.slice(at, at + time);
    const size = call.length * alphabet;
    const fed = Int32Array.from({ length: lanes * call.length }, (_, i) => call[i % call.length]);
    const logits = await session.run(fed, call.length);
    const first = logits.slice(0, size);
    for (let lane = 1; lane < lanes; lane++) {
      if (logits.subarray(lane * size, (lane + 1) * size).some((logit, i) => logit !== first[i])) {
        throw new RangeError(`lane ${lane} gives other logits than lane 0`);
      }
    }
    hash.update(new Uint8Array(first.buffer, first.byteOffset, first.byteLength));
    last = first.subarray(-alphabet);
  }
  await session.release();
  return { model: toHex(model.hash), tokens, logitsSha256: hash.digest('hex'), lastLogits: [...last] };
}
