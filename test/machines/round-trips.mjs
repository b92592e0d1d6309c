/**
 * Encodes and decodes a small text with every exact model alone, and by mixing, and decodes files made elsewhere; prints digests as JSON. Run
 * on the built code by emulated-cpus.test.ts, natively and under emulation: `node round-trips.mjs FOLDER BYTES [LANES...]`,
 * where BYTES is the size of the text, and each case has a number of lanes of its own unless some are given.
 * With files `*.lmz` in FOLDER it decodes them, else it writes them.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compress, decompress } from '../../dist/index.js';

const root = new URL('../../', import.meta.url);
/** Lanes, options, and the fixture that is the model, if it is not the built-in one. */
const CASES = {
  default: { lanes: 3, mode: 'lm' },
  'recurrent-float32': { lanes: 1, mode: 'lm', fixture: 'good-recurrent-float32' },
  'recurrent-int8': { lanes: 3, mode: 'lm', fixture: 'good-recurrent-int8' },
  hash: { lanes: 1, mode: 'lm', fixture: 'good-hash' },
  sequence: { lanes: 3, mode: 'lm', fixture: 'good-sequence' },
  ascii: { lanes: 1, mode: 'lm', fixture: 'good-ascii-128' },
  mixed: { lanes: 1 },
  'mixed, order 1': { lanes: 3, fixture: 'good-order1-256' },
  'level 1': { lanes: 1, level: 1 },
  'level 5': { lanes: 3, level: 5 },
};

const [folder, bytes, ...allLanes] = process.argv.slice(2);
const text = new Uint8Array(readFileSync(new URL('spec/lmz-format.md', root))).subarray(
  1000,
  1000 + Number(bytes),
);
/** @param {Uint8Array} bytes */
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

const results = {};
for (const [name, { lanes, fixture, ...coding }] of Object.entries(CASES)) {
  const model = fixture && new Uint8Array(readFileSync(new URL(`fixtures/models/${fixture}.onnx`, root)));
  for (const count of allLanes.length > 0 ? allLanes.map(Number) : [lanes]) {
    const options = { ...coding, lanes: count, threads: 1, ...(model && { model }) };
    const encoded = await compress(text, options);
    const path = join(folder, `${name}-${count}.lmz`);
    if (!existsSync(path)) writeFileSync(path, encoded);
    const other = new Uint8Array(readFileSync(path));
    const decoded = await decompress(other, { threads: 1, ...(model && { model }) });
    results[`${name}, ${count} lanes`] = { encoded: digest(encoded), decoded: digest(decoded) };
  }
}
process.stdout.write(JSON.stringify({ text: digest(text), results }));
