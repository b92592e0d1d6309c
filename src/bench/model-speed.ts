/**
 * Speed of the built-in model with one lane, whole API, in both directions, beside brotli in the same run; and of the
 * networks alone, in the engines that run them.
 *
 *     [BYTES=N] npm run bench -- model-speed      N: only so many bytes of the text, for a trial
 *
 * @module
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { compress, decompress } from '../codec/one-shot.ts';
import { loadModel } from '../model/load.ts';
import { recognizeRecurrent } from '../model/recurrent/recognize.ts';
import { DEFAULT_MODEL, listModels, resolveModel } from '../model/registry.ts';
import { type LaneSession, openSession } from '../model/session.ts';
import { formatSpread, readCorpus, spreadOf, writeReport } from './report.ts';

const FILE = 'calgary/book1';
const ROUNDS = 5;
const LIMIT = Number(process.env.BYTES ?? Infinity);

/** Kilobytes per second (1000 bytes) of one call. */
async function speed(size: number, call: () => unknown): Promise<number> {
  const start = performance.now();
  await call();
  return size / (performance.now() - start);
}

/** Bytes that a network is fed in a round, and lanes that it is fed them in. */
const STEP_BYTES = Math.min(6000, LIMIT);
const LANES = [1, 4, 16, 64];
const ENGINES = ['kernel', 'node'] as const;

/** Microseconds a byte of a session, over the beginning of the text of each lane. */
async function stepTime(session: LaneSession, text: Uint8Array): Promise<number> {
  const { lanes } = session;
  const steps = Math.ceil(STEP_BYTES / lanes);
  const tokens = new Uint8Array(lanes);
  session.reset();
  const start = performance.now();
  for (let step = 0; step < steps; step++) {
    for (let lane = 0; lane < lanes; lane++) tokens[lane] = text[lane * 1000 + step] & (session.alphabet - 1);
    if (session.runNow) session.runNow(tokens);
    else await session.run(tokens, 1);
  }
  return (1000 * (performance.now() - start)) / (steps * lanes);
}

function tableText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A row for each model that the kernel runs and each number of lanes. */
async function networkRows(text: Uint8Array): Promise<string[][]> {
  const rows: string[][] = [];
  for (const { name, path } of await listModels()) {
    const model = loadModel((await resolveModel(path)).bytes);
    if (recognizeRecurrent(model.graph) === undefined) continue;
    for (const lanes of LANES) {
      const sessions = await Promise.all(ENGINES.map((engine) => openSession(model, { lanes, engine })));
      const times = sessions.map((): number[] => []);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [i, session] of sessions.entries()) times[i].push(await stepTime(session, text));
      }
      rows.push([name, String(lanes), ...times.map((list) => formatSpread(spreadOf(list), 1))]);
      for (const session of sessions) await session.release();
    }
  }
  return rows;
}

export async function run(): Promise<void> {
  const data = readCorpus(FILE).subarray(0, LIMIT);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
  };
  const figures: Record<string, number[]> = { staged: [], encode: [], decode: [], guessed: [], brotli: [] };
  const packed = await compress(data);
  const brotli = brotliCompressSync(data, { params });
  for (let round = 0; round < ROUNDS; round++) {
    figures['staged'].push(await speed(data.length, () => compress(data, { threads: 2 })));
    figures['encode'].push(await speed(data.length, () => compress(data, { threads: 1 })));
    figures['decode'].push(await speed(data.length, () => decompress(packed, { threads: 1 })));
    figures['guessed'].push(await speed(data.length, () => decompress(packed, { threads: 2 })));
    figures['brotli'].push(await speed(data.length, () => brotliCompressSync(data, { params })));
  }
  if (Buffer.compare(await decompress(packed), data) !== 0) throw new Error('the decoded bytes differ');
  const cell = (name: string) => formatSpread(spreadOf(figures[name]), 1);
  const percent = (size: number) => `${((size / data.length) * 100).toFixed(2)} %`;
  const ratio = spreadOf(figures['decode']).median / spreadOf(figures['encode']).median;
  const toBrotli = spreadOf(figures['encode']).median / spreadOf(figures['brotli']).median;
  const rows = [
    [`lmz, model ${DEFAULT_MODEL}, encode, 1 thread`, packed.length, percent(packed.length), cell('encode')],
    [`lmz, model ${DEFAULT_MODEL}, decode, 1 thread`, '', '', cell('decode')],
    [`lmz, model ${DEFAULT_MODEL}, encode, 2 threads`, '', '', cell('staged')],
    [`lmz, model ${DEFAULT_MODEL}, decode, 2 threads`, '', '', cell('guessed')],
    ['brotli -q 11 -w 24, encode', brotli.length, percent(brotli.length), cell('brotli')],
  ];
  const columns = ['', 'bytes', 'ratio', 'KB/s, median (min to max)'];
  writeReport('model-speed', `Speed on ${FILE}`, { columns, rows }, [
    `${ROUNDS} rounds, alternating. One chunk of one lane. With one thread, decoding runs at ${ratio.toFixed(2)} times the speed of encoding (target: within 25 %); with two, the network runs ahead of the coder, and of the decoder by guessing. With one, encoding runs at ${toBrotli.toFixed(2)} times that of brotli.`,
    'The networks alone, microseconds a byte, median (min to max):',
    tableText(['model', 'lanes', 'kernel', 'onnxruntime-node'], await networkRows(data)),
  ]);
}
