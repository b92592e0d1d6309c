/**
 * Writes an integer recurrent network as an exact ONNX model: the graph of model/recurrent/graph.ts and its metadata.
 *
 * @module
 */
import { buildRecurrent } from '../model/recurrent/graph.ts';
import {
  ALPHABET,
  LOGIT_BITS,
  type MatrixName,
  type RecurrentNetwork,
  type ScaledMatrix,
  STATE_LIMIT,
  WORD_MODULUS,
} from '../model/recurrent/network.ts';
import { contextCoefficients } from './contexts.ts';
import { type IntegerNetwork, matrixGrids } from './quantize.ts';
import { START_TOKEN } from './stream.ts';

/** The network as its arithmetic sees it: exponents of weights become scales of sums. */
export function toRecurrent(network: IntegerNetwork): RecurrentNetwork {
  const { config, tableBits, tables, bias } = network;
  const scaled = (name: MatrixName): ScaledMatrix => {
    const { inputs, columns, data, exponents } = network[name]!;
    const { from, to } = matrixGrids(config, tableBits, name);
    const scales = Float32Array.from(exponents, (exponent, j) => 2 ** (to[j] - from - exponent));
    return { inputs, columns, data, scales };
  };
  return {
    gates: config.cell === 'gru' ? 3 : 2,
    units: config.units,
    width: config.width,
    hidden: config.hidden,
    coefficients: BigInt64Array.from(contextCoefficients(config.kinds), BigInt),
    rows: config.rows,
    tables,
    fromInput: scaled('fromInput'),
    fromState: scaled('fromState'),
    fromNewState: scaled('fromNewState'),
    ...(network.fromHidden && { fromHidden: scaled('fromHidden') }),
    bias: Float32Array.from(bias),
  };
}

/**
 * The model file.
 *
 * @param metadata - beside what the contract demands: name, hyper-parameters, training data.
 */
export function exportRecurrent(
  network: IntegerNetwork,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return buildRecurrent(toRecurrent(network)).build({
    'lmz.contract': '1',
    'lmz.alphabet': String(ALPHABET),
    'lmz.logit_bits': String(LOGIT_BITS),
    'lmz.start': String(START_TOKEN),
    'lmz.context': '0',
    'lmz.time': 'step',
    'lmz.state.bytes': '0 255',
    'lmz.state.word': `0 ${WORD_MODULUS - 1}`,
    'lmz.state.previous': `0 ${WORD_MODULUS - 1}`,
    'lmz.state.hidden': `${-STATE_LIMIT} ${STATE_LIMIT}`,
    'lmz.network': JSON.stringify(network.config),
    'lmz.table_bits': String(network.tableBits),
    ...metadata,
  });
}
