/**
 * The tiny models of `fixtures/models`, for tests that need one.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the fixture models. */
export const MODEL_FOLDER = fileURLToPath(new URL('../../fixtures/models/', import.meta.url));

/** The bytes of a fixture model, by its name without `.onnx`. */
export function fixtureModel(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${MODEL_FOLDER}${name}.onnx`));
}
