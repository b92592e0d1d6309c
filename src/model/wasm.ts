/**
 * What the WebAssembly kernels of networks have in common: where their code is, and the layout of their memory.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { LmzError } from '../errors.ts';

/** What is used of the global of that name; neither ES2023 nor @types/node 20 declare it. */
declare const WebAssembly: {
  readonly compile: (bytes: Uint8Array) => Promise<WasmModule>;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
};
/** Compiled code. */
export type WasmModule = object;

/** What every kernel exports. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** Feeds a token to the lane at an address; the logits, int32 [256], are written to another. */
  readonly step: (network: number, lane: number, token: number, logits: number) => void;
}

/** Symbols that the networks predict. */
export const ALPHABET = 256;

const PAGE = 65_536;
/** Everything starts on a cache line. */
const LINE = 64;
/** Most bytes of a kernel's memory. */
const MEMORY_MAX = 2 ** 32 - PAGE;

const compiled = new Map<string, Promise<WasmModule>>();

async function compile(name: string): Promise<WasmModule> {
  try {
    return await WebAssembly.compile(
      await readFile(new URL(`../../dist/kernel/${name}.wasm`, import.meta.url)),
    );
  } catch (cause) {
    throw new LmzError('LMZ_ENGINE', `the WebAssembly kernel cannot be loaded: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * The code of the kernel in `src/kernel/NAME`, compiled once.
 *
 * @throws LmzError LMZ_ENGINE where it cannot be had
 */
export function kernelCode(name: string): Promise<WasmModule> {
  const known = compiled.get(name) ?? compile(name);
  compiled.set(name, known);
  return known;
}

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

type Values = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array | BigInt64Array;

/** Memory handed out from the bottom up: first all sizes, then the memory, then its contents. */
export class KernelLayout {
  #end = 1024;
  readonly #contents: [at: number, values: Values][] = [];

  /** Bytes that are zero at first. */
  take(bytes: number): number {
    const at = this.#end;
    this.#end = roundUp(at + bytes, LINE);
    return at;
  }

  put(values: Values): number {
    const at = this.take(values.byteLength);
    this.#contents.push([at, values]);
    return at;
  }

  /**
   * Makes the kernel and fills its memory.
   *
   * @throws LmzError LMZ_ENGINE where that is more than `most` bytes
   */
  instantiate(module: WasmModule, most = MEMORY_MAX): KernelExports {
    if (this.#end > most) {
      throw new LmzError(
        'LMZ_ENGINE',
        `the kernel would need ${this.#end} bytes, at most ${most} can be had`,
      );
    }
    const exports = new WebAssembly.Instance(module).exports as KernelExports;
    const missing = this.#end - exports.memory.buffer.byteLength;
    if (missing > 0) exports.memory.grow(Math.ceil(missing / PAGE));
    const bytes = new Uint8Array(exports.memory.buffer);
    // Emptied, so that nobody who still has the layout keeps a model's file in memory.
    for (const [at, { buffer, byteOffset, byteLength }] of this.#contents.splice(0)) {
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    }
    return exports;
  }
}

/** A network at work in WebAssembly. */
export interface LaneKernel {
  readonly lanes: number;
  /** int32 [lanes, 256], of the last step; a view of the kernel's memory. */
  readonly logits: Int32Array;
  /** Feeds a token, 0 .. 255, to one lane; its logits are at `lane * 256` of {@link logits}. */
  step(lane: number, token: number): void;
  /** All lanes as before the first token. */
  reset(): void;
  /** The first lane's step in parts, for kernels that can take a step back. */
  readonly parts?: StepParts;
}

/** One lane's step in parts, so that it can be given up between them, and be taken back. */
export interface StepParts {
  /** How many there are. */
  readonly count: number;
  /** All that the lane remembers; a view of the kernel's memory. */
  readonly state: Uint8Array;
  /** int32 [256], of the last step whose parts were all done; a view of the kernel's memory. */
  readonly logits: Int32Array;
  /** Does a part of the step that feeds a token; parts follow one another from 0. */
  run(part: number, token: number): void;
  /** Keeps a copy of state and logits. */
  save(): void;
  /** Puts the copy of the state back. */
  restore(): void;
  /**
   * The byte of the largest saved logit.
   *
   * @param partial  the first bits that it must have, after a leading 1
   */
  likeliest(partial: number): number;
}

/** What a network lays out before it is made. */
interface KernelPlan {
  readonly layout: KernelLayout;
  /** Address of the kernel's class Network. */
  readonly network: number;
  readonly lanes: number;
  /** Of a lane, as {@link laneSize} rounds it. */
  readonly laneBytes: number;
  /** Bytes at a lane's beginning that are zero before the first token; what is behind them is written before it is read. */
  readonly clearedBytes: number;
  /** Most bytes of memory. */
  readonly most?: number;
}

/** Bytes that a lane takes: each begins on a cache line. */
export const laneSize = (bytes: number): number => roundUp(bytes, LINE);

/** Lanes and their logits in a kernel's memory: what all networks have in common. */
export class KernelLanes<Exports extends KernelExports = KernelExports> implements LaneKernel {
  readonly lanes: number;
  readonly logits: Int32Array;
  protected readonly exports: Exports;
  protected readonly network: number;
  /** Addresses of the first lane, and of its logits. */
  protected readonly states: number;
  protected readonly logitsAt: number;
  readonly #step: KernelExports['step'];
  readonly #laneBytes: number;
  readonly #clearedBytes: number;

  /** @throws LmzError LMZ_ENGINE where the memory is too large */
  constructor(module: WasmModule, { layout, network, lanes, laneBytes, clearedBytes, most }: KernelPlan) {
    this.lanes = lanes;
    this.network = network;
    this.states = layout.take(lanes * laneBytes);
    this.logitsAt = layout.take(lanes * 4 * ALPHABET);
    this.exports = layout.instantiate(module, most) as Exports;
    this.#step = this.exports.step;
    this.#laneBytes = laneBytes;
    this.#clearedBytes = clearedBytes;
    this.logits = new Int32Array(this.exports.memory.buffer, this.logitsAt, lanes * ALPHABET);
  }

  reset(): void {
    const bytes = new Uint8Array(this.exports.memory.buffer);
    for (let lane = 0; lane < this.lanes; lane++) {
      const at = this.states + lane * this.#laneBytes;
      bytes.fill(0, at, at + this.#clearedBytes);
    }
  }

  step(lane: number, token: number): void {
    this.#step(
      this.network,
      this.states + lane * this.#laneBytes,
      token,
      this.logitsAt + lane * 4 * ALPHABET,
    );
  }
}

/** Steps of the comparison with the reference when a kernel is made. */
const PROBE_STEPS = 16;

/** Text, other bytes and every kind of context, for the comparison: what comes out is decided by every weight. */
function probeTokens(): Uint8Array {
  const text = new TextEncoder().encode('The h\u00e9n, 7 ');
  let x = 1;
  return Uint8Array.from({ length: PROBE_STEPS }, (_, i) => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return text[i] ?? x >>> 24;
  });
}

/**
 * Compares a few steps with the plain reference before anyone may use a kernel.
 *
 * @throws LmzError LMZ_ENGINE where they disagree
 */
export function probeKernel(kernel: LaneKernel, reference: { step(token: number): Int32Array }): void {
  for (const token of probeTokens()) {
    const expected = reference.step(token);
    kernel.step(0, token);
    if (expected.some((logit, i) => logit !== kernel.logits[i])) {
      throw new LmzError('LMZ_ENGINE', 'the WebAssembly kernel computes other logits than the reference');
    }
  }
  kernel.reset();
}
