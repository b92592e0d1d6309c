/**
 * What chunks cost and give at the default level: ratio and speed by their size; two threads over one, the whole command;
 * and what a command takes beside `zpaq -m5`, of memory, on next to nothing, and up to its first byte of output.
 *
 *     [BYTES=N] npm run bench -- chunks          N: only so many first bytes of every input, for a trial
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compress } from '../codec/one-shot.ts';
import { DEFAULT_CHUNK_SIZE } from '../codec/options.ts';
import { CommandCompressor } from './command-compressor.ts';
import type { Compressor } from './compressor.ts';
import { findCompressor } from './compressors.ts';
import { describeLoad } from './load.ts';
import { formatMarkdown, formatSpread, readCorpus, type Spread, spreadOf, writeReport } from './report.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Inputs, each with the smallest chunk that it is cut into; sizes double from there until one chunk holds it all. */
const BY_SIZE = [
  { name: 'bible.txt', files: ['large/bible.txt'], smallest: 512 * KIB },
  {
    name: 'world192.txt and four more',
    files: [
      ...['large/world192.txt', 'enwik/enwik8.prefix-4154399', 'canterbury/plrabn12.txt'],
      ...['canterbury/lcet10.txt', 'calgary/book1'],
    ],
    smallest: 4 * MIB,
  },
] as const;
const BOOKS = ['calgary/book1', 'calgary/book2'];
/** Chunks that the books, as one file, are cut into where threads are compared. */
const CHUNKS = 4;
const ROUNDS = 3;
/** Rounds of what takes less than a second. */
const SHORT_ROUNDS = 5;
const SMALL = KIB;

const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/cli/main.js' : '../cli/main.js', import.meta.url),
);

function read(files: readonly string[]): Uint8Array {
  const limit = Number(process.env.BYTES ?? Infinity);
  return readCorpus(...files).subarray(0, limit);
}

/** Seconds of a call, and what it gave. */
async function timed<T>(call: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const start = performance.now();
  const value = await call();
  return { seconds: (performance.now() - start) / 1000, value };
}

const sizeText = (size: number): string => (size < MIB ? `${size / KIB}K` : `${size / MIB}M`);

/** A row for each input and chunk size. */
async function sizeRows(): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  for (const { name, files, smallest } of BY_SIZE) {
    const data = read(files);
    for (let chunkSize: number = smallest, chunks = 0; chunks !== 1; chunkSize *= 2) {
      const { seconds, value } = await timed(() => compress(data, { chunkSize }));
      const ratio = `${((value.length / data.length) * 100).toFixed(2)} %`;
      chunks = Math.ceil(data.length / chunkSize);
      const speed = (data.length / 1000 / seconds).toFixed(0);
      rows.push([name, data.length, sizeText(chunkSize), chunks, value.length, ratio, speed]);
    }
  }
  return rows;
}

function lmzThreads(threads: number, chunkSize: number): CommandCompressor {
  const flags = ['-q', `-T${threads}`, '-c'];
  return new CommandCompressor({
    name: 'lmz',
    label: `lmz -T${threads}`,
    kind: 'lmz',
    program: process.execPath,
    prefix: [PROGRAM],
    encode: { args: [...flags, '--chunk-size', String(chunkSize), 'x'], toStdout: true },
    decode: { args: [...flags, '-d', 'c'], toStdout: true },
    versionArgs: ['--version'],
    versionPattern: /^lmz (\S+)/,
  });
}

/** One row for each direction: both speeds, and the factor between them, round by round. */
async function threadRows(): Promise<string[][]> {
  const data = read(BOOKS);
  const pair = [1, 2].map((threads) => lmzThreads(threads, Math.ceil(data.length / CHUNKS)));
  const speeds = { encode: [[], []] as number[][], decode: [[], []] as number[][] };
  for (let round = 0; round < ROUNDS; round++) {
    const files: Uint8Array[] = [];
    for (const [i, lmz] of pair.entries()) {
      const { seconds, value } = await timed(() => lmz.compress(data));
      speeds.encode[i].push(data.length / 1000 / seconds);
      files.push(value);
    }
    if (Buffer.compare(files[0], files[1]) !== 0) throw new Error('threads changed the output');
    for (const [i, lmz] of pair.entries()) {
      const { seconds, value } = await timed(() => lmz.decompress(files[i]));
      speeds.decode[i].push(data.length / 1000 / seconds);
      if (Buffer.compare(value, data) !== 0) throw new Error('the decoded bytes differ');
    }
  }
  return Object.entries(speeds).map(([direction, [one, two]]) => [
    direction,
    formatSpread(spreadOf(one), 1),
    formatSpread(spreadOf(two), 1),
    formatSpread(spreadOf(two.map((speed, i) => speed / one[i])), 2),
  ]);
}

/** Seconds that packing book1, then book2 takes. */
async function packBooks(compressor: Compressor): Promise<number> {
  let sum = 0;
  for (const file of BOOKS) {
    const data = read([file]);
    sum += (await timed(() => compressor.compress(data))).seconds;
  }
  return sum;
}

/** Times of lmz and of zpaq, and the factor between them, round by round. */
async function besideZpaq(): Promise<Spread[]> {
  const [lmz, zpaq] = ['lmz-command', 'zpaq'].map(findCompressor);
  const rounds: number[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [own, other] = [await packBooks(lmz), await packBooks(zpaq)];
    rounds.push([own, other, own / other]);
  }
  return [0, 1, 2].map((column) => spreadOf(rounds.map((figures) => figures[column])));
}

/** Speed and memory of the whole command on two threads, where chunks have their usual size. */
async function memoryRows(): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  for (const { name, files } of BY_SIZE) {
    const data = read(files);
    let packed = data;
    for (const direction of ['encode', 'decode'] as const) {
      const lmz = lmzThreads(2, DEFAULT_CHUNK_SIZE);
      const { seconds, value } = await timed(() =>
        direction === 'encode' ? lmz.compress(data) : lmz.decompress(packed),
      );
      packed = value;
      const memory = lmz.peakMemory();
      rows.push([
        name,
        Math.ceil(data.length / DEFAULT_CHUNK_SIZE),
        direction,
        (data.length / 1000 / seconds).toFixed(1),
        memory === undefined ? '' : (memory / 1e6).toFixed(0),
      ]);
    }
    if (Buffer.compare(packed, data) !== 0) throw new Error('the decoded bytes differ');
  }
  return rows;
}

/** Seconds from a command's start to its first byte of output, and to its end. */
async function firstByte(args: readonly string[]): Promise<{ first: number; whole: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, [PROGRAM, '-q', '-c', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let first = 0;
  child.stdout.once('data', () => (first = (performance.now() - start) / 1000));
  child.stdout.resume();
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`lmz ${args.join(' ')} ended with ${status ?? 'a signal'}`);
  return { first, whole: (performance.now() - start) / 1000 };
}

/** Packing and restoring {@link SMALL} bytes. */
async function smallRows(): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'lmz-bench-'));
  try {
    const [raw, packed] = ['x', 'x.lmz'].map((name) => join(folder, name));
    const data = read([BOOKS[0]]).subarray(0, SMALL);
    writeFileSync(raw, data);
    writeFileSync(packed, await compress(data));
    const rows: string[][] = [];
    for (const [name, args] of [
      ['encode', [raw]],
      ['decode', ['-d', packed]],
    ] as const) {
      const rounds = [];
      for (let round = 0; round < SHORT_ROUNDS; round++) rounds.push(await firstByte(args));
      rows.push([
        name,
        formatSpread(spreadOf(rounds.map(({ first }) => first)), 2),
        formatSpread(spreadOf(rounds.map(({ whole }) => whole)), 2),
      ]);
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(): Promise<void> {
  const rows = await sizeRows();
  const threads = await threadRows();
  const [lmz, zpaq, factor] = await besideZpaq();
  const memory = await memoryRows();
  const small = await smallRows();
  const columns = ['input', 'bytes', 'chunk size', 'chunks', 'coded bytes', 'ratio', 'encode, KB/s'];
  writeReport('chunks', 'Chunks, threads and start-up at the default level', { columns, rows }, [
    'One run each, in one process, all cores. Where one chunk holds an input, larger ones change nothing. Among one chunk and several, speeds are not like with like: within one chunk the network runs ahead of the coder on a thread of its own.',
    `**Threads.** The whole command on book1 and book2 as one file of ${CHUNKS} equal chunks; KB/s and the factor between them, medians (min to max) of ${ROUNDS} pairs (targets: 100 KB/s with two threads, 1.7 times):`,
    formatMarkdown({
      columns: ['', 'one thread, KB/s', 'two threads, KB/s', 'two over one'],
      rows: threads,
    }),
    `**Beside zpaq.** Packing book1, then book2, the whole command: lmz ${formatSpread(lmz, 1)} s, zpaq -m5 ${formatSpread(zpaq, 1)} s; lmz takes ${formatSpread(factor, 2)} times as long (target: at most 6). ${ROUNDS} pairs.`,
    '**Memory.** The whole command, two threads, chunks of the usual size: largest resident set in MB, all of it counted (target: under 700), one run each:',
    formatMarkdown({ columns: ['input', 'chunks', 'direction', 'KB/s', 'memory, MB'], rows: memory }),
    `**Start-up.** The whole command on ${SMALL} bytes, seconds, medians (min to max) of ${SHORT_ROUNDS} (targets: first byte under 0.7 s, end under 1 s):`,
    formatMarkdown({ columns: ['', 'first byte of output', 'end'], rows: small }),
    describeLoad(),
  ]);
}
