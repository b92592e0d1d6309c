/**
 * Less certain predictions: all logits divided by a number (C. Guo and others, "On Calibration of Modern Neural Networks",
 * ICML 2017, section 4.2). A network is surer of text like its training text than of the text that users have.
 *
 * @module
 */
import type { Weights } from './networks.ts';

/** What leads to the logits, in all networks: weights and biases of these names. */
const TO_LOGITS = /^output/;

/**
 * The network with its logits divided by a temperature; 1 changes nothing.
 *
 * @param temperature  above 0; above 1 the predictions are less certain
 * @throws RangeError where it is not
 */
export function withTemperature(weights: Weights, temperature: number): Weights {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(`temperature expected above 0, got ${temperature}`);
  }
  const parameters = Object.fromEntries(
    Object.entries(weights.parameters).map(([name, values]) => [
      name,
      TO_LOGITS.test(name) ? values.map((value) => value / temperature) : values,
    ]),
  );
  return { ...weights, parameters };
}
