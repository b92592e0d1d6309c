/**
 * Predictor 2 at speed: drives the WebAssembly kernel `dist/kernel/mix.wasm` (`src/kernel/mix/`), which holds everything
 * of a chunk's coding and gives the same bits as the reference (byte-coder.ts).
 *
 * The tables are the reference's own, copied into the kernel's memory. A thread compiles the kernel once and keeps two
 * instances for further chunks; a chunk that is never finished takes its instance with it.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { POWER_TABLE } from '../entropy/cdf.ts';
import {
  type CodedBits,
  requireCanonicalPadding,
  requireShortestEnd,
  trailingZeros,
} from '../entropy/coder.ts';
import { RATE } from './adaptive-probability.ts';
import { HISTORY_WEIGHT, NEXT_HISTORY } from './bit-history.ts';
import type { ByteCoder, MixDecoder, MixEncoder } from './byte-coder.ts';
import { contextsOf } from './contexts.ts';
import { LOG_TABLE, SQUASH_TABLE, STRETCH_TABLE } from './logistic.ts';
import { inputVector } from './mixer.ts';
import { matchTableBits, type MixParameters } from './parameters.ts';
import { FIRST_COARSE_KNOTS, FIRST_KNOTS } from './probability-map.ts';
import { runBits, runTableBytes } from './run-map.ts';
import { startOf } from './start.ts';
import { CLASS, LETTER } from './text-state.ts';

/** Idle instances that a thread keeps. */
const IDLE_MAX = 2;
/** Pages that hold the tables. */
const TABLE_PAGES = 2;
const MODEL_ALPHABET = 256;
/** log2 of the coder's interval before the first bit. */
const CODER_BITS = 48;
/** Of the second layer. */
const OUTPUT_VECTOR_BYTES = 32;

/** What is used of the engine's WebAssembly, of which Node's types say nothing. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface Global {
  readonly value: number;
}

/** What src/kernel/mix/index.ts exports. */
interface KernelExports {
  readonly memory: Memory;
  readonly chunkAt: Global;
  readonly laneStartsAt: Global;
  readonly streamAt: Global;
  laneBytes(): number;
  layOut(
    laneBytes: number,
    lanes: number,
    tableBits: number,
    matchTableBits: number,
    runBytes: number,
    chunkBytes: number,
    streamBytes: number,
    languageModel: number,
  ): number;
  beginChunk(
    binary: number,
    fast: number,
    best: number,
    languageModel: number,
    logitBits: number,
    lanes: number,
    contexts: number,
    orders: number,
    runBits: number,
    decode: number,
    streamBytes: number,
    inputs: number,
    rateFirst: number,
    rateLast: number,
  ): void;
  /** Whether the import `driver.coded` is called: a {@link BitListener}. */
  reportBits(report: number): void;
  codeByte(lane: number, byte: number): number;
  codeRun(steps: number): void;
  finishStream(): number;
  bytesRead(): number;
  finalOffset(): number;
  finalRange(): number;
}

type Table = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array;

/** Address exports of tables, and what goes there. */
const TABLES: Readonly<Record<string, Table>> = {
  NEXT_AT: NEXT_HISTORY,
  WEIGHT_AT: HISTORY_WEIGHT,
  CLASS_AT: CLASS,
  LETTER_AT: LETTER,
  RATE_AT: RATE,
  POWER_AT: POWER_TABLE,
  KNOT_AT: FIRST_KNOTS,
  COARSE_KNOT_AT: FIRST_COARSE_KNOTS,
  STRETCH_AT: STRETCH_TABLE,
  SQUASH_AT: SQUASH_TABLE,
  LOG_AT: LOG_TABLE,
};

/**
 * Hears of a byte as soon as it is coded, before the predictor learns its last bit; earlier, of each bit from the first on
 * that the language model's likeliest byte does not have.
 *
 * @param partial  what is known of the byte, after a leading 1: 2 or 3 after its first bit, 256 and more after its last
 */
export type BitListener = (partial: number) => void;

let compiled: object | undefined;
const idle: Kernel[] = [];

/** An instance of the kernel, with its memory. */
class Kernel {
  /** Hears of bits, where the chunk reports them. */
  onBit: BitListener | undefined;
  readonly exports: KernelExports;
  readonly #addresses: Readonly<Record<string, Global>>;
  #bytes = new Uint8Array(0);
  #logits = new Int32Array(0);

  constructor() {
    compiled ??= new WebAssembly.Module(readFileSync(new URL('../../dist/kernel/mix.wasm', import.meta.url)));
    const coded = (partial: number): void => this.onBit?.(partial);
    const { exports } = new WebAssembly.Instance(compiled, { driver: { coded } });
    this.exports = exports as KernelExports;
    this.exports.memory.grow(TABLE_PAGES);
    this.#addresses = exports as Record<string, Global>;
    for (const [name, table] of Object.entries(TABLES)) this.place(name, table);
  }

  /** Copies a table to an exported address. */
  place(name: string, table: Table, offset = 0): void {
    const at = this.#addresses[name].value + offset;
    this.bytes.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), at);
  }

  /** All memory. The array is invalid after whatever may make memory grow. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.exports.memory.buffer);
    return this.#bytes;
  }

  /** Where the kernel expects the logits of the next byte. */
  get logits(): Int32Array {
    if (this.#logits.length === 0) {
      this.#logits = new Int32Array(
        this.exports.memory.buffer,
        this.#addresses.LOGITS_AT.value,
        MODEL_ALPHABET,
      );
    }
    return this.#logits;
  }
}

/** An idle instance, preferably the smallest that is large enough, or a new one. */
function takeKernel(size: number): Kernel {
  idle.sort((a, b) => a.bytes.length - b.bytes.length);
  const fitting = idle.findIndex((kernel) => kernel.bytes.length >= size);
  return idle.splice(fitting < 0 ? -1 : fitting, 1).pop() ?? new Kernel();
}

/** Weights, filled up with zeros to a mixer's vector of so many inputs. */
function inputVectorOf(weights: readonly number[], inputs = weights.length): Float32Array {
  const vector = inputVector(inputs);
  vector.set(weights);
  return vector;
}

/** The driver of both directions. */
class KernelCoder implements ByteCoder {
  protected readonly chunk: Uint8Array;
  readonly #laneStarts: ArrayLike<number>;
  /** Bytes coded of each lane. */
  readonly #counts: Uint32Array;
  readonly #languageModel: boolean;
  #kernel: Kernel | undefined;

  constructor(
    chunk: Uint8Array,
    laneStarts: ArrayLike<number>,
    parameters: MixParameters,
    logitBits: number,
    stream?: Uint8Array,
  ) {
    const { profile, contexts, tableBits, languageModel } = parameters;
    const lanes = laneStarts.length - 1;
    const streamBytes = stream?.length ?? 0;
    const kernel = takeKernel(chunk.length + streamBytes + 2 ** tableBits);
    const { exports } = kernel;
    const used = contextsOf(parameters);
    const runs = contexts === 'best' ? used.length : 0;
    const room = exports.layOut(
      exports.laneBytes(),
      lanes,
      tableBits,
      matchTableBits(tableBits),
      runs > 0 ? runTableBytes(tableBits) : 0,
      chunk.length,
      streamBytes,
      Number(languageModel),
    );
    if (room === 0) throw new RangeError(`no memory for the mixing of ${chunk.length} bytes`);
    const { bytes } = kernel;
    if (stream) bytes.set(stream, exports.streamAt.value);
    else bytes.set(chunk, exports.chunkAt.value);
    new Uint32Array(bytes.buffer, exports.laneStartsAt.value, lanes + 1).set(laneStarts);
    const start = startOf(parameters);
    kernel.place('START_AT', start.histories);
    kernel.place('START_INPUTS_AT', inputVectorOf(start.inputs, start.inputs.length + runs));
    start.outputs.forEach((weights, i) => {
      kernel.place('START_OUTPUTS_AT', inputVectorOf(weights), i * OUTPUT_VECTOR_BYTES);
    });
    exports.beginChunk(
      Number(profile === 'binary'),
      Number(contexts === 'fast'),
      Number(contexts === 'best'),
      Number(languageModel),
      logitBits,
      lanes,
      used.length,
      used.reduce((bits, { order }, i) => (order ? bits | (1 << i) : bits), 0),
      runBits(tableBits),
      Number(stream !== undefined),
      streamBytes,
      start.inputs.length,
      start.rateFirst,
      start.rateLast,
    );
    this.chunk = chunk;
    this.#laneStarts = laneStarts;
    this.#counts = new Uint32Array(lanes);
    this.#languageModel = languageModel;
    this.#kernel = kernel;
  }

  protected get kernel(): Kernel {
    if (!this.#kernel) throw new Error('the coder was finished');
    return this.#kernel;
  }

  code(lane: number, byte: number, logits?: Int32Array, offset = 0): number {
    const { kernel } = this;
    if (this.#languageModel) kernel.logits.set(logits!.subarray(offset, offset + MODEL_ALPHABET));
    const coded = kernel.exports.codeByte(lane, byte);
    this.chunk[this.#laneStarts[lane] + this.#counts[lane]++] = coded;
    return coded;
  }

  /**
   * Codes the next bytes of every lane that has some left, in lock-step; encoding, those of the chunk. Not with a
   * language model.
   *
   * @param steps  bytes of each lane
   */
  codeRun(steps: number): void {
    const { kernel } = this;
    kernel.exports.codeRun(steps);
    const chunkAt = kernel.exports.chunkAt.value;
    for (let lane = 0; lane < this.#counts.length; lane++) {
      const start = this.#laneStarts[lane];
      const from = start + this.#counts[lane];
      const to = Math.min(from + steps, this.#laneStarts[lane + 1]);
      this.chunk.set(kernel.bytes.subarray(chunkAt + from, chunkAt + to), from);
      this.#counts[lane] = to - start;
    }
  }

  /** Hands the instance back. */
  protected release(): void {
    this.kernel.onBit = undefined;
    if (idle.length < IDLE_MAX) idle.push(this.kernel);
    this.#kernel = undefined;
  }
}

/** A {@link MixEncoder} with a bulk call. */
export class KernelEncoder extends KernelCoder implements MixEncoder {
  /**
   * Bits that all bytes coded so far take, fractions included: those written, and what the coder's interval has narrowed
   * since. For showing costs; nothing is coded by it.
   */
  get bits(): number {
    const { exports } = this.kernel;
    return 8 * exports.bytesRead() + CODER_BITS - Math.log2(exports.finalRange());
  }

  finish(): CodedBits {
    const { kernel } = this;
    const length = kernel.exports.finishStream();
    const at = kernel.exports.streamAt.value;
    const bytes = kernel.bytes.slice(at, at + length);
    this.release();
    return { bytes, paddedBits: trailingZeros(bytes) };
  }
}

/** A {@link MixDecoder} with a bulk call. */
export class KernelDecoder extends KernelCoder implements MixDecoder {
  readonly #stream: Uint8Array;

  constructor(
    chunk: Uint8Array,
    laneStarts: ArrayLike<number>,
    parameters: MixParameters,
    logitBits: number,
    stream: Uint8Array,
  ) {
    super(chunk, laneStarts, parameters, logitBits, stream);
    this.#stream = stream;
  }

  /** Tells a listener of bytes from here on; with a language model. `undefined`: nobody any more. */
  reportBits(onBit: BitListener | undefined): void {
    this.kernel.onBit = onBit;
    this.kernel.exports.reportBits(Number(onBit !== undefined));
  }

  finish(): void {
    const { exports } = this.kernel;
    const [read, offset, range] = [exports.bytesRead(), exports.finalOffset(), exports.finalRange()];
    this.release();
    requireShortestEnd(this.#stream, read, offset, range);
  }
}

/** As `createMixEncoder` of byte-coder.ts. */
export function createKernelEncoder(
  chunk: Uint8Array,
  laneStarts: ArrayLike<number>,
  parameters: MixParameters,
  logitBits = 0,
): KernelEncoder {
  return new KernelEncoder(chunk, laneStarts, parameters, logitBits);
}

/** As `createMixDecoder` of byte-coder.ts. */
export function createKernelDecoder(
  chunk: Uint8Array,
  laneStarts: ArrayLike<number>,
  parameters: MixParameters,
  stream: CodedBits,
  logitBits = 0,
): KernelDecoder {
  requireCanonicalPadding(stream);
  return new KernelDecoder(chunk, laneStarts, parameters, logitBits, stream.bytes);
}
