/** Runs: what is measured, what is remembered, what goes wrong. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Compressor } from '../../src/bench/compressor.ts';
import { benchFiles, type FileOptions } from '../../src/bench/files.ts';
import { type Job, measure, type Measured, referenceSpeed } from '../../src/bench/measure.ts';
import { measureInProcess } from '../../src/bench/measure-process.ts';
import { runBench } from '../../src/bench/run-bench.ts';
import { protocolsOf, limitOf, readSettings } from '../../src/bench/settings.ts';
import { imageSet, soundSet } from '../../src/bench/synthetic.ts';
import { sampleText, test } from '../cli/harness.ts';

const text = new TextEncoder().encode(sampleText(5000));
const signal = new AbortController().signal;

function optionsIn(dir: string): FileOptions {
  return {
    folder: join(dir, 'corpora'),
    enwik: join(dir, 'none'),
    made: join(dir, 'made'),
    progress: () => undefined,
    log: () => undefined,
  };
}

/** A compressor that copies, wrongly or variably where it is told to. */
function copier(change: (bytes: Uint8Array, call: number) => Uint8Array): Compressor {
  let calls = 0;
  return {
    name: 'copy',
    kind: 'library',
    label: 'copy',
    available: () => Promise.resolve({ version: '1' }),
    compress: (bytes) => Promise.resolve(bytes),
    decompress: (bytes) => Promise.resolve(change(bytes, ++calls)),
  };
}

describe('one measurement', () => {
  const settings = { rounds: 3, seconds: 60 };

  test('as many rounds as asked for, or as there is time', async () => {
    const { timing, ...rest } = await measure(
      copier((bytes) => bytes),
      text,
      settings,
    );
    expect(rest).toMatchObject({ bytes: 5000, codedBytes: 5000, modelBytes: 0, matched: true });
    expect([timing.encode, timing.decode, timing.reference].map(({ length }) => length)).toEqual([3, 3, 3]);
    expect(rest.peakMemory).toBeGreaterThan(20e6);
    expect(
      (
        await measure(
          copier((bytes) => bytes),
          text,
          { rounds: 3, seconds: 0 },
        )
      ).timing.encode,
    ).toHaveLength(1);
  });

  test('bytes that come back different in one round of several are noticed', async () => {
    const liar = copier((bytes, call) => (call === 2 ? bytes.map((byte) => byte ^ 1) : bytes));
    expect((await measure(liar, text, settings)).matched).toBe(false);
    const short = copier((bytes) => bytes.subarray(1));
    expect((await measure(short, text, { ...settings, chunkSize: 1000 })).matched).toBe(false);
  });

  test('sizes that differ from round to round are an error', async () => {
    let length = 100;
    const moody: Compressor = {
      ...copier((bytes) => bytes),
      compress: () => Promise.resolve(new Uint8Array(length++)),
    };
    await expect(measure(moody, text, settings)).rejects.toThrow('copy gave 101 bytes, and 100 before');
  });

  test('the reference is a speed, of no bytes too', () => {
    expect(referenceSpeed(text)).toBeGreaterThan(1e5);
    expect(referenceSpeed(new Uint8Array(0))).toBeGreaterThan(1e5);
  });

  test('in a process of its own, of the beginning of a file', async ({ dir }) => {
    const path = join(dir, 'a.txt');
    writeFileSync(path, text);
    const job: Job = { compressor: 'gzip-node', path, limit: 3000, rounds: 1, seconds: 1, nice: 1 };
    expect(await measureInProcess(job)).toMatchObject({ bytes: 3000, matched: true });
    await expect(measureInProcess({ ...job, path: join(dir, 'no') })).rejects.toThrow(/ENOENT/);
    await expect(measureInProcess({ ...job, compressor: 'rar' })).rejects.toThrow(/no compressor "rar"/);
  });
});

describe('a run', () => {
  const measured: Measured = {
    bytes: 5000,
    codedBytes: 1000,
    modelBytes: 0,
    matched: true,
    timing: { encode: [1], decode: [1], reference: [1] },
  };

  async function runWith(dir: string, flags: string, fail?: string) {
    writeFileSync(join(dir, 'a.txt'), text);
    writeFileSync(join(dir, 'b.txt'), text.subarray(1));
    const jobs: Job[] = [];
    const settings = readSettings(['-d', `${join(dir, 'a.txt')},${join(dir, 'b.txt')}`, ...flags.split(' ')]);
    const report = await runBench(settings, {
      files: optionsIn(dir),
      signal,
      command: 'x',
      progress: () => undefined,
      measure: (job) => {
        jobs.push(job);
        if (job.compressor === fail) return Promise.reject(new Error('it broke'));
        return Promise.resolve(measured);
      },
    });
    return { jobs, report };
  }

  test('every compressor on every input with every protocol', async ({ dir }) => {
    const { jobs, report } = await runWith(dir, '-c gzip-node,lmz --protocol both --num-chunks 2 --rounds 7');
    expect(jobs).toHaveLength(8);
    expect(jobs[0]).toMatchObject({ compressor: 'gzip-node', limit: 4096, rounds: 7, nice: 0 });
    expect(report.results.map(({ protocol }) => protocol)).toEqual([
      'whole',
      'whole',
      2048,
      2048,
      'whole',
      'whole',
      2048,
      2048,
    ]);
    expect(report.results[0]).toMatchObject({ file: 'a.txt', version: process.versions['zlib'] });
  });

  test('one that fails is told, and the others go on', async ({ dir }) => {
    const { report } = await runWith(dir, '-c gzip-node,lmz', 'lmz');
    expect(report.results).toHaveLength(2);
    expect(report.failed.map(({ file, reason }) => `${file} ${reason}`)).toEqual([
      'a.txt it broke',
      'b.txt it broke',
    ]);
  });

  test('one that is missing is told', async ({ dir }) => {
    const { report } = await runWith(dir, '-c gzip-node,lmz@no-such-model');
    expect(report.missing).toMatchObject([
      { compressor: 'lmz@no-such-model', reason: expect.stringContaining('no model called') as string },
    ]);
    expect(report.results).toHaveLength(2);
  });

  test('rivals are remembered by content, version and protocol; lmz is not', async ({ dir }) => {
    const flags = `-c gzip-node,lmz --cache ${join(dir, 'cache.json')}`;
    expect((await runWith(dir, flags)).jobs).toHaveLength(4);
    const again = await runWith(dir, flags);
    expect(again.jobs.map(({ compressor }) => compressor)).toEqual(['lmz', 'lmz']);
    expect(again.report.results).toHaveLength(4);
    expect((await runWith(dir, `${flags} --chunk-size 1000`)).jobs).toHaveLength(4);
    const keys = Object.keys(JSON.parse(readFileSync(join(dir, 'cache.json'), 'utf8')) as object);
    expect(keys).toHaveLength(4);
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(keys).toContain(`Node gzip -9 | ${process.versions['zlib']} | ${sha256} | whole | all`);
  });

  test('protocols', () => {
    const of = (flags: string) => {
      const settings = readSettings(flags === '' ? [] : flags.split(' '));
      return [protocolsOf(settings), limitOf(settings)];
    };
    expect(of('')).toEqual([[undefined], undefined]);
    expect(of('--chunk-size 1K')).toEqual([[1024], undefined]);
    expect(of('--protocol chunked --num-chunks 3')).toEqual([[2048], 6144]);
    expect(of('--protocol both --chunk-size 100 --num-chunks 3')).toEqual([[undefined, 100], 300]);
    expect(of('--protocol whole --num-chunks 1')).toEqual([[undefined], 2048]);
  });
});

describe('inputs', () => {
  test('images and sounds are the same everywhere', () => {
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    expect(imageSet(4, 1)).toHaveLength(4 * 2048);
    expect(soundSet(20_000, 1)).toHaveLength(40_000);
    expect([sha256(imageSet(4, 1)), sha256(soundSet(20_000, 1))]).toEqual([
      'ef2a7689685450f1',
      '01897de6b204e49b',
    ]);
    expect(sha256(imageSet(4, 2))).not.toBe(sha256(imageSet(4, 1)));
  });

  test('files, folders, sets that are made', async ({ dir }) => {
    mkdirSync(join(dir, 'f/g'), { recursive: true });
    writeFileSync(join(dir, 'f/g/b'), 'bb');
    writeFileSync(join(dir, 'f/a'), 'a');
    const options = optionsIn(dir);
    const found = await benchFiles(join(dir, 'f'), options);
    expect(found.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a', 1],
      ['g/b', 2],
    ]);
    expect(await benchFiles(join(dir, 'f/a'), options)).toMatchObject([{ name: 'a', bytes: 1 }]);
    const [image] = await benchFiles('image', options);
    expect(image).toMatchObject({ dataset: 'image', name: 'patches.grey', bytes: 256 * 2048 });
    expect(existsSync(image.path)).toBe(true);
  });

  test('what is not there is named', async ({ dir }) => {
    const options = optionsIn(dir);
    await expect(benchFiles('enwik5', options)).rejects.toThrow(/enwik5 is no data set, file or folder/);
    await expect(benchFiles('calgary', options)).rejects.toThrow(/calgary is not complete/);
    await expect(benchFiles('calgary-books', options)).rejects.toThrow(/is not complete/);
  });
});
