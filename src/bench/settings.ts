/**
 * The flags of `lmz bench`.
 *
 * @module
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parseWith, silentCommand } from '../terminal/command.ts';
import { parseSize } from '../terminal/sizes.ts';
import { ENWIK_URL } from '../train/datasets.ts';

const COMMAND = 'lmz bench';
/** Bytes of a chunk in the thesis, and in DeepMind's code. */
const CHUNK_SIZE = 2048;
const PROTOCOLS = ['whole', 'chunked', 'both'] as const;

/** What a benchmark run is told. */
export interface Settings {
  readonly help?: true;
  readonly list?: true;
  readonly compressor: readonly string[];
  readonly dataset: readonly string[];
  readonly protocol?: (typeof PROTOCOLS)[number];
  readonly chunkSize?: number;
  readonly numChunks?: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly nice: number;
  readonly perFile?: true;
  readonly out?: string;
  readonly html?: string;
  readonly curve: readonly string[];
  readonly check?: string;
  readonly cache?: string;
  readonly corpora: string;
  readonly enwik: string;
  readonly quiet?: true;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a positive whole number.');
  return value;
}

function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes < 1)
    throw new InvalidArgumentError('Expected a size such as 2048 or 64K.');
  return bytes;
}

function niceness(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 19)
    throw new InvalidArgumentError('Expected 0 to 19.');
  return value;
}

function protocol(text: string): string {
  if (!(PROTOCOLS as readonly string[]).includes(text)) {
    throw new InvalidArgumentError(`Expected one of: ${PROTOCOLS.join(', ')}.`);
  }
  return text;
}

const list = (text: string, earlier: readonly string[] = []): string[] => [
  ...earlier,
  ...text.split(',').filter((name) => name !== ''),
];

/** @throws LmzError LMZ_USAGE */
export function readSettings(argv: readonly string[]): Settings {
  const program = silentCommand(COMMAND)
    .option('-h, --help')
    .option('--list')
    .option('-c, --compressor <names>', '', list)
    .option('-d, --dataset <names>', '', list)
    .option('--protocol <protocol>', '', protocol)
    .option('--chunk-size <bytes>', '', size)
    .option('--num-chunks <count>', '', positive)
    .option('--rounds <count>', '', positive, 3)
    .option('--seconds <seconds>', '', positive, 60)
    .option('--nice <nice>', '', niceness, 0)
    .option('--per-file')
    .option('-o, --out <base>')
    .option('--html <file>')
    .option('--curve <files>', '', list)
    .option('--check <file>')
    .option('--cache <file>')
    .option('--corpora <folder>', '', process.env['LMZ_CORPORA'] ?? join(homedir(), '.cache/lmz/corpora'))
    .option('--enwik <file>', '', ENWIK_URL)
    .option('-q, --quiet');
  parseWith(program, argv);
  const given = program.opts<Partial<Settings>>();
  return {
    ...given,
    compressor: given.compressor ?? ['all'],
    dataset: given.dataset ?? [],
    curve: given.curve ?? [],
  } as Settings;
}

/**
 * What a compressor is given, as sizes of chunks; undefined is the whole input.
 *
 * A size of chunks asks for chunks; both protocols cut their input where a number of chunks says so.
 */
export function protocolsOf(settings: Settings): (number | undefined)[] {
  const { chunkSize, protocol: wanted = chunkSize === undefined ? 'whole' : 'chunked' } = settings;
  const chunked = chunkSize ?? CHUNK_SIZE;
  if (wanted === 'both') return [undefined, chunked];
  return wanted === 'whole' ? [undefined] : [chunked];
}

/** Bytes of every input that are used; undefined is all. */
export function limitOf({ chunkSize = CHUNK_SIZE, numChunks }: Settings): number | undefined {
  return numChunks === undefined ? undefined : numChunks * chunkSize;
}
