/**
 * Speed of a Transformer in the thesis' protocol (independent chunks of 2048 bytes, the model alone) through the codec, all
 * cores, in both engines: an encoder feeds sequences, a decoder one byte at a time. `MODEL=path npm run bench -- transformer-speed`.
 *
 * @module
 */
import { compress, decompress } from '../codec/one-shot.ts';
import { loadModel, type Model } from '../model/load.ts';
import { resolveModel } from '../model/registry.ts';
import { describeLoad } from './load.ts';
import { CHUNK } from './protocol.ts';
import { formatSpread, readCorpus, spreadOf, writeReport } from './report.ts';

const FILE = 'calgary/book1';
const ROUNDS = 3;
/** Chunks that are enough to tell an engine's speed. */
const CHUNKS = { kernel: 64, node: 8 } as const;
const DIRECTIONS = ['encode', 'decode'] as const;

interface Figure {
  /** Kilobytes (1000 bytes) per second. */
  readonly speed: number;
  /** Microseconds of processor time per byte. */
  readonly processor: number;
}

async function measure(size: number, call: () => unknown): Promise<Figure> {
  const before = process.cpuUsage();
  const start = performance.now();
  await call();
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { speed: size / milliseconds, processor: (user + system) / size };
}

/** A row for each direction. */
async function engineRows(engine: keyof typeof CHUNKS, model: Model): Promise<string[][]> {
  const data = readCorpus(FILE).subarray(0, CHUNK * CHUNKS[engine]);
  const encode = (): Promise<Uint8Array> => compress(data, { model, engine, mode: 'lm', chunkSize: CHUNK });
  const packed = await encode();
  const decode = async (): Promise<void> => {
    const back = await decompress(packed, { model, engine });
    if (Buffer.compare(back, data) !== 0) throw new Error('the decoded bytes differ');
  };
  const calls = { encode, decode };
  const figures: Record<keyof typeof calls, Figure[]> = { encode: [], decode: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const direction of DIRECTIONS) {
      figures[direction].push(await measure(data.length, calls[direction]));
    }
  }
  return DIRECTIONS.map((direction) => [
    `${direction}, ${engine}`,
    String(data.length),
    formatSpread(spreadOf(figures[direction].map(({ speed }) => speed)), 2),
    formatSpread(spreadOf(figures[direction].map(({ processor }) => processor)), 0),
  ]);
}

export async function run(): Promise<void> {
  const name = process.env.MODEL ?? 'transformer-rotary';
  const model = loadModel((await resolveModel(name)).bytes);
  const rows = [...(await engineRows('kernel', model)), ...(await engineRows('node', model))];
  const columns = ['', 'bytes', 'KB/s, median (min to max)', 'processor time, us a byte'];
  writeReport('transformer-speed', `Speed of ${name} on the beginning of ${FILE}`, { columns, rows }, [
    `Independent chunks of ${CHUNK} bytes, \`mode: lm\`, all cores, ${ROUNDS} rounds in one process after one that loads everything (targets: 4 KB/s and 1 KB/s). \`kernel\` is WebAssembly, \`node\` onnxruntime-node. ${describeLoad()}`,
  ]);
}
