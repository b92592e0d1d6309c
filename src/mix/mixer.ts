/**
 * Gated logistic mixing: a set of weight vectors, of which a small context selects one; its output is the weighted sum
 * of stretched probabilities, and online gradient descent on the coding cost trains it (M. Mahoney, 2005, see
 * logistic.ts; the gating as in paq7 and later).
 *
 * A weight vector that is seldom selected learns as fast at first as any other did: its rate falls with the number of its
 * own updates.
 *
 * float32 throughout, in a fixed order: eight partial sums, as two WebAssembly f32x4 accumulators keep them.
 *
 * @module
 */
import { clipStretch, squash } from './logistic.ts';

const f = Math.fround;

/** How fast rates fall with a vector's updates. */
const RATE_DECAY = f(0.002);

/** Inputs of a mixer, filled up with zeros to whole vectors. */
export function inputVector(count: number): Float32Array {
  return new Float32Array((count + 7) & ~7);
}

/** One layer's weights for one kind of selecting context. */
export class Mixer {
  readonly #inputs: Float32Array;
  readonly #weights: Float32Array;
  /** Updates of each vector; float32, so they end at 2^24. */
  readonly #updates: Float32Array;
  readonly #rateLast: number;
  readonly #rateSpan: number;
  #set = 0;
  #p = 0;

  /**
   * @param inputs     from {@link inputVector}; read at each `mix` and `train`
   * @param sets       number of weight vectors
   * @param start      the weights that each begins with; zeros for the inputs beyond them
   * @param rateFirst  the learning rate of a vector that was never trained; float32
   * @param rateLast   what it falls to
   */
  constructor(
    inputs: Float32Array,
    sets: number,
    start: readonly number[],
    rateFirst: number,
    rateLast: number,
  ) {
    this.#inputs = inputs;
    this.#weights = new Float32Array(inputs.length * sets);
    this.#updates = new Float32Array(sets);
    this.#rateLast = rateLast;
    this.#rateSpan = f(rateFirst - rateLast);
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
    this.#set = set;
    this.#p = squash(stretched);
    return stretched;
  }

  /** Moves the weights used last against their error. */
  train(bit: number): void {
    const x = this.#inputs;
    const w = this.#weights;
    const updates = this.#updates[this.#set]++;
    const rate = f(this.#rateLast + f(this.#rateSpan / f(1 + f(updates * RATE_DECAY))));
    const step = f(f(bit - this.#p) * rate);
    for (let i = 0, j = this.#set * x.length; i < x.length; i++, j++) w[j] = f(w[j] + f(step * x[i]));
  }
}
