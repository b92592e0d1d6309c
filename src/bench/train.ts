/**
 * Training speed of the default configuration, with one thread and with two.
 *
 * @module
 */
import { brotliDecompressSync } from 'node:zlib';
import type { Category } from '../train/corpus.ts';
import { openEngine } from '../train/engines.ts';
import { networkKind } from '../train/networks.ts';
import { readSettings } from '../train/settings.ts';
import { Trainer } from '../train/trainer.ts';
import { describeLoad } from './load.ts';
import { formatSpread, readCorpus, spreadOf, writeReport } from './report.ts';

const FILE = 'train/prose/prose_05.txt.br';
const THREADS = [1, 2];
const ROUNDS = 3;
const SECONDS = 8;
const WARM_UP_STEPS = 10;
/** Bytes a second. */
const TARGET = 30_000;

export async function run(): Promise<void> {
  const { settings } = readSettings([]);
  const text = brotliDecompressSync(readCorpus(FILE));
  const category: Category = { name: 'prose', weight: 1, training: text, validation: text, files: [] };
  const { network: name, batch, sequence, block, seed, clip, lr, warmup } = settings;
  const kind = networkKind(name);
  const { tableRate } = kind;
  const network = kind.create(kind.configure(settings));
  const shape = { lanes: batch, steps: sequence };
  const runs = await Promise.all(
    THREADS.map(async (threads) => {
      const { engine } = await openEngine('ort', network, shape, threads);
      const options = { shape, blockSize: block, seed, clipNorm: clip, tableRate };
      const trainer = new Trainer(network, engine, [category], options, { rate: lr, warmup });
      for (let i = 0; i < WARM_UP_STEPS; i++) await trainer.step();
      return { threads, engine, trainer, speeds: [] as number[] };
    }),
  );
  for (let round = 0; round < ROUNDS; round++) {
    for (const { trainer, speeds } of runs) {
      const [start, before] = [performance.now(), trainer.bytes];
      while (performance.now() - start < SECONDS * 1000) await trainer.step();
      speeds.push((trainer.bytes - before) / ((performance.now() - start) / 1000));
    }
  }
  const rows = runs.map(({ threads, speeds }) => [threads, formatSpread(spreadOf(speeds), 0)]);
  for (const { engine } of runs) await engine.release();
  writeReport(
    'train',
    'Training speed of the default configuration',
    { columns: ['threads', 'bytes/s, median (min to max)'], rows },
    [
      `${JSON.stringify(network.config)}, batch ${batch}, ${sequence} steps a segment, onnxruntime; whole training steps, ${ROUNDS} rounds of ${SECONDS} s each, alternating. Target: ${TARGET} bytes/s with two threads.`,
      describeLoad(),
    ],
  );
}
