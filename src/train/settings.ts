/**
 * What a training run is told: flags, then a configuration file with the same names, then a preset, then the defaults.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { parseWith, silentCommand, usageError } from '../terminal/command.ts';
import { CONTEXT_KINDS } from './contexts.ts';
import { ENWIK_URL } from './datasets.ts';
import { ENGINES } from './engines.ts';
import { count, counts, type DataFlag, dataFlag, list, oneOf, quantity } from './flags.ts';
import { type NetworkSettings, networkKind } from './networks.ts';
import type { Sampling } from './stream.ts';

const COMMAND = 'lmz train';

/** How the learning rate goes; "auto" is a cosine where the end is known, else constant with a decay at the end. */
export const SCHEDULES = ['auto', 'constant', 'cosine'] as const;

/** A training run's settings. */
export interface Settings extends NetworkSettings {
  readonly help?: true;
  readonly preset?: string;
  readonly data: readonly DataFlag[];
  readonly out?: string;
  readonly name?: string;
  readonly corpora: string;
  readonly enwik: string;
  readonly cache: string;
  readonly held: number;
  readonly batch: number;
  readonly sequence: number;
  readonly block: number;
  readonly sampling: Sampling;
  readonly lr: number;
  readonly schedule: (typeof SCHEDULES)[number];
  readonly warmup: number;
  readonly inverseBytes?: number;
  readonly decayBytes?: number;
  readonly decayShare: number;
  readonly decayFloor: number;
  /** The network's own where nothing is said. */
  readonly tableRate?: number;
  readonly clip: number;
  readonly seed: number;
  readonly bytes?: number;
  readonly steps?: number;
  readonly minutes?: number;
  readonly checkpoint?: string;
  readonly resume?: true;
  readonly from?: string;
  readonly init?: string;
  readonly checkpointMinutes: number;
  readonly validateEvery: number;
  readonly validateBytes: number;
  readonly engine: string;
  readonly threads: number;
  readonly watts?: number;
  readonly compare?: string;
}

/** Where settings come from, which matters when a run goes on: what was only a default gives way to the checkpoint. */
export interface GivenSettings {
  readonly settings: Settings;
  /** Whether the flag or the file says so. */
  readonly given: (name: keyof Settings) => boolean;
}

/** Values by flag name, as a configuration file holds them. */
export type Config = Readonly<Record<string, unknown>>;

/**
 * The settings of the thesis, and its results: 2552 nats per sequence after 122.5 hours on a share of an A100 that drew
 * 12 kWh (98 W).
 */
export const THESIS = { natsPerSequence: 2552, sequence: 2048, hours: 122.5, kilowattHours: 12 } as const;

/** Presets: values for the flags of these names. */
export const PRESETS: Readonly<Record<string, Config>> = {
  thesis: {
    network: 'transformer',
    layers: 4,
    width: 64,
    heads: 8,
    widening: 4,
    positions: 'sinusoidal',
    context: THESIS.sequence,
    'init-scale': 0.02,
    data: ['enwik9'],
    steps: 1_000_000,
    batch: 32,
    sequence: THESIS.sequence,
    block: THESIS.sequence,
    sampling: 'random',
    lr: 1e-4,
    'table-rate': 1,
    schedule: 'constant',
    warmup: 0,
    watts: 98,
  },
};

const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmz');

function trainCommand(): Command {
  const contexts = (text: string): string[] => {
    const unknown = list(text).find((kind) => !Object.hasOwn(CONTEXT_KINDS, kind));
    if (unknown === undefined) return list(text);
    throw new InvalidArgumentError(
      `Unknown "${unknown}"; there are: ${Object.keys(CONTEXT_KINDS).join(', ')}.`,
    );
  };
  const share = (text: string): number => {
    const value = quantity(text);
    if (value >= 1) throw new InvalidArgumentError('Expected a share, below 1.');
    return value;
  };
  return (
    silentCommand(COMMAND)
      .argument('[words...]')
      .option('-h, --help')
      .option('--config <file>')
      .option('--preset <name>', '', oneOf(Object.keys(PRESETS)))
      // Data
      .option('--data <what...>', '', dataFlag, [])
      .option('--corpora <dir>', '', join(cacheFolder(), 'corpora'))
      .option('--enwik <file>', '', ENWIK_URL)
      .option('--cache <dir>', '', join(cacheFolder(), 'text'))
      .option('--held <share>', '', share, 0.015)
      // Network
      .option('--network <name>', '', 'recurrent')
      .option('--width <n>', '', count, 64)
      .option('--cell <name>', '', oneOf(['gru', 'minimal']), 'gru')
      .option('--units <n>', '', count, 256)
      .option('--hidden <n>', '', count, 128)
      .option('--no-direct')
      .option('--contexts <list>', '', contexts, ['order2', 'order3', 'order4', 'order6', 'word', 'words'])
      .option('--rows <list>', '', counts, [20e3, 50e3, 72e3, 75e3, 65e3, 75e3])
      .option('--layers <n>', '', count, 4)
      .option('--heads <n>', '', count, 8)
      .option('--widening <n>', '', count, 4)
      .option('--positions <kind>', '', oneOf(['sinusoidal', 'rotary']), 'sinusoidal')
      .option('--context <n>', '', count, 2048)
      .option('--init-scale <deviation>', '', quantity, 0.02)
      // Training
      .option('--batch <n>', '', count, 32)
      .option('--sequence <n>', '', count, 64)
      .option('--block <bytes>', '', count, 65_536)
      .option('--sampling <kind>', '', oneOf(['blocks', 'random']), 'blocks')
      .option('--lr <rate>', '', quantity, 2e-3)
      .option('--schedule <kind>', '', oneOf(SCHEDULES), 'auto')
      .option('--warmup <steps>', '', count, 200)
      .option('--inverse-bytes <n>', '', quantity)
      .option('--decay-bytes <n>', '', quantity)
      .option('--decay-share <share>', '', share, 0.4)
      .option('--decay-floor <share>', '', share, 0.02)
      .option('--table-rate <factor>', '', quantity)
      .option('--clip <norm>', '', quantity, 1)
      .option('--seed <n>', '', count, 1)
      .option('--bytes <n>', '', quantity)
      .option('--steps <n>', '', count)
      .option('--minutes <n>', '', quantity)
      // Files
      .option('-o, --out <model>')
      .option('--name <name>')
      .option('--checkpoint <dir>')
      .option('--resume')
      .option('--from <dir>')
      .option('--init <model>')
      .option('--checkpoint-minutes <n>', '', quantity, 5)
      .option('--validate-every <bytes>', '', quantity, 8e6)
      .option('--validate-bytes <n>', '', quantity, 262_144)
      // Machine
      .option('--engine <name>', '', oneOf(ENGINES), 'ort')
      .option('--threads <n>', '', count, 0)
      .option('--watts <n>', '', quantity)
      .option('--compare <file>')
  );
}

/**
 * Sets options that nobody has set before.
 *
 * @param origin - what messages call the source
 * @throws LmzError `LMZ_USAGE` where a name or value is none
 */
function applyConfig(program: Command, config: Config, source: string, origin: string): void {
  for (const [name, value] of Object.entries(config)) {
    const option = program.options.find(({ long }) => long?.replace(/^--(no-)?/, '') === name);
    if (option === undefined || name === 'help' || name === 'config') {
      throw usageError(`${origin}: there is no setting "${name}"`, COMMAND);
    }
    const key = option.attributeName();
    if (program.getOptionValueSource(key) !== 'default' && program.getOptionValueSource(key) !== undefined)
      continue;
    if (!option.required) {
      if (typeof value !== 'boolean') throw usageError(`${origin}: ${name} is true or false`, COMMAND);
      program.setOptionValueWithSource(key, value, source);
      continue;
    }
    const texts = (Array.isArray(value) ? value : [value]).map(String);
    const parse: (text: string, earlier: unknown) => unknown = option.parseArg ?? ((text) => text);
    try {
      const parsed = option.variadic
        ? texts.reduce<unknown>((earlier, text) => parse(text, earlier), [])
        : parse(texts.join(','), undefined);
      program.setOptionValueWithSource(key, parsed, source);
    } catch (error) {
      throw usageError(`${origin}: ${name}: ${(error as Error).message}`, COMMAND);
    }
  }
}

/** Reads a JSON file that holds settings. */
export function readConfig(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw usageError(`${path} cannot be read: ${(error as Error).message}`, COMMAND);
  }
}

/** @throws LmzError `LMZ_USAGE` where the value is no object */
export function asConfig(value: unknown, origin: string): Config {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError(`${origin}: an object of settings is expected`, COMMAND);
  }
  return value as Config;
}

/**
 * Reads the arguments after `train`.
 *
 * @param over - settings that come before all others
 * @throws LmzError `LMZ_USAGE`
 */
export function readSettings(argv: readonly string[], over: Config = {}): GivenSettings {
  const program = trainCommand();
  parseWith(program, argv);
  const { args } = program;
  if (args.length > 0) throw usageError(`"${args[0]}" is no flag; training text is named by --data`, COMMAND);
  if (Object.keys(over).length > 0) {
    // Flags hold for all designs; a design's own settings are what differs.
    for (const name of Object.keys(over)) {
      const key = program.options
        .find(({ long }) => long?.replace(/^--(no-)?/, '') === name)
        ?.attributeName();
      if (key !== undefined) program.setOptionValueWithSource(key, undefined, 'default');
    }
    applyConfig(program, over, 'config', 'design');
  }
  const { config } = program.opts<{ config?: string }>();
  if (config !== undefined) applyConfig(program, asConfig(readConfig(config), config), 'config', config);
  const { preset } = program.opts<{ preset?: string }>();
  if (preset !== undefined) applyConfig(program, PRESETS[preset], 'preset', `preset ${preset}`);
  const settings = program.opts<Settings>();
  const given = (name: keyof Settings): boolean =>
    ['cli', 'config'].includes(program.getOptionValueSource(name) ?? '');
  return {
    settings: { ...settings, threads: settings.threads === 0 ? availableParallelism() : settings.threads },
    given,
  };
}

/** Refuses what makes no sense before anything is read. */
export function checkSettings({ settings }: GivenSettings): void {
  const { data, out, checkpoint, resume, from, init, batch, sequence, schedule, watts } = settings;
  const refuse = (message: string): never => {
    throw usageError(message, COMMAND);
  };
  if (data.length === 0) refuse('no training text: name it with --data');
  if (out === undefined && checkpoint === undefined) refuse('nothing would be kept: give --out MODEL.onnx');
  if (resume && from !== undefined) refuse('--resume and --from do not go together');
  if (init !== undefined && from !== undefined) refuse('--init and --from do not go together');
  if (batch < 1 || sequence < 1) refuse('--batch and --sequence are at least 1');
  if (watts === 0) refuse('--watts is more than 0');
  const ends = settings.bytes !== undefined || settings.steps !== undefined;
  if (schedule === 'cosine' && !ends && settings.decayBytes === undefined) {
    refuse('a cosine needs to know its end: give --bytes or --steps');
  }
  networkKind(settings.network);
}
