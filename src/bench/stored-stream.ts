/**
 * One GiB of incompressible input from file to file through the streams: stored frames, flat memory.
 *
 * @module
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { lmzDecode, lmzEncode } from '../codec/streams.ts';
import { Xxh64 } from '../digest.ts';
import { formatSpread, spreadOf, writeReport } from './report.ts';

const SIZE = 2 ** 30;
const BLOCK = 2 ** 20;
const PIECE = 2 ** 18;
const ROUNDS = 3;

async function writeNoise(path: string): Promise<void> {
  const file = await open(path, 'w');
  const block = new Uint8Array(BLOCK);
  for (let at = 0; at < SIZE; at += BLOCK) await file.write(randomFillSync(block));
  await file.close();
}

async function digestOf(path: string): Promise<bigint> {
  const digest = new Xxh64();
  for await (const piece of createReadStream(path, { highWaterMark: PIECE }))
    digest.update(piece as Uint8Array);
  return digest.digest();
}

/** Megabytes per second (10^6) and the largest resident memory seen, in the same unit. */
async function pump(from: string, stream: Transform, to: string): Promise<{ speed: number; memory: number }> {
  let memory = 0;
  const sample = () => (memory = Math.max(memory, process.memoryUsage.rss()));
  stream.on('progress', sample);
  const start = performance.now();
  await pipeline(createReadStream(from, { highWaterMark: PIECE }), stream, createWriteStream(to));
  const seconds = (performance.now() - start) / 1000;
  sample();
  return { speed: SIZE / 1e6 / seconds, memory: memory / 1e6 };
}

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lmz-bench-'));
  try {
    const [raw, packed, back] = ['raw', 'packed', 'back'].map((name) => join(folder, name));
    await writeNoise(raw);
    const encode = [];
    const decode = [];
    for (let round = 0; round < ROUNDS; round++) {
      encode.push(await pump(raw, lmzEncode(), packed));
      decode.push(await pump(packed, lmzDecode(), back));
    }
    if ((await digestOf(raw)) !== (await digestOf(back))) throw new Error('the decoded bytes differ');
    const overhead = statSync(packed).size - SIZE;
    const row = (name: string, figures: { speed: number; memory: number }[]) => [
      name,
      formatSpread(spreadOf(figures.map(({ speed }) => speed)), 0),
      Math.max(...figures.map(({ memory }) => memory)).toFixed(0),
    ];
    const columns = ['', 'MB/s, median (min to max)', 'peak resident memory, MB'];
    writeReport(
      'stored-stream',
      'Streaming 1 GiB of incompressible input',
      { columns, rows: [row('encode', encode), row('decode', decode)] },
      [
        `File to file, ${ROUNDS} rounds in one process, decoded bytes compared. The file grows by ${overhead} bytes (${((overhead / SIZE) * 100).toFixed(5)} %). Targets: 150 MB/s or more each way, memory under 400 MB, growth at most 0.01 %.`,
      ],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
