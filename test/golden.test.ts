import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GOLDEN } from '../fixtures/golden.ts';
import { decode } from '../spec/decoder.ts';
import { compress, decompress } from '../src/index.ts';

const folder = new URL('../fixtures/golden/', import.meta.url);

describe('golden files', () => {
  test('every file is described, and every description has its file', () => {
    expect(readdirSync(folder).sort()).toEqual(GOLDEN.map(({ name }) => `${name}.lmz`).sort());
  });

  test.each(GOLDEN)(
    '$name decodes with both decoders, and is what the encoder writes',
    async ({ name, content, options, onlyRead }) => {
      const file = new Uint8Array(readFileSync(new URL(`${name}.lmz`, folder)));
      const model = options.model instanceof Uint8Array ? options.model : undefined;
      expect(Buffer.compare(await decompress(file, model ? { model } : {}), content)).toBe(0);
      expect(Buffer.compare(await decode(file, { models: model ? [model] : [] }), content)).toBe(0);
      // A predictor version never changes what it writes; an encoder that writes something else needs a new one.
      if (!onlyRead) expect(Buffer.compare(await compress(content, options), file)).toBe(0);
    },
  );
});
