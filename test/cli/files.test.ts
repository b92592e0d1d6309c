import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { ended, lmz, MAIN, names, sampleText, shell, start, test, until, type Ending } from './harness.ts';

const TEXT = sampleText(3000);
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

/** Arguments that make compressing quick: what is tested here is files, not models. */
const STORED = ['--mode', 'stored'];

describe('round trips', () => {
  test('a file, with the model', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    expect(await lmz(['a'], { cwd: dir })).toMatchObject({ status: 0, stderr: '', stdout: Buffer.alloc(0) });
    expect(await names(dir)).toEqual(['a', 'a.lmz']);
    expect((await stat(join(dir, 'a.lmz'))).size).toBeLessThan(TEXT.length);
    expect(await lmz(['-d', '-o', 'b', 'a.lmz'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await readFile(join(dir, 'b'), 'utf8')).toBe(TEXT);
  });

  test('through pipes, with no arguments, a dash, or a name', async ({ dir }) => {
    const compressed = await lmz(STORED, { cwd: dir, input: TEXT });
    expect(compressed).toMatchObject({ status: 0, stderr: '' });
    for (const args of [['-d'], ['-dc', '-'], ['-d', '-'], ['--decompress', '--stdout']]) {
      const { stdout, status } = await lmz(args, { cwd: dir, input: compressed.stdout });
      expect({ status, text: stdout.toString() }).toEqual({ status: 0, text: TEXT });
    }
    expect(await names(dir)).toEqual([]);
  });

  test('an empty input', async ({ dir }) => {
    const { stdout } = await lmz([], { cwd: dir });
    expect(stdout.length).toBeGreaterThan(0);
    expect(await lmz(['-d'], { cwd: dir, input: stdout })).toMatchObject({
      status: 0,
      stdout: Buffer.alloc(0),
    });
  });

  test('several files to standard output are one lmz file', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'first, ');
    await writeFile(join(dir, 'b'), 'second');
    const { stdout, status } = await lmz([...STORED, '-c', 'a', 'b'], { cwd: dir });
    expect(status).toBe(0);
    expect((await lmz(['-d'], { cwd: dir, input: stdout })).stdout.toString()).toBe('first, second');
  });

  test('every option, joined and apart', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    const options = [
      '-kT1',
      '-m',
      'order2',
      '--engine=auto',
      '--lanes',
      '2',
      '--chunk-size=1KiB',
      '--check=sha256',
    ];
    expect(
      await lmz([...options, '--mode=lm', '--verify', '--embed-model', 'a'], { cwd: dir }),
    ).toMatchObject({
      status: 0,
      stderr: '',
    });
    const { stdout } = await lmz(['-l', '--json', 'a.lmz'], { cwd: dir });
    const [info] = JSON.parse(stdout.toString()) as { members: { frames: object[] }[] }[];
    expect(info.members).toMatchObject([{ chunkSize: 1024, contentCheck: 'sha256', embeddedModel: true }]);
    expect(info.members[0].frames.filter((frame) => 'lanes' in frame && frame.lanes === 2)).toHaveLength(3);
    expect(await lmz(['-dkfT', '1', '-M512M', 'a.lmz'], { cwd: dir })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe(TEXT);
  });

  test('the output does not depend on the threads', async ({ dir }) => {
    const args = ['-c', '--chunk-size', '1K'];
    const one = await lmz([...args, '-T1'], { cwd: dir, input: TEXT });
    const two = await lmz([...args, '-T2'], { cwd: dir, input: TEXT });
    expect(one.stdout.equals(two.stdout)).toBe(true);
  });
});

describe('testing and listing', () => {
  test('-t is silent about good files and writes nothing', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    await lmz([...STORED, 'a'], { cwd: dir });
    expect(await lmz(['-t', 'a.lmz'], { cwd: dir })).toMatchObject({
      status: 0,
      stderr: '',
      stdout: Buffer.alloc(0),
    });
    expect(await names(dir)).toEqual(['a', 'a.lmz']);
    expect((await lmz(['-tv', 'a.lmz'], { cwd: dir })).stderr).toMatch(
      /^lmz: a\.lmz: .* to 2\.9 KiB .* in .* s, /,
    );
  });

  test('a flipped bit is an error that leaves no file', async ({ dir }) => {
    const { stdout } = await lmz(STORED, { cwd: dir, input: TEXT });
    stdout[Math.floor(stdout.length / 2)] ^= 1;
    await writeFile(join(dir, 'a.lmz'), stdout);
    const broken = {
      status: 1,
      stderr: expect.stringMatching(/^lmz: a\.lmz: .*\(LMZ_CORRUPT, at byte \d+\)\n/) as string,
    };
    expect(await lmz(['-t', 'a.lmz'], { cwd: dir })).toMatchObject(broken);
    expect(await lmz(['-d', 'a.lmz'], { cwd: dir })).toMatchObject(broken);
    expect(await names(dir)).toEqual(['a.lmz']);
  });
});

describe('several files', () => {
  test('one that is missing does not stop the others', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'a');
    await writeFile(join(dir, 'b'), 'b');
    const { status, stderr } = await lmz([...STORED, 'a', 'missing', 'b'], { cwd: dir });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'lmz: missing: no such file or folder (ENOENT)\n',
    });
    expect(await names(dir)).toEqual(['a', 'a.lmz', 'b', 'b.lmz']);
  });

  test('warnings make 2, an error beside them makes 1', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'a');
    await lmz([...STORED, 'a'], { cwd: dir });
    expect((await lmz(['a.lmz'], { cwd: dir })).status).toBe(2);
    expect((await lmz(['a.lmz', 'missing'], { cwd: dir })).status).toBe(1);
    expect((await lmz(['missing', 'a.lmz'], { cwd: dir })).status).toBe(1);
  });

  test('a bad one among files to standard output is told, the others arrive', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'a');
    await lmz([...STORED, 'a'], { cwd: dir });
    await writeFile(join(dir, 'bad.lmz'), 'bad');
    const { status, stdout, stderr } = await lmz(['-dc', 'bad.lmz', 'a.lmz'], { cwd: dir });
    expect({ status, text: stdout.toString() }).toEqual({ status: 1, text: 'a' });
    expect(stderr).toContain('lmz: bad.lmz: ');
  });
});

describe('existing outputs', () => {
  test('stay without -f and are replaced with it', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'new');
    await writeFile(join(dir, 'a.lmz'), 'old');
    const { status, stderr } = await lmz([...STORED, 'a'], { cwd: dir });
    expect(status).toBe(1);
    expect(stderr).toContain('LMZ_EXISTS');
    expect(await readFile(join(dir, 'a.lmz'), 'utf8')).toBe('old');
    expect((await lmz([...STORED, '-f', 'a'], { cwd: dir })).status).toBe(0);
    expect((await lmz(['-dc', 'a.lmz'], { cwd: dir })).stdout.toString()).toBe('new');
  });

  test('stay when -f fails', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'precious');
    await writeFile(join(dir, 'a.lmz'), 'rubbish');
    expect((await lmz(['-df', 'a.lmz'], { cwd: dir })).status).toBe(1);
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe('precious');
  });

  test('a name that is taken meanwhile is not overwritten', async ({ dir }) => {
    const child = start([...STORED, '-o', 'late'], { cwd: dir });
    await until(async () => (await names(dir)).length === 1, 'the temporary file is there');
    await writeFile(join(dir, 'late'), 'precious');
    const { status, stderr } = await ended(child, TEXT);
    expect(status).toBe(1);
    expect(stderr).toContain('late exists already (LMZ_EXISTS)');
    expect(await names(dir)).toEqual(['late']);
    expect(await readFile(join(dir, 'late'), 'utf8')).toBe('precious');
  });

  test('a link in the way is not written through', async ({ dir }) => {
    await writeFile(join(dir, 'a'), 'new');
    await writeFile(join(dir, 'victim'), 'precious');
    for (const target of ['victim', 'nowhere']) {
      const name = `${target}.lmz`;
      await symlink(target, join(dir, name));
      expect((await lmz([...STORED, '-o', name, 'a'], { cwd: dir })).status).toBe(1);
      expect((await lstat(join(dir, name))).isSymbolicLink()).toBe(true);
      expect((await lmz([...STORED, '-fo', name, 'a'], { cwd: dir })).status).toBe(0);
      expect((await lstat(join(dir, name))).isFile()).toBe(true);
    }
    expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('precious');
  });

  test('a device is written to, not replaced', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    expect(await lmz([...STORED, '-o', '/dev/null', 'a'], { cwd: dir })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });
});

describe('metadata', () => {
  test('mode and time go along, in both directions', async ({ dir }) => {
    const time = new Date('2001-02-03T04:05:06.789Z');
    await writeFile(join(dir, 'a'), TEXT);
    await chmod(join(dir, 'a'), 0o750);
    await utimes(join(dir, 'a'), time, time);
    await lmz([...STORED, 'a'], { cwd: dir });
    await lmz(['-d', '-o', 'b', 'a.lmz'], { cwd: dir });
    for (const name of ['a.lmz', 'b']) {
      const { mode, mtime } = await stat(join(dir, name));
      expect({ mode: mode & 0o7777, mtime }).toEqual({ mode: 0o750, mtime: time });
    }
  });

  test('a time before 1970 too', async ({ dir }) => {
    const time = new Date('1960-01-01T00:00:00.250Z');
    await writeFile(join(dir, 'a'), TEXT);
    await utimes(join(dir, 'a'), time, time);
    await lmz([...STORED, 'a'], { cwd: dir });
    expect((await stat(join(dir, 'a.lmz'))).mtime).toEqual(time);
  });

  test('what comes from a pipe gets the mode that the umask gives', async ({ dir }) => {
    await shell('umask 027; printf x | lmz --mode stored -o out', { cwd: dir });
    expect((await stat(join(dir, 'out'))).mode & 0o777).toBe(0o640);
  });

  test.runIf(isRoot)('the owner goes along', async ({ dir }) => {
    await shell(`printf x > a; chown ${NOBODY}:${NOBODY} a; chmod 4755 a; lmz --mode stored a`, { cwd: dir });
    const { uid, gid, mode } = await stat(join(dir, 'a.lmz'));
    // Never a setuid bit on something that is no program.
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: NOBODY, gid: NOBODY, mode: 0o755 });
  });

  test.runIf(isRoot)('a group that cannot be given away loses its rights', async ({ dir }) => {
    await chmod(dir, 0o777);
    await shell('printf x > a; chmod 0664 a', { cwd: dir });
    expect((await lmz([...STORED, 'a'], { cwd: dir, uid: NOBODY })).status).toBe(0);
    const { gid, mode } = await stat(join(dir, 'a.lmz'));
    expect({ gid, mode: mode & 0o777 }).toEqual({ gid: NOBODY, mode: 0o644 });
  });
});

describe('--rm', () => {
  test('removes the source, after verifying', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    expect(await lmz([...STORED, '--rm', 'a'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(dir)).toEqual(['a.lmz']);
    expect(await lmz(['-d', '--rm', 'a.lmz'], { cwd: dir })).toMatchObject({ status: 0, stderr: '' });
    expect(await names(dir)).toEqual(['a']);
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe(TEXT);
  });

  test('and -k: the last one wins', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    await lmz([...STORED, '--rm', '-k', 'a'], { cwd: dir });
    expect(await names(dir)).toEqual(['a', 'a.lmz']);
  });

  test('keeps the source of a failure', async ({ dir }) => {
    await writeFile(join(dir, 'a.lmz'), 'rubbish');
    expect((await lmz(['-d', '--rm', 'a.lmz'], { cwd: dir })).status).toBe(1);
    expect(await names(dir)).toEqual(['a.lmz']);
  });

  test('leaves links, hard links and special bits alone, as xz does', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    await symlink('a', join(dir, 'symbolic'));
    await writeFile(join(dir, 'b'), TEXT);
    await link(join(dir, 'b'), join(dir, 'hard'));
    await writeFile(join(dir, 'sticky'), TEXT);
    await chmod(join(dir, 'sticky'), 0o1644);
    const { status, stderr } = await lmz([...STORED, '--rm', 'symbolic', 'hard', 'sticky'], { cwd: dir });
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'lmz: symbolic: is a symbolic link; skipped (-f follows it)',
      'lmz: hard: has 1 more hard link(s); skipped',
      'lmz: sticky: has the setuid, setgid or sticky bit set; skipped',
    ]);
    expect(await names(dir)).toEqual(['a', 'b', 'hard', 'sticky', 'symbolic']);
    expect((await lmz([...STORED, '-f', '--rm', 'symbolic', 'hard', 'sticky'], { cwd: dir })).status).toBe(0);
    expect(await names(dir)).toEqual(['a', 'b', 'hard.lmz', 'sticky.lmz', 'symbolic.lmz']);
  });

  test('without --rm, links are followed', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    await symlink('a', join(dir, 'symbolic'));
    expect((await lmz([...STORED, 'symbolic'], { cwd: dir })).status).toBe(0);
    expect((await lmz(['-dc', 'symbolic.lmz'], { cwd: dir })).stdout.toString()).toBe(TEXT);
  });
});

describe('what is no regular file', () => {
  test('is skipped, unless the output has a name of its own', async ({ dir }) => {
    await shell('mkfifo pipe', { cwd: dir });
    const { status, stderr } = await lmz(['pipe'], { cwd: dir });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'lmz: pipe: is not a regular file; skipped (-c reads it)\n',
    });
    const read = await shell("printf 'from a pipe' > pipe & lmz --mode stored -c pipe | lmz -d", {
      cwd: dir,
    });
    expect(read.stdout.toString()).toBe('from a pipe');
    expect(await names(dir)).toEqual(['pipe']);
  });
});

describe('system errors are in plain words', () => {
  test.runIf(isRoot)('no permission', async ({ dir }) => {
    await mkdir(join(dir, 'locked'));
    await writeFile(join(dir, 'locked', 'a'), TEXT);
    await writeFile(join(dir, 'locked', 'secret'), TEXT, { mode: 0o600 });
    await chmod(dir, 0o755);
    const { status, stderr } = await lmz([...STORED, 'a', 'secret'], {
      cwd: join(dir, 'locked'),
      uid: NOBODY,
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'lmz: a: cannot create a.lmz: permission denied (EACCES)\n' +
        'lmz: secret: cannot create secret.lmz: permission denied (EACCES)\n',
    });
    await chmod(join(dir, 'locked'), 0o777);
    const again = await lmz([...STORED, 'secret'], { cwd: join(dir, 'locked'), uid: NOBODY });
    expect(again.stderr).toBe('lmz: secret: permission denied (EACCES)\n');
    expect(await names(join(dir, 'locked'))).toEqual(['a', 'secret']);
  });

  test('a full disk', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    const { status, stderr } = await lmz([...STORED, '-o', '/dev/full', 'a'], { cwd: dir });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'lmz: a: cannot write /dev/full: no space left on the device (ENOSPC)\n',
    });
    const piped = await shell('lmz --mode stored -c a > /dev/full', { cwd: dir });
    expect(piped.stderr).toBe('lmz: a: cannot write the output: no space left on the device (ENOSPC)\n');
  });

  test('a file that would be too large leaves nothing behind', async ({ dir }) => {
    await writeFile(join(dir, 'a'), Buffer.alloc(1 << 20, 'x'));
    const { status, stderr } = await shell('ulimit -f 100; lmz --mode stored a', { cwd: dir });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'lmz: a: cannot write a.lmz: the file would be larger than allowed (EFBIG)\n',
    });
    expect(await names(dir)).toEqual(['a']);
  });
});

/** Runs `lmz` with a module loaded before it that spoils something in node:fs. */
async function lmzSpoiled(dir: string, spoil: string, args: string): Promise<Ending> {
  const module = `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import { Transform } from 'node:stream';
    const { createReadStream } = fs;
    ${spoil}
    syncBuiltinESMExports();`;
  const path = join(await mkdtemp(join(tmpdir(), 'lmz-spoil-')), 'spoil.mjs');
  await writeFile(path, module);
  const ending = await shell(`'${process.execPath}' --import '${path}' '${MAIN}' ${args}`, { cwd: dir });
  await rm(dirname(path), { recursive: true });
  return ending;
}

describe('when something goes wrong underneath', () => {
  test('--verify finds what the disk has changed, and --rm removes nothing', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    const flip = `fs.createReadStream = (path, ...more) => {
      const stream = createReadStream(path, ...more);
      if (!path.includes('.lmz-')) return stream;
      return stream.pipe(new Transform({ transform(chunk, _, done) { chunk[999] ^= 1; done(null, chunk); } }));
    };`;
    const { status, stderr } = await lmzSpoiled(dir, flip, '--mode stored --rm a');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^lmz: a: does not decode again: .*\(LMZ_VERIFY\)\n {2}hint: /);
    expect(await names(dir)).toEqual(['a']);
  });

  test('a file that changes while it is read is a warning, and is not removed', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    const append = `fs.createReadStream = (path, ...more) =>
      createReadStream(path, ...more).on('end', () => path === 'a' && fs.appendFileSync(path, 'more'));`;
    const { status, stderr } = await lmzSpoiled(dir, append, '--mode stored --rm a');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'lmz: a: changed while it was read\nlmz: a: not removed, because of the warnings\n',
    });
    expect(await names(dir)).toEqual(['a', 'a.lmz']);
  });

  test('a file system without hard links is no hindrance, and no way to overwrite', async ({ dir }) => {
    await writeFile(join(dir, 'a'), TEXT);
    const refuse = `fs.linkSync = () => {
      throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'link' });
    };`;
    expect(await lmzSpoiled(dir, refuse, '--mode stored a')).toMatchObject({ status: 0, stderr: '' });
    expect((await lmz(['-dc', 'a.lmz'], { cwd: dir })).stdout.toString()).toBe(TEXT);
    expect((await lmzSpoiled(dir, refuse, '--mode stored a')).stderr).toContain('LMZ_EXISTS');
    expect(await names(dir)).toEqual(['a', 'a.lmz']);
  });

  test('a fault of lmz says so, and shows where only when asked', async ({ dir }) => {
    const boom = `fs.statSync = () => { throw new Error('boom'); };`;
    const { status, stderr } = await lmzSpoiled(dir, boom, 'a');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^lmz: a: internal error: boom\n {2}hint: .*LMZ_DEBUG=1.*\n$/);
    const loud = await lmzSpoiled(dir, `process.env.LMZ_DEBUG = '1'; ${boom}`, 'a');
    expect(loud.stderr).toContain('    at ');
  });
});
