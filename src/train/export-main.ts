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
import { readCheckpoint } from './checkpoint.ts';
import { modelOfCheckpoint } from './checkpoint-model.ts';
import { type Category, readCategory } from './corpus.ts';
import { createOrtEngine } from './engine-ort.ts';
import { evaluateModel } from './evaluate.ts';
import { writeModel } from './export-model.ts';
import { categoriesOf, type DataFlag, dataFlag, quantity } from './flags.ts';
import { CHECKPOINT_FILE } from './loop.ts';
import { createNetwork, type Weights } from './networks.ts';
import { RowSums } from './tables.ts';
import { withTemperature } from './temperature.ts';
import { measureContexts, measureFloatContexts } from './transformer-evaluate.ts';
import type { TrainerMeta } from './trainer.ts';
import { validateCategory } from './validation.ts';

/** Validation runs in so many parts side by side, in both forms of the network. */
const LANES = 32;

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
  file: Uint8Array,
  categories: readonly Category[],
): Promise<void> {
  // What a Transformer is told of the bytes before depends on its place in a context, so it gets whole ones.
  const [float, exact] =
    weights.config.network === 'transformer'
      ? [
          await measureFloatContexts(weights, categories, flags.validateBytes),
          await measureContexts(file, categories, flags.validateBytes),
        ]
      : await measureLanes(flags, weights, file, categories);
  for (const [name, bits] of Object.entries(float)) {
    const cost = (100 * (exact[name] / bits - 1)).toFixed(3);
    console.log(`${name}: float ${bits.toFixed(4)}, exact ${exact[name].toFixed(4)} bits/byte (${cost} %)`);
  }
}

/** Bits per byte of the float network and of the exact one, the text in {@link LANES} parts. */
async function measureLanes(
  flags: Flags,
  { config, parameters, tables }: Weights,
  file: Uint8Array,
  categories: readonly Category[],
): Promise<[float: Record<string, number>, exact: Record<string, number>]> {
  const network = createNetwork(config);
  const shape = { lanes: LANES, steps: 64 };
  const engine = await createOrtEngine(network, shape);
  const setup = { network, engine, shape, tables: RowSums.of(tables, network.embedding.width) };
  const float: Record<string, number> = {};
  const exact: Record<string, number> = {};
  for (const { name, validation } of categories) {
    const limit = Math.min(flags.validateBytes, validation.length);
    float[name] = await validateCategory(setup, parameters, validation, limit);
    // Whole segments only, as the float network's measure.
    const text = validation.subarray(0, validation.length);
    const steps = Math.floor(Math.min(Math.floor(validation.length / LANES), limit / LANES) / shape.steps);
    exact[name] = await evaluateModel(file, text, { lanes: LANES, limit: steps * shape.steps * LANES });
  }
  await engine.release();
  return [float, exact];
}

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const checkpoint = readCheckpoint<TrainerMeta>(join(flags.checkpoint, CHECKPOINT_FILE));
  const weights = withTemperature(modelOfCheckpoint(checkpoint), flags.temperature);
  const categories: Category[] = [];
  for (const source of categoriesOf(flags.data)) {
    categories.push(await readCategory(source, flags.held, flags.cache));
  }
  const { bytes, options, schedule } = checkpoint.meta;
  const training = { bytes, options, schedule, temperature: flags.temperature };
  const model = await writeModel(flags.out, weights, { name: flags.name, training, categories });
  console.log(
    `${flags.out}: ${model.bytes.length} bytes, SHA-256 ${toHex(model.hash)}, after ${bytes} training bytes`,
  );
  await compare(flags, weights, model.bytes, categories);
  for (const path of flags.text) {
    const bits = await evaluateModel(model.bytes, readFileSync(path), { lanes: 1 });
    console.log(`${basename(path)}: ${bits.toFixed(4)} bits/byte, one lane`);
  }
}

await main();
