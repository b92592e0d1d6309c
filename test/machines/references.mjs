/**
 * Computes references of models from the first of the tokens stored beside them; prints them as JSON. Run on the built code by
 * emulated-cpus.test.ts, natively and under emulation: `node references.mjs TOKENS PATH...`, the paths without `.onnx`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { loadModel } from '../../dist/model/load.js';
import { makeReference } from '../../dist/train/reference.js';

const [count, ...paths] = process.argv.slice(2);
const results = {};
for (const path of paths) {
  const model = loadModel(new Uint8Array(readFileSync(`${path}.onnx`)));
  const tokens = JSON.parse(readFileSync(`${path}.reference.json`, 'utf8')).tokens.slice(0, Number(count));
  const time = model.contract.time === 'sequence' ? 64 : 1;
  const { logitsSha256, lastLogits } = await makeReference(model, tokens, { engine: 'node', time });
  results[path] = { logitsSha256, lastLogits };
}
process.stdout.write(JSON.stringify(results));
