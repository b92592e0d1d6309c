/**
 * Adam (Kingma and Ba, https://arxiv.org/abs/1412.6980) for dense parameters.
 *
 * @module
 */

/** The decay of the two moments and what keeps the division finite. */
export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** The usual choice. */
export const ADAM: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** One parameter and its moments. */
export class AdamParameter {
  readonly weights: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;

  constructor(weights: Float32Array) {
    this.weights = weights;
    this.first = new Float32Array(weights.length);
    this.second = new Float32Array(weights.length);
  }

  /**
   * One step, the gradient multiplied by `scale`.
   *
   * @param step - counted from 1, for the correction of the moments' bias to zero.
   */
  update(gradient: Float32Array, rate: number, scale: number, step: number, options: AdamOptions): void {
    const { weights, first, second } = this;
    const { beta1, beta2, epsilon } = options;
    const keep1 = 1 - beta1;
    const keep2 = 1 - beta2;
    const correction2 = Math.sqrt(1 - beta2 ** step);
    const corrected = (rate * correction2) / (1 - beta1 ** step);
    const smallest = epsilon * correction2;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] * scale;
      const m = beta1 * first[i] + keep1 * g;
      const v = beta2 * second[i] + keep2 * g * g;
      first[i] = m;
      second[i] = v;
      weights[i] -= (corrected * m) / (Math.sqrt(v) + smallest);
    }
  }
}

/** The sum of squares. */
export function squaredNorm(values: Float32Array): number {
  let sum = 0;
  // By index: an iterator took ten times as long.
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}
