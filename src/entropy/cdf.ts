/**
 * From integer logits to integer cumulative frequencies: the only place where a prediction becomes what the arithmetic
 * coder reads (spec/lmz-format.md, section 7.2). Everything here is integer arithmetic on doubles below 2^53 and on
 * int32, so it gives the same result in every engine; there is no floating-point function.
 *
 * @module
 */

/** Bits of a CDF's total. 24 bits put the cost of "every symbol is codable" at 2e-5 bits a symbol. */
export const CDF_BITS = 24;
/** Total of every CDF, and the denominator of every binary probability. */
export const CDF_TOTAL = 1 << CDF_BITS;

/** Logits are spread to this many fraction bits, one table entry each. */
const FRACTION_BITS = 8;
/** Weights below 2^-WEIGHT_BITS of the largest are zero before the floor of one is added. */
const WEIGHT_BITS = 24;
/** Fixed-point bits of the reciprocal of the weights' sum: weight (<= 2^24) * reciprocal (<= 2^28) stays below 2^53. */
const RECIPROCAL_SCALE = 2 ** 28;

function integerSqrt(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

/**
 * `floor(2^24 * 2^(-i/256))` for i = 0..255, from integer square roots: ECMAScript leaves the last bits of Math.pow
 * open. 128 guard bits make every entry the exact floor, which a test checks against 256th powers.
 */
function buildPowerTable(): Int32Array {
  const guard = 128n;
  let root = 1n << (guard - 1n); // 2^-1
  for (let i = 0; i < FRACTION_BITS; i++) root = integerSqrt(root << guard); // ... 2^-1/256
  const table = new Int32Array(1 << FRACTION_BITS);
  let power = 1n << guard;
  for (let i = 0; i < table.length; i++) {
    table[i] = Number(power >> (guard - BigInt(WEIGHT_BITS)));
    power = (power * root) >> guard;
  }
  return table;
}

/** See {@link buildPowerTable}; exported for the tests and for whatever else needs exact powers of two. */
export const POWER_TABLE: Int32Array = buildPowerTable();

/** Turns the logits of one prediction into a CDF, reusing its own scratch memory. */
export class CdfBuilder {
  readonly alphabet: number;
  /** Cumulative frequencies: `cdf[s]..cdf[s+1]` is symbol s; `cdf[0] = 0`, `cdf[alphabet] = CDF_TOTAL`. */
  readonly cdf: Uint32Array;
  readonly #spread: number;
  readonly #cutoff: number;
  readonly #weights: Int32Array;

  /**
   * @param alphabet   number of symbols, 2..256
   * @param logitBits  fraction bits of the logits, 0..8: a logit's unit is 2^-logitBits bits
   */
  constructor(alphabet: number, logitBits: number) {
    if (!Number.isInteger(alphabet) || alphabet < 2 || alphabet > 256) {
      throw new RangeError(`alphabet expected 2..256, got ${alphabet}`);
    }
    if (!Number.isInteger(logitBits) || logitBits < 0 || logitBits > FRACTION_BITS) {
      throw new RangeError(`logitBits expected 0..${FRACTION_BITS}, got ${logitBits}`);
    }
    this.alphabet = alphabet;
    this.cdf = new Uint32Array(alphabet + 1);
    this.#spread = FRACTION_BITS - logitBits;
    this.#cutoff = (WEIGHT_BITS + 1) << logitBits;
    this.#weights = new Int32Array(alphabet);
  }

  /**
   * Fills {@link cdf} from `logits[at .. at + alphabet)`, each within +-2^30.
   *
   * Weight of symbol s: `2^24 * 2^((logit_s - max) / 2^logitBits)`, rounded down. Every symbol gets 1, the rest of the
   * total is shared in proportion, rounded down, and what rounding leaves over goes to the first most probable symbol.
   */
  fill(logits: Int32Array, at: number): Uint32Array {
    const { alphabet, cdf } = this;
    const weights = this.#weights;
    let max = logits[at];
    let best = 0;
    for (let s = 1; s < alphabet; s++) {
      const logit = logits[at + s];
      if (logit > max) {
        max = logit;
        best = s;
      }
    }
    let sum = 0;
    for (let s = 0; s < alphabet; s++) {
      const distance = max - logits[at + s];
      let weight = 0;
      if (distance < this.#cutoff) {
        const spread = distance << this.#spread;
        weight = POWER_TABLE[spread & 255] >> (spread >> FRACTION_BITS);
      }
      weights[s] = weight;
      sum += weight;
    }
    const shared = CDF_TOTAL - alphabet;
    let reciprocal = Math.floor((shared * RECIPROCAL_SCALE) / sum);
    // The quotient was rounded to a double before its floor was taken; one step down makes it the true floor.
    if (reciprocal * sum > shared * RECIPROCAL_SCALE) reciprocal--;
    let total = 0;
    for (let s = 0; s < alphabet; s++) {
      cdf[s] = total;
      total += 1 + Math.floor((weights[s] * reciprocal) / RECIPROCAL_SCALE);
    }
    const left = CDF_TOTAL - total;
    for (let s = best + 1; s < alphabet; s++) cdf[s] += left;
    cdf[alphabet] = CDF_TOTAL;
    return cdf;
  }
}
