/** Every command of the documents: run as it stands, or looked at where its block is marked with what runs it otherwise. */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logCorpus } from '../../src/bench/log-corpus.ts';
import { ended, MAIN } from '../cli/harness.ts';
import { commandsOf, faultOf, unknownFlags } from './command-line.ts';
import { DOCUMENTS, readDocument, ROOT, SHELL_BLOCKS } from './documents.ts';

/** Marks of blocks that are not run here: why not, and what runs them. */
const MARKS: Readonly<Record<string, string>> = {
  ci: 'run by .ci/run, on a clean clone',
  long: 'takes minutes, or needs data that is not in the repository: short-forms.test.ts runs a short form',
  changes: 'changes files of the repository: short-forms.test.ts runs a short form, in a copy',
  network: 'fetches the package: test/package.test.ts runs it, with a registry of its own',
};

test('every block of code says what it is', () => {
  const faults = DOCUMENTS.flatMap((path) =>
    readDocument(path)
      .blocks.filter(({ language, mark, code }) => {
        if (language === 'sh') return mark !== '' && !Object.hasOwn(MARKS, mark);
        return (
          mark !== '' ||
          (language !== 'ts' && /^(?:\$ )?(?:lmz|npm|npx|node) /m.test(code) && !/^Usage: lmz/.test(code))
        );
      })
      .map(({ line }) => `${path}:${line}`),
  );
  expect(faults).toEqual([]);
  expect(SHELL_BLOCKS.length).toBeGreaterThan(5);
});

describe('commands that run', () => {
  // Inside the repository, where npx finds its programs.
  let folder: string;
  beforeAll(() => {
    mkdirSync(join(ROOT, 'tmp'), { recursive: true });
    folder = mkdtempSync(join(ROOT, 'tmp/commands-'));
    for (const name of ['spec', 'models', 'fixtures', 'src'])
      symlinkSync(join(ROOT, name), join(folder, name));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/lmz'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, {
      mode: 0o755,
    });
    // What the documents take for granted: a book, a folder, a log.
    writeFileSync(join(folder, 'book.txt'), readFileSync(join(ROOT, 'spec/lmz-format.md')).subarray(0, 4000));
    mkdirSync(join(folder, 'notes'));
    for (const name of ['CHANGELOG.md', 'LICENSE'])
      copyFileSync(join(ROOT, name), join(folder, 'notes', name));
    mkdirSync(join(folder, 'logs'));
    writeFileSync(join(folder, 'logs/a.log'), logCorpus(20_000, 1));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.for(SHELL_BLOCKS.filter(({ mark }) => mark === ''))('$name', async ({ code }) => {
    const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` };
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', code], { cwd: folder, env });
    const { status, stderr } = await ended(child);
    expect(status, stderr).toBe(0);
  });
});

describe('commands that do not', () => {
  test.for(SHELL_BLOCKS.filter(({ mark }) => mark !== ''))('$name ($mark)', ({ code }) => {
    const commands = commandsOf(code);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.flatMap((words) => faultOf(words) ?? [])).toEqual([]);
  });

  test('.ci/run runs the blocks that are marked so', () => {
    const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');
    expect(ci).toContain('```sh ci');
    expect(SHELL_BLOCKS.filter(({ mark, path }) => mark === 'ci' && path !== 'README.md')).toEqual([]);
  });
});

/** Commands within lines have placeholders, which short forms fill in; their scripts, files and flags are real all the same. */
describe('commands within lines', () => {
  test.for(DOCUMENTS)('%s', (path) => {
    const faults = readDocument(path).inline.flatMap((code) => {
      const [program, ...args] = code.split(/\s+/);
      if (program === 'lmz' && args.length > 0) return unknownFlags(args) ?? [];
      const ours = ['npm', 'npx'].includes(program) && !code.includes('...');
      return (ours ? commandsOf(code).map(faultOf).find(Boolean) : undefined) ?? [];
    });
    expect(faults).toEqual([]);
  });
});

describe('the look itself', () => {
  test.for([
    ['npm run no-such', /no npm script/],
    ['npm run bench -- no-such', /no benchmark/],
    ['npm run bench -- --no-such', /unknown option/],
    ['lmz --no-such x', /does not know --no-such/],
    ['lmz -lw x', /does not know -w/],
    ['lmz bench --rounds none', /whole number/],
    ['lmz train --minutse 5', /unknown option/],
    ['npx tsx src/no-such.ts', /no src\/no-such\.ts/],
    ['npx no-such', /not installed/],
    ['tools/no-such.sh x', /no tools\/no-such\.sh/],
    ['no-such x', /unknown program/],
  ] as const)('%s is refused', ([code, message]) => {
    expect(commandsOf(code).map(faultOf).join()).toMatch(message);
  });

  test('what is right is not', () => {
    const code = `FOO=1 npm ci && npm run -s lmz -- -9 'a b' > out   # npm run no-such
      tar -I lmz -cf x.tar.lmz * | lmz -dc`;
    expect(commandsOf(code)).toEqual([
      ['FOO=1', 'npm', 'ci'],
      ['npm', 'run', '-s', 'lmz', '--', '-9', 'a b'],
      ['tar', '-I', 'lmz', '-cf', 'x.tar.lmz', '*'],
      ['lmz', '-dc'],
    ]);
    expect(commandsOf(code).flatMap((words) => faultOf(words) ?? [])).toEqual([]);
  });
});
