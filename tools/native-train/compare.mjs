/**
 * Compares a step of the native program with the same step of the onnxruntime engine:
 *
 *     tmp/native-train ... --dump DUMP
 *     node tools/native-train/compare.mjs DUMP SETUP
 *
 * Prints the loss of both and, for each gradient, the difference relative to the engine's and the cosine.
 */
import { readFileSync } from 'node:fs';
import { createOrtEngine } from '../../dist/train/engine-ort.js';
import { fail, numberReader, PARAMETERS, readSetup } from './setup.mjs';

const [dump, setup] = process.argv.slice(2);
if (setup === undefined) fail('usage: node tools/native-train/compare.mjs DUMP SETUP');
const network = readSetup(setup);
const { units, width } = network.config;
const shape = { lanes: 32, steps: 64 };
const positions = shape.lanes * shape.steps;

const bytes = readFileSync(dump);
const dense = PARAMETERS.reduce((sum, name) => sum + network.sizes[name], 0);
const expected = 4 * (positions + shape.lanes * units + 2 * positions * width + 1 + 2 * dense);
if (bytes.length !== expected)
  fail(`${dump} is no dump of this network: ${bytes.length} bytes, not ${expected}`);
const take = numberReader(bytes);
const targets = take(positions, Int32Array);
const hidden = take(shape.lanes * units);
const embedded = take(positions * width);
const [loss] = take(1);
const weights = {};
const gradients = {};
for (const name of PARAMETERS) {
  weights[name] = take(network.sizes[name]);
  gradients[name] = take(network.sizes[name]);
}
const embeddedGradient = take(positions * width);

const engine = await createOrtEngine(network, shape);
const exact = await engine.step(weights, { embedded, targets, states: { hidden } });
console.log(
  `loss in bits per byte: native ${loss.toFixed(5)}, onnxruntime ${(exact.loss / Math.LN2).toFixed(5)}`,
);

function report(name, native, engines) {
  let [difference, product, nativeSquares, squares] = [0, 0, 0, 0];
  engines.forEach((value, i) => {
    difference += (native[i] - value) ** 2;
    product += native[i] * value;
    nativeSquares += native[i] ** 2;
    squares += value ** 2;
  });
  const relative = Math.sqrt(difference / squares).toFixed(4);
  const cosine = (product / Math.sqrt(nativeSquares * squares)).toFixed(5);
  console.log(`${name.padEnd(16)} relative difference ${relative}, cosine ${cosine}`);
}
for (const name of PARAMETERS) report(name, gradients[name], exact.gradients[name]);
report('embedded rows', embeddedGradient, exact.embeddedGradient);
await engine.release();
