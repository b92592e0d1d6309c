/**
 * Small Transformers with random weights.
 *
 * @module
 */
import { LmzError } from '../../src/errors.ts';
import type { Parameters } from '../../src/train/engine.ts';
import { Random } from '../../src/train/random.ts';
import { type TransformerConfig, transformerNetwork } from '../../src/train/transformer.ts';
import { type IntegerTransformer, quantizeTransformer } from '../../src/train/transformer-quantize.ts';

/** Small enough to be computed many times. */
export const TINY_TRANSFORMER: TransformerConfig = {
  network: 'transformer',
  layers: 2,
  heads: 2,
  width: 16,
  widening: 2,
  context: 16,
  positions: 'sinusoidal',
  initScale: 0.25,
};

/** Weights of all sizes that training may give, and larger ones: everything that is limited must be met. */
export function transformerWeights(
  config: TransformerConfig,
  seed: number,
  gain = 1,
): { parameters: Parameters; tables: Float32Array } {
  const random = new Random(seed);
  const parameters: Parameters = Object.fromEntries(
    transformerNetwork(config).parameters.map(({ name, dims }) => {
      const columns = dims.at(-1)!;
      const gains = Float32Array.from({ length: columns }, () => gain * 4 ** (2 * random.uniform() - 1.5));
      const offset = name.endsWith('scale') ? 1 : 0;
      const size = dims.reduce((a, b) => a * b, 1);
      return [
        name,
        Float32Array.from({ length: size }, (_, i) => offset + gains[i % columns] * random.normal()),
      ];
    }),
  );
  return {
    parameters,
    tables: Float32Array.from({ length: 256 * config.width }, () => 0.1 * random.normal()),
  };
}

/**
 * The integers of {@link transformerWeights}; of weights half as large, and half of that, where sums have no room for
 * them: by chance the columns' gains may all be large.
 */
export function randomTransformer(config: TransformerConfig, seed: number, gain = 1): IntegerTransformer {
  for (let size = gain; ; size /= 2) {
    const { parameters, tables } = transformerWeights(config, seed, size);
    try {
      return quantizeTransformer(config, parameters, tables);
    } catch (error) {
      if (size < gain / 16 || !(error instanceof LmzError)) throw error;
    }
  }
}
