/**
 * The integer recurrent network in plain loops, from the formulas of graph.ts: slow and obvious. What the kernel is held
 * against, at every load and in the tests.
 *
 * @module
 */
import {
  ALPHABET,
  BYTE_ROWS,
  CONTEXT_BYTES,
  CONTEXT_SIZE,
  GRIDS,
  LETTER_VALUES,
  LOGIT_BITS,
  type RecurrentNetwork,
  type ScaledMatrix,
  STATE_LIMIT,
  STATE_SUM_LIMIT,
  WORD_FACTOR,
  WORD_MODULUS,
} from './network.ts';

const clip = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x);
const floorShift = (x: number, bits: number): number => Math.floor(x * 2 ** bits);
const roundShift = (x: number, bits: number): number => Math.floor(x * 2 ** bits + 0.5);

/** floor(x weights scales) for every column. */
function product({ inputs, columns, data, scales }: ScaledMatrix, x: Float64Array): Float64Array {
  const sums = new Float64Array(columns);
  for (let i = 0; i < inputs; i++) {
    // Many: a state's at the start, a hidden layer's always. The kernel is held against this at every load.
    if (x[i] === 0) continue;
    for (let j = 0; j < columns; j++) sums[j] += x[i] * data[i * columns + j];
  }
  for (let j = 0; j < columns; j++) sums[j] = Math.floor(sums[j] * scales[j]);
  return sums;
}

/** One lane of a network. */
export class RecurrentReference {
  readonly #network: RecurrentNetwork;
  /** The last bytes, newest first; then the word so far and the word before it. */
  readonly #context = new BigInt64Array(CONTEXT_SIZE);
  readonly #h: Float64Array;

  constructor(network: RecurrentNetwork) {
    this.#network = network;
    this.#h = new Float64Array(network.units);
  }

  /** The sum of the byte's row and a row of each context's table. */
  #rows(token: number): Float64Array {
    const { coefficients, rows, tables, width } = this.#network;
    const context = this.#context;
    context.copyWithin(1, 0, CONTEXT_BYTES - 1);
    context[0] = BigInt(token);
    const letter = BigInt(LETTER_VALUES[token]);
    const word = context[CONTEXT_BYTES];
    if (letter === 0n && word !== 0n) context[CONTEXT_BYTES + 1] = word;
    const longer = (word * BigInt(WORD_FACTOR) + letter) % BigInt(WORD_MODULUS);
    context[CONTEXT_BYTES] = letter === 0n ? 0n : longer;

    const indices = [token];
    let first = BYTE_ROWS;
    for (const [table, size] of rows.entries()) {
      let sum = 0n;
      for (let i = 0; i < CONTEXT_SIZE; i++) sum += context[i] * coefficients[i * rows.length + table];
      indices.push(first + Number(sum % BigInt(size)));
      first += size;
    }
    const x = new Float64Array(width);
    for (const index of indices) for (let k = 0; k < width; k++) x[k] += tables[index * width + k];
    return x;
  }

  /** Feeds a byte; returns the logits, int32 [256]. */
  step(token: number): Int32Array {
    const { gates, units, hidden, bias, fromInput, fromState, fromNewState, fromHidden } = this.#network;
    const h = this.#h;
    const p = product(fromInput, this.#rows(token)).map((sum, j) => sum + bias[j]);
    const toRead = GRIDS.stateRead - GRIDS.state;
    const read = (): Float64Array => h.map((value) => roundShift(value, toRead));
    const s = product(fromState, read());
    const gate = (j: number): number => clip(floorShift(p[j] + s[j], GRIDS.gate - GRIDS.sum - 2), 0, 128);
    for (let i = 0; i < units; i++) {
      let candidate = s[units + i];
      if (gates === 3) {
        const limited = clip(candidate, -STATE_SUM_LIMIT, STATE_SUM_LIMIT);
        candidate = floorShift(gate(2 * units + i) * limited, -GRIDS.gate);
      }
      const sum = (p[units + i] + candidate) * 2 ** (GRIDS.state - GRIDS.sum);
      const change = roundShift(gate(i) * (clip(sum, -STATE_LIMIT, STATE_LIMIT) - h[i]), -GRIDS.gate);
      h[i] = clip(h[i] + change, -STATE_LIMIT, STATE_LIMIT);
    }
    const o = product(fromNewState, read());
    const out = gates * units;
    const sums = Float64Array.from({ length: ALPHABET }, (_, j) => p[out + hidden + j] + o[hidden + j]);
    if (fromHidden !== undefined) {
      const q = Float64Array.from({ length: hidden }, (_, j) =>
        clip(floorShift(p[out + j] + o[j], GRIDS.hidden - GRIDS.sum), 0, 2 ** GRIDS.hidden),
      );
      product(fromHidden, q).forEach((sum, j) => (sums[j] += sum));
    }
    return Int32Array.from(sums, (sum) => roundShift(sum, LOGIT_BITS - GRIDS.logitSum));
  }
}
