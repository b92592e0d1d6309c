/**
 * Drives the WebAssembly kernel of the recurrent network (src/kernel/network): lays out its memory, packs the weights,
 * and compares a few steps with the plain reference before anyone may use it.
 *
 * @module
 */
import {
  kernelCode,
  type KernelExports,
  KernelLanes,
  KernelLayout,
  laneSize,
  probeKernel,
  roundUp,
  type StepParts,
  type WasmModule,
} from '../wasm.ts';
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

/** As in src/kernel/network/index.ts. */
const BLOCK = 16;
const LANE_HEAD = 64;
/** Row widths are multiples of this. */
const WIDTH_STEP = 8;

/** Values of a run of columns, or inputs, of a file's matrix in the padded order of the kernel; -1 is padding. */
type Order = Int32Array;

/** `count` values from `first` on, those of smaller `key` first, padded to whole blocks. */
function ordered(first: number, count: number, key: (i: number) => number): Order {
  const order = new Int32Array(roundUp(count, BLOCK)).fill(-1);
  const indices = Array.from({ length: count }, (_, i) => i).sort((a, b) => key(a) - key(b) || a - b);
  order.set(indices.map((i) => first + i));
  return order;
}

/** The same order of other values. */
function shifted(order: Order, by: number): Order {
  return order.map((i) => (i < 0 ? i : i + by));
}

function joined(...orders: readonly Order[]): Order {
  return Int32Array.from(orders.flatMap((order) => [...order]));
}

/** A matrix in the kernel's order. */
interface PackedMatrix {
  readonly pairs: number;
  readonly blocks: number;
  /** [blocks][pairs][BLOCK][2] */
  readonly weights: Int8Array;
  readonly scales: Float32Array;
}

/** Columns of a file's matrix; the state's are in two, side by side. */
interface Source {
  readonly matrix: ScaledMatrix;
  readonly columns: Order;
}

function pack(inputs: Order, ...sources: readonly Source[]): PackedMatrix {
  const pairs = inputs.length / 2;
  const columns = sources.reduce((sum, source) => sum + source.columns.length, 0);
  const weights = new Int8Array(inputs.length * columns);
  const scales = new Float32Array(columns);
  let to = 0;
  for (const { matrix, columns: order } of sources) {
    for (const column of order) {
      if (column >= 0) {
        scales[to] = matrix.scales[column];
        const at = (Math.floor(to / BLOCK) * pairs * BLOCK + (to % BLOCK)) * 2;
        for (let i = 0; i < inputs.length; i++) {
          if (inputs[i] < 0) continue;
          weights[at + (i >> 1) * 2 * BLOCK + (i & 1)] = matrix.data[inputs[i] * matrix.columns + column];
        }
      }
      to++;
    }
  }
  return { pairs, blocks: columns / BLOCK, weights, scales };
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

/** What src/kernel/network exports. */
interface RecurrentExports extends KernelExports {
  /** Number of parts of {@link KernelExports.step}. */
  readonly parts: () => number;
  /** One of them. */
  readonly stepPart: (network: number, lane: number, token: number, logits: number, part: number) => void;
  /** Index of the largest of the logits of bytes that begin with the bits after a leading 1. */
  readonly likeliest: (logits: number, partial: number) => number;
}

/** A recurrent network at work in WebAssembly. */
export class RecurrentKernel extends KernelLanes<RecurrentExports> {
  readonly parts: StepParts;

  constructor(module: WasmModule, network: RecurrentNetwork, lanes: number) {
    const { rows, hidden, bias, fromHidden } = network;
    const width = roundUp(network.width, WIDTH_STEP);
    // Units that seldom change, and units that are mostly zero, lie next to each other: pairs of them are left out.
    const unit = ordered(0, network.units, (i) => bias[i]);
    const gates = joined(
      ...Array.from({ length: network.gates }, (_, g) => shifted(unit, g * network.units)),
    );
    const gateColumns = network.gates * network.units;
    const neuron = ordered(0, hidden, (i) => bias[gateColumns + i]);
    const logit = ordered(0, ALPHABET, (i) => i);
    const out = joined(neuron, shifted(logit, hidden));
    const columns = joined(gates, shifted(out, gateColumns));

    const layout = new KernelLayout();
    const put = layout.put.bind(layout);
    const putMatrix = ({ pairs, blocks, weights, scales }: PackedMatrix): number =>
      put(Int32Array.of(pairs, blocks, put(weights), put(scales)));
    const work = (bytes: number): number => layout.take(bytes);
    const input = Int32Array.from({ length: width }, (_, i) => (i < network.width ? i : -1));
    // In the order of the kernel's class Network.
    const fields = [
      network.gates,
      unit.length,
      neuron.length,
      width,
      columns.length,
      rows.length,
      put(transposed(network.coefficients, rows.length)),
      put(BigInt64Array.from(rows, BigInt)),
      put(firstRows(rows)),
      put(BigInt64Array.from(LETTER_VALUES, BigInt)),
      WORD_FACTOR,
      WORD_MODULUS,
      put(widened(network.tables, network.width, width)),
      put(Float32Array.from(columns, (column) => bias[column] ?? 0)),
      putMatrix(pack(input, { matrix: network.fromInput, columns })),
      putMatrix(
        pack(
          unit,
          { matrix: network.fromState, columns: gates },
          { matrix: network.fromNewState, columns: out },
        ),
      ),
      fromHidden ? putMatrix(pack(neuron, { matrix: fromHidden, columns: logit })) : 0,
      work(2 * width),
      work(4 * columns.length),
      work(4 * columns.length),
      work(4 * ALPHABET),
      work(2 * unit.length),
      work(2 * neuron.length),
      // Two words for each pair of a product's inputs, and one pair more, which makes their number even.
      work(4 * Math.max(width, unit.length, neuron.length) + 8),
    ];
    const laneBytes = laneSize(LANE_HEAD + 6 * unit.length + 4 * columns.length);
    const plan = { layout, network: put(Int32Array.from(fields)), lanes, laneBytes, clearedBytes: laneBytes };
    // A copy of the first lane's state, and of its logits.
    const savedAt = layout.take(laneBytes + 4 * ALPHABET);
    super(module, plan);
    this.parts = this.#partsOf(savedAt, laneBytes);
  }

  /** Functions of their own: made in the constructor, they would keep the network in memory. */
  #partsOf(savedAt: number, laneBytes: number): StepParts {
    const { memory, parts, stepPart, likeliest } = this.exports;
    const bytes = new Uint8Array(memory.buffer);
    const savedLogits = savedAt + laneBytes;
    return {
      count: parts(),
      state: bytes.subarray(this.states, this.states + laneBytes),
      logits: this.logits.subarray(0, ALPHABET),
      run: (part, token) => {
        stepPart(this.network, this.states, token, this.logitsAt, part);
      },
      save: () => {
        bytes.copyWithin(savedAt, this.states, this.states + laneBytes);
        bytes.copyWithin(savedLogits, this.logitsAt, this.logitsAt + 4 * ALPHABET);
      },
      restore: () => {
        bytes.copyWithin(this.states, savedAt, savedLogits);
      },
      likeliest: (partial) => likeliest(savedLogits, partial),
    };
  }
}

/**
 * Makes a kernel for a network and tries it.
 *
 * @throws LmzError LMZ_ENGINE where the kernel cannot be loaded, has too little memory, or is wrong
 */
export async function openKernel(network: RecurrentNetwork, lanes: number): Promise<RecurrentKernel> {
  const kernel = new RecurrentKernel(await kernelCode('network'), network, lanes);
  probeKernel(kernel, new RecurrentReference(network));
  return kernel;
}
