/** `lmz bench` as its users run it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, vi } from 'vitest';
import { BENCH_HELP } from '../../src/bench/help.ts';
import type { Report } from '../../src/bench/figures.ts';
import { lmz, lmzHere, sampleText, test } from '../cli/harness.ts';

// Every measurement is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

/** The evaluation corpora are not part of the repository; they lie beside it where it is developed. */
const CORPORA =
  process.env['LMZ_CORPORA'] ?? fileURLToPath(new URL('../../../shared/corpora', import.meta.url));

test('a table, and reports for people, spreadsheets, programs and browsers; then a check', async ({
  dir,
}) => {
  writeFileSync(join(dir, 'a.txt'), sampleText(20_000));
  const flags = ['bench', '-d', 'a.txt', '-c', 'gzip-node,lmz-stored,lmz@nowhere', '--rounds', '1', '-q'];
  const first = await lmz([...flags, '--out', 'r/x', '--html', 'r/x.html'], { cwd: dir });
  expect(first.status, first.stderr).toBe(0);
  expect(first.stderr).toBe('');
  expect(first.stdout.toString()).toMatch(
    /^a\.txt: 1 file, 20000 bytes, whole files\ncompressor {2,}version/,
  );
  expect(first.stdout.toString()).toMatch(/lmz @ nowhere +missing: no model called "nowhere"/);
  const report = JSON.parse(readFileSync(join(dir, 'r/x.json'), 'utf8')) as Report;
  expect(report.results.map(({ compressor, matched }) => [compressor, matched])).toEqual([
    ['gzip-node', true],
    ['lmz-stored', true],
  ]);
  expect(report.machine).toMatch(/commit/);
  expect(report.command).toBe('lmz bench -d a.txt -c gzip-node,lmz-stored,lmz@nowhere --rounds 1 -q');
  const markdown = readFileSync(join(dir, 'r/x.md'), 'utf8');
  expect(markdown).toContain('Missing: lmz @ nowhere: no model called');
  expect(markdown).toContain('| Node gzip -9 |');
  expect(readFileSync(join(dir, 'r/x.csv'), 'utf8').split('\n')).toHaveLength(5);
  expect(readFileSync(join(dir, 'r/x.html'), 'utf8')).toMatch(/^<!doctype html>/);

  const same = await lmz([...flags, '--check', 'r/x.json'], { cwd: dir });
  expect(same.status, same.stderr).toBe(0);
  expect(same.stdout.toString()).toContain('2 sizes compared: 0 larger, 0 smaller');
  const better = report.results.map((result) => ({ ...result, codedBytes: result.codedBytes - 1 }));
  writeFileSync(join(dir, 'better.json'), JSON.stringify({ ...report, results: better }));
  const worse = await lmz([...flags, '--check', 'better.json'], { cwd: dir });
  expect(worse.status).toBe(1);
  expect(worse.stdout.toString()).toMatch(/larger: lmz-stored on a\.txt\/a\.txt: \d+ -> \d+ bytes \(\+1\)/);

  writeFileSync(join(dir, 'other.json'), JSON.stringify({ ...report, results: [] }));
  const nothing = await lmz([...flags, '--check', 'other.json'], { cwd: dir });
  expect(nothing.status).toBe(1);
  expect(nothing.stderr).toMatch(/nothing was compared/);
});

test('chunks, and a row for each file', async ({ dir }) => {
  writeFileSync(join(dir, 'a.txt'), sampleText(5000));
  const flags = ['bench', '-d', 'a.txt', '--rounds', '1', '-c', 'brotli,lmz'];
  const chunked = await lmz([...flags, '--protocol', 'both'], { cwd: dir });
  expect(chunked.status, chunked.stderr).toBe(0);
  expect(chunked.stderr).toContain('1/4 brotli on a.txt/a.txt\n');
  expect(chunked.stdout.toString()).toMatch(
    /independent chunks of 2048 bytes\ncompressor.* headers once: raw/,
  );
  const files = await lmz([...flags, '--per-file'], { cwd: dir });
  expect(files.stdout.toString()).toMatch(/^a\.txt\nfile +bytes +brotli -q 11 +lmz\na\.txt +5000 +\d+ /);
});

test.skipIf(!existsSync(join(CORPORA, 'calgary/book1')) || !existsSync(join(CORPORA, 'large/bible.txt')))(
  'gzip -9 gives what the thesis has: 37.5 % on BOOK1+BOOK2, 29.1 % on BIBLE',
  async ({ dir }) => {
    const data = ['-d', 'calgary-books,large/bible', '--corpora', CORPORA];
    const { status, stderr } = await lmz(['bench', ...data, '-c', 'gzip', '--rounds', '1', '-o', 'x'], {
      cwd: dir,
    });
    expect(status, stderr).toBe(0);
    const { results } = JSON.parse(readFileSync(join(dir, 'x.json'), 'utf8')) as Report;
    expect(results.map(({ codedBytes, bytes }) => ((100 * codedBytes) / bytes).toFixed(1))).toEqual([
      '37.5',
      '29.1',
    ]);
  },
);

test('the list of compressors', async ({ dir }) => {
  const { status, stdout } = await lmz(['bench', '--list'], { cwd: dir });
  expect(status).toBe(0);
  expect(stdout.toString()).toMatch(/^name +runs +kind +version\ngzip +gzip -9 +command/);
  expect(stdout.toString()).toMatch(/\nlmz-lm +lmz --mode lm +lmz +\d/);
});

describe('what makes no sense', () => {
  test.for([
    [[], /no data: name it with --dataset/],
    [['-d', 'image', 'x'], /too many arguments/],
    [['-d', 'no/such'], /no\/such is no data set, file or folder/],
    [['-d', 'image', '-c', 'rar'], /there is no compressor "rar"; known are all, rivals, levels, gzip,/],
    [['-d', 'image', '--rounds', '0'], /positive whole number/],
    [['-d', 'image', '--nice', '20'], /Expected 0 to 19/],
    [['-d', 'image', '--protocol', 'half'], /Expected one of: whole, chunked, both/],
    [['-d', 'image', '--chunk-size', '0'], /Expected a size/],
    [['-d', 'image', '--check', 'no.json'], /no\.json: no such file/],
  ] as const)('%j: a clean error', async ([args, message]) => {
    const { status, stderr } = await lmzHere(['bench', ...args]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal error/);
  });
});

test('help', async ({ dir }) => {
  expect((await lmz(['bench', '--help'], { cwd: dir })).stdout.toString()).toBe(BENCH_HELP);
  for (const line of BENCH_HELP.split('\n')) expect(line.length, line).toBeLessThanOrEqual(110);
});
