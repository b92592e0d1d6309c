/**
 * The command line of `lmz` becomes typed settings. Everything that can be refused without looking at a file is
 * refused here, with LMZ_USAGE; ranges and choices of codec options are left to the library, which owns them.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LEVEL_MAX, LEVEL_MIN } from '../codec/levels.ts';
import type { DecodeOptions, EncodeOptions } from '../index.ts';
import { parseWith, silentCommand, usageError } from '../terminal/command.ts';
import { parseSize } from '../terminal/sizes.ts';

/** What is done with each file. */
export type Operation = 'compress' | 'decompress' | 'test' | 'list';

/** A command line, understood. */
export interface Settings {
  operation: Operation;
  /** Names as given; `-` is standard input. Never empty. */
  files: string[];
  /** Everything goes to standard output. */
  toStdout: boolean;
  /** The name that the one output shall have. */
  output: string | undefined;
  force: boolean;
  /** Remove each source when its output is safe on disk. */
  remove: boolean;
  /** Decode and compare before an output gets its name. */
  verify: boolean;
  /** Unpack tars: those that lmz made of folders (`auto`), any, or none. */
  unpack: 'auto' | 'always' | 'never';
  json: boolean;
  /** How often `-q` was given: one silences warnings and progress, two errors as well. */
  quiet: number;
  /** How often `-v` was given. */
  verbose: number;
  encode: EncodeOptions;
  decode: DecodeOptions;
}

/** What the command line asks for. */
export type Request = { kind: 'help' } | { kind: 'version' } | { kind: 'run'; settings: Settings };

/** Values of the codec's options as commander leaves them; see {@link addCodecOptions}. */
export interface CodecValues {
  model?: string;
  embedModel?: true;
  platformBound?: true;
  engine?: string;
  mode?: string;
  check?: string;
  threads?: number;
  lanes?: number;
  chunkSize?: number;
  memlimit?: number;
}

/** All values. */
interface Values extends CodecValues {
  stdout?: true;
  output?: string;
  force?: true;
  verify?: true;
  unpack?: boolean;
  json?: true;
  quiet?: number;
  verbose?: number;
  help?: true;
  version?: true;
}

/**
 * Reads the arguments after `lmz`.
 *
 * @throws {@link LmzError} LMZ_USAGE
 */
export function parseArguments(argv: readonly string[]): Request {
  const program = silentCommand('lmz').argument('[files...]');
  // xz lets the last of -z, -d, -t and -l win, and the last of -k and --rm; so a wrapper's options can be overridden.
  let operation: Operation = 'compress';
  let remove = false;
  for (const [flags, name] of [
    ['-z, --compress', 'compress'],
    ['-d, --decompress', 'decompress'],
    ['-t, --test', 'test'],
    ['-l, --list', 'list'],
  ] as const) {
    program.option(flags).on(`option:${name}`, () => (operation = name));
  }
  program.option('-k, --keep').on('option:keep', () => (remove = false));
  program.option('--rm').on('option:rm', () => (remove = true));
  program
    .option('-c, --stdout')
    .option('-o, --output <file>')
    .option('-f, --force')
    .option('--verify')
    .option('--unpack')
    .option('--no-unpack')
    .option('--embed-model')
    .option('--check <kind>')
    .option('--json')
    .option('-q, --quiet', '', increase, 0)
    .option('-v, --verbose', '', increase, 0)
    .option('-h, --help')
    .option('-V, --version');
  const levelGiven = addCodecOptions(program);

  parseWith(program, argv);
  const values = program.opts<Values>();
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  // commander knows neither that `--no-unpack` has a third state nor who set it.
  const unpackGiven = program.getOptionValueSource('unpack') === 'cli';
  const settings: Settings = {
    operation,
    files: program.args.length === 0 ? ['-'] : program.args,
    toStdout: values.stdout === true || values.output === '-',
    output: values.output === '-' ? undefined : values.output,
    force: values.force === true,
    remove,
    verify: values.verify === true || remove,
    unpack: unpackGiven ? (values.unpack ? 'always' : 'never') : 'auto',
    json: values.json === true,
    quiet: values.quiet ?? 0,
    verbose: values.verbose ?? 0,
    encode: encodeOptions(values, levelGiven()),
    decode: decodeOptions(values),
  };
  refuseContradictions(settings);
  return { kind: 'run', settings };
}

/**
 * Declares the options that say how content is coded.
 *
 * @returns what gives the level, once the program has parsed
 */
export function addCodecOptions(program: Command): () => number | undefined {
  program
    .option('-m, --model <model>')
    .option('--platform-bound')
    .option('--engine <engine>')
    .option('--mode <mode>')
    .option('-T, --threads <n>', '', wholeNumber)
    .option('--lanes <n>', '', wholeNumber)
    .option('--chunk-size <size>', '', size)
    .option('-M, --memlimit <size>', '', size);
  // The last level given counts. -0 goes to the library, too, which says what there is.
  let level: number | undefined;
  for (const digit of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    program.addOption(new Option(`-${digit}`).hideHelp()).on(`option:${digit}`, () => (level = digit));
  }
  program.option('--fast').on('option:fast', () => (level = LEVEL_MIN));
  program.option('--best').on('option:best', () => (level = LEVEL_MAX));
  return () => level;
}

function refuseContradictions(settings: Settings): void {
  const { files, operation, remove, output, toStdout } = settings;
  const writes = operation === 'compress' || operation === 'decompress';
  if (files.includes('')) throw usageError('an empty file name');
  if (output === '') throw usageError('an empty name for the output');
  if (output !== undefined && toStdout) throw usageError('-o and -c do not go together');
  if (output !== undefined && files.length > 1)
    throw usageError('-o takes one input, because it names one output');
  if (output !== undefined && !writes) throw usageError('-o does not go with -t or -l, which write no file');
  if (settings.unpack === 'always' && toStdout) throw usageError('--unpack and -c do not go together');
  if (remove && !writes) throw usageError('--rm does not go with -t or -l');
  if (remove && (toStdout || files.includes('-'))) {
    throw usageError('--rm works from file to file: what went to a pipe cannot be checked');
  }
  if (
    settings.verify &&
    operation === 'compress' &&
    (toStdout || (files.includes('-') && output === undefined))
  ) {
    throw usageError('--verify needs an output file; with a pipe, run lmz -t on the result');
  }
  if (settings.json && operation !== 'list') throw usageError('--json goes with -l');
  if (operation === 'list' && files.includes('-')) {
    throw usageError('-l works on files: it reads their ends first, which a pipe does not allow');
  }
}

/** The values as the library takes them. */
export function encodeOptions(values: CodecValues, level: number | undefined): EncodeOptions {
  // The library checks these names' values at run time and lists the choices; the casts only let them get there.
  return defined({
    ...commonOptions(values),
    mode: values.mode as EncodeOptions['mode'],
    level,
    chunkSize: values.chunkSize,
    lanes: values.lanes,
    contentCheck: values.check as EncodeOptions['contentCheck'],
    embedModel: values.embedModel,
  });
}

function decodeOptions(values: CodecValues): DecodeOptions {
  return defined(commonOptions(values));
}

function commonOptions(values: CodecValues) {
  return {
    model: values.model,
    engine: values.engine as EncodeOptions['engine'],
    threads: values.threads === 0 ? undefined : values.threads,
    platformBound: values.platformBound,
    memoryLimit: values.memlimit,
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops what was not given, so that the library's defaults hold. */
function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** A size, for commander. */
export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('Expected a size such as 65536, 512K or 4M.');
  return bytes;
}

function increase(_text: string, before: number): number {
  return before + 1;
}
