/**
 * The integer recurrent network, written from the formulas of src/model/recurrent/graph.ts with nothing but loops over integers:
 * what an exported model must compute, bit for bit.
 *
 * @module
 */
import { GRIDS } from '../../src/model/recurrent/network.ts';
import { ContextHasher } from '../../src/train/contexts.ts';
import type { IntegerMatrix, IntegerNetwork } from '../../src/train/quantize.ts';

const clip = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

/** One lane of a network. */
export class ReferenceLane {
  readonly #network: IntegerNetwork;
  readonly #hasher: ContextHasher;
  #h: number[];

  constructor(network: IntegerNetwork) {
    this.#network = network;
    this.#hasher = new ContextHasher(network.config.kinds, network.config.rows);
    this.#h = new Array<number>(network.config.units).fill(0);
  }

  /** Sums of one column of a product, floored to 2^-`to` from inputs on 2^-`from`. */
  #sum(matrix: IntegerMatrix, x: readonly number[], column: number, from: number, to: number): number {
    let sum = 0;
    for (let i = 0; i < matrix.inputs; i++) sum += x[i] * matrix.data[i * matrix.columns + column];
    return Math.floor(sum * 2 ** (to - from - matrix.exponents[column]));
  }

  /** Feeds a byte; returns the 256 logits in 2^-5 bits. */
  step(token: number): number[] {
    const { config, tables, tableBits, bias, fromInput, fromState, fromNewState, fromHidden } = this.#network;
    const { units, width, hidden, cell } = config;
    const indices = new Int32Array(config.kinds.length);
    this.#hasher.push(token);
    this.#hasher.indices(indices, 0);
    const x = new Array<number>(width).fill(0);
    let first = 0;
    for (const [table, row] of [token, ...indices].entries()) {
      for (let k = 0; k < width; k++) x[k] += tables[(first + row) * width + k];
      first += table === 0 ? 256 : config.rows[table - 1];
    }
    const gates = (cell === 'gru' ? 3 : 2) * units;
    const p = Array.from(bias, (value, j) => {
      const grid = j < gates + hidden ? GRIDS.sum : GRIDS.logitSum;
      return value + this.#sum(fromInput, x, j, tableBits, grid);
    });
    const read = this.#h.map((h) => Math.floor((h + 32) / 64));
    const s = Array.from({ length: gates }, (_, j) =>
      this.#sum(fromState, read, j, GRIDS.stateRead, GRIDS.sum),
    );
    this.#h = this.#h.map((h, i) => {
      const z = clip(Math.floor((p[i] + s[i]) / 128), 0, 128);
      let fromOld = s[units + i];
      if (cell === 'gru') {
        const r = clip(Math.floor((p[2 * units + i] + s[2 * units + i]) / 128), 0, 128);
        fromOld = Math.floor((r * clip(fromOld, -65536, 65536)) / 128);
      }
      const c = clip((p[units + i] + fromOld) * 8, -32768, 32768);
      return clip(h + Math.floor((z * (c - h) + 64) / 128), -32768, 32768);
    });
    const now = this.#h.map((h) => Math.floor((h + 32) / 64));
    const q = Array.from({ length: hidden }, (_, j) => {
      const sum = p[gates + j] + this.#sum(fromNewState, now, j, GRIDS.stateRead, GRIDS.sum);
      return clip(Math.floor(sum / 8), 0, 512);
    });
    return Array.from({ length: 256 }, (_, j) => {
      let sum =
        p[gates + hidden + j] + this.#sum(fromNewState, now, hidden + j, GRIDS.stateRead, GRIDS.logitSum);
      if (fromHidden !== undefined) sum += this.#sum(fromHidden, q, j, GRIDS.hidden, GRIDS.logitSum);
      return Math.floor((sum + 8) / 16);
    });
  }
}
