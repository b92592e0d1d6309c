/**
 * Computes references of models anew from the tokens stored beside them; prints them as JSON. Run on the built code by
 * emulated-cpus.test.ts under emulation: `node references.mjs PATH...`, the paths without `.onnx`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { loadModel } from '../../dist/model/load.js';
import { makeReference } from '../../dist/train/reference.js';

const results = {};
for (const path of process.argv.slice(2)) {
  const model = loadModel(new Uint8Array(readFileSync(`${path}.onnx`)));
  const { tokens } = JSON.parse(readFileSync(`${path}.reference.json`, 'utf8'));
  const time = model.contract.time === 'sequence' ? 64 : 1;
  const { logitsSha256, lastLogits } = await makeReference(model, tokens, { engine: 'node', time });
  results[path] = { logitsSha256, lastLogits };
}
process.stdout.write(JSON.stringify(results));
