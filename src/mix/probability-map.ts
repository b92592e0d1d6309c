/**
 * Adaptive probability maps (secondary estimation, as in the PAQ family): what a stretched prediction has really meant
 * in a small context. 33 knots from -8 to 8 a context, read by linear interpolation. Either both neighbours are trained
 * by nearness, or, in half the memory, the nearer one.
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

/** Whole knots are of so many units; a step is the remaining distance by so many bits less. */
const COARSE_ONE = 65535;
const COARSE_SHIFT = 6;
/** What a knot moves to for a 0 and for a 1: a little beyond its range, so that it reaches the end. */
const COARSE_TARGETS = [0, 65536 + 64 - 2];

/** What the knots of every context of a {@link CoarseProbabilityMap} begin with. */
export const FIRST_COARSE_KNOTS: Uint16Array = Uint16Array.from(FIRST_KNOTS, (p) => f(p * COARSE_ONE));

/** Where a stretched prediction lies between knots: the one below it, and its distance from that. */
function position(stretched: number): [knot: number, share: number] {
  const clipped = stretched > LIMIT ? LIMIT : stretched < -LIMIT ? -LIMIT : stretched;
  const at = f(f(clipped + REACH) * KNOTS_PER_UNIT);
  const knot = Math.trunc(at);
  return [knot, f(at - knot)];
}

/** What refines a stretched prediction in a context, and learns the bit of the last one. */
export interface Refinement {
  /** The refined probability of a 1. */
  refine(stretched: number, context: number): number;
  update(bit: number): void;
}

/** Copies the first row to all others. Doubling copies: far faster than one `set` a context. */
function repeatFirst(knots: Float32Array | Uint16Array): void {
  for (let filled = KNOTS; filled < knots.length; filled *= 2) {
    knots.copyWithin(filled, 0, Math.min(filled, knots.length - filled));
  }
}

/** With knots of 16 bits, of which the nearer one learns. */
export class CoarseProbabilityMap implements Refinement {
  readonly #knots: Uint16Array;
  #nearest = 0;

  constructor(contexts: number) {
    this.#knots = new Uint16Array(contexts * KNOTS);
    this.#knots.set(FIRST_COARSE_KNOTS);
    repeatFirst(this.#knots);
  }

  refine(stretched: number, context: number): number {
    const [knot, share] = position(stretched);
    const at = context * KNOTS + knot;
    this.#nearest = share > 0.5 ? at + 1 : at;
    return f(f(f(this.#knots[at] * f(1 - share)) + f(this.#knots[at + 1] * share)) / 65536);
  }

  update(bit: number): void {
    const knot = this.#knots[this.#nearest];
    this.#knots[this.#nearest] = knot + ((COARSE_TARGETS[bit] - knot) >> COARSE_SHIFT);
  }
}

/** With knots of float32, of which both neighbours learn. */
export class ProbabilityMap implements Refinement {
  readonly #knots: Float32Array;
  #at = 0;
  #share = 0;

  constructor(contexts: number) {
    this.#knots = new Float32Array(contexts * KNOTS);
    this.#knots.set(FIRST_KNOTS);
    repeatFirst(this.#knots);
  }

  refine(stretched: number, context: number): number {
    const [knot, share] = position(stretched);
    const at = context * KNOTS + knot;
    this.#at = at;
    this.#share = share;
    const below = this.#knots[at];
    return f(below + f(f(this.#knots[at + 1] - below) * share));
  }

  update(bit: number): void {
    const knots = this.#knots;
    const at = this.#at;
    const share = this.#share;
    knots[at] = f(knots[at] + f(f(bit - knots[at]) * f(RATE * f(1 - share))));
    knots[at + 1] = f(knots[at + 1] + f(f(bit - knots[at + 1]) * f(RATE * share)));
  }
}
