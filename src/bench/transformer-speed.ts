/**
 * Speed of a Transformer in the thesis' protocol (independent chunks of 2048 bytes, the model alone) through the codec, all
 * cores: an encoder feeds sequences, a decoder one byte at a time. `MODEL=path npm run bench -- transformer-speed`.
 *
 * @module
 */
import { compress, decompress } from '../codec/one-shot.ts';
import { loadModel } from '../model/load.ts';
import { resolveModel } from '../model/registry.ts';
import { describeLoad } from './load.ts';
import { CHUNK } from './protocol.ts';
import { formatSpread, readCorpus, spreadOf, writeReport } from './report.ts';

const FILE = 'calgary/book1';
const CHUNKS = 8;
const ROUNDS = 3;

/** Kilobytes (1000 bytes) per second, and microseconds of processor time per byte, of one call. */
async function measure(size: number, call: () => unknown): Promise<{ speed: number; processor: number }> {
  const before = process.cpuUsage();
  const start = performance.now();
  await call();
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { speed: size / milliseconds, processor: (user + system) / size };
}

export async function run(): Promise<void> {
  const name = process.env.MODEL ?? 'transformer-rotary';
  const model = loadModel((await resolveModel(name)).bytes);
  const data = readCorpus(FILE).subarray(0, CHUNK * CHUNKS);
  const encode = (): Promise<Uint8Array> => compress(data, { model, mode: 'lm', chunkSize: CHUNK });
  const packed = await encode();
  const figures: Record<string, { speed: number; processor: number }[]> = { encode: [], decode: [] };
  for (let round = 0; round < ROUNDS; round++) {
    figures['encode'].push(await measure(data.length, encode));
    figures['decode'].push(
      await measure(data.length, async () => {
        const back = await decompress(packed, { model });
        if (Buffer.compare(back, data) !== 0) throw new Error('the decoded bytes differ');
      }),
    );
  }
  const rows = Object.entries(figures).map(([direction, all]) => [
    direction,
    formatSpread(spreadOf(all.map(({ speed }) => speed)), 2),
    formatSpread(spreadOf(all.map(({ processor }) => processor)), 0),
  ]);
  const columns = ['', 'KB/s, median (min to max)', 'processor time, us a byte'];
  writeReport(
    'transformer-speed',
    `Speed of ${name} on the first ${data.length} bytes of ${FILE}`,
    { columns, rows },
    [
      `Independent chunks of ${CHUNK} bytes, \`mode: lm\`, all cores, ${ROUNDS} rounds in one process after one that loads everything (targets: 4 KB/s and 1 KB/s). ${describeLoad()}`,
    ],
  );
}
