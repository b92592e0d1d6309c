/**
 * A session on a WebAssembly kernel.
 *
 * @module
 */
import { TIME_MAX } from './contract.ts';
import type { LaneSession } from './session.ts';
import { requireTokens } from './tokens.ts';
import { ALPHABET, type LaneKernel, type StepParts } from './wasm.ts';

/** Lanes of a network, each stepped by the kernel. */
export class KernelLaneSession implements LaneSession {
  readonly lanes: number;
  readonly alphabet = ALPHABET;
  readonly engine = 'kernel (wasm)';
  readonly #timeMax: number;
  #kernel: LaneKernel | undefined;
  /** Logits of calls with more than one token per lane. */
  #sequence: Int32Array = new Int32Array(0);

  /** @param time - of the model's contract: the kernel itself steps in any case. */
  constructor(kernel: LaneKernel, time: 'step' | 'sequence') {
    this.lanes = kernel.lanes;
    this.#timeMax = time === 'sequence' ? TIME_MAX : 1;
    this.#kernel = kernel;
  }

  #demand(call: string): LaneKernel {
    if (this.#kernel === undefined) throw new TypeError(`${call}() on a session that is released`);
    return this.#kernel;
  }

  #requireTime(time: number): void {
    if (Number.isInteger(time) && time >= 1 && time <= this.#timeMax) return;
    const expected = this.#timeMax === 1 ? '1 for a step model' : `an integer 1 to ${TIME_MAX}`;
    throw new RangeError(`"time" expected ${expected}, got ${time}`);
  }

  get parts(): StepParts | undefined {
    return this.lanes === 1 ? this.#demand('parts').parts : undefined;
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
    this.#requireTime(time);
    if (time === 1) return this.runNow(tokens);
    const kernel = this.#demand('run');
    const { lanes } = this;
    requireTokens(tokens, lanes * time, ALPHABET);
    const size = lanes * time * ALPHABET;
    if (this.#sequence.length !== size) this.#sequence = new Int32Array(size);
    const all = this.#sequence;
    for (let lane = 0, at = 0; lane < lanes; lane++) {
      const logits = kernel.logits.subarray(lane * ALPHABET, (lane + 1) * ALPHABET);
      for (let t = 0; t < time; t++, at++) {
        kernel.step(lane, tokens[at]);
        all.set(logits, at * ALPHABET);
      }
    }
    return all;
  }

  reset(): void {
    this.#demand('reset').reset();
  }

  release(): Promise<void> {
    this.#kernel = undefined;
    return Promise.resolve();
  }
}
