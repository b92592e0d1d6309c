/**
 * What the program says, word for word. Each case is run in a folder with a few prepared files; its output is held
 * against a file in expected/. RECORD=1 writes those files anew.
 *
 * @module
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { lmz, sampleText, test } from './harness.ts';

const EXPECTED = fileURLToPath(new URL('expected/', import.meta.url));

/** Arguments by the name of the case. Files are described in {@link prepare}. */
const CASES: Record<string, string[]> = {
  help: ['--help'],
  'help-wins-over-errors': ['-d', 'missing', '-h'],
  'model-help': ['model', '--help'],
  'model-usage': ['model', 'frobnicate', 'x'],
  'model-missing': ['model', 'info', 'no-such-model'],
  'explain-help': ['explain', '--help'],
  'explain-nothing': ['explain'],
  'explain-missing': ['explain', 'missing'],
  'explain-folder': ['explain', 'folder'],
  'explain-bad-mode': ['explain', '--mode', 'best', 'text'],
  'explain-bad-size': ['explain', '--bytes', 'many', 'text'],
  'explain-page-exists': ['explain', '--html', 'one.lmz', 'text'],
  'explain-truncated': ['explain', 'cut.lmz'],
  'list-one': ['-l', 'two.lmz'],
  'list-several': ['-l', 'one.lmz', 'two.lmz'],
  'list-verbose': ['-lv', 'two.lmz'],
  'list-json': ['-l', '--json', 'one.lmz'],
  'list-json-with-a-bad-one': ['-l', '--json', 'missing.lmz', 'text'],
  'list-with-a-bad-one': ['-l', 'text', 'one.lmz'],
  'list-stdin': ['-l'],
  'unknown-option': ['--frobnicate'],
  'misspelt-option': ['--thread', '2', 'text'],
  'unknown-short-option': ['-dX', 'text'],
  'missing-argument': ['-o'],
  'level-0': ['-0', 'text'],
  'list-mixed': ['-lv', 'mixed.lmz'],
  'bad-threads': ['-T', 'many', 'text'],
  'too-many-threads': ['-T', '1000', 'text'],
  'bad-size': ['--chunk-size', '4X', 'text'],
  'chunk-of-nothing': ['--chunk-size=0', 'text'],
  'bad-mode': ['--mode', 'best', 'text'],
  'bad-check': ['--check', 'md5', 'text'],
  'output-and-stdout': ['-c', '-o', 'x', 'text'],
  'output-for-two': ['-o', 'x', 'text', 'one.lmz'],
  'rm-to-stdout': ['--rm', '-c', 'text'],
  'verify-to-stdout': ['--verify', '-c', 'text'],
  'json-without-list': ['--json', 'text'],
  'missing-file': ['missing'],
  'missing-folder-of-output': ['-o', 'nowhere/x.lmz', 'text'],
  'has-suffix': ['one.lmz'],
  'has-suffix-quiet': ['-q', 'one.lmz'],
  'lacks-suffix': ['-d', 'text'],
  'decompress-folder': ['-d', 'folder'],
  'output-exists': ['text'],
  'output-is-a-folder': ['-f', '-o', 'folder', 'text'],
  'output-is-the-input': ['-f', '-o', './text', 'text'],
  'not-lmz': ['-t', 'text'],
  'not-lmz-very-quiet': ['-tqq', 'text'],
  truncated: ['-d', 'cut.lmz'],
  'control-characters': ['evil\u001b[31mname'],
  'file-called-model': ['--mode', 'stored', './model'],
  'options-end': ['--mode', 'stored', '--', '-odd-name'],
};

let lmzFiles: string;

beforeAll(async () => {
  lmzFiles = await mkdtemp(join(tmpdir(), 'lmz-cases-'));
  for (const [name, size] of [
    ['one.lmz', 300],
    ['two.lmz', 5000],
  ] as const) {
    const args = ['--mode', 'stored', '--chunk-size', '2K', '-o', name];
    await lmz(args, { cwd: lmzFiles, input: sampleText(size) });
  }
  await lmz(['-1', '-o', 'mixed.lmz', '--lanes', '2'], { cwd: lmzFiles, input: sampleText(700) });
});

afterAll(async () => {
  await rm(lmzFiles, { recursive: true });
});

async function prepare(dir: string): Promise<void> {
  await writeFile(join(dir, 'text'), sampleText(300));
  await writeFile(join(dir, 'text.lmz'), 'something that is there already');
  await writeFile(join(dir, 'model'), 'a file of that name');
  await writeFile(join(dir, '-odd-name'), 'a file of that name');
  await mkdir(join(dir, 'folder'));
  for (const name of ['one.lmz', 'two.lmz', 'mixed.lmz'])
    await copyFile(join(lmzFiles, name), join(dir, name));
  await writeFile(join(dir, 'cut.lmz'), (await readFile(join(lmzFiles, 'two.lmz'))).subarray(0, 2500));
}

describe.concurrent('says', () => {
  test.for(Object.entries(CASES))('%s', async ([name, args], { dir }) => {
    await prepare(dir);
    const { status, stdout, stderr } = await lmz(args, { cwd: dir });
    const said = [`exit ${String(status)}`, '--- stdout', stdout.toString(), '--- stderr', stderr].join('\n');
    // The places that are searched for models differ.
    const text = said.replaceAll(/ in \/\S+/g, ' in FOLDER');
    const file = join(EXPECTED, `${name}.txt`);
    if (process.env.RECORD === '1') await writeFile(file, text);
    expect(text).toBe(await readFile(file, 'utf8'));
  });
});

test('the help fits a screen of 24 lines and 80 columns', async ({ dir }) => {
  const { stdout } = await lmz(['--help'], { cwd: dir });
  const lines = stdout.toString().trimEnd().split('\n');
  // One line is left for the prompt.
  expect(lines.length).toBeLessThanOrEqual(23);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
});

test('the version is the one in package.json', async ({ dir }) => {
  const manifest: unknown = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const { version } = manifest as { version: string };
  for (const flag of ['-V', '--version']) {
    expect((await lmz([flag], { cwd: dir })).stdout.toString()).toBe(`lmz ${version}\n`);
  }
});
