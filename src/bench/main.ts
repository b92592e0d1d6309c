/**
 * Runs benchmarks of the repository, whose results are committed in `bench/results/`:
 *
 *     npm run bench -- NAME...                    one of the list below; each writes its table
 *     npm run bench -- corpora [FLAG]...          every corpus file, or those of --dataset, beside every rival
 *     npm run bench -- --dataset NAME [FLAG]...   `lmz bench` with these flags
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../cli/run.ts';
import { corpusPath } from './report.ts';
import { protocolsOf, readSettings, type Settings } from './settings.ts';

const BENCHMARKS: Record<string, () => Promise<{ run: () => Promise<void> }>> = {
  chunks: () => import('./chunks.ts'),
  'coder-cost': () => import('./coder-cost.ts'),
  'mix-speed': () => import('./mix-speed.ts'),
  'model-speed': () => import('./model-speed.ts'),
  protocol: () => import('./protocol.ts'),
  'stored-stream': () => import('./stored-stream.ts'),
  thesis: () => import('./thesis.ts'),
  train: () => import('./train.ts'),
  'transformer-speed': () => import('./transformer-speed.ts'),
  tuning: () => import('./tuning.ts'),
};

const results = (name: string): string =>
  fileURLToPath(new URL(`../../bench/results/${name}`, import.meta.url));

/** Rivals come from the cache where they ran before; sizes are what this table is about, so one round is enough. */
const CORPORA = [
  ...['--compressor', 'rivals,levels', '--per-file'],
  ...['--rounds', '1', '--cache', results('rivals.json')],
];
const CORPORA_SETS = ['--dataset', 'calgary,canterbury,large,enwik6'];

/** `calgary-books`, `large-bible-chunked` */
function resultName({ dataset, protocol }: Settings, chunked: boolean): string {
  const names = dataset.map((name) => (existsSync(name) ? basename(name) : name.replaceAll('/', '-')));
  const suffix = protocol === 'both' ? '-both' : chunked ? '-chunked' : '';
  return names.join('+') + suffix;
}

/** Flags that are not given, for the repository: where its corpora are and where its results go. */
function withDefaults(argv: readonly string[], name?: string): string[] {
  const settings = readSettings(argv);
  const corpora =
    process.env['LMZ_CORPORA'] === undefined && existsSync(corpusPath(''))
      ? ['--corpora', corpusPath('')]
      : [];
  const chunked = protocolsOf(settings).some((size) => size !== undefined);
  const out = settings.check === undefined ? ['--out', results(name ?? resultName(settings, chunked))] : [];
  // Of two, the later wins.
  return [...corpora, ...out, ...argv];
}

/** `lmz bench`, its errors told as `lmz` tells them. */
function bench(argv: readonly string[], name?: string): Promise<number> {
  let flags = argv;
  try {
    flags = withDefaults(argv, name);
  } catch {
    // Flags that make no sense: the command says so.
  }
  const { stdin, stdout, stderr } = process;
  return run(['bench', ...flags], { stdin, stdout, stderr, debug: (process.env.LMZ_DEBUG ?? '') !== '' });
}

const argv = process.argv.slice(2);
const unknown = argv.filter((name) => !(name in BENCHMARKS));
if (argv[0] === 'corpora') {
  const flags = argv.slice(1);
  const sets = flags.some((flag) => /^(?:-d|--dataset)/.test(flag)) ? [] : CORPORA_SETS;
  process.exitCode = await bench([...sets, ...CORPORA, ...flags], 'corpora');
} else if (argv[0]?.startsWith('-')) {
  process.exitCode = await bench(argv);
} else if (argv.length === 0 || unknown.length > 0) {
  const names = Object.keys(BENCHMARKS).join(', ');
  process.stderr.write(
    `usage: npm run bench -- NAME... (${names})\n       npm run bench -- corpora [FLAG]...\n       npm run bench -- --dataset NAME [FLAG]... (see lmz bench --help)\n`,
  );
  process.exitCode = 1;
} else {
  for (const name of argv) await (await BENCHMARKS[name]()).run();
}
