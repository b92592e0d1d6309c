/**
 * One training run from its settings to the files that it leaves.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { toHex } from '../bytes.ts';
import { LmzError } from '../errors.ts';
import { loadModel } from '../model/load.ts';
import { resolveModel } from '../model/registry.ts';
import { usageError } from '../terminal/command.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { modelOfCheckpoint } from './checkpoint-model.ts';
import { type Category, readCategory } from './corpus.ts';
import { datasetFiles, isDataset } from './datasets.ts';
import type { Display } from './display.ts';
import { openEngine } from './engines.ts';
import { beside, measureRounding, writeCurve, writeModel } from './export-model.ts';
import { categoriesOf } from './flags.ts';
import { CHECKPOINT_FILE, continueProgress, type LoopResult, readProgress, runLoop } from './loop.ts';
import type { Network, SegmentShape } from './network.ts';
import {
  createNetwork,
  importWeights,
  type NetworkConfig,
  networkKind,
  trainedBytes,
  type Weights,
} from './networks.ts';
import type { Schedule } from './schedule.ts';
import type { GivenSettings, Settings } from './settings.ts';
import { readsOn, Trainer, type TrainerMeta, type TrainerOptions } from './trainer.ts';
import { isWider, widenCheckpoint, widenWeights } from './widen.ts';

/** What a run gave. */
export interface RunResult extends LoopResult {
  readonly network: NetworkConfig;
  /** Trained on since the first run. */
  readonly totalBytes: number;
  /** The exported model; absent where none was asked for or a signal ended the run. */
  readonly model?: {
    readonly path: string;
    readonly file: Uint8Array;
    /** Bits per byte by category. */
    readonly exact: Readonly<Record<string, number>>;
  };
}

const COMMAND = 'lmz train';
/** A network is made of these settings. */
const NETWORK_SETTINGS = [
  'network',
  'width',
  'cell',
  'units',
  'hidden',
  'direct',
  'contexts',
  'rows',
  'layers',
  'heads',
  'widening',
  'positions',
  'context',
  'initScale',
] as const satisfies readonly (keyof Settings)[];
/** These stay as they were when a run goes on, and change only in a copy of it. */
const FIXED_SETTINGS = ['batch', 'sequence', 'block', 'sampling', 'seed'] as const;
/** The share of the steps in which the rate rises is not more than this. */
const WARMUP_SHARE = 0.1;

/** Sizes that make no sense are the caller's mistake. */
function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw usageError(error.message, COMMAND);
    throw error;
  }
}

async function readData(settings: Settings, display: Display): Promise<Category[]> {
  const { corpora, enwik, held, cache } = settings;
  const options = { folder: corpora, enwik, progress: display.download, log: display.log };
  const categories: Category[] = [];
  for (const source of categoriesOf(settings.data)) {
    const paths: string[] = [];
    for (const path of source.paths) {
      if (isDataset(path)) paths.push(...(await datasetFiles(path, options)));
      else paths.push(path);
    }
    const category = await readCategory({ ...source, paths }, held, cache);
    const { name, weight, training, validation } = category;
    display.log(
      `${name}: weight ${weight}, ${training.length} bytes to train on, ${validation.length} to validate with`,
    );
    categories.push(category);
  }
  return categories;
}

/** A lane's piece of text: as long as wanted, where the shortest category has so much. */
function blockSize({ block, sequence }: Settings, categories: readonly Category[]): number {
  const shortest = Math.min(block, ...categories.map(({ training }) => training.length));
  const size = Math.floor(shortest / sequence) * sequence;
  if (size > 0) return size;
  const category = categories.find(({ training }) => training.length < sequence);
  throw usageError(
    category === undefined
      ? `--block ${block} is shorter than --sequence ${sequence}`
      : `the training text "${category.name}" is too short: ${category.training.length} bytes, a sequence has ${sequence}`,
    COMMAND,
  );
}

/** Where a run starts. */
interface Start {
  readonly from: Checkpoint<TrainerMeta> | undefined;
  readonly init: Weights | undefined;
  /** Bytes that the model of `init` was trained on. */
  readonly before?: number;
  /** The folder that the checkpoint is from. */
  readonly source: string;
}

async function findStart(settings: Settings, folder: string): Promise<Start> {
  const own = join(folder, CHECKPOINT_FILE);
  const { resume, from, init } = settings;
  if (resume === undefined && existsSync(own)) {
    throw new LmzError('LMZ_EXISTS', `${own} exists`, {
      hint: 'Go on from it with --resume, or name another folder with --checkpoint.',
    });
  }
  const source = from ?? folder;
  const path = resume ? own : from === undefined ? undefined : join(from, CHECKPOINT_FILE);
  if (path !== undefined) {
    if (!existsSync(path)) throw usageError(`there is no checkpoint ${path}`, COMMAND);
    return { from: readCheckpoint(path), init: undefined, source };
  }
  if (init === undefined) return { from: undefined, init: undefined, source };
  const bytes = existsSync(init) ? new Uint8Array(readFileSync(init)) : (await resolveModel(init)).bytes;
  const model = loadModel(bytes);
  return { from: undefined, init: importWeights(model), before: trainedBytes(model), source };
}

/**
 * The network of the checkpoint or model; else of the settings. Explicit settings may only ask for a wider one than
 * was known.
 *
 * @returns where to start with it
 */
function chooseNetwork({ settings, given }: GivenSettings, start: Start): { network: Network; start: Start } {
  const { from, init } = start;
  const known = (from?.meta.network as NetworkConfig | undefined) ?? init?.config;
  if (known !== undefined && !NETWORK_SETTINGS.some(given)) return { network: createNetwork(known), start };
  const network = asUsage(() => createNetwork(networkKind(settings.network).configure(settings)));
  const config = network.config as NetworkConfig;
  if (known === undefined || JSON.stringify(config) === JSON.stringify(createNetwork(known).config)) {
    return { network, start };
  }
  if (settings.resume !== undefined || !isWider(known, config)) {
    throw usageError(
      'the network is given by the checkpoint or model; leave out the flags that say otherwise (--from and --init can give it more units)',
      COMMAND,
    );
  }
  return {
    network,
    start: {
      ...start,
      from: from && widenCheckpoint(from, config),
      init: init && widenWeights(init, config),
    },
  };
}

function optionsOf(settings: Settings, categories: readonly Category[], { config }: Network): TrainerOptions {
  const { batch, sequence, seed, sampling, clip } = settings;
  const { tableRate = networkKind((config as NetworkConfig).network).tableRate } = settings;
  return {
    shape: { lanes: batch, steps: sequence },
    blockSize: blockSize(settings, categories),
    seed,
    clipNorm: clip,
    tableRate,
    ...(sampling === 'random' && { sampling }),
  };
}

function chooseOptions(
  { settings, given }: GivenSettings,
  { from }: Start,
  categories: readonly Category[],
  network: Network,
): TrainerOptions {
  const saved = from?.meta.options;
  if (saved === undefined) return optionsOf(settings, categories, network);
  const rates = {
    clip: given('clip') ? settings.clip : saved.clipNorm,
    tableRate: settings.tableRate ?? saved.tableRate,
  };
  const before: Pick<Settings, (typeof FIXED_SETTINGS)[number]> = {
    batch: saved.shape.lanes,
    sequence: saved.shape.steps,
    // It may have been wanted longer than the text.
    block: Math.max(saved.blockSize, settings.block),
    sampling: saved.sampling ?? 'blocks',
    seed: saved.seed,
  };
  const changed = FIXED_SETTINGS.filter((name) => given(name) && settings[name] !== before[name]);
  if (changed.length === 0) return { ...saved, clipNorm: rates.clip, tableRate: rates.tableRate };
  if (settings.from === undefined) {
    throw usageError(
      `--${changed[0]} was ${before[changed[0]]} in the checkpoint, and stays so except with --from`,
      COMMAND,
    );
  }
  const now = Object.fromEntries(changed.map((name) => [name, settings[name]]));
  return optionsOf({ ...settings, ...rates, ...before, ...now }, categories, network);
}

/** A run goes on with the text that it began with, unless it begins to read anew. */
function compareData({ from }: Start, options: TrainerOptions, categories: readonly Category[]): void {
  const before = from?.meta.data;
  if (before === undefined || !readsOn(from!.meta.options, options)) return;
  const now = categories.map(({ name, weight, training }) => ({ name, weight, bytes: training.length }));
  if (JSON.stringify(before) === JSON.stringify(now)) return;
  const text = before.map(({ name, weight, bytes }) => `${name}=${weight} (${bytes} bytes)`).join(', ');
  throw usageError(`the training text is not that of the checkpoint, which was ${text}`, COMMAND);
}

/** Bytes at which training ends; Infinity where only time or a signal ends it. */
function endOf({ bytes, steps }: Settings, { lanes, steps: length }: SegmentShape): number {
  return Math.min(bytes ?? Infinity, (steps ?? Infinity) * lanes * length);
}

function chooseSchedule({ settings, given }: GivenSettings, { from }: Start, shape: SegmentShape): Schedule {
  const { lr, warmup, inverseBytes, decayBytes, decayFloor: floor, schedule: kind } = settings;
  const end = endOf(settings, shape);
  const start = from?.meta.bytes ?? 0;
  const saved = from?.meta.schedule;
  const steps = end / (shape.lanes * shape.steps);
  let schedule: Schedule = saved ?? { rate: lr, warmup: Math.ceil(Math.min(warmup, steps * WARMUP_SHARE)) };
  if (given('lr')) schedule = { ...schedule, rate: lr };
  if (inverseBytes !== undefined) schedule = { ...schedule, inverseBytes };
  if (schedule.decay !== undefined) return schedule;
  if (decayBytes !== undefined) {
    return { ...schedule, decay: { fromBytes: start, bytes: decayBytes, floor } };
  }
  const cosine = kind === 'cosine' || (kind === 'auto' && saved === undefined && Number.isFinite(end));
  return cosine ? { ...schedule, decay: { fromBytes: start, bytes: end - start, floor } } : schedule;
}

/** The folder of checkpoint and progress. */
export function checkpointFolder({ checkpoint, out }: Settings): string {
  return checkpoint ?? beside(out!, '.checkpoint');
}

/**
 * Trains, and exports the model.
 *
 * @param signal - ends training early: the checkpoint is saved, nothing is exported
 * @throws LmzError `LMZ_USAGE` where settings, checkpoint and data do not fit together
 */
export async function trainModel(
  given: GivenSettings,
  display: Display,
  signal: AbortSignal,
): Promise<RunResult> {
  const { settings } = given;
  const folder = checkpointFolder(settings);
  const { network, start } = chooseNetwork(given, await findStart(settings, folder));
  const categories = await readData(settings, display);
  const options = chooseOptions(given, start, categories, network);
  compareData(start, options, categories);
  const schedule = chooseSchedule(given, start, options.shape);
  const { engine, description } = await openEngine(settings.engine, network, options.shape, settings.threads);
  try {
    const trainer = asUsage(() => new Trainer(network, engine, categories, options, schedule, start.from));
    const { init, before = 0 } = start;
    if (init !== undefined) trainer.initialize(init.parameters, init.tables, before);
    display.log(
      `${JSON.stringify(network.config)} from ${trainer.bytes} bytes, schedule ${JSON.stringify(schedule)}`,
    );
    display.log(`engine: ${description}`);
    mkdirSync(folder, { recursive: true });
    continueProgress(folder, start.source, start.from === undefined ? -1 : trainer.bytes);
    const { minutes = Infinity, schedule: kind, decayShare: share, decayFloor: floor } = settings;
    const byTime = kind === 'auto' && schedule.decay === undefined && Number.isFinite(minutes) && minutes > 0;
    const result = await runLoop(
      trainer,
      {
        folder,
        bytes: endOf(settings, options.shape),
        minutes,
        ...(byTime && { finish: { share, floor } }),
        checkpointMinutes: settings.checkpointMinutes,
        validateEvery: settings.validateEvery,
        validateBytes: settings.validateBytes,
        validateFirst: init !== undefined,
        log: display.log,
        onStep: display.step,
        onReport: display.report,
      },
      signal,
    );
    display.summary(result.bytes, result.seconds, result.trainBits);
    const common = { ...result, network: network.config as NetworkConfig, totalBytes: trainer.bytes };
    if (result.stopped) {
      display.log(`stopped; --resume goes on from ${join(folder, CHECKPOINT_FILE)}`);
      return common;
    }
    const { out } = settings;
    if (out === undefined) return common;
    return { ...common, model: await finish(out, settings, trainer, categories, result, display) };
  } finally {
    await engine.release();
  }
}

async function finish(
  out: string,
  settings: Settings,
  trainer: Trainer,
  categories: readonly Category[],
  { validation }: LoopResult,
  display: Display,
): Promise<NonNullable<RunResult['model']>> {
  const name = settings.name ?? basename(beside(out, ''));
  const checkpoint = trainer.checkpoint();
  const { bytes, before, options, schedule } = checkpoint.meta;
  const training = { bytes, before, options, schedule, init: settings.init };
  const weights = modelOfCheckpoint(checkpoint);
  const model = await writeModel(out, weights, { name, training, categories });
  writeCurve(out, `Training of ${name}`, readProgress(checkpointFolder(settings)));
  const roundings = await measureRounding(
    model,
    weights,
    categories,
    options.shape,
    settings.validateBytes,
    () => Promise.resolve(validation),
  );
  display.log(`${out}: ${model.bytes.length} bytes, SHA-256 ${toHex(model.hash)}`);
  const bits = roundings.map(
    ({ category, exact, cost }) => `${category} ${exact.toFixed(4)} (rounding ${cost.toFixed(2)} %)`,
  );
  if (bits.length > 0) display.log(`exact model: ${bits.join(', ')} bits/byte`);
  display.log(`curve: ${beside(out, '.svg')}, ${beside(out, '.html')}, ${beside(out, '.curve.json')}`);
  const exact = Object.fromEntries(roundings.map(({ category, exact: value }) => [category, value]));
  return { path: out, file: model.bytes, exact };
}
