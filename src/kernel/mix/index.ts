/**
 * Predictor 2 and the arithmetic coder, bit for bit as src/mix/ and src/entropy/coder.ts have them, for one chunk at a
 * time. src/mix/kernel.ts drives it.
 */
export {
  CLASS_AT,
  COARSE_KNOT_AT,
  KNOT_AT,
  LETTER_AT,
  LOGITS_AT,
  LOG_AT,
  NEXT_AT,
  POWER_AT,
  RATE_AT,
  SQUASH_AT,
  START_AT,
  START_INPUTS_AT,
  START_OUTPUTS_AT,
  STRETCH_AT,
  WEIGHT_AT,
  chunkAt,
  laneStartsAt,
  layOut,
  streamAt,
} from './memory';
export { bytesRead, finalOffset, finalRange, finishStream } from './coder';
export { beginChunk, codeByte, codeRun, fetched, laneBytes, reportBits } from './predictor';
