/**
 * Which model an operation uses: named by its options when encoding, found by the header's hash when decoding.
 *
 * @module
 */
import { equalBytes, toHex } from '../bytes.ts';
import { LmzError } from '../errors.ts';
import { loadModel, type Model } from '../model/load.ts';
import { DEFAULT_MODEL, resolveModel } from '../model/registry.ts';
import { SHIPPED_HASHES } from '../model/shipped.ts';
import { sha256 } from '../digest.ts';
import type { ModelSource } from './options.ts';

/** A model's file and name, not yet read as a model: its hash is all that a header needs. */
export interface ChosenModel {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly loaded: Model | undefined;
}

/** @throws LmzError LMZ_MODEL_NOT_FOUND */
export async function chooseModel(source: ModelSource = DEFAULT_MODEL): Promise<ChosenModel> {
  if (typeof source === 'string') {
    const { bytes, hash } = await resolveModel(source);
    return { bytes, hash, loaded: undefined };
  }
  if (source instanceof Uint8Array) return { bytes: source, hash: sha256(source), loaded: undefined };
  return { bytes: source.bytes, hash: source.hash, loaded: source };
}

/** The model with this hash: the one given, if it is that, else one of those in the known folders. */
export async function chooseByHash(hash: Uint8Array, given: ModelSource | undefined): Promise<ChosenModel> {
  const choice = given === undefined ? undefined : await chooseModel(given);
  if (choice && equalBytes(choice.hash, hash)) return choice;
  try {
    const { bytes } = await resolveModel(hash);
    return { bytes, hash, loaded: undefined };
  } catch (error) {
    if (!choice || !(error instanceof LmzError)) throw error;
    throw new LmzError(
      'LMZ_MODEL_MISMATCH',
      `the file was made with the model ${toHex(hash)}, not with the one given, ${toHex(choice.hash)}`,
      { cause: error },
    );
  }
}

/**
 * Reads and audits a chosen model.
 *
 * @param platformBound  accept it unproven; a model that can be proven exact is exact all the same
 * @throws LmzError LMZ_MODEL_INVALID, LMZ_MODEL_NOT_EXACT
 */
export function openChosen(choice: ChosenModel, platformBound: boolean): Model {
  if (choice.loaded && (platformBound || !choice.loaded.platformBound)) return choice.loaded;
  if (!platformBound) return loadModel(choice.bytes, { trustedHashes: SHIPPED_HASHES });
  try {
    return loadModel(choice.bytes, { trustedHashes: SHIPPED_HASHES });
  } catch (error) {
    if (!(error instanceof LmzError)) throw error;
    return loadModel(choice.bytes, { platformBound });
  }
}
