/**
 * Small Transformers of sizes that the kernel runs.
 *
 * @module
 */
import fc from 'fast-check';
import type { IntegerProduct } from '../../../src/model/transformer/network.ts';
import { Random } from '../../../src/train/random.ts';
import type { TransformerConfig } from '../../../src/train/transformer.ts';
import { exportTransformer } from '../../../src/train/transformer-export.ts';
import type { IntegerTransformer } from '../../../src/train/transformer-quantize.ts';
import { randomTransformer, TINY_TRANSFORMER } from '../../support/transformers.ts';

/** Contexts about the kernel's blocks of eight places, and so short that the cache slides. */
export const anyConfig: fc.Arbitrary<TransformerConfig> = fc
  .record({
    layers: fc.integer({ min: 1, max: 3 }),
    size: fc.constantFrom(8, 16, 32),
    heads: fc.constantFrom(1, 2, 4),
    widening: fc.constantFrom(1, 2, 4),
    context: fc.oneof(fc.constantFrom(1, 7, 8, 9, 15, 16, 17), fc.integer({ min: 2, max: 40 })),
    positions: fc.constantFrom('sinusoidal' as const, 'rotary' as const),
  })
  .filter(({ size, heads }) => size * heads <= 64)
  .map(({ size, ...rest }) => ({ ...TINY_TRANSFORMER, ...rest, width: size * rest.heads }));

/** The file of a network with random weights. */
export function randomModel(config: TransformerConfig, seed: number, gain = 1): Uint8Array {
  return exportTransformer(randomTransformer(config, seed, gain), { 'lmz.name': 'random' });
}

/** Every weight at one end of its range, and no scale that makes sums small: all limits are met. */
export function extremeTransformer(config: TransformerConfig, seed: number): IntegerTransformer {
  const random = new Random(seed);
  const network = randomTransformer(config, seed);
  const end = (most: number): number => (random.uniform() < 0.5 ? -most : most);
  const ends = (values: Int32Array, most: number): Int32Array => values.map(() => end(most));
  const product = (from: IntegerProduct, shift: number, bias: number): IntegerProduct => ({
    ...from,
    data: from.data.map(() => end(127)),
    shifts: from.shifts.map(() => shift),
    ...(from.bias && { bias: ends(from.bias, bias) }),
  });
  return {
    ...network,
    embedding: network.embedding.map(() => end(5000)),
    layers: network.layers.map((layer) => ({
      ...layer,
      project: product(layer.project, 0, 0),
      mix: product(layer.mix, 1, 0),
      norm1: { scale: ends(layer.norm1.scale, 1023), offset: ends(layer.norm1.offset, 2 ** 20) },
      up: product(layer.up, 3, 2 ** 13),
      down: product(layer.down, 1, 2 ** 13),
      norm2: { scale: ends(layer.norm2.scale, 1023), offset: ends(layer.norm2.offset, 2 ** 20) },
      valueBits: layer.valueBits.map(() => (random.uniform() < 0.5 ? 3 : 8)),
    })),
    output: product(network.output, 2, 2 ** 13),
  };
}
