/**
 * Speed of the built-in model with one lane, whole API, in both directions, beside brotli in the same run.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { compress, decompress } from '../codec/one-shot.ts';
import { DEFAULT_MODEL } from '../model/registry.ts';
import { corpusPath, formatSpread, spreadOf, writeReport } from './report.ts';

const FILE = 'calgary/book1';
const ROUNDS = 5;

/** Kilobytes per second (1000 bytes) of one call. */
async function speed(size: number, call: () => unknown): Promise<number> {
  const start = performance.now();
  await call();
  return size / (performance.now() - start);
}

export async function run(): Promise<void> {
  const data = new Uint8Array(readFileSync(corpusPath(FILE)));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
  };
  const figures: Record<string, number[]> = { encode: [], decode: [], brotli: [] };
  const packed = await compress(data);
  const brotli = brotliCompressSync(data, { params });
  for (let round = 0; round < ROUNDS; round++) {
    figures['encode'].push(await speed(data.length, () => compress(data)));
    figures['decode'].push(await speed(data.length, () => decompress(packed)));
    figures['brotli'].push(await speed(data.length, () => brotliCompressSync(data, { params })));
  }
  if (Buffer.compare(await decompress(packed), data) !== 0) throw new Error('the decoded bytes differ');
  const cell = (name: string) => formatSpread(spreadOf(figures[name]), 1);
  const percent = (size: number) => `${((size / data.length) * 100).toFixed(2)} %`;
  const ratio = spreadOf(figures['decode']).median / spreadOf(figures['encode']).median;
  const toBrotli = spreadOf(figures['encode']).median / spreadOf(figures['brotli']).median;
  const rows = [
    [`lmz, model ${DEFAULT_MODEL}, 1 lane, encode`, packed.length, percent(packed.length), cell('encode')],
    [`lmz, model ${DEFAULT_MODEL}, 1 lane, decode`, '', '', cell('decode')],
    ['brotli -q 11 -w 24, encode', brotli.length, percent(brotli.length), cell('brotli')],
  ];
  const columns = ['', 'bytes', 'ratio', 'KB/s, median (min to max)'];
  writeReport('model-speed', `Speed on ${FILE}`, { columns, rows }, [
    `${ROUNDS} rounds, alternating. Decoding runs at ${ratio.toFixed(2)} times the speed of encoding (target: within 25 %), encoding at ${toBrotli.toFixed(2)} times that of brotli.`,
  ]);
}
