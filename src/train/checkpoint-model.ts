/**
 * The model inside a training checkpoint: its network, dense parameters and tables, without the optimiser.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { createNetwork, type NetworkConfig, type Weights } from './networks.ts';
import type { TrainerMeta } from './trainer.ts';

/**
 * @throws LmzError `LMZ_CORRUPT` where the checkpoint lacks a parameter.
 */
export function modelOfCheckpoint({ meta, arrays }: Checkpoint<TrainerMeta>): Weights {
  const config = meta.network as NetworkConfig;
  const weights = (name: string): Float32Array => {
    const array = arrays[`weights.${name}`] as Float32Array | undefined;
    if (array === undefined) throw new LmzError('LMZ_CORRUPT', `the checkpoint has no weights of ${name}`);
    return array;
  };
  const { parameters, embedding } = createNetwork(config);
  return {
    config,
    parameters: Object.fromEntries(parameters.map(({ name }) => [name, weights(name)])),
    // Without the row of zeros at the end.
    tables: weights('tables').subarray(0, -embedding.width),
  };
}
