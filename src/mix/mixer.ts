/**
 * Gated logistic mixing: a set of weight vectors, of which a small context selects one; its output is the weighted sum
 * of stretched probabilities, and online gradient descent on the coding cost trains it (M. Mahoney, 2005, see
 * logistic.ts; the gating as in paq7 and later).
 *
 * float32 throughout, in a fixed order: eight partial sums, as two WebAssembly f32x4 accumulators keep them.
 *
 * @module
 */
import { clipStretch, squash } from './logistic.ts';

const f = Math.fround;

/** Inputs of a mixer, filled up with zeros to whole vectors. */
export function inputVector(count: number): Float32Array {
  return new Float32Array((count + 7) & ~7);
}

/** One layer's weights for one kind of selecting context. */
export class Mixer {
  readonly #inputs: Float32Array;
  readonly #weights: Float32Array;
  #at = 0;
  #p = 0;

  /**
   * @param inputs  from {@link inputVector}; read at each `mix` and `train`
   * @param sets    number of weight vectors
   * @param start   the weights that each begins with
   */
  constructor(inputs: Float32Array, sets: number, start: Float32Array) {
    this.#inputs = inputs;
    this.#weights = new Float32Array(inputs.length * sets);
    for (let set = 0; set < sets; set++) this.#weights.set(start, set * inputs.length);
  }

  /** The stretched prediction of weight vector `set`. */
  mix(set: number): number {
    const x = this.#inputs;
    const w = this.#weights;
    const at = set * x.length;
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < x.length; i += 8) {
      const j = at + i;
      s0 = f(s0 + f(w[j] * x[i]));
      s1 = f(s1 + f(w[j + 1] * x[i + 1]));
      s2 = f(s2 + f(w[j + 2] * x[i + 2]));
      s3 = f(s3 + f(w[j + 3] * x[i + 3]));
      s4 = f(s4 + f(w[j + 4] * x[i + 4]));
      s5 = f(s5 + f(w[j + 5] * x[i + 5]));
      s6 = f(s6 + f(w[j + 6] * x[i + 6]));
      s7 = f(s7 + f(w[j + 7] * x[i + 7]));
    }
    const sum = f(f(f(s0 + s4) + f(s2 + s6)) + f(f(s1 + s5) + f(s3 + s7)));
    const stretched = clipStretch(sum);
    this.#at = at;
    this.#p = squash(stretched);
    return stretched;
  }

  /** Moves the weights used last against their error, by a float32 rate. */
  train(bit: number, rate: number): void {
    const x = this.#inputs;
    const w = this.#weights;
    const step = f(f(bit - this.#p) * rate);
    for (let i = 0, j = this.#at; i < x.length; i++, j++) w[j] = f(w[j] + f(step * x[i]));
  }
}
