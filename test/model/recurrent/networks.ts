/**
 * Random networks of the default model's family.
 *
 * @module
 */
import fc from 'fast-check';
import { CONTEXT_KINDS, type ContextKind } from '../../../src/train/contexts.ts';
import { exportRecurrent } from '../../../src/train/export.ts';
import { quantize } from '../../../src/train/quantize.ts';
import { primeUpTo, type RecurrentConfig } from '../../../src/train/recurrent.ts';
import { randomWeights } from '../../train/tiny.ts';

const KINDS = Object.keys(CONTEXT_KINDS) as ContextKind[];

/** Sizes about the kernel's blocks of 32 columns and 8-wide rows, and far from them. */
const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(8, 16, 31, 32, 33, 64, 96));

export const anyConfig: fc.Arbitrary<RecurrentConfig> = fc
  .record({
    cell: fc.constantFrom<RecurrentConfig['cell'][]>('gru', 'minimal'),
    units: size,
    width: size,
    hidden: fc.oneof(fc.constant(0), size),
    direct: fc.boolean(),
    kinds: fc.uniqueArray(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 6 }),
    rows: fc.array(fc.integer({ min: 2, max: 400 }), { minLength: 6, maxLength: 6 }),
  })
  .map(({ hidden, direct, kinds, rows, ...rest }) => ({
    network: 'recurrent',
    ...rest,
    hidden,
    direct: direct || hidden === 0,
    kinds,
    rows: kinds.map((_, i) => primeUpTo(rows[i])),
  }));

/** The file of a network with random weights. */
export function randomModel(
  config: RecurrentConfig,
  seed: number,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { parameters, tables } = randomWeights(config, seed);
  return exportRecurrent(quantize(config, parameters, tables), { 'lmz.name': 'random', ...metadata });
}
