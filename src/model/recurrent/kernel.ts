/**
 * Drives the WebAssembly kernel of the recurrent network (src/kernel/network): lays out its memory, packs the weights,
 * and compares a few steps with the plain reference before anyone may use it.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { LmzError } from '../../errors.ts';
import {
  ALPHABET,
  BYTE_ROWS,
  CONTEXT_SIZE,
  LETTER_VALUES,
  type RecurrentNetwork,
  type ScaledMatrix,
  WORD_FACTOR,
  WORD_MODULUS,
} from './network.ts';
import { RecurrentReference } from './reference.ts';

/** What is used of the global of that name; neither ES2023 nor @types/node 20 declare it. */
declare const WebAssembly: {
  readonly compile: (bytes: Uint8Array) => Promise<WasmModule>;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
};
/** Compiled code. */
type WasmModule = object;

/** What the kernel exports. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** Feeds a token to the lane at an address; the logits, int32 [256], are written to another. */
  readonly step: (network: number, lane: number, token: number, logits: number) => void;
}

/** As in src/kernel/network/index.ts. */
const BLOCK = 32;
const LANE_HEAD = 64;
/** Row widths are multiples of this. */
const WIDTH_STEP = 8;
const PAGE = 65_536;
/** Everything starts on a cache line. */
const LINE = 64;
/** Most bytes of a kernel's memory. */
const MEMORY_MAX = 2 ** 32 - PAGE;
/** Steps of the comparison with the reference when a kernel is made. */
const PROBE_STEPS = 24;

const file = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/kernel/network.wasm' : '../../kernel/network.wasm',
  import.meta.url,
);
let compiled: Promise<WasmModule> | undefined;

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Memory handed out from the bottom up: first all sizes, then the memory, then its contents. */
class Layout {
  end = 1024;

  take(bytes: number): number {
    const at = this.end;
    this.end = roundUp(at + bytes, LINE);
    return at;
  }
}

/** One block of equal columns in a file's matrix, and where it goes in the padded one. */
interface Segment {
  readonly from: number;
  readonly to: number;
  readonly columns: number;
}

/** Where the blocks of columns go when each is padded to whole blocks. */
function segmentsOf(sizes: readonly number[]): { segments: Segment[]; columns: number } {
  let from = 0;
  let to = 0;
  const segments = sizes.map((columns) => {
    const segment = { from, to, columns };
    from += columns;
    to += roundUp(columns, BLOCK);
    return segment;
  });
  return { segments, columns: to };
}

/** A matrix in the kernel's order. */
interface PackedMatrix {
  readonly pairs: number;
  readonly blocks: number;
  /** int16 [blocks][pairs][BLOCK][2] */
  readonly weights: Int16Array;
  readonly scales: Float32Array;
}

function pack(
  matrix: ScaledMatrix,
  inputs: number,
  segments: readonly Segment[],
  columns: number,
): PackedMatrix {
  const pairs = inputs / 2;
  const weights = new Int16Array(inputs * columns);
  const scales = new Float32Array(columns);
  for (const { from, to, columns: count } of segments) {
    scales.set(matrix.scales.subarray(from, from + count), to);
    for (let i = 0; i < matrix.inputs; i++) {
      const row = i * matrix.columns + from;
      for (let j = 0; j < count; j++) {
        const column = to + j;
        const block = Math.floor(column / BLOCK);
        const at = ((block * pairs + (i >> 1)) * BLOCK + (column % BLOCK)) * 2 + (i & 1);
        weights[at] = matrix.data[row + j];
      }
    }
  }
  return { pairs, blocks: columns / BLOCK, weights, scales };
}

function spread(values: Float32Array, segments: readonly Segment[], columns: number): Float32Array {
  const padded = new Float32Array(columns);
  for (const { from, to, columns: count } of segments) padded.set(values.subarray(from, from + count), to);
  return padded;
}

/** [CONTEXT_SIZE, tables] to [tables, CONTEXT_SIZE]. */
function transposed(coefficients: BigInt64Array, tables: number): BigInt64Array {
  return coefficients.map(
    (_, at) => coefficients[(at % CONTEXT_SIZE) * tables + Math.floor(at / CONTEXT_SIZE)],
  );
}

/** Rows padded to a width. */
function widened(tables: Int8Array, width: number, padded: number): Int8Array {
  if (width === padded) return tables;
  const rows = tables.length / width;
  const wide = new Int8Array(rows * padded);
  for (let row = 0; row < rows; row++) {
    wide.set(tables.subarray(row * width, (row + 1) * width), row * padded);
  }
  return wide;
}

function firstRows(rows: readonly number[]): BigInt64Array {
  let next = BYTE_ROWS;
  return BigInt64Array.from(rows, (size) => BigInt((next += size) - size));
}

type Values = Int8Array | Int16Array | Int32Array | Float32Array | BigInt64Array;

/** A recurrent network at work in WebAssembly. */
export class RecurrentKernel {
  readonly lanes: number;
  readonly #step: KernelExports['step'];
  readonly #memory: KernelExports['memory'];
  readonly #network: number;
  readonly #states: number;
  readonly #laneBytes: number;
  readonly #logitsAt: number;
  /** int32 [lanes, 256], of the last step; a view of the kernel's memory. */
  readonly logits: Int32Array;

  constructor(module: WasmModule, network: RecurrentNetwork, lanes: number) {
    const { memory, step } = new WebAssembly.Instance(module).exports as KernelExports;
    const { rows, hidden } = network;
    const units = roundUp(network.units, BLOCK);
    const width = roundUp(network.width, WIDTH_STEP);
    const hiddenPadded = roundUp(hidden, BLOCK);
    const gateSizes = new Array<number>(network.gates).fill(network.units);
    const outSizes = hidden > 0 ? [hidden, ALPHABET] : [ALPHABET];
    const input = segmentsOf([...gateSizes, ...outSizes]);
    const gates = segmentsOf(gateSizes);
    const out = segmentsOf(outSizes);
    const logits = segmentsOf([ALPHABET]);

    const layout = new Layout();
    const contents: [at: number, values: Values][] = [];
    const put = (values: Values): number => {
      const at = layout.take(values.byteLength);
      contents.push([at, values]);
      return at;
    };
    const putMatrix = (matrix: ScaledMatrix, inputs: number, { segments, columns }: typeof input): number => {
      const { pairs, blocks, weights, scales } = pack(matrix, inputs, segments, columns);
      return put(Int32Array.of(pairs, blocks, put(weights), put(scales)));
    };
    const floats = (count: number): number => layout.take(4 * count);
    const shorts = (count: number): number => layout.take(2 * count);
    const { fromHidden } = network;
    // In the order of the kernel's class Network.
    const fields = [
      network.gates,
      units,
      hiddenPadded,
      width,
      rows.length,
      put(transposed(network.coefficients, rows.length)),
      put(BigInt64Array.from(rows, BigInt)),
      put(firstRows(rows)),
      put(BigInt64Array.from(LETTER_VALUES, BigInt)),
      WORD_FACTOR,
      WORD_MODULUS,
      put(widened(network.tables, network.width, width)),
      put(spread(network.bias, input.segments, input.columns)),
      putMatrix(network.fromInput, width, input),
      putMatrix(network.fromState, units, gates),
      putMatrix(network.fromNewState, units, out),
      fromHidden === undefined ? 0 : putMatrix(fromHidden, hiddenPadded, logits),
      shorts(width),
      floats(input.columns),
      floats(gates.columns),
      floats(out.columns),
      floats(ALPHABET),
      shorts(hiddenPadded),
      // Two words for each pair of a product's inputs.
      layout.take(4 * Math.max(width, units, hiddenPadded) + 8),
    ];
    this.#network = put(Int32Array.from(fields));
    this.#laneBytes = roundUp(LANE_HEAD + 6 * units, LINE);
    this.#states = layout.take(lanes * this.#laneBytes);
    this.#logitsAt = layout.take(lanes * 4 * ALPHABET);
    if (layout.end > MEMORY_MAX) {
      throw new LmzError(
        'LMZ_ENGINE',
        `the kernel would need ${layout.end} bytes, at most ${MEMORY_MAX} can be had`,
      );
    }
    const missing = layout.end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    const bytes = new Uint8Array(memory.buffer);
    for (const [at, { buffer, byteOffset, byteLength }] of contents) {
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    }
    this.lanes = lanes;
    this.#step = step;
    this.#memory = memory;
    this.logits = new Int32Array(memory.buffer, this.#logitsAt, lanes * ALPHABET);
  }

  /** All lanes as before the first token. */
  reset(): void {
    new Uint8Array(this.#memory.buffer, this.#states, this.lanes * this.#laneBytes).fill(0);
  }

  /** Feeds a token, 0 .. 255, to one lane; its logits are at `lane * 256` of {@link logits}. */
  step(lane: number, token: number): void {
    this.#step(
      this.#network,
      this.#states + lane * this.#laneBytes,
      token,
      this.#logitsAt + lane * 4 * ALPHABET,
    );
  }
}

/** Text, other bytes and every kind of context, for the comparison: what comes out is decided by every weight. */
function probeTokens(): Uint8Array {
  const text = new TextEncoder().encode('The h\u00e9n, 7 ');
  let x = 1;
  return Uint8Array.from({ length: PROBE_STEPS }, (_, i) => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return text[i] ?? x >>> 24;
  });
}

/** @throws LmzError LMZ_ENGINE where the kernel and the reference disagree. */
function probe(kernel: RecurrentKernel, network: RecurrentNetwork): void {
  const reference = new RecurrentReference(network);
  for (const token of probeTokens()) {
    const expected = reference.step(token);
    kernel.step(0, token);
    if (expected.some((logit, i) => logit !== kernel.logits[i])) {
      throw new LmzError('LMZ_ENGINE', 'the WebAssembly kernel computes other logits than the reference');
    }
  }
  kernel.reset();
}

async function compile(): Promise<WasmModule> {
  try {
    return await WebAssembly.compile(await readFile(file));
  } catch (cause) {
    throw new LmzError('LMZ_ENGINE', `the WebAssembly kernel cannot be loaded: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * Makes a kernel for a network and tries it.
 *
 * @throws LmzError LMZ_ENGINE where the kernel cannot be loaded, has too little memory, or is wrong
 */
export async function openKernel(network: RecurrentNetwork, lanes: number): Promise<RecurrentKernel> {
  compiled ??= compile();
  const kernel = new RecurrentKernel(await compiled, network, lanes);
  probe(kernel, network);
  return kernel;
}
