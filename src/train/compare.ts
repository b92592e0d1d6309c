/**
 * Compares designs: trains each of a list of settings for the same bytes or minutes, exports and measures it, and writes
 * one table. What is trained already is not trained again, so that a long comparison can be stopped and continued.
 *
 *     lmz train --compare designs.json --data ... --bytes 6M --out designs.md
 *
 * The file holds `[{ "name": "gru-128", "units": 128 }, ...]`: a name and any settings, which replace the flags.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadModel } from '../model/load.ts';
import { openSession } from '../model/session.ts';
import { usageError } from '../terminal/command.ts';
import type { Display } from './display.ts';
import { formatDuration } from './energy.ts';
import { beside } from './export-model.ts';
import { trainModel } from './run.ts';
import { asConfig, type Config, type GivenSettings, readConfig, readSettings } from './settings.ts';

/** One row of the comparison. */
export interface DesignResult {
  readonly name: string;
  /** What the design sets. */
  readonly settings: Config;
  readonly bytes: number;
  readonly seconds: number;
  /** Bits per byte of the exact model, by category. */
  readonly bits: Readonly<Record<string, number>>;
  readonly modelBytes: number;
  /** Of the exact model in onnxruntime, by number of lanes. */
  readonly microseconds: Readonly<Record<string, number>>;
}

const RESULT_FILE = 'result.json';
const LANES = [1, 16] as const;
/** Calls that are timed together: so few that other work on the machine leaves some rounds alone. */
const CALLS = 60;
const ROUNDS = 40;

/** Microseconds a byte of a model's steps in onnxruntime: the best of many short rounds, because other work disturbs. */
export async function stepMicroseconds(file: Uint8Array, lanes: number, calls = CALLS): Promise<number> {
  const session = await openSession(loadModel(file), { lanes, engine: 'node' });
  const tokens = new Int32Array(lanes);
  const run = async (count: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      for (let lane = 0; lane < lanes; lane++) tokens[lane] = 97 + ((i * 7 + lane) % 26);
      await session.run(tokens, 1);
    }
    return ((performance.now() - start) * 1000) / (count * lanes);
  };
  await run(calls);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, await run(calls));
  await session.release();
  return best;
}

/** Times a model with one and with several lanes. */
export async function measureSpeed(file: Uint8Array, calls = CALLS): Promise<Record<string, number>> {
  const microseconds: Record<string, number> = {};
  for (const lanes of LANES) {
    microseconds[lanes] = Number((await stepMicroseconds(file, lanes, Math.ceil(calls / lanes))).toFixed(1));
  }
  return microseconds;
}

/** @throws LmzError `LMZ_USAGE` where the file is no list of named settings */
function readDesigns(path: string): Config[] {
  const list = readConfig(path);
  if (!Array.isArray(list) || list.length === 0)
    throw usageError(`${path}: a list of designs is expected`, 'lmz train');
  const designs = list.map((design, i) => asConfig(design, `${path}: design ${i + 1}`));
  const names = designs.map(({ name }) => name);
  for (const name of names) {
    if (typeof name !== 'string' || !/^[\w.+-]+$/.test(name)) {
      throw usageError(
        `${path}: every design needs a name of letters, digits, ".", "+", "_" and "-"`,
        'lmz train',
      );
    }
  }
  if (new Set(names).size < names.length) throw usageError(`${path}: two designs have one name`, 'lmz train');
  return designs;
}

/** The table, Markdown. */
export function designTable(results: readonly DesignResult[]): string {
  const categories = [...new Set(results.flatMap(({ bits }) => Object.keys(bits)))];
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const heads = [
    'design',
    'settings',
    'MB trained',
    'training time',
    ...categories.map((name) => `${name}, bits/byte`),
    'model bytes',
    ...LANES.map((lanes) => `us a byte, ${lanes} ${lanes === 1 ? 'lane' : 'lanes'}`),
  ];
  const rows = results.map(({ name, settings, bytes, seconds, bits, modelBytes, microseconds }) => [
    name,
    Object.entries(settings)
      .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(',') : String(value)}`)
      .join('; '),
    (bytes / 1e6).toFixed(1),
    formatDuration(seconds),
    ...categories.map((category) => (category in bits ? bits[category].toFixed(4) : '-')),
    modelBytes,
    ...LANES.map((lanes) => String(microseconds[lanes])),
  ]);
  return [row(heads), row(heads.map(() => '---')), ...rows.map(row), ''].join('\n');
}

/**
 * Trains all designs and writes the table to `--out`, with each design's files in a folder beside it.
 *
 * @param argv - the flags that all designs share
 */
export async function compareDesigns(
  argv: readonly string[],
  { settings }: GivenSettings,
  display: Display,
  signal: AbortSignal,
): Promise<void> {
  const out = settings.out!;
  const path = settings.compare!;
  const designs = readDesigns(path);
  const results: DesignResult[] = [];
  for (const design of designs) {
    const name = design['name'] as string;
    const folder = join(beside(out, '').replace(/\.md$/, ''), name);
    const known = join(folder, RESULT_FILE);
    if (existsSync(known)) {
      results.push(JSON.parse(readFileSync(known, 'utf8')) as DesignResult);
      continue;
    }
    display.log(`design ${name}`);
    const given = readSettings(argv, {
      ...design,
      out: join(folder, 'model.onnx'),
      checkpoint: folder,
      ...(existsSync(join(folder, 'checkpoint.bin')) && { resume: true }),
    });
    const run = await trainModel(given, display, signal);
    if (run.model === undefined) return;
    const own = Object.fromEntries(Object.entries(design).filter(([key]) => key !== 'name'));
    const result: DesignResult = {
      name,
      settings: own,
      bytes: run.totalBytes,
      seconds: run.seconds,
      bits: run.model.exact,
      modelBytes: run.model.file.length,
      microseconds: await measureSpeed(run.model.file),
    };
    writeFileSync(known, `${JSON.stringify(result)}\n`);
    results.push(result);
  }
  const table = designTable(results);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, table);
  display.log(`table of ${results.length} designs: ${out}`);
}
