/**
 * What stands between lmz and the native trainer (README.md):
 *
 *     node tools/native-train/state.mjs init MODEL.onnx STATE SETUP   a model as a state
 *     node tools/native-train/state.mjs text DIR NAME=PATH,PATH ...   files or folders, cut as `lmz train` does
 *     node tools/native-train/state.mjs checkpoint STATE SETUP DIR    DIR/checkpoint.bin
 *
 * SETUP describes the network; SETUP.json, beside it, is its configuration for `checkpoint` and compare.mjs.
 * Flags of `text`: --held SHARE (0.015) is the share of every file, at its end, that is kept for validation;
 * --cache DIR (cache) holds unpacked files. Of `checkpoint`: --bytes N, training bytes in all, where the state does not
 * count those of the model that it began with, or of states merged into it.
 */
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, numberReader, PARAMETERS, readSetup } from './setup.mjs';
import {
  CONTEXT_SIZE,
  LETTER_VALUES,
  WORD_FACTOR,
  WORD_MODULUS,
} from '../../dist/model/recurrent/network.js';
import { loadModel } from '../../dist/model/load.js';
import { writeCheckpoint } from '../../dist/train/checkpoint.js';
import { contextCoefficients } from '../../dist/train/contexts.js';
import { readCategory } from '../../dist/train/corpus.js';
import { importWeights } from '../../dist/train/networks.js';

/** Bytes that are copied at once. */
const CHUNK = 1 << 24;
/** Bytes of a state before its arrays. */
const HEADER = 24;

function writeAll(file, { buffer, byteOffset, byteLength }) {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

/** A network that the native program is made for. */
function checkNetwork({ network, cell, width, hidden, direct, units, kinds }) {
  const right =
    network === 'recurrent' &&
    cell === 'gru' &&
    width === 64 &&
    direct &&
    kinds.length >= 1 &&
    kinds.length <= 7;
  if (!right || hidden < 32 || hidden % 32 !== 0 || units % 32 !== 0) {
    fail(
      'the native program trains recurrent networks of cell "gru", width 64, with direct connections, 1 to 7 ' +
        'contexts, units and hidden units in multiples of 32; this model is another',
    );
  }
}

/** What network.hpp reads: sizes, rows of tables, coefficients by table, hash of words, values of letters. */
function setupOf({ units, hidden, kinds, rows }) {
  const tables = kinds.length;
  const coefficients = contextCoefficients(kinds);
  const ofTable = (table) => Array.from({ length: CONTEXT_SIZE }, (_, i) => coefficients[i * tables + table]);
  const lines = [
    [units, hidden, tables],
    rows,
    ...kinds.map((_, table) => ofTable(table)),
    [WORD_FACTOR, WORD_MODULUS],
    [...LETTER_VALUES],
  ];
  return lines.map((numbers) => `${numbers.join(' ')}\n`).join('');
}

/** Writes a state without moments, as it is before the first step. */
function init(model, state, setup) {
  const { config, parameters, tables } = importWeights(loadModel(new Uint8Array(readFileSync(model))));
  checkNetwork(config);
  const file = openSync(state, 'w');
  writeAll(file, new Uint8Array(HEADER));
  for (const name of PARAMETERS) writeAll(file, parameters[name]);
  writeAll(file, tables);
  closeSync(file);
  writeFileSync(setup, setupOf(config));
  writeFileSync(`${setup}.json`, JSON.stringify(config));
}

function copyText(path, text) {
  const file = openSync(path, 'w');
  for (let at = 0; at < text.length; at += CHUNK) writeAll(file, text.subarray(at, at + CHUNK));
  closeSync(file);
}

async function text(folder, categories, { held, cache }) {
  mkdirSync(folder, { recursive: true });
  for (const category of categories) {
    const [, name, paths] =
      /^([\w.+-]+)=(.+)$/.exec(category) ?? fail(`${category}: expected NAME=PATH,PATH`);
    const source = { name, weight: 1, paths: paths.split(',') };
    const { training, validation } = await readCategory(source, held, cache);
    copyText(join(folder, `${name}.train`), training);
    copyText(join(folder, `${name}.valid`), validation);
    console.log(`${name}: ${training.length} bytes to train on, ${validation.length} to validate with`);
  }
}

function checkpoint(state, setup, folder, inAll) {
  const network = readSetup(setup);
  const { config, embedding } = network;
  const bytes = readFileSync(state);
  if (bytes.length < HEADER) fail(`${state} is no state`);
  const moments = bytes.readBigInt64LE(0) === 1n;
  const trained = inAll ?? bytes.readDoubleLE(16);
  const rows = config.rows.reduce((sum, count) => sum + count, 256) * embedding.width;
  const sizes = [...PARAMETERS.map((name) => [name, network.sizes[name]]), ['tables', rows]];
  const numbers = sizes.reduce((sum, [, size]) => sum + size, 0) * (moments ? 3 : 1);
  if (bytes.length !== HEADER + 4 * numbers) {
    fail(`${state} is the state of another network: ${bytes.length} bytes, expected ${HEADER + 4 * numbers}`);
  }
  const take = numberReader(bytes, HEADER);
  const arrays = {};
  for (const [name, size] of sizes) {
    for (const kind of ['weights', 'first', 'second']) {
      // The tables of a checkpoint end with a row of zeros.
      const array = new Float32Array(name === 'tables' ? size + embedding.width : size);
      if (kind === 'weights' || moments) array.set(take(size));
      arrays[`${kind}.${name}`] = array;
    }
  }
  const shape = { lanes: 32, steps: 64 };
  arrays['state.hidden'] = new Float32Array(shape.lanes * config.units);
  // Without a `stream`: `lmz train --from` begins to read anew.
  const meta = {
    network: config,
    options: { shape, blockSize: 65_536, seed: 1, clipNorm: 1, tableRate: 2 },
    schedule: { rate: 6e-4, warmup: 200 },
    step: Math.round(trained / (shape.lanes * shape.steps)),
    bytes: trained,
    movingLoss: 0,
  };
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'checkpoint.bin');
  writeCheckpoint(path, { meta, arrays });
  console.log(`${path}: ${statSync(path).size} bytes, after ${trained} training bytes`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    held: { type: 'string', default: '0.015' },
    cache: { type: 'string', default: 'cache' },
    bytes: { type: 'string' },
  },
});
const [command, ...args] = positionals;
if (command === 'init' && args.length === 3) init(...args);
else if (command === 'text' && args.length > 1) {
  const held = Number(values.held);
  if (!(held > 0 && held < 1)) fail(`--held ${values.held}: expected a share between 0 and 1`);
  await text(args[0], args.slice(1), { held, cache: values.cache });
} else if (command === 'checkpoint' && args.length === 3) {
  const inAll = values.bytes === undefined ? undefined : Number(values.bytes);
  if (Number.isNaN(inAll)) fail(`--bytes ${values.bytes}: expected a number`);
  checkpoint(...args, inAll);
} else
  fail('usage: state.mjs init MODEL STATE SETUP | text DIR NAME=PATH,PATH ... | checkpoint STATE SETUP DIR');
