/**
 * A session on the WebAssembly kernel.
 *
 * @module
 */
import type { LaneSession } from '../session.ts';
import { requireTokens } from '../tokens.ts';
import type { RecurrentKernel } from './kernel.ts';
import { ALPHABET } from './network.ts';

/** Lanes of a recurrent network, each stepped by the kernel. */
export class KernelLaneSession implements LaneSession {
  readonly lanes: number;
  readonly alphabet = ALPHABET;
  readonly engine = 'kernel (wasm)';
  #kernel: RecurrentKernel | undefined;

  constructor(kernel: RecurrentKernel) {
    this.lanes = kernel.lanes;
    this.#kernel = kernel;
  }

  #demand(call: string): RecurrentKernel {
    if (this.#kernel === undefined) throw new TypeError(`${call}() on a session that is released`);
    return this.#kernel;
  }

  runNow(tokens: Int32Array | Uint8Array): Int32Array {
    const kernel = this.#demand('run');
    const { lanes } = this;
    requireTokens(tokens, lanes, ALPHABET);
    for (let lane = 0; lane < lanes; lane++) kernel.step(lane, tokens[lane]);
    return kernel.logits;
  }

  // Errors are rejections, as with engines that need time.
  // eslint-disable-next-line @typescript-eslint/require-await
  async run(tokens: Int32Array | Uint8Array, time: number): Promise<Int32Array> {
    if (time !== 1) throw new RangeError(`"time" expected 1 for a step model, got ${time}`);
    return this.runNow(tokens);
  }

  reset(): void {
    this.#demand('reset').reset();
  }

  release(): Promise<void> {
    this.#kernel = undefined;
    return Promise.resolve();
  }
}
