/**
 * Where benchmark results go: one Markdown file per benchmark under `bench/results/`, with what it was measured on.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A table: column heads and rows of the same length. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Smallest, middle and largest of some measurements. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** @throws RangeError for no values */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('values expected at least one');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { min: sorted[0], median, max: sorted[sorted.length - 1] };
}

/** "median (min to max)" with this many digits after the point. */
export function formatSpread({ min, median, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

/** The commit, "-dirty" where what the benchmarks run was changed since; "unknown" outside a checkout. */
function describeCommit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changes = git('status', '--porcelain', '--', 'src', 'models', 'package-lock.json');
    return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : '-dirty');
  } catch {
    return 'unknown';
  }
}

/** Processors, runtime and system. */
export function describeHardware(): string {
  const processors = cpus();
  const model = processors[0]?.model ?? 'unknown processor';
  return `${processors.length} x ${model}, Node ${process.version}, ${process.platform}-${process.arch}`;
}

/** The machine and the code, for the head of a report. */
export function describeMachine(): string {
  return `${describeHardware()}, commit ${describeCommit()}`;
}

/** A table in Markdown. */
export function formatMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Prints a report and writes it to `bench/results/NAME.md`. */
export function writeReport(name: string, title: string, table: Table, notes: readonly string[]): void {
  const lines = [
    `# ${title}`,
    '',
    `\`npm run bench -- ${name}\` on ${describeMachine()}.`,
    '',
    formatMarkdown(table),
    '',
    ...notes.flatMap((note) => [note, '']),
  ];
  const text = `${lines.join('\n').trimEnd()}\n`;
  process.stdout.write(text);
  const folder = new URL('../../bench/results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}.md`, folder), text);
}

/** A file of the evaluation corpora, which lie beside the repository. */
export function corpusPath(name: string): string {
  return fileURLToPath(new URL(`../../../shared/corpora/${name}`, import.meta.url));
}

/** Files of the evaluation corpora, one after another. */
export function readCorpus(...names: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.concat(names.map((name) => readFileSync(corpusPath(name)))));
}
