/**
 * Exports a checkpoint as an exact model, with reference logits beside it, and measures on validation text what the
 * rounding costs.
 *
 *     export --checkpoint DIR --out MODEL.onnx --name NAME [--data NAME=WEIGHT:PATH,PATH ...] [--text FILE ...]
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { toHex } from '../bytes.ts';
import type { Model } from '../model/load.ts';
import { readCheckpoint } from './checkpoint.ts';
import { modelOfCheckpoint } from './checkpoint-model.ts';
import { type Category, readCategory } from './corpus.ts';
import { createOrtEngine } from './engine-ort.ts';
import { evaluateModel } from './evaluate.ts';
import { measureRounding, writeModel } from './export-model.ts';
import { categoriesOf, type DataFlag, dataFlag, quantity } from './flags.ts';
import { CHECKPOINT_FILE } from './loop.ts';
import { createNetwork, type Weights } from './networks.ts';
import { RowSums } from './tables.ts';
import { withTemperature } from './temperature.ts';
import type { TrainerMeta } from './trainer.ts';
import { validateCategory } from './validation.ts';

/** How validation texts are cut for networks that take single steps, in both forms of the network. */
const SHAPE = { lanes: 32, steps: 64 };

interface Flags {
  checkpoint: string;
  out: string;
  name: string;
  data: DataFlag[];
  text: string[];
  temperature: number;
  held: number;
  cache: string;
  validateBytes: number;
}

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

const program = new Command('export')
  .description('exports a checkpoint as an exact model')
  .requiredOption('--checkpoint <DIR>', 'folder of the checkpoint')
  .requiredOption('--out <FILE>', 'the model to write')
  .requiredOption('--name <NAME>', 'the name in its metadata')
  .option('--data <WHAT>', 'training text: its end is measured, its hashes are noted', dataFlag, [])
  .option('--text <FILE>', 'another text to measure, in one part from the start (repeatable)', collect, [])
  .option('--temperature <NUMBER>', 'divides the logits: above 1, predictions are less certain', quantity, 1)
  .option('--held <SHARE>', 'validation share of each file', quantity, 0.015)
  .option('--cache <DIR>', 'folder for decompressed training files', 'cache')
  .option('--validate-bytes <N>', 'bytes of each category to measure', quantity, 262_144);

/** Prints what rounding costs on each category's validation text. */
async function compare(
  flags: Flags,
  weights: Weights,
  model: Model,
  categories: readonly Category[],
): Promise<void> {
  const limit = flags.validateBytes;
  const roundings = await measureRounding(model, weights, categories, SHAPE, limit, () =>
    floatInLanes(weights, categories, limit),
  );
  for (const { category, float, exact, cost } of roundings) {
    console.log(
      `${category}: float ${float.toFixed(4)}, exact ${exact.toFixed(4)} bits/byte (${cost.toFixed(3)} %)`,
    );
  }
}

async function floatInLanes(
  { config, parameters, tables }: Weights,
  categories: readonly Category[],
  limit: number,
): Promise<Record<string, number>> {
  const network = createNetwork(config);
  const engine = await createOrtEngine(network, SHAPE);
  const setup = { network, engine, shape: SHAPE, tables: RowSums.of(tables, network.embedding.width) };
  const bits: Record<string, number> = {};
  for (const { name, validation } of categories) {
    bits[name] = await validateCategory(setup, parameters, validation, limit);
  }
  await engine.release();
  return bits;
}

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const checkpoint = readCheckpoint<TrainerMeta>(join(flags.checkpoint, CHECKPOINT_FILE));
  const weights = withTemperature(modelOfCheckpoint(checkpoint), flags.temperature);
  const categories: Category[] = [];
  for (const source of categoriesOf(flags.data)) {
    categories.push(await readCategory(source, flags.held, flags.cache));
  }
  const { bytes, before, options, schedule } = checkpoint.meta;
  const training = { bytes, before, options, schedule, temperature: flags.temperature };
  const model = await writeModel(flags.out, weights, { name: flags.name, training, categories });
  console.log(
    `${flags.out}: ${model.bytes.length} bytes, SHA-256 ${toHex(model.hash)}, after ${bytes} training bytes`,
  );
  await compare(flags, weights, model, categories);
  for (const path of flags.text) {
    const bits = await evaluateModel(model.bytes, readFileSync(path), { lanes: 1 });
    console.log(`${basename(path)}: ${bits.toFixed(4)} bits/byte, one lane`);
  }
}

await main();
