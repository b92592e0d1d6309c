/**
 * Rounding of a trained recurrent network to integers: 8-bit weights with one power of two per output column, 8-bit
 * table rows, biases on the grid of the sums that they join, corrected by what the rounding of weights does to the sums'
 * means. The grids are those of model/recurrent/network.ts; export.ts writes the integers as an ONNX graph.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import { ALPHABET, GRIDS, type MatrixName } from '../model/recurrent/network.ts';
import type { Calibration } from './calibrate.ts';
import { ColumnRounder, type Moments, unitMoments, WEIGHT_MAX } from './column-rounding.ts';
import type { Parameters } from './engine.ts';
import type { RecurrentConfig } from './recurrent.ts';

/** Integer weights [inputs, columns], row-major; column j stands for `data / 2^exponents[j]`. */
export interface IntegerMatrix {
  readonly inputs: number;
  readonly columns: number;
  readonly data: Int8Array;
  readonly exponents: Int32Array;
}

/** The integer network. Columns of sums come in the order: update gate, candidate, reset gate, hidden, logits. */
export interface IntegerNetwork {
  readonly config: RecurrentConfig;
  /** All tables' rows, [rows, width]. */
  readonly tables: Int8Array;
  /** Grid of the tables. */
  readonly tableBits: number;
  /** From the summed rows to all sums. */
  readonly fromInput: IntegerMatrix;
  /** From the old state to the sums of gates and candidate. */
  readonly fromState: IntegerMatrix;
  /** From the new state to the sums of hidden layer and logits. */
  readonly fromNewState: IntegerMatrix;
  /** From the hidden layer to the logits' sums; absent without one. */
  readonly fromHidden?: IntegerMatrix;
  /** One for each column of `fromInput`, on its sum's grid; includes all that turns Floor into rounding. */
  readonly bias: Int32Array;
}

/** Columns of an integer matrix that come from one parameter. */
interface Part {
  readonly name: string;
  readonly columns: number;
  readonly scale: number;
}

/** An integer matrix of the network and what it is made of. */
interface Layout {
  readonly matrix: MatrixName;
  readonly inputs: number;
  /** What it is multiplied with. */
  readonly reads: keyof Calibration;
  readonly parts: readonly Part[];
  /** The bias that joins the sum of a column, if one does. */
  readonly bias: (column: number) => number | undefined;
}

/** Logits are base-2 logarithms. */
const TO_BITS = 1 / Math.LN2;

function gateColumns({ units, cell }: RecurrentConfig): number {
  return (cell === 'gru' ? 3 : 2) * units;
}

function layouts(config: RecurrentConfig): Layout[] {
  const { units, width, hidden, cell } = config;
  const gates = gateColumns(config);
  const part = (name: string, columns: number): Part => ({ name, columns, scale: 1 });
  const logits = (name: string): Part => ({ name, columns: ALPHABET, scale: TO_BITS });
  const list: Layout[] = [
    {
      matrix: 'fromInput',
      inputs: width,
      reads: 'input',
      parts: [part('inputWeights', gates), part('hiddenInput', hidden), logits('outputInput')],
      bias: (column) => column,
    },
    {
      matrix: 'fromState',
      inputs: units,
      reads: 'state',
      parts: [part('stateWeights', gates)],
      // The reset gate comes between a candidate's part of the state and its bias.
      bias: (column) => (cell === 'gru' && column >= units && column < 2 * units ? undefined : column),
    },
    {
      matrix: 'fromNewState',
      inputs: units,
      reads: 'state',
      parts: [part('hiddenState', hidden), logits('outputState')],
      bias: (column) => gates + column,
    },
  ];
  if (hidden > 0) {
    list.push({
      matrix: 'fromHidden',
      inputs: hidden,
      reads: 'hidden',
      parts: [logits('outputHidden')],
      bias: (column) => gates + hidden + column,
    });
  }
  return list;
}

/** On which grids a matrix' inputs are, and its sums, column by column. */
export function matrixGrids(
  config: RecurrentConfig,
  tableBits: number,
  name: MatrixName,
): { from: number; to: readonly number[] } {
  const { parts } = layouts(config).find(({ matrix }) => matrix === name)!;
  const from = {
    fromInput: tableBits,
    fromState: GRIDS.stateRead,
    fromNewState: GRIDS.stateRead,
    fromHidden: GRIDS.hidden,
  };
  const to = parts.flatMap(({ columns, scale }) => {
    return new Array<number>(columns).fill(scale === TO_BITS ? GRIDS.logitSum : GRIDS.sum);
  });
  return { from: from[name], to };
}

/**
 * Rounds a matrix.
 *
 * @param rounder - for columns with or without a bias
 * @param corrections - of all biases: what the sums that they join lose by it on average is added
 */
function roundMatrix(
  { inputs, parts, bias }: Layout,
  parameters: Parameters,
  { mean }: Moments,
  rounder: (centred: boolean) => ColumnRounder,
  corrections: Float64Array,
): IntegerMatrix {
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const data = new Int8Array(inputs * columns);
  const exponents = new Int32Array(columns);
  let to = 0;
  for (const { name, columns: width, scale } of parts) {
    // Without direct connections these columns stay zero.
    const weights = parameters[name] as Float32Array | undefined;
    for (let j = 0; j < width; j++, to++) {
      if (weights === undefined) continue;
      const column = Float64Array.from({ length: inputs }, (_, i) => weights[i * width + j] * scale);
      const joined = bias(to);
      const { rounded, exponent } = rounder(joined !== undefined).round(column);
      exponents[to] = exponent;
      for (let i = 0; i < inputs; i++) {
        data[i * columns + to] = rounded[i];
        if (joined !== undefined) corrections[joined] += mean[i] * (column[i] - rounded[i] / 2 ** exponent);
      }
    }
  }
  return { inputs, columns, data, exponents };
}

/** What biases hold beside themselves: each Floor on the way loses half a unit on average, the last one must round. */
function gateOffset({ units }: RecurrentConfig, j: number): number {
  // A gate is 0.25 a + 0.5 = 0.25 (a + 2), rounded to its grid; the candidate has neither.
  const isGate = j < units || j >= 2 * units;
  return 1 + (isGate ? 2 ** (GRIDS.sum + 1) + 2 ** (GRIDS.sum + 1 - GRIDS.gate) : 0);
}
const HIDDEN_OFFSET = 1 + 2 ** (GRIDS.sum - GRIDS.hidden - 1);
const LOGIT_OFFSET = 1.5;

/** The finest grid on which all but `outliers` of the values fit in 8 bits. */
function tableGrid(values: Float32Array, outliers: number): number {
  for (let bits = 12; bits > 0; bits--) {
    const limit = (WEIGHT_MAX + 0.5) / 2 ** bits;
    let beyond = 0;
    for (const value of values) if (Math.abs(value) > limit) beyond++;
    if (beyond <= outliers * values.length) return bits;
  }
  return 0;
}

/** What the rounding may choose. */
export interface QuantizeOptions {
  /** Share of table entries that may be cut off at 8 bits; by default few. */
  readonly tableOutliers?: number;
  /** What the matrices read; without it their entries are rounded each for itself. */
  readonly calibration?: Calibration;
}

/** Few entries are large; cutting these off gives all others a bit more. */
const TABLE_OUTLIERS = 1e-5;

/**
 * Rounds a network.
 *
 * @param tables - all tables' rows, [rows, width].
 * @throws LmzError `LMZ_MODEL_INVALID` where a weight is no finite number.
 */
export function quantize(
  config: RecurrentConfig,
  parameters: Parameters,
  tables: Float32Array,
  { tableOutliers = TABLE_OUTLIERS, calibration }: QuantizeOptions = {},
): IntegerNetwork {
  for (const [name, values] of [...Object.entries(parameters), ['tables', tables] as const]) {
    if (!values.every(Number.isFinite))
      throw new LmzError('LMZ_MODEL_INVALID', `${name} holds a value that is not finite`);
  }
  const { hidden } = config;
  const gates = gateColumns(config);
  const corrections = new Float64Array(gates + hidden + ALPHABET);
  // Two matrices read the state, and preparing a rounder takes longer than using it.
  const rounders = new Map<string, ColumnRounder>();
  const matrices = Object.fromEntries(
    layouts(config).map((layout) => {
      const { matrix, reads, inputs } = layout;
      const moments = calibration?.[reads] ?? unitMoments(inputs);
      const rounder = (centred: boolean): ColumnRounder => {
        const key = `${reads} ${centred}`;
        const known = rounders.get(key) ?? new ColumnRounder(moments, centred);
        rounders.set(key, known);
        return known;
      };
      return [matrix, roundMatrix(layout, parameters, moments, rounder, corrections)];
    }),
  );
  const sum = 2 ** GRIDS.sum;
  const biases: number[] = [];
  for (let j = 0; j < gates; j++)
    biases.push((parameters['gateBias'][j] + corrections[j]) * sum + gateOffset(config, j));
  for (let j = 0; j < hidden; j++)
    biases.push((parameters['hiddenBias'][j] + corrections[gates + j]) * sum + HIDDEN_OFFSET);
  parameters['outputBias'].forEach((value, j) => {
    const logit = value * TO_BITS + corrections[gates + hidden + j];
    biases.push(logit * 2 ** GRIDS.logitSum + LOGIT_OFFSET);
  });
  const tableBits = tableGrid(tables, tableOutliers);
  return {
    config,
    tables: Int8Array.from(tables, (value) =>
      Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, Math.round(value * 2 ** tableBits))),
    ),
    tableBits,
    ...(matrices as Pick<IntegerNetwork, 'fromInput' | 'fromState' | 'fromNewState' | 'fromHidden'>),
    bias: Int32Array.from(biases, Math.round),
  };
}

/**
 * The float network that the integers stand for: where training goes on from an exported model.
 */
export function restore(network: IntegerNetwork): { parameters: Parameters; tables: Float32Array } {
  const { config, bias, tableBits } = network;
  const parameters: Record<string, Float32Array> = {};
  for (const { matrix, inputs, parts } of layouts(config)) {
    const { data, exponents, columns } = network[matrix]!;
    let first = 0;
    for (const { name, columns: width, scale } of parts) {
      const from = first;
      first += width;
      parameters[name] = Float32Array.from({ length: inputs * width }, (_, at) => {
        const column = from + (at % width);
        return data[Math.floor(at / width) * columns + column] / scale / 2 ** exponents[column];
      });
    }
  }
  const gates = gateColumns(config);
  const sum = 2 ** GRIDS.sum;
  parameters['gateBias'] = Float32Array.from(
    bias.subarray(0, gates),
    (value, j) => (value - gateOffset(config, j)) / sum,
  );
  parameters['hiddenBias'] = Float32Array.from(
    bias.subarray(gates, gates + config.hidden),
    (value) => (value - HIDDEN_OFFSET) / sum,
  );
  parameters['outputBias'] = Float32Array.from(
    bias.subarray(gates + config.hidden),
    (value) => (value - LOGIT_OFFSET) / TO_BITS / 2 ** GRIDS.logitSum,
  );
  return { parameters, tables: Float32Array.from(network.tables, (value) => value / 2 ** tableBits) };
}
