/**
 * Adaptive probability maps (secondary estimation, as in the PAQ family): what a stretched prediction has really meant
 * in a small context. 33 knots from -8 to 8 a context, read by linear interpolation, both neighbours trained by nearness.
 *
 * @module
 */
import { squash } from './logistic.ts';

const f = Math.fround;
const KNOTS = 33;
const REACH = 8;
const KNOTS_PER_UNIT = 2;
const LIMIT = f(7.999);
const RATE = f(0.02);

/** What the knots of every context begin with. */
export const FIRST_KNOTS: Float32Array = Float32Array.from({ length: KNOTS }, (_, i) =>
  squash(i / KNOTS_PER_UNIT - REACH),
);

/** See the module's head; float32. */
export class ProbabilityMap {
  readonly #knots: Float32Array;
  #at = 0;
  #share = 0;

  constructor(contexts: number) {
    this.#knots = new Float32Array(contexts * KNOTS);
    this.#knots.set(FIRST_KNOTS);
    // Doubling copies: far faster than one `set` a context.
    for (let filled = KNOTS; filled < this.#knots.length; filled *= 2) {
      this.#knots.copyWithin(filled, 0, Math.min(filled, this.#knots.length - filled));
    }
  }

  /** The refined probability of a 1. */
  refine(stretched: number, context: number): number {
    const clipped = stretched > LIMIT ? LIMIT : stretched < -LIMIT ? -LIMIT : stretched;
    const position = f(f(clipped + REACH) * KNOTS_PER_UNIT);
    const i = Math.trunc(position);
    const share = f(position - i);
    const at = context * KNOTS + i;
    this.#at = at;
    this.#share = share;
    const below = this.#knots[at];
    return f(below + f(f(this.#knots[at + 1] - below) * share));
  }

  /** Learns what the last refined probability was of. */
  update(bit: number): void {
    const knots = this.#knots;
    const at = this.#at;
    const share = this.#share;
    knots[at] = f(knots[at] + f(f(bit - knots[at]) * f(RATE * f(1 - share))));
    knots[at + 1] = f(knots[at + 1] + f(f(bit - knots[at + 1]) * f(RATE * share)));
  }
}
