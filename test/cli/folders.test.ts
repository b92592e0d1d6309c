import {
  chmod,
  link,
  lstat,
  mkdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { FOLDER_MARK } from '../../src/cli/tar-format.ts';
import { lmz, lmzHere, names, sampleText, shell, stored, test } from './harness.ts';
import { pax, tar, type Entry } from './tar-builder.ts';

const STORED = ['--mode', 'stored'];

/** Files by path; a path that ends in a slash is an empty folder. */
async function tree(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    await mkdir(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (!path.endsWith('/')) await writeFile(full, content);
  }
}

const FILES = {
  'd/a': 'a',
  'd/empty': '',
  'd/sub/b': sampleText(5000),
  'd/sub/none/': '',
  'd/line\nfeed': 'x',
  'd/back\\slash': 'x',
  'd/c:olon': 'x',
  [`d/${'lang-ä-'.repeat(20)}/${'länger\n'.repeat(25)}`]: 'x',
};

describe('a folder', () => {
  test('becomes FOLDER.tar.lmz and comes back as it was', async ({ dir }) => {
    await tree(dir, FILES);
    await symlink('sub/b', join(dir, 'd', 'link'));
    await symlink('../a', join(dir, 'd', 'sub', 'up'));
    await link(join(dir, 'd', 'a'), join(dir, 'd', 'hard'));
    await chmod(join(dir, 'd', 'a'), 0o600);
    await chmod(join(dir, 'd', 'sub', 'none'), 0o500);
    const time = new Date('2001-02-03T04:05:06.789Z');
    for (const path of ['d/a', 'd/sub', 'd']) await utimes(join(dir, path), time, time);

    expect(await lmz([...STORED, 'd/'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(dir)).toEqual(['d', 'd.tar.lmz']);
    await shell('mv d old', { cwd: dir });
    expect(await lmz(['-d', 'd.tar.lmz'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(dir)).toEqual(['d', 'd.tar.lmz', 'old']);

    // Milliseconds: Node sets times no finer than microseconds.
    const list =
      "find . -printf '%P %y %m %n %l %s ' -exec sh -c 'stat -c %y \"$1\" | cut -c 1-23' _ {} ';' | sort";
    const both = await shell(
      `diff -r old d && (cd old; ${list}) > 1 && (cd d; ${list}) > 2; cat 1; diff 1 2`,
      { cwd: dir },
    );
    expect(both).toMatchObject({ status: 0, stderr: '' });
    expect(both.stdout.toString()).toContain('hard f 600 2  1 2001-02-03 04:05:06.789');
    expect((await stat(join(dir, 'd', 'a'))).ino).toBe((await stat(join(dir, 'd', 'hard'))).ino);
    expect(await readlink(join(dir, 'd', 'sub', 'up'))).toBe('../a');
  });

  test('gives the same bytes every time, wherever it lies', async ({ dir }) => {
    for (const place of ['one', 'two']) {
      await tree(join(dir, place), FILES);
      await shell("find d -exec touch -d '2020-01-01 00:00:00.5' {} +", { cwd: join(dir, place) });
    }
    const [one, two] = await Promise.all(
      ['one', 'two'].map((cwd) => lmz([...STORED, '-c', 'd'], { cwd: join(dir, cwd) })),
    );
    expect(one.stdout.equals(two.stdout)).toBe(true);
  });

  test('is a tar for any tar', async ({ dir }) => {
    await tree(dir, FILES);
    const line =
      'lmz --mode stored -c d | lmz -d > d.tar && mkdir out && tar -C out -xf d.tar && diff -r d out/d';
    expect(await shell(line, { cwd: dir })).toMatchObject({ status: 0, stderr: '', stdout: Buffer.alloc(0) });
  });

  test('"." is called by its name, and the archive does not hold itself', async ({ dir }) => {
    await tree(dir, { 'd/a': 'a' });
    expect((await lmz([...STORED, '.'], { cwd: join(dir, 'd') })).status).toBe(0);
    expect(await names(dir)).toEqual(['d', 'd.tar.lmz']);
    expect((await lmz([...STORED, '-o', 'x.lmz', '.'], { cwd: join(dir, 'd') })).status).toBe(0);
    const { stdout } = await shell('lmz -dc d/x.lmz | tar -t', { cwd: dir });
    expect(stdout.toString()).toBe('d/\nd/a\n');
  });

  test('--rm removes it, but nothing that came later', async ({ dir }) => {
    await tree(dir, FILES);
    expect(await lmz([...STORED, '--rm', 'd'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(dir)).toEqual(['d.tar.lmz']);
    expect(await lmz(['-d', '--rm', 'd.tar.lmz'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(dir)).toEqual(['d']);
    expect(await readFile(join(dir, 'd', 'a'), 'utf8')).toBe('a');
  });

  test('says what it cannot keep, and is then not removed', async ({ dir }) => {
    await tree(dir, { 'd/a': 'a' });
    await shell('mkfifo d/pipe', { cwd: dir });
    await symlink('/etc/passwd', join(dir, 'd', 'out'));
    const { status, stderr } = await lmz([...STORED, '--rm', 'd'], { cwd: dir });
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'lmz: d: the link d/out leads outside (/etc/passwd); kept, but lmz -d will not unpack it',
      'lmz: d: d/pipe is a socket, pipe or device; left out',
      'lmz: d: not removed, because of the warnings',
    ]);
    expect(await names(dir)).toEqual(['d', 'd.tar.lmz']);
  });

  test('with a name that is not UTF-8 is refused rather than changed', async ({ dir }) => {
    await mkdir(join(dir, 'd'));
    await writeFile(Buffer.concat([Buffer.from(join(dir, 'd/')), Buffer.from([0x66, 0xff])]), 'x');
    const { status, stderr } = await lmz([...STORED, 'd'], { cwd: dir });
    expect(status).toBe(1);
    expect(stderr).toContain('has a name that is not UTF-8 (LMZ_UNSAFE_NAME)');
    expect(await names(dir)).toEqual(['d']);
  });
});

describe('unpacking', () => {
  async function packed(dir: string): Promise<void> {
    await tree(dir, { 'd/a': 'new' });
    await lmz([...STORED, 'd'], { cwd: dir });
    await shell('rm -r d', { cwd: dir });
  }

  test('leaves an existing folder alone, and replaces it with -f', async ({ dir }) => {
    await packed(dir);
    await tree(dir, { 'd/a': 'old', 'd/b': 'old' });
    const { status, stderr } = await lmz(['-d', 'd.tar.lmz'], { cwd: dir });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^lmz: d\.tar\.lmz: d exists already \(LMZ_EXISTS\)\n {2}hint: /);
    expect(await readFile(join(dir, 'd', 'a'), 'utf8')).toBe('old');
    expect((await lmz(['-df', 'd.tar.lmz'], { cwd: dir })).status).toBe(0);
    expect(await names(join(dir, 'd'))).toEqual(['a']);
    expect(await readFile(join(dir, 'd', 'a'), 'utf8')).toBe('new');
    expect(await names(dir)).toEqual(['d', 'd.tar.lmz']);
  });

  test('gives a renamed archive its own name, or that of -o', async ({ dir }) => {
    await packed(dir);
    await shell('mv d.tar.lmz e.tar.lmz', { cwd: dir });
    expect((await lmz(['-d', 'e.tar.lmz'], { cwd: dir })).status).toBe(0);
    expect((await lmz(['-d', '-o', 'f', 'e.tar.lmz'], { cwd: dir })).status).toBe(0);
    expect(await readFile(join(dir, 'e', 'a'), 'utf8')).toBe('new');
    expect(await readFile(join(dir, 'f', 'a'), 'utf8')).toBe('new');
    expect(await names(dir)).toEqual(['e', 'e.tar.lmz', 'f']);
  });

  test('gives the tar with -c, --no-unpack and -o NAME.tar', async ({ dir }) => {
    await packed(dir);
    expect((await lmz(['-d', '--no-unpack', 'd.tar.lmz'], { cwd: dir })).status).toBe(0);
    expect((await lmz(['-d', '-o', 'e.tar', 'd.tar.lmz'], { cwd: dir })).status).toBe(0);
    const { stdout } = await lmz(['-dc', 'd.tar.lmz'], { cwd: dir });
    for (const name of ['d.tar', 'e.tar']) expect(stdout.equals(await readFile(join(dir, name)))).toBe(true);
  });

  test('never replaces the folder that it works in, or that holds the archive', async ({ dir }) => {
    await packed(dir);
    await mkdir(join(dir, 'x'));
    const usage = { status: 1, stderr: expect.stringContaining('LMZ_USAGE') as string };
    expect(await lmz(['-df', '-o', dir, 'd.tar.lmz'], { cwd: dir })).toMatchObject(usage);
    expect(await lmz(['-df', '-o', dir, '../d.tar.lmz'], { cwd: join(dir, 'x') })).toMatchObject(usage);
    expect(await lmz(['-df', '-o', '.', '../d.tar.lmz'], { cwd: join(dir, 'x') })).toMatchObject(usage);
    expect(await names(dir)).toEqual(['d.tar.lmz', 'x']);
  });

  test('a tar that was compressed as a file comes back as that file', async ({ dir }) => {
    await tree(dir, { 'd/a': 'a' });
    await shell('tar -cf d.tar d && cp d.tar original && lmz --mode stored d.tar && rm d.tar', { cwd: dir });
    expect((await lmz(['-d', 'd.tar.lmz'], { cwd: dir })).status).toBe(0);
    expect((await readFile(join(dir, 'd.tar'))).equals(await readFile(join(dir, 'original')))).toBe(true);
  });

  test('--unpack takes any tar; several things at its top go into one folder', async ({ dir }) => {
    const bytes = tar([
      { name: './', type: '5', mode: 0o755 },
      { name: './a', body: 'a', mode: 0o4755, mtime: 1e9 },
      { name: './b/c', body: 'c' },
      { name: './b/l', type: '2', link: '../a' },
    ]);
    const { stdout } = await lmz(STORED, { cwd: dir, input: bytes });
    await writeFile(join(dir, 'x.tar.lmz'), stdout);
    expect(await lmz(['-d', '--unpack', 'x.tar.lmz'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(join(dir, 'x'))).toEqual(['a', 'b']);
    expect(await readFile(join(dir, 'x', 'b', 'l'), 'utf8')).toBe('a');
    const { mode, mtimeMs } = await stat(join(dir, 'x', 'a'));
    expect({ mode: mode & 0o7777, mtimeMs }).toEqual({ mode: 0o755, mtimeMs: 1e12 });
    // A folder that the archive only implies is an ordinary one.
    await mkdir(join(dir, 'x', 'ordinary'));
    expect((await stat(join(dir, 'x', 'b'))).mode).toBe((await stat(join(dir, 'x', 'ordinary'))).mode);
    const noTar = await lmz(STORED, { cwd: dir, input: 'no tar' });
    expect(await lmz(['-d', '--unpack', '-o', 'y'], { cwd: dir, input: noTar.stdout })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('LMZ_CORRUPT') as string,
    });
    expect(await names(dir)).toEqual(['x', 'x.tar.lmz']);
  });
});

/** What a hostile archive may try, each of it beside an innocent file. */
const HOSTILE: Record<string, Entry[]> = {
  'an absolute name': [{ name: '/tmp/lmz-test-evil' }],
  'a name that climbs': [{ name: '../evil' }],
  'a name that climbs late': [{ name: 'd/sub/../../../evil' }],
  'a folder that climbs': [{ name: '../evil/', type: '5' }],
  'a backslash that climbs': [{ name: 'd\\..\\..\\evil' }],
  'a drive letter': [{ name: 'C:/evil' }],
  'an absolute link': [{ name: 'd/l', type: '2', link: '/etc' }],
  'a link that climbs': [{ name: 'd/l', type: '2', link: '../../evil' }],
  'a link to beside the folder': [{ name: 'd/l', type: '2', link: '../evil' }],
  'a link in the place of the folder': [{ name: 'e', type: '2', link: '..' }],
  'a link that climbs by another': [
    { name: 'd/s', type: '2', link: '.' },
    { name: 'd/l', type: '2', link: 's/s/../../evil' },
  ],
  'a file behind a link': [
    { name: 'd/l', type: '2', link: '.' },
    { name: 'd/l/evil', body: 'x' },
  ],
  'a file in the place of a link': [
    { name: 'd/l', type: '2', link: 'innocent' },
    { name: 'd/l', body: 'x' },
  ],
  'a hard link to outside': [{ name: 'd/l', type: '1', link: '/etc/passwd' }],
  'a hard link that climbs': [{ name: 'd/l', type: '1', link: '../x.tar.lmz' }],
  'a hard link to what is not there': [{ name: 'd/l', type: '1', link: 'd/none' }],
  'a hard link to a link': [
    { name: 'd/s', type: '2', link: 'innocent' },
    { name: 'd/l', type: '1', link: 'd/s' },
  ],
  'a device': [{ name: 'd/null', type: '3' }],
  'a pipe': [{ name: 'd/pipe', type: '6' }],
  'one name twice': [{ name: 'd/innocent', body: 'y' }],
  'a file as a folder': [{ name: 'd/innocent/x', body: 'y' }],
  'a file with no name': [
    { name: './', type: '0', body: '' },
    { name: '.', body: 'y' },
  ],
};

describe('refuses to unpack', () => {
  async function attempt(dir: string, bytes: Buffer): Promise<void> {
    const inside = join(dir, 'inside');
    await mkdir(inside);
    const archive = join(inside, 'x.tar.lmz');
    await writeFile(archive, await stored(bytes));
    const { status, stderr } = await lmzHere(['-d', archive]);
    expect(stderr).toMatch(/^lmz: \S+x\.tar\.lmz: .*\(LMZ_UNSAFE_NAME\)\n {2}hint: [^\n]*\n$/);
    expect(status).toBe(1);
    expect(await names(inside)).toEqual(['x.tar.lmz']);
    expect(await names(dir)).toEqual(['inside']);
    await expect(lstat('/tmp/lmz-test-evil')).rejects.toMatchObject({ code: 'ENOENT' });
  }

  test.for(Object.entries(HOSTILE))('%s', async ([, entries], { dir }) => {
    const innocent = [
      { name: 'd/', type: '5', mode: 0o755 },
      { name: 'd/innocent', body: 'x' },
    ];
    await attempt(dir, Buffer.concat([FOLDER_MARK, tar([...innocent, ...entries])]));
  });

  test('a name that climbs, in a pax record', async ({ dir }) => {
    const evil = pax({ path: '../evil' });
    await attempt(dir, Buffer.concat([FOLDER_MARK, evil, tar([{ name: 'd/a', body: 'x' }])]));
  });

  test('a link target that climbs, in a pax record', async ({ dir }) => {
    const evil = pax({ linkpath: '../../evil' });
    await attempt(dir, Buffer.concat([FOLDER_MARK, evil, tar([{ name: 'd/a', type: '2', link: 'b' }])]));
  });
});
