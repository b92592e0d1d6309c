/**
 * Small files of every kind that the faults are tried on.
 *
 * @module
 */
import { compress, type DecodeOptions } from '../../src/index.ts';
import { fixtureModel } from './models.ts';
import { bytes, concat, insertFrame, skippable } from './sections.ts';

export interface Sample {
  name: string;
  file: Uint8Array;
  content: Uint8Array;
  /** What decoding it needs. */
  options: DecodeOptions;
}

const text = (value: string) => new TextEncoder().encode(value);

/** One file of each kind: 44 to about 250 bytes, but for the one that carries its model. */
export async function makeSamples(): Promise<Sample[]> {
  const order1 = fixtureModel('good-order1-256');
  const ascii = fixtureModel('good-ascii-128');
  const fish = text('one fish, two fish, red fish');
  const accents = text('déjà vu, naïve café');
  const samples: Sample[] = [];
  const add = (name: string, file: Uint8Array, content: Uint8Array, options: DecodeOptions = {}) =>
    samples.push({ name, file, content, options: { threads: 1, ...options } });

  add('empty', await compress('', { mode: 'stored' }), bytes());
  const stored = await compress(fish, { mode: 'stored' });
  add('stored', stored, fish);
  add('stored in chunks', await compress(fish, { mode: 'stored', chunkSize: 11 }), fish);
  add('sha256', await compress(fish, { mode: 'stored', contentCheck: 'sha256' }), fish);
  const coded = await compress(fish, { mode: 'lm', model: order1 });
  add('coded', coded, fish, { model: order1 });
  const chunks = await compress(fish, { mode: 'lm', model: order1, chunkSize: 11, lanes: 3 });
  add('coded in chunks', chunks, fish, { model: order1 });
  const masked = await compress(accents, { mode: 'lm', model: ascii, lanes: 2 });
  add('masked', masked, accents, { model: ascii });
  add('mixed', await compress(fish, { mode: 'mix' }), fish);
  const lanes = await compress(concat(fish, fish), { mode: 'mix', level: 1, chunkSize: 42, lanes: 3 });
  add('mixed in chunks', lanes, concat(fish, fish));
  add('two members', concat(stored, coded), concat(fish, fish), { model: order1 });
  const skipped = insertFrame(insertFrame(stored, skippable(text('note'), 4, 7)), skippable(bytes()), 2);
  add('skippable', skipped, fish);
  const embedded = await compress(fish, { mode: 'lm', model: order1, embedModel: true });
  add('embedded', embedded, fish);
  return samples;
}
