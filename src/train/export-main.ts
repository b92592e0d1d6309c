/**
 * Exports a checkpoint as an exact model, with reference logits beside it, and measures on validation text what the
 * rounding costs.
 *
 *     export --checkpoint DIR --out MODEL.onnx --name NAME [--data NAME=WEIGHT:PATH,PATH ...] [--text FILE ...]
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { toHex } from '../bytes.ts';
import { loadModel } from '../model/load.ts';
import { readCheckpoint } from './checkpoint.ts';
import { modelOfCheckpoint } from './checkpoint-model.ts';
import { type Category, type CategorySource, readCategory } from './corpus.ts';
import { createOrtEngine } from './engine-ort.ts';
import { evaluateModel } from './evaluate.ts';
import { exportRecurrent } from './export.ts';
import { categorySource, quantity } from './flags.ts';
import { CHECKPOINT_FILE } from './loop.ts';
import { quantize } from './quantize.ts';
import { recurrentNetwork } from './recurrent.ts';
import { makeReference } from './reference.ts';
import { START_TOKEN } from './stream.ts';
import { RowSums } from './tables.ts';
import { validateCategory } from './validation.ts';
import type { TrainerMeta } from './trainer.ts';

/** Validation runs in so many parts side by side, in both forms of the network. */
const LANES = 32;
/** Bytes of the reference text. */
const REFERENCE_BYTES = 2000;

interface Flags {
  checkpoint: string;
  out: string;
  name: string;
  data: CategorySource[];
  text: string[];
  held: number;
  cache?: string;
  validateBytes: number;
}

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

const program = new Command('export')
  .description('exports a checkpoint as an exact model')
  .requiredOption('--checkpoint <DIR>', 'folder of the checkpoint')
  .requiredOption('--out <FILE>', 'the model to write')
  .requiredOption('--name <NAME>', 'the name in its metadata')
  .option(
    '--data <NAME=WEIGHT:PATHS>',
    'training text: its end is measured, its hashes are noted',
    categorySource,
    [],
  )
  .option('--text <FILE>', 'another text to measure, in one part from the start (repeatable)', collect, [])
  .option('--held <SHARE>', 'validation share of each file', quantity, 0.015)
  .option('--cache <DIR>', 'folder for decompressed training files')
  .option('--validate-bytes <N>', 'bytes of each category to measure', quantity, 262_144);

/** Text of several kinds without a file: it is made of byte values and a sentence, over and over. */
function referenceTokens(): number[] {
  const sentence = new TextEncoder().encode(
    'The quick brown fox; jumps over "the" lazy dog\u2014 42 times.\n',
  );
  const text = Array.from({ length: REFERENCE_BYTES }, (_, i) =>
    i % 512 < 256 ? sentence[i % sentence.length] : (i * 167 + (i >> 8) * 13) & 255,
  );
  return [START_TOKEN, ...text];
}

async function compare(flags: Flags, file: Uint8Array, categories: readonly Category[]): Promise<void> {
  const { config, parameters, tables } = modelOfCheckpoint(
    readCheckpoint(join(flags.checkpoint, CHECKPOINT_FILE)),
  );
  const network = recurrentNetwork(config);
  const shape = { lanes: LANES, steps: 64 };
  const engine = await createOrtEngine(network, shape);
  const setup = { network, engine, shape, tables: RowSums.of(tables, config.width) };
  for (const { name, validation } of categories) {
    const limit = Math.min(flags.validateBytes, validation.length);
    const float = await validateCategory(setup, parameters, validation, limit);
    // Whole segments only, as the float network's measure.
    const steps = Math.floor(Math.min(Math.floor(validation.length / LANES), limit / LANES) / shape.steps);
    const exact = await evaluateModel(file, validation, { lanes: LANES, limit: steps * shape.steps * LANES });
    const cost = (100 * (exact / float - 1)).toFixed(3);
    console.log(`${name}: float ${float.toFixed(4)}, exact ${exact.toFixed(4)} bits/byte (${cost} %)`);
  }
  await engine.release();
}

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const checkpoint = readCheckpoint<TrainerMeta>(join(flags.checkpoint, CHECKPOINT_FILE));
  const { config, parameters, tables } = modelOfCheckpoint(checkpoint);
  const categories = flags.data.map((source) => readCategory(source, flags.held, flags.cache));
  const { meta } = checkpoint;
  const data = categories.map(({ name, weight, files }) => ({ name, weight, files }));
  const file = exportRecurrent(quantize(config, parameters, tables), {
    'lmz.name': flags.name,
    'lmz.training': JSON.stringify({ bytes: meta.bytes, options: meta.options, schedule: meta.schedule }),
    'lmz.data': JSON.stringify(data),
  });
  const model = loadModel(file);
  writeFileSync(flags.out, file);
  const reference = await makeReference(model, referenceTokens());
  writeFileSync(flags.out.replace(/(\.onnx)?$/, '.reference.json'), `${JSON.stringify(reference)}\n`);
  console.log(
    `${flags.out}: ${file.length} bytes, SHA-256 ${toHex(model.hash)}, after ${meta.bytes} training bytes`,
  );
  await compare(flags, file, categories);
  for (const path of flags.text) {
    const bits = await evaluateModel(file, readFileSync(path), { lanes: 1 });
    console.log(`${basename(path)}: ${bits.toFixed(4)} bits/byte, one lane`);
  }
}

await main();
