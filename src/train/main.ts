/**
 * The trainer's command line.
 *
 *     train --checkpoint DIR --data prose=40:PATH,PATH --data wiki=30:PATH ...   a new run
 *     train --checkpoint DIR --resume --data ...                                 goes on
 *     train --checkpoint DIR2 --from DIR --decay-bytes 40M --data ...            finishes a copy of a run
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { LmzError } from '../errors.ts';
import { loadModel } from '../model/load.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import type { ContextKind } from './contexts.ts';
import { type CategorySource, readCategory } from './corpus.ts';
import { createOrtEngine } from './engine-ort.ts';
import { createParallelEngine } from './engine-parallel.ts';
import { categorySource, quantity } from './flags.ts';
import { importRecurrent } from './import.ts';
import { CHECKPOINT_FILE, runLoop } from './loop.ts';
import { restore } from './quantize.ts';
import { primeUpTo, type RecurrentConfig, recurrentNetwork } from './recurrent.ts';
import type { Schedule } from './schedule.ts';
import { Trainer, type TrainerMeta, type TrainerOptions } from './trainer.ts';

interface Flags {
  data: CategorySource[];
  checkpoint: string;
  resume?: true;
  from?: string;
  init?: string;
  cache?: string;
  held: number;
  cell: 'gru' | 'minimal';
  units: number;
  width: number;
  hidden: number;
  direct: boolean;
  contexts: string;
  rows: string;
  batch: number;
  stepsPerSegment: number;
  block: number;
  lr: number;
  warmup: number;
  tableRate: number;
  inverseBytes?: number;
  clip: number;
  seed: number;
  bytes: number;
  minutes: number;
  decayBytes?: number;
  decayFloor: number;
  checkpointMinutes: number;
  validateEvery: number;
  validateBytes: number;
  threads: number;
}

const program = new Command('train')
  .description('trains a byte-level network')
  .requiredOption(
    '--data <NAME=WEIGHT:PATHS>',
    'a category of training text (repeatable)',
    categorySource,
    [],
  )
  .requiredOption('--checkpoint <DIR>', 'folder of checkpoint and progress')
  .option('--resume', 'go on from the checkpoint in that folder')
  .option('--from <DIR>', 'start from the checkpoint in another folder, which stays as it is')
  .option('--init <MODEL>', 'start from the weights of an exported model, with its network')
  .option('--cache <DIR>', 'folder for decompressed training files')
  .option('--held <SHARE>', 'validation share of each file', quantity, 0.015)
  .option('--cell <NAME>', 'gru or minimal', 'gru')
  .option('--units <N>', 'recurrent units', quantity, 128)
  .option('--width <N>', 'width of embedding rows', quantity, 64)
  .option('--hidden <N>', 'hidden layer before the output, 0 for none', quantity, 0)
  .option('--no-direct', 'no connections beside the hidden layer')
  .option('--contexts <LIST>', 'contexts of the n-gram tables', 'order2,order3,order4,order6,word,words')
  .option('--rows <LIST>', 'rows of each table (rounded down to primes); one number for all', '57000')
  .option('--batch <N>', 'lanes', quantity, 32)
  .option('--steps-per-segment <N>', 'steps of truncated back-propagation', quantity, 64)
  .option('--block <BYTES>', 'bytes that a lane reads in one piece', quantity, 65_536)
  .option('--lr <RATE>', 'learning rate', quantity, 2e-3)
  .option('--inverse-bytes <N>', 'let the rate fall by 1 / sqrt(1 + bytes / N)', quantity)
  .option('--warmup <STEPS>', 'steps of rising rate', quantity, 200)
  .option('--table-rate <FACTOR>', 'learning rate of the tables, relative', quantity, 1)
  .option('--clip <NORM>', 'limit of the gradient norm', quantity, 1)
  .option('--seed <N>', 'random seed', quantity, 1)
  .option('--bytes <N>', 'stop after so many training bytes', quantity, Infinity)
  .option('--minutes <N>', 'stop after so many minutes', quantity, Infinity)
  .option('--decay-bytes <N>', 'let the rate fall from here on, and stop after so many bytes', quantity)
  .option('--decay-floor <SHARE>', 'rate at the end of the decay', quantity, 0.02)
  .option('--checkpoint-minutes <N>', 'minutes between checkpoints', quantity, 5)
  .option('--validate-every <BYTES>', 'training bytes between validations', quantity, 8e6)
  .option('--validate-bytes <N>', 'bytes of each category to validate with', quantity, 262_144)
  .option('--threads <N>', 'worker threads that share the lanes', quantity, 1);

function newConfig(flags: Flags): RecurrentConfig {
  const kinds = flags.contexts.split(',') as ContextKind[];
  const rows = flags.rows.split(',').map((text) => primeUpTo(quantity(text)));
  const { cell, units, width, hidden, direct } = flags;
  return {
    network: 'recurrent',
    cell,
    units,
    width,
    hidden,
    direct,
    kinds,
    rows: rows.length === 1 ? kinds.map(() => rows[0]) : rows,
  };
}

function log(line: string): void {
  console.log(`${new Date().toISOString().slice(0, 19)} ${line}`);
}

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const own = join(flags.checkpoint, CHECKPOINT_FILE);
  if (flags.resume === undefined && existsSync(own)) {
    throw new LmzError('LMZ_EXISTS', `${own} exists`, {
      hint: 'resume it with --resume, or name another folder',
    });
  }
  const start = flags.resume ? own : flags.from === undefined ? undefined : join(flags.from, CHECKPOINT_FILE);
  const from: Checkpoint<TrainerMeta> | undefined = start === undefined ? undefined : readCheckpoint(start);
  const init =
    flags.init === undefined
      ? undefined
      : importRecurrent(loadModel(new Uint8Array(readFileSync(flags.init))));
  const network = recurrentNetwork(
    (from?.meta.network as RecurrentConfig | undefined) ?? init?.config ?? newConfig(flags),
  );
  // Rates may be changed when a run goes on; nothing else may.
  const given = (flag: string): boolean => from === undefined || program.getOptionValueSource(flag) === 'cli';
  const begun: TrainerOptions = from?.meta.options ?? {
    shape: { lanes: flags.batch, steps: flags.stepsPerSegment },
    blockSize: flags.block,
    seed: flags.seed,
    clipNorm: flags.clip,
    tableRate: flags.tableRate,
  };
  const options = given('tableRate') ? { ...begun, tableRate: flags.tableRate } : begun;
  let schedule: Schedule = from?.meta.schedule ?? { rate: flags.lr, warmup: flags.warmup };
  if (given('lr')) schedule = { ...schedule, rate: flags.lr };
  if (given('inverseBytes') && flags.inverseBytes !== undefined) {
    schedule = { ...schedule, inverseBytes: flags.inverseBytes };
  }
  if (flags.decayBytes !== undefined && schedule.decay === undefined) {
    const decay = { fromBytes: from?.meta.bytes ?? 0, bytes: flags.decayBytes, floor: flags.decayFloor };
    schedule = { ...schedule, decay };
  }
  const categories = flags.data.map((category) => readCategory(category, flags.held, flags.cache));
  for (const { name, weight, training, validation } of categories) {
    log(
      `${name}: weight ${weight}, ${training.length} bytes to train on, ${validation.length} to validate with`,
    );
  }
  const engine =
    flags.threads > 1
      ? createParallelEngine(network, options.shape, flags.threads)
      : await createOrtEngine(network, options.shape);
  const trainer = new Trainer(network, engine, categories, options, schedule, from);
  if (init !== undefined && from === undefined) {
    const { parameters, tables } = restore(init);
    trainer.initialize(parameters, tables);
  }
  log(`${JSON.stringify(network.config)} from ${trainer.bytes} bytes, schedule ${JSON.stringify(schedule)}`);

  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      log(`${name}: saving`);
      stop.abort();
    });
  }
  await runLoop(trainer, { ...flags, folder: flags.checkpoint, log }, stop.signal);
  await engine.release();
}

await main();
