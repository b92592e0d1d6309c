/**
 * Bits per byte of a model file: the ideal code length under its softmax, as the coder would see it without mixing.
 * Measurement only; the coding path has its own integer arithmetic.
 *
 * @module
 */
import { loadModel } from '../model/load.ts';
import { openSession } from '../model/session.ts';

/** Where the text is cut and how much of it is used. */
export interface EvaluateOptions {
  /** The text is cut into so many equal parts, each coded from a fresh start. */
  readonly lanes: number;
  /** About so many bytes are used, the beginning of every part. */
  readonly limit?: number;
}

/** The mean bits per byte. */
export async function evaluateModel(
  file: Uint8Array,
  text: Uint8Array,
  { lanes, limit = Infinity }: EvaluateOptions,
): Promise<number> {
  const model = loadModel(file);
  const { start, logitBits, alphabet } = model.contract;
  const session = await openSession(model, { lanes });
  const part = Math.floor(text.length / lanes);
  const steps = Math.floor(Math.min(part, limit / lanes));
  const tokens = new Int32Array(lanes).fill(start);
  const unit = 2 ** -logitBits;
  let bits = 0;
  for (let t = 0; t < steps; t++) {
    const logits = await session.run(tokens, 1);
    for (let lane = 0; lane < lanes; lane++) {
      const from = lane * alphabet;
      const target = text[lane * part + t];
      let sum = 0;
      for (let k = 0; k < alphabet; k++) sum += 2 ** ((logits[from + k] - logits[from + target]) * unit);
      bits += Math.log2(sum);
      tokens[lane] = target;
    }
  }
  await session.release();
  return bits / (steps * lanes);
}
