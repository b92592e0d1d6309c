/**
 * Keeps the coded sizes of the report `tmp/sizes.json` in `bench/sizes.json`, without what differs from machine to
 * machine: part of `npm run bench:sizes`. `lmz bench --check` compares with it.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const { results, failed } = JSON.parse(readFileSync(new URL('tmp/sizes.json', root), 'utf8'));
if (failed.length > 0 || !results.every(({ matched }) => matched)) throw new Error('something failed');
const lines = results.map(({ compressor, dataset, file, sha256, protocol, bytes, codedBytes }) =>
  JSON.stringify({ compressor, dataset, file, sha256, protocol, bytes, codedBytes }),
);
const text = `{\n  "results": [\n${lines.map((line) => `    ${line}`).join(',\n')}\n  ]\n}\n`;
writeFileSync(new URL('bench/sizes.json', root), text);
