/** The documents' long commands, each in its short form, in a copy of the repository whose corpora are tiny. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logCorpus } from '../../src/bench/log-corpus.ts';
import { ended } from '../cli/harness.ts';
import { ROOT } from './documents.ts';
import { commandsOfCi, LONG_BLOCKS, SHORT_FORMS } from './long-commands.ts';

const TEXT = readFileSync(join(ROOT, 'spec/lmz-format.md'));
/** Of the evaluation corpora, what benchmarks read without a look at its hash. */
const CORPORA = {
  calgary: ['book1', 'book2', 'obj2', 'pic'],
  canterbury: ['kennedy.xls', 'plrabn12.txt', 'lcet10.txt'],
  large: ['bible.txt', 'world192.txt'],
  enwik: ['enwik6'],
};
const CORPUS_BYTES = 300;

/**
 * A folder in which commands write what they would write into the repository: `lmz/` with the built code, and
 * `shared/corpora/` beside it. Inside the repository, where npm finds its programs.
 */
function scratchCopy(): string {
  mkdirSync(join(ROOT, 'tmp'), { recursive: true });
  const outer = mkdtempSync(join(ROOT, 'tmp/long-'));
  const inner = join(outer, 'lmz');
  const write = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(join(outer, path, '..'), { recursive: true });
    writeFileSync(join(outer, path), content, { mode });
  };
  for (const [set, names] of Object.entries(CORPORA)) {
    for (const [i, name] of names.entries())
      write(`shared/corpora/${set}/${name}`, TEXT.subarray(i * 1000, i * 1000 + CORPUS_BYTES));
  }
  // Copies: a program that is reached by a link finds the repository instead.
  for (const name of ['dist', 'tools', 'README.md']) {
    cpSync(join(ROOT, name), join(inner, name), { recursive: true });
  }
  for (const name of ['models', 'fixtures']) symlinkSync(join(ROOT, name), join(inner, name));
  mkdirSync(join(inner, 'bench/results'), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  // What it would build is there.
  write(
    'lmz/package.json',
    JSON.stringify({ ...manifest, scripts: { ...manifest.scripts, build: 'node --version' } }),
  );
  write(
    'bin/lmz',
    `#!/bin/sh\nexec '${process.execPath}' '${join(inner, 'dist/cli/main.js')}' "$@"\n`,
    0o755,
  );
  // What the documents take for granted.
  write('lmz/book.txt', TEXT.subarray(0, 3000));
  write('lmz/logs/a.log', logCorpus(20_000, 1));
  write('lmz/big.log', logCorpus(3000, 2));
  for (const folder of ['my-folder', 'DIR', 'OTHER', 'PROSE'])
    write(`lmz/${folder}/a.txt`, TEXT.subarray(0, 6000));
  write('lmz/WIKI/a.txt', TEXT.subarray(0, 5000));
  cpSync(join(ROOT, 'models/small.onnx'), join(inner, 'model.onnx'));
  mkdirSync(join(inner, 'one-model'));
  for (const name of ['rotary-1M.onnx', 'rotary-1M.curve.json'])
    symlinkSync(join(ROOT, 'bench/models', name), join(inner, 'one-model', name));
  return outer;
}

const ci = commandsOfCi();

test('each long command is run by CI as it stands, or has a short form; and no form is left over', () => {
  const commands = LONG_BLOCKS.flatMap((block) => block.commands);
  expect(commands.filter((command) => !ci.has(command) && !Object.hasOwn(SHORT_FORMS, command))).toEqual([]);
  expect(Object.keys(SHORT_FORMS).filter((command) => !commands.includes(command))).toEqual([]);
});

describe('long commands, shortened', () => {
  let folder: string;
  beforeEach(() => {
    folder = scratchCopy();
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const blocks = LONG_BLOCKS.map(({ name, commands }) => ({
    name,
    // One after the other, as a reader would: one may need what another wrote.
    script: commands.flatMap((command) => (ci.has(command) ? [] : SHORT_FORMS[command])).join('\n'),
  })).filter(({ script }) => script !== '');

  test.for(blocks)('$name', { timeout: 240_000 }, async ({ script }) => {
    const env = {
      ...process.env,
      ROOT,
      HOME: folder,
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    };
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: join(folder, 'lmz'), env });
    const { status, stderr } = await ended(child);
    expect(status, stderr).toBe(0);
  });
});
