/**
 * Reads an exported recurrent model back, so that training can go on from it.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { Model } from '../model/load.ts';
import { MATRICES } from '../model/recurrent/network.ts';
import type { IntegerMatrix, IntegerNetwork } from './quantize.ts';
import { matrixGrids } from './quantize.ts';
import type { RecurrentConfig } from './recurrent.ts';

/**
 * @throws LmzError `LMZ_MODEL_INVALID` where the model is not one that the exporter wrote.
 */
export function importRecurrent({ graph, metadata }: Model): IntegerNetwork {
  const text = metadata.get('lmz.network');
  const tableBits = Number(metadata.get('lmz.table_bits'));
  if (text === undefined || !Number.isInteger(tableBits)) {
    throw new LmzError(
      'LMZ_MODEL_INVALID',
      'the model is not one that lmz exported: it says nothing of its network',
    );
  }
  const config = JSON.parse(text) as RecurrentConfig;
  const constant = (name: string): { data: unknown; dims: readonly number[] } => {
    const found = graph.constants.get(name);
    if (found === undefined) throw new LmzError('LMZ_MODEL_INVALID', `the model has no constant "${name}"`);
    return found;
  };
  const matrices: Record<string, IntegerMatrix> = {};
  for (const name of MATRICES) {
    if (name === 'fromHidden' && config.hidden === 0) continue;
    const { data, dims } = constant(name);
    const scales = constant(`${name}_scale`).data as Float32Array;
    const { from, to } = matrixGrids(config, tableBits, name);
    matrices[name] = {
      inputs: dims[0],
      columns: dims[1],
      data: data as Int8Array,
      exponents: Int32Array.from(scales, (scale, j) => to[j] - from - Math.round(Math.log2(scale))),
    };
  }
  return {
    config,
    tableBits,
    tables: constant('tables').data as Int8Array,
    bias: Int32Array.from(constant('bias').data as Float32Array),
    ...(matrices as Pick<IntegerNetwork, 'fromInput' | 'fromState' | 'fromNewState' | 'fromHidden'>),
  };
}
