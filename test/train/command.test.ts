/** `lmz train` as its users run it. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { run } from '../../src/train/command.ts';
import { PRESETS, readSettings, THESIS } from '../../src/train/settings.ts';
import { ended, lmz, lmzHere, start, test, until } from '../cli/harness.ts';
import { tinyText } from './tiny.ts';

const TINY = (
  '--units 8 --width 8 --hidden 8 --contexts order2,word --rows 300 --batch 4 --sequence 16 --block 512 ' +
  '--table-rate 3 --lr 1e-2 --threads 1 --validate-bytes 1000 --held 0.1'
).split(' ');

/** A terminal, as far as the bar looks at it. */
class Terminal extends PassThrough {
  readonly isTTY = true;
  readonly columns = 120;
}

test('trains, exports an exact model, draws its curve', async ({ dir }) => {
  await writeFile(join(dir, 'a.txt'), tinyText(20_000, 1));
  await writeFile(join(dir, 'b.txt'), tinyText(20_000, 2));
  const data = ['--data', 'one=3:a.txt', 'b.txt=1'];
  const flags = ['train', ...data, '--out', 'x/m.onnx', '--bytes', '20K', '--validate-every', '8K', ...TINY];
  const { status, stderr, stdout } = await lmz([...flags, '--watts', '50'], { cwd: dir });
  expect({ status, stdout: stdout.toString() }, stderr).toEqual({ status: 0, stdout: '' });
  expect(stderr).toMatch(/one: weight 3, 18000 bytes to train on, 2000 to validate with/);
  expect(stderr).toMatch(/engine: onnxruntime-node, 1 thread/);
  expect(stderr).toMatch(/0\.01 MB: validation one \d\.\d{4}, b\.txt \d\.\d{4}/);
  expect(stderr).toMatch(/trained on 0\.02 MB in \d+ s, \d+ J at 50 W, \d+ bytes\/s/);
  expect(stderr).toMatch(/exact model: one \d\.\d{4} \(rounding -?\d\.\d\d %\)/);
  expect((await readdir(join(dir, 'x'))).sort()).toEqual([
    'm.checkpoint',
    'm.curve.json',
    'm.html',
    'm.onnx',
    'm.reference.json',
    'm.svg',
  ]);
  const curve = JSON.parse(await readFile(join(dir, 'x/m.curve.json'), 'utf8')) as {
    training: number[][];
    validation: Record<string, number[][]>;
  };
  expect(curve.training.length).toBeGreaterThan(20);
  expect(curve.validation['one'].map(([megabytes]) => megabytes)).toEqual([0.008, 0.016, 0.02]);
  expect(curve.validation['one'].at(-1)![1]).toBeLessThan(4);
  expect(await readFile(join(dir, 'x/m.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  expect((await lmz(['model', 'audit', 'x/m.onnx'], { cwd: dir })).status).toBe(0);

  // The same again is refused; another run starts from the model, and begins where that one ended.
  const again = await lmz(flags, { cwd: dir });
  expect(again.status).toBe(1);
  expect(again.stderr).toMatch(/exists \(LMZ_EXISTS\)/);
  const rest = '--bytes 3K --batch 4 --sequence 16 --validate-bytes 1000 --threads 1 --held 0.1'.split(' ');
  const tuned = await lmz(['train', ...data, '--init', 'x/m.onnx', '-o', 'tuned.onnx', ...rest], {
    cwd: dir,
  });
  expect(tuned.status, tuned.stderr).toBe(0);
  const before = Number(/ 0 MB: validation one (\d\.\d+)/.exec(tuned.stderr)![1]);
  expect(Math.abs(before / curve.validation['one'].at(-1)![1] - 1)).toBeLessThan(0.02);
  const trained = async (model: string): Promise<{ bytes: number; before?: number }> => {
    const { stdout } = await lmz(['model', 'info', model], { cwd: dir });
    return JSON.parse(/^lmz\.training +(.*)$/m.exec(stdout.toString())![1]) as {
      bytes: number;
      before?: number;
    };
  };
  expect((await trained('tuned.onnx')).before).toBe((await trained('x/m.onnx')).bytes);
});

test.for(['SIGINT', 'SIGTERM'] as const)(
  '%s saves; --resume gives the very model of an unbroken run',
  async (signal, { dir }) => {
    await writeFile(join(dir, 'a.txt'), tinyText(20_000, 1));
    const flags = ['train', '--data', 'a.txt', '--bytes', '80K', '--name', 'm', ...TINY];
    const child = start([...flags, '--out', 'a.onnx'], { cwd: dir });
    const ending = ended(child);
    await until(async () => (await progressOf(dir)) > 0, 'training is under way');
    child.kill(signal);
    const { status, stderr } = await ending;
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(`${signal}: saving`);
    expect(stderr).toMatch(/stopped; --resume goes on/);
    expect((await readdir(dir)).sort()).toEqual(['a.checkpoint', 'a.txt']);
    const resumed = await lmz([...flags, '--out', 'a.onnx', '--resume'], { cwd: dir });
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(resumed.stderr).not.toMatch(/from 0 bytes/);
    expect((await lmz([...flags, '--out', 'b.onnx'], { cwd: dir })).status).toBe(0);
    expect(await readFile(join(dir, 'a.onnx'))).toEqual(await readFile(join(dir, 'b.onnx')));

    const other = await lmz([...flags, '--out', 'a.onnx', '--resume', '--units', '9'], { cwd: dir });
    expect(other.stderr).toMatch(/the network is given by the checkpoint/);
    const batch = await lmz([...flags, '--out', 'a.onnx', '--resume', '--batch', '8'], { cwd: dir });
    expect(batch.stderr).toMatch(/--batch was 4 in the checkpoint/);
    await writeFile(join(dir, 'a.txt'), tinyText(19_000, 1));
    const data = await lmz([...flags, '--out', 'a.onnx', '--resume'], { cwd: dir });
    expect(data.stderr).toMatch(/the training text is not that of the checkpoint/);
  },
);

async function progressOf(dir: string): Promise<number> {
  try {
    return (await readFile(join(dir, 'a.checkpoint/progress.jsonl'))).length;
  } catch {
    return 0;
  }
}

test('--from goes on with longer sequences; a Transformer is measured by whole contexts', async ({ dir }) => {
  await writeFile(join(dir, 'a.txt'), tinyText(20_000, 1));
  const sizes =
    '--network transformer --layers 1 --width 16 --heads 2 --widening 2 --context 32 --init-scale 0.25';
  const text = ['train', '--data', 'a.txt', '--held', '0.1', '--threads', '1', '--validate-bytes', '2000'];
  const first = [...text, ...sizes.split(' '), '--batch', '4', '--sequence', '16', '--block', '32'];
  const short = await lmz([...first, '--bytes', '4K', '--schedule', 'constant', '--checkpoint', 'short'], {
    cwd: dir,
  });
  expect(short.status, short.stderr).toBe(0);
  const going = [...text, '--from', 'short', '--decay-bytes', '2K', '--out', 'long.onnx', '--block', '32'];
  const long = await lmz([...going, '--batch', '2', '--sequence', '32'], { cwd: dir });
  expect(long.status, long.stderr).toBe(0);
  expect(long.stderr).toMatch(/from 4032 bytes, schedule .*"fromBytes":4032/);
  const cost = /exact model: a.txt \d\.\d{4} \(rounding (-?\d\.\d\d) %\)/.exec(long.stderr);
  expect(Math.abs(Number(cost![1]))).toBeLessThan(1);
  expect((await lmz(['model', 'audit', 'long.onnx'], { cwd: dir })).status).toBe(0);
});

test('a bar on a terminal', async ({ dir }) => {
  await writeFile(join(dir, 'a.txt'), tinyText(20_000, 1));
  const stderr = new Terminal();
  const said = text(stderr);
  const out = join(dir, 'm.onnx');
  const flags = ['--data', join(dir, 'a.txt'), '--out', out, '--minutes', '0.02', ...TINY];
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, debug: false };
  expect(await run(flags, io)).toBe(0);
  stderr.end();
  const shown = await said;
  expect(shown).toMatch(
    /\[=+-+\] +\d+ % {2}\d\.\d\d MB {2}\d+ B\/s {2}train \d\.\d+ bits\/byte {2}00:0\d left/,
  );
  expect(shown).toContain('the learning rate falls over the last');
  expect(shown).toMatch(/m\.onnx: \d+ bytes, SHA-256/);
});

test('a list of designs becomes a table; what is done stays done', async ({ dir }) => {
  await writeFile(join(dir, 'a.txt'), tinyText(20_000, 1));
  const designs = [
    { name: 'small', units: 4, 'table-rate': 1 },
    { name: 'minimal', cell: 'minimal', contexts: ['order2'], direct: false },
  ];
  await writeFile(join(dir, 'designs.json'), JSON.stringify(designs));
  const flags = [
    'train',
    '--compare',
    'designs.json',
    '--data',
    'a.txt',
    '--bytes',
    '5K',
    '--out',
    'table.md',
  ];
  const first = await lmz([...flags, ...TINY], { cwd: dir });
  expect(first.status, first.stderr).toBe(0);
  const table = await readFile(join(dir, 'table.md'), 'utf8');
  const rows = table.split('\n').map((line) => line.split(' | '));
  expect(rows[0]).toHaveLength(8);
  expect(rows[2].slice(0, 3)).toEqual(['| small', 'units 4; table-rate 1', '0.0']);
  expect(rows[3][1]).toBe('cell minimal; contexts order2; direct false');
  expect(Number(rows[3][4])).toBeLessThan(8);
  const network = JSON.parse(
    /(\{"network".*?\}) from/.exec(first.stderr.split('design minimal')[1])![1],
  ) as Record<string, unknown>;
  expect(network).toMatchObject({ cell: 'minimal', direct: false, kinds: ['order2'], units: 8 });
  const second = await lmz([...flags, ...TINY], { cwd: dir });
  expect(second.stderr).not.toMatch(/design small/);
  expect(await readFile(join(dir, 'table.md'), 'utf8')).toBe(table);
});

describe('settings', () => {
  test('a file holds flags by name; flags win', async ({ dir }) => {
    const path = join(dir, 'c.json');
    await writeFile(
      path,
      JSON.stringify({ units: 32, data: ['x', 'y=2'], direct: false, lr: 1e-3, bytes: '4M' }),
    );
    const { settings, given } = readSettings(['--config', path, '--units', '64']);
    expect(settings).toMatchObject({ units: 64, direct: false, lr: 1e-3, bytes: 4e6, batch: 32 });
    expect(settings.data).toEqual([{ paths: ['x'] }, { weight: 2, paths: ['y'] }]);
    expect([given('units'), given('lr'), given('batch')]).toEqual([true, true, false]);
  });

  test.for([
    [{ unit: 3 }, /there is no setting "unit"/],
    [{ units: 'many' }, /units: Expected a number/],
    [{ direct: 'no' }, /direct is true or false/],
    [{ cell: 'lstm' }, /cell: Expected one of: gru, minimal/],
    [[1], /an object of settings is expected/],
  ] as const)('%j is refused', async ([config, message], { dir }) => {
    const path = join(dir, 'c.json');
    await writeFile(path, JSON.stringify(config));
    const { status, stderr } = await lmzHere(['train', '--config', path]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/LMZ_USAGE/);
  });

  test('the preset is the thesis, and flags win over it', () => {
    const { settings } = readSettings(['--preset', 'thesis', '--batch', '2']);
    expect(settings).toMatchObject({
      network: 'transformer',
      steps: 1_000_000,
      batch: 2,
      sequence: 2048,
      sampling: 'random',
      lr: 1e-4,
      initScale: 0.02,
      warmup: 0,
    });
    expect(settings.data).toEqual([{ paths: ['enwik9'] }]);
    // 12 kWh in 122.5 hours.
    expect(PRESETS['thesis']['watts']).toBe(Math.round((THESIS.kilowattHours * 1000) / THESIS.hours));
  });

  test.for([
    [[], /no training text/],
    [['--data', 'x'], /nothing would be kept/],
    [['--data', 'x', '-o', 'm', '--schedule', 'cosine', '--minutes', '1'], /needs to know its end/],
    [['--data', 'x', '-o', 'm', '--network', 'mlp'], /there is no network "mlp"/],
    [['--data', 'x', '-o', 'm', '--engine', 'gpu'], /Expected one of: ort, tfjs/],
    [['--data', 'x', '-o', 'm', '--rows', '1,x'], /rows/],
    [['--data', 'x', '-o', 'm', '--from', 'y', '--resume'], /do not go together/],
    [['--data', '/no/such/file', '-o', 'm'], /\/no\/such\/file cannot be read/],
    [['--data', '/dev/null', '-o', 'm'], /too short: 0 bytes/],
    [['--data', '/dev/null', '-o', 'm', '--units', '0'], /units: 0 is no positive integer/],
    [['--data', '/dev/null', '-o', 'm', '--resume'], /there is no checkpoint m\.checkpoint/],
    [['--data', '/dev/null', '-o', 'm', '--init', 'order2'], /says nothing of its network/],
    [['stray'], /"stray" is no flag/],
  ] as const)('%j: a clean error', async ([args, message]) => {
    const { status, stderr } = await lmzHere(['train', ...args]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal error/);
  });

  test('help', async ({ dir }) => {
    const { status, stdout } = await lmz(['train', '--help'], { cwd: dir });
    expect(status).toBe(0);
    for (const line of stdout.toString().split('\n')) expect(line.length, line).toBeLessThanOrEqual(110);
    for (const flag of ['--preset', '--init', '--compare', '--resume', '--watts']) {
      expect(stdout.toString()).toContain(flag);
    }
  });
});
