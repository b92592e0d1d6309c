/**
 * `lmz bench`.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatShare, openBar } from '../terminal/bar.ts';
import { usageError } from '../terminal/command.ts';
import type { Io } from '../terminal/io.ts';
import { corporaTables, MARKS_TEXT } from './corpora-table.ts';
import type { Report } from './figures.ts';
import { BENCH_HELP } from './help.ts';
import { describeLoad } from './load.ts';
import { measureInProcess } from './measure-process.ts';
import { compareSizes, describeComparison } from './regression.ts';
import { formatMarkdown } from './report.ts';
import { runBench } from './run-bench.ts';
import { readSettings, type Settings } from './settings.ts';
import { formatCsv, formatText, reportTables, resultsTable } from './tables.ts';

const COMMAND = 'lmz bench';

/** What the figures mean, below every Markdown report. */
const NOTES = [
  'Raw rate: everything that a decoder needs beside the program and the model, over the bytes. Adjusted: the model file added once. Bits/byte: from the raw rate.',
  'Speeds: medians of all rounds; "to gzip" is the speed over that of gzip -9 (Node\'s zlib) on the same bytes, encoding, measured before every round. Programs are timed from start to end, libraries and lmz without the start of their process; `lmz-command` is the whole command.',
  'Memory: largest resident set, in MB (10^6 bytes): of the program, or of the Node process that a library or lmz runs in, 50 MB of Node included. It is looked at every 5 ms, so that of a program which ends sooner is too low or missing.',
  'Headers once: with independent chunks, what a chunk of one zero byte takes is counted for one chunk only, as `count_header_only_once` does in DeepMind\'s code; for lmz, whose chunks are frames of one file, the payloads of all frames and the rest of a file of one frame. Bits that a 7-bit model masks are coded and counted; "rescaled" is DeepMind\'s number, which leaves them out and is no lossless one.',
] as const;

/**
 * Runs the sub-command with the arguments after `bench`.
 *
 * @returns the exit status: 1 where a compressor failed, something came back different, or a size has grown
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const settings = readSettings(argv);
  if (settings.help) {
    io.stdout.write(BENCH_HELP);
    return 0;
  }
  if (settings.list) return listCompressors(io);
  if (settings.dataset.length === 0) throw usageError('no data: name it with --dataset', COMMAND);
  const before = settings.check === undefined ? undefined : readReport(settings.check);
  const report = await measureAll(settings, argv, io);
  const tables = settings.perFile ? corporaTables(report) : reportTables(report);
  for (const table of tables) {
    io.stdout.write(`${table.title}\n${formatText(table).replaceAll('**', '')}\n\n`);
  }
  if (settings.out !== undefined) writeReports(settings.out, report, settings);
  if (settings.html !== undefined) {
    const { reportPage } = await import('./page.ts');
    const curves = settings.curve.map((path) => readFileSync(path, 'utf8'));
    write(settings.html, reportPage(report, curves));
  }
  const comparison = before && compareSizes(before, report);
  if (comparison) io.stdout.write(`${describeComparison(comparison)}\n`);
  for (const { label, dataset, file, reason } of report.failed) {
    io.stderr.write(`lmz: ${label} failed on ${dataset ?? ''}/${file ?? ''}: ${reason}\n`);
  }
  if (comparison?.compared === 0) {
    throw usageError(`${settings.check!} has none of these results: nothing was compared`, COMMAND);
  }
  const wrong = report.results.some(({ matched }) => !matched);
  return wrong || report.failed.length > 0 || (comparison?.grown.length ?? 0) > 0 ? 1 : 0;
}

async function measureAll(settings: Settings, argv: readonly string[], io: Io): Promise<Report> {
  const { corpora: folder, enwik } = settings;
  const log = (line: string): void => {
    io.stderr.write(`${line}\n`);
  };
  let doing = '';
  const shown = io.stderr.isTTY === true && settings.quiet !== true;
  const bar = shown ? await openBar(io, (share) => `${formatShare(share)}  ${doing}`) : undefined;
  const stop = new AbortController();
  const onSignal = (): void => {
    process.removeListener('SIGINT', onSignal);
    stop.abort(usageError('interrupted', COMMAND));
  };
  process.on('SIGINT', onSignal);
  try {
    return await runBench(settings, {
      files: {
        folder,
        enwik,
        made: join(homedir(), '.cache/lmz/bench'),
        progress: () => undefined,
        log,
      },
      measure: measureInProcess,
      signal: stop.signal,
      command: describeCommand(argv),
      progress: (done, total, what) => {
        doing = what;
        if (bar !== undefined) bar.update(done / Math.max(1, total));
        else if (what !== '' && settings.quiet !== true) log(`${done + 1}/${total} ${what}`);
      },
    });
  } finally {
    process.removeListener('SIGINT', onSignal);
    bar?.stop();
  }
}

/** The command line without the flags that say where files are: they differ from machine to machine. */
function describeCommand(argv: readonly string[]): string {
  const PLACES = ['--out', '-o', '--corpora', '--cache', '--html', '--curve', '--enwik', '--check'];
  const shown = argv.filter((word, i) => !PLACES.includes(word) && !(i > 0 && PLACES.includes(argv[i - 1])));
  return [COMMAND, ...shown].join(' ');
}

/** @throws LmzError `LMZ_USAGE` where there is no such report */
function readReport(path: string): Report {
  if (!existsSync(path)) throw usageError(`--check ${path}: no such file`, COMMAND);
  const report = JSON.parse(readFileSync(path, 'utf8')) as Partial<Report> | null;
  if (!Array.isArray(report?.results)) throw usageError(`--check ${path}: no report of ${COMMAND}`, COMMAND);
  return report as Report;
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The report for people, for spreadsheets and for programs. */
function writeReports(base: string, report: Report, settings: Settings): void {
  const tables = settings.perFile ? corporaTables(report) : reportTables(report);
  const versions = new Map(report.results.map(({ label, version }) => [label, version]));
  const absent = report.missing.map(({ label, reason }) => `${label}: ${reason}`);
  const markdown = [
    `# ${settings.dataset.join(', ')}`,
    `\`${report.command}\` on ${report.machine}, ${report.measuredAt.slice(0, 10)}. ${describeLoad()}`,
    `Versions: ${[...versions].map(([label, version]) => `${label}: ${version}`).join('; ')}.`,
    ...(absent.length > 0 ? [`Missing: ${absent.join('; ')}.`] : []),
    ...tables.flatMap((table) => [`## ${table.title}`, formatMarkdown(table)]),
    ...(settings.perFile
      ? [`Coded bytes, whole files, every one decoded and compared. ${MARKS_TEXT}`]
      : NOTES),
  ];
  write(`${base}.md`, `${markdown.join('\n\n')}\n`);
  write(`${base}.csv`, formatCsv(resultsTable(report)));
  const lines = report.results.map((result) => `    ${JSON.stringify(result)}`);
  const head = JSON.stringify({ ...report, results: [] }, undefined, 2);
  // A result a line: what changed can be seen in a diff.
  write(
    `${base}.json`,
    `${head.replace('"results": []', () => `"results": [\n${lines.join(',\n')}\n  ]`)}\n`,
  );
}

async function listCompressors(io: Io): Promise<number> {
  const { COMPRESSORS } = await import('./compressors.ts');
  const rows: string[][] = [];
  for (const compressor of COMPRESSORS.values()) {
    const found = await compressor.available();
    const { name, label, kind } = compressor;
    rows.push([name, label, kind, 'version' in found ? found.version : `missing: ${found.missing}`]);
  }
  io.stdout.write(`${formatText({ columns: ['name', 'runs', 'kind', 'version'], rows })}\n`);
  return 0;
}
