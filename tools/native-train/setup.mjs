/** What state.mjs and compare.mjs read alike. */
import { readFileSync } from 'node:fs';
import { createNetwork } from '../../dist/train/networks.js';

/** The dense parameters, in the order of states and dumps. */
export const PARAMETERS = [
  'inputWeights',
  'stateWeights',
  'gateBias',
  'outputBias',
  'outputState',
  'outputInput',
  'hiddenState',
  'hiddenInput',
  'hiddenBias',
  'outputHidden',
];

/** Ends the program with a message. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The network of SETUP.json, with the sizes of its parameters by name. */
export function readSetup(path) {
  const network = createNetwork(JSON.parse(readFileSync(`${path}.json`, 'utf8')));
  const sizes = network.parameters.map(({ name, dims }) => [
    name,
    dims.reduce((product, dim) => product * dim, 1),
  ]);
  return { ...network, sizes: Object.fromEntries(sizes) };
}

/** Takes arrays of 4-byte numbers from bytes, one after another. */
export function numberReader(bytes, start = 0) {
  let at = start;
  return (length, Type = Float32Array) => {
    const array = new Type(length);
    new Uint8Array(array.buffer).set(bytes.subarray(at, (at += 4 * length)));
    return array;
  };
}
