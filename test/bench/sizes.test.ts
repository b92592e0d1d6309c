/** The sizes that CI checks (`npm run bench:check`): all of them are recorded, for the files that are there. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSettings } from '../../src/bench/settings.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(root + path);
const { scripts } = JSON.parse(read('package.json').toString()) as { scripts: Record<string, string> };

test('bench/sizes.json has what the check runs, and nothing else', () => {
  const flags = (script: string) =>
    readSettings(
      script
        .replace(/^.* -- /, '')
        .replace(/ &&.*/, '')
        .split(' '),
    );
  const { compressor, dataset, check } = flags(scripts['bench:check']);
  expect(flags(scripts['bench:sizes'])).toMatchObject({ compressor, dataset });
  const [folder] = dataset;
  const expected = readdirSync(root + folder)
    .sort()
    .flatMap((file) => {
      const content = read(`${folder}/${file}`);
      const sha256 = createHash('sha256').update(content).digest('hex');
      return compressor.map((name) => ({
        compressor: name,
        dataset: folder,
        file,
        sha256,
        bytes: content.length,
      }));
    });
  const { results } = JSON.parse(read(check!).toString()) as { results: Record<string, unknown>[] };
  expect(results).toHaveLength(expected.length);
  expect(results).toEqual(expected.map((fields) => expect.objectContaining(fields) as unknown));
});
