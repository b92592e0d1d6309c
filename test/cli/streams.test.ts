/**
 * Terminals, pipes that break, and signals.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect } from 'vitest';
import { ended, lmz, MAIN, names, sampleText, shell, start, test, until, type Ending } from './harness.ts';

const STORED = ['--mode', 'stored'];
const BIG = sampleText(1 << 20);

/** util-linux' `script` runs a command with a terminal on all three streams. */
const hasScript = spawnSync('script --version', { shell: true }).stdout.toString().includes('util-linux');

async function inTerminal(line: string, dir: string): Promise<Ending> {
  await writeFile(join(dir, '.line'), `lmz() { '${process.execPath}' '${MAIN}' "$@"; }\n${line}\n`);
  return shell('script -qec "bash .line" /dev/null < /dev/null', { cwd: dir });
}

describe.skipIf(!hasScript)('on a terminal (needs util-linux script)', () => {
  test('compressed data is neither written nor read', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'text');
    for (const line of ['lmz -c a', 'lmz', 'lmz < a', 'lmz -d', 'lmz -t']) {
      const { stdout, status } = await inTerminal(line, dir);
      expect({ line, status }).toEqual({ line, status: 1 });
      expect(stdout.toString()).toMatch(
        /compressed data is not (written to|read from) a terminal \(LMZ_TERMINAL\)/,
      );
      expect(stdout.toString()).toContain('hint: ');
    }
  });

  test('-f overrides', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'text');
    const { stdout, status } = await inTerminal('lmz --mode stored -cf a', dir);
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('text');
  });

  test('a bar shows progress and is wiped', async ({ dir }) => {
    await writeFile(join(dir, 'a'), BIG);
    const { stdout, status } = await inTerminal('lmz --mode stored -v a', dir);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/a {2}\[[=-]{20}\] +\d+ % {2}.*\/s {2}.* left/);
    expect(stdout.toString()).toContain('lmz: a: 1.0 MiB to ');
    // The last thing drawn on the bar's line is nothing.
    expect(stdout.toString().split('left').at(-1)).toContain('\u001b[2K');
  });

  test.for(['lmz --mode stored -q a', 'lmz --mode stored a 2> /dev/null'])(
    '%s shows none',
    async (line, { dir }) => {
      await writeFile(join(dir, 'a'), BIG);
      expect(await inTerminal(line, dir)).toMatchObject({ status: 0, stdout: Buffer.alloc(0) });
    },
  );

  test('plain text goes to a terminal, without a bar', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'plain text');
    await lmz([...STORED, 'a'], { cwd: dir });
    expect((await inTerminal('lmz -dc a.lmz', dir)).stdout.toString()).toBe('plain text');
  });
});

describe('a broken pipe', () => {
  test.for(['-c a', '-dc a.lmz'])('lmz %s | head -c 1 ends quietly', async (args, { dir }) => {
    await writeFile(join(dir, 'a'), BIG);
    await lmz([...STORED, '--chunk-size', '4K', 'a'], { cwd: dir });
    const line = `lmz --mode stored ${args} 2> errors | head -c 1 > /dev/null; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await shell(line, { cwd: dir });
    expect(stdout.toString()).toBe('141\n');
    expect(await readFile(join(dir, 'errors'), 'utf8')).toBe('');
  });

  test('of a listing or a help text does no harm either', async ({ dir }) => {
    const { stderr } = await shell('lmz --help | true; lmz model info order2 | true', { cwd: dir });
    expect(stderr).toBe('');
  });
});

describe('a signal', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s leaves no half file and is seen',
    async (signal, { dir }) => {
      const child = start([...STORED, '-o', 'out.lmz'], { cwd: dir });
      child.stdin.write(BIG);
      await until(async () => (await names(dir)).length === 1, 'the temporary file is there');
      const [temporary] = await names(dir);
      expect(temporary).toMatch(/^\.lmz-[0-9a-f]{18}\.tmp$/);
      child.kill(signal);
      // Its input stays open: the signal alone ends it.
      const ending = await new Promise((resolve) =>
        child.on('exit', (status, by) => {
          resolve({ status, by });
        }),
      );
      expect(ending).toEqual({ status: null, by: signal });
      expect(await names(dir)).toEqual([]);
      child.stdin.destroy();
    },
  );

  test('while unpacking leaves no half folder, and an old one as it was', async ({ dir }) => {
    await mkdir(join(dir, 'in'));
    for (let index = 0; index < 20; index++)
      await writeFile(join(dir, 'in', String(index)), sampleText(2000));
    const { stdout: archive } = await lmz([...STORED, '--chunk-size', '1K', '-c', 'in'], { cwd: dir });
    const child = start(['-d', '-f', '-o', 'in'], { cwd: dir });
    child.stdin.write(archive.subarray(0, archive.length / 2));
    await until(async () => {
      const temporary = (await names(dir)).find((name) => name.startsWith('.lmz-'));
      return temporary !== undefined && (await names(join(dir, temporary, 'in')).catch(() => [])).length > 3;
    }, 'some files are unpacked');
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('exit', resolve));
    child.stdin.destroy();
    expect(await names(dir)).toEqual(['in']);
    expect(await names(join(dir, 'in'))).toHaveLength(20);
  });
});

test('a program that ends early does not wait for its input', async ({ dir }) => {
  const child = start(['-d'], { cwd: dir });
  child.stdin.write('this is no lmz file, but it is long enough to see that');
  const status = await new Promise((resolve) => child.on('exit', resolve));
  expect(status).toBe(1);
  child.stdin.destroy();
});

describe('tar --use-compress-program', () => {
  test('packs, lists and unpacks', async ({ dir }) => {
    await mkdir(join(dir, 'bin'));
    await writeFile(join(dir, 'bin', 'lmz'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    await chmod(join(dir, 'bin', 'lmz'), 0o755);
    await mkdir(join(dir, 'data'));
    await writeFile(join(dir, 'data', 'a'), sampleText(500));
    const env = { PATH: `${join(dir, 'bin')}${delimiter}${process.env.PATH ?? ''}` };
    const line =
      'tar --use-compress-program=lmz -cf x.tar.lmz data && tar -I lmz -tf x.tar.lmz && mv data old && ' +
      'tar -I lmz -xf x.tar.lmz && diff -r old data';
    expect(await shell(line, { cwd: dir, env })).toMatchObject({
      status: 0,
      stderr: '',
      stdout: Buffer.from('data/\ndata/a\n'),
    });
    // A tar that lmz did not make of a folder is a file, and comes back as that file.
    expect(await lmz(['-d', 'x.tar.lmz'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect((await stat(join(dir, 'x.tar'))).isFile()).toBe(true);
  });
});

test('standard input that is a file is read like one', async ({ dir }) => {
  await writeFile(join(dir, 'a'), BIG);
  const { status } = await shell('lmz --mode stored < a > b && lmz -d < b > c && cmp a c', { cwd: dir });
  expect(status).toBe(0);
  expect(await ended(start(['-t', 'b'], { cwd: dir }))).toMatchObject({ status: 0 });
});
