/**
 * Computes the references of models/ anew from the stored tokens; prints name and digest of the logits as JSON. Run on the
 * built code by emulated-cpus.test.ts under emulation: `node references.mjs NAME...`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { loadModel } from '../../dist/model/load.js';
import { makeReference } from '../../dist/train/reference.js';

const folder = new URL('../../models/', import.meta.url);
const results = {};
for (const name of process.argv.slice(2)) {
  const model = loadModel(new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder))));
  const { tokens } = JSON.parse(readFileSync(new URL(`${name}.reference.json`, folder), 'utf8'));
  const time = model.contract.time === 'sequence' ? 64 : 1;
  const { logitsSha256, lastLogits } = await makeReference(model, tokens, { engine: 'node', time });
  results[name] = { logitsSha256, lastLogits };
}
process.stdout.write(JSON.stringify(results));
