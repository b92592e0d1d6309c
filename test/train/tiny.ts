/**
 * Small networks and texts for tests of the trainer.
 *
 * @module
 */
import type { Category } from '../../src/train/corpus.ts';
import type { Parameters } from '../../src/train/engine.ts';
import { Random } from '../../src/train/random.ts';
import { primeUpTo, type RecurrentConfig, recurrentNetwork } from '../../src/train/recurrent.ts';

export const TINY: RecurrentConfig = {
  network: 'recurrent',
  cell: 'gru',
  units: 8,
  width: 8,
  hidden: 8,
  direct: true,
  kinds: ['order2', 'word', 'words'],
  rows: [primeUpTo(300), primeUpTo(200), primeUpTo(250)],
};

/** A text of a few words in random order: something to learn. */
export function tinyText(bytes: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const words = ['the', 'quick', 'Brown', 'fox;', 'jumps', 'over', '1234', '\u00e9t\u00e9', 'dog.\n'];
  let text = '';
  while (text.length < bytes) text += `${words[random.uint32() % words.length]} `;
  return new TextEncoder().encode(text).subarray(0, bytes);
}

export function tinyCategories(): Category[] {
  return ['one', 'two'].map((name, i) => ({
    name,
    weight: 3 - i,
    training: tinyText(20_000, i),
    validation: tinyText(2000, 10 + i),
    files: [],
  }));
}

/** Random weights of about the size that training gives, some columns much larger. */
export function randomWeights(
  config: RecurrentConfig,
  seed: number,
): { parameters: Parameters; tables: Float32Array } {
  const random = new Random(seed);
  const parameters = Object.fromEntries(
    recurrentNetwork(config).parameters.map(({ name, dims }) => {
      const columns = dims.at(-1)!;
      const gains = Float32Array.from({ length: columns }, () => 4 ** (2 * random.uniform() - 1.3));
      const size = dims.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length: size }, (_, i) => gains[i % columns] * random.normal())];
    }),
  );
  const rows = config.rows.reduce((a, b) => a + b, 256);
  return {
    parameters,
    tables: Float32Array.from({ length: rows * config.width }, () => 0.4 * random.normal()),
  };
}
