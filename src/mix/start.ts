/**
 * What a chunk's mixing begins with, and how fast its first layer learns, by the parameters.
 *
 * @module
 */
import { FURTHER_CONTEXTS, STANDARD_CONTEXTS } from './contexts.ts';
import type { MixParameters } from './parameters.ts';
import { PRIMED, PRIMED_FAST, PRIMED_HISTORIES, PRIMED_TEXT_WITH_MODEL } from './primed.ts';

const f = Math.fround;

/** Inputs from a language model. */
const MODEL_INPUTS = 6;
/** Unit of the primed weights, as a divisor. */
const UNITS = 1024;
/** Without weights that were primed with one, a language model begins with this for its plain prediction, 0 for the rest. */
const WEIGHT_MODEL = 102;
/** What both inputs of a context that only the best set has begin with. */
const WEIGHTS_FURTHER = [61, 0];
/** Low bits of an adaptive probability's word: its count. */
const PRIMED_COUNT = 30;

/** See the module's head; float32. */
export interface MixStart {
  /** The weight of each input of the first layer, those of runs excepted, which begin with 0. */
  readonly inputs: readonly number[];
  /** For each mixer of the second layer, the weight of each output of the first. */
  readonly outputs: readonly (readonly number[])[];
  /** Words of adaptive probabilities: what each history means in any context. */
  readonly histories: Uint32Array;
  /** The first layer's rate falls from `rateFirst` to `rateLast`. */
  readonly rateFirst: number;
  readonly rateLast: number;
}

const scaled = (weights: readonly number[]): number[] => weights.map((weight) => weight / UNITS);

/** See {@link MixStart}. */
export function startOf({ profile, contexts, languageModel }: MixParameters): MixStart {
  const textWithModel = languageModel && profile === 'text';
  const primed =
    contexts === 'fast' ? PRIMED_FAST[profile] : textWithModel ? PRIMED_TEXT_WITH_MODEL : PRIMED[profile];
  const inputs = [...primed.inputs];
  if (languageModel && primed !== PRIMED_TEXT_WITH_MODEL) {
    inputs.splice(-1, 0, WEIGHT_MODEL, ...new Array<number>(MODEL_INPUTS - 1).fill(0));
  }
  if (contexts === 'best') {
    const further = Array.from({ length: FURTHER_CONTEXTS[profile] }, () => WEIGHTS_FURTHER).flat();
    inputs.splice(2 * STANDARD_CONTEXTS[profile], 0, ...further);
  }
  return {
    inputs: scaled(inputs),
    outputs: primed.outputs.map(scaled),
    histories: Uint32Array.from(PRIMED_HISTORIES[profile], (p) => ((p << 16) | PRIMED_COUNT) >>> 0),
    rateFirst: f(textWithModel ? 0.015 : 0.02),
    rateLast: f(textWithModel ? 0.0015 : 0.003),
  };
}
