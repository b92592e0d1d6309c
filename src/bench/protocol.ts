/**
 * The thesis' protocol: independent chunks of 2048 bytes, the model alone, nothing carried from one to the next. Every
 * model is measured twice over: as code lengths from its logits, quickly, and by the codec, encoded, decoded and compared.
 *
 *     [MODELS=NAME,...] [CHUNKS=N] [CODED=N] npm run bench -- protocol
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { openSource } from '../codec/byte-source.ts';
import { frameOffsets, locateFrame, locateMembers } from '../codec/members.ts';
import { compress, decompress } from '../codec/one-shot.ts';
import { CDF_BITS, CdfBuilder } from '../entropy/cdf.ts';
import { loadModel, type Model } from '../model/load.ts';
import { DEFAULT_MODEL, resolveModel } from '../model/registry.ts';
import { openSession } from '../model/session.ts';
import { describeLoad } from './load.ts';
import { readCorpus, writeReport } from './report.ts';

export const CHUNK = 2048;
/** The thesis' texts, and the rates that it printed for its Transformer. */
export const SETS = {
  'book1+book2': { files: ['calgary/book1', 'calgary/book2'], thesis: '35.8 %' },
  'bible.txt': { files: ['large/bible.txt'], thesis: '27.1 %' },
} as const;
const MODELS = [DEFAULT_MODEL, 'small', 'transformer-sinusoidal', 'transformer-rotary'];
/** Chunks side by side in one session of a model that is fed byte by byte. */
const LANES = 64;
/** Bytes of a call of a model that takes sequences. */
const TIME = 64;
/** Chunks of each text that sequence models are measured on, evenly spread, where nothing else is said. */
const SEQUENCE_CHUNKS = 128;
/** Chunks that are coded and decoded, likewise. */
const CODED_CHUNKS = 32;

/** `count` of the chunks of a text, evenly spread; the last chunk may be short. */
export function spreadChunks(data: Uint8Array, count: number): Uint8Array[] {
  const total = Math.ceil(data.length / CHUNK);
  const used = Math.min(count, total);
  return Array.from({ length: used }, (_, i) => {
    const from = Math.floor((i * total) / used) * CHUNK;
    return data.subarray(from, from + CHUNK);
  });
}

/** Bits of every chunk under the coder's own frequencies. */
export async function codeLengths(model: Model, chunks: readonly Uint8Array[]): Promise<number[]> {
  const { alphabet, logitBits, start, context, time: form } = model.contract;
  const sequence = form === 'sequence';
  const lanes = sequence ? 1 : Math.min(LANES, chunks.length);
  const time = sequence ? TIME : 1;
  const session = await openSession(model, { lanes });
  const builder = new CdfBuilder(alphabet, logitBits);
  const bits = chunks.map(() => 0);
  for (let first = 0; first < chunks.length; first += lanes) {
    session.reset();
    const group = Array.from({ length: lanes }, (_, lane) => chunks.at(first + lane) ?? new Uint8Array(0));
    const length = Math.max(...group.map((chunk) => chunk.length));
    for (let at = 0, count = 0; at < length; at += count) {
      const fresh = at === 0 || (context > 0 && at % context === 0);
      if (fresh) session.reset();
      count = Math.min(time, length - at, context > 0 ? context - (at % context) : Infinity);
      const tokens = Int32Array.from({ length: lanes * count }, (_, i) => {
        const place = at + (i % count) - 1;
        return group[Math.floor(i / count)].at(place) ?? start;
      });
      if (fresh) for (let lane = 0; lane < lanes; lane++) tokens[lane * count] = start;
      const logits = await session.run(tokens, count);
      group.forEach((chunk, lane) => {
        for (let t = 0; t < count && at + t < chunk.length; t++) {
          const cdf = builder.fill(logits, (lane * count + t) * alphabet);
          const symbol = chunk[at + t];
          bits[first + lane] += CDF_BITS - Math.log2(cdf[symbol + 1] - cdf[symbol]);
        }
      });
    }
  }
  await session.release();
  return bits;
}

/** What the codec made of some chunks. */
export interface Coded {
  readonly bytes: number;
  readonly file: number;
  /** All frames' payloads: the streams of the arithmetic coder, in whole bytes; chunks that it would enlarge are stored. */
  readonly payloads: number;
  /** Kilobytes (1000 bytes) per second. */
  readonly encode: number;
  readonly decode: number;
}

/**
 * Codes chunks, the model alone, each for itself.
 *
 * @throws Error where what is decoded differs
 */
export async function codeChunks(model: Model, chunks: readonly Uint8Array[]): Promise<Coded> {
  // Only the last may be short; chunks that are left out would otherwise shift those behind.
  const data = new Uint8Array(Buffer.concat(chunks));
  const start = performance.now();
  const packed = await compress(data, { model, mode: 'lm', chunkSize: CHUNK });
  const middle = performance.now();
  const back = await decompress(packed, { model });
  const end = performance.now();
  if (Buffer.compare(back, data) !== 0) throw new Error('the decoded bytes differ');
  const source = await openSource(packed);
  let payloads = 0;
  for (const member of await locateMembers(source)) {
    for (const [index, offset] of [...frameOffsets(member)].entries()) {
      const { frame } = await locateFrame(source, member, index, offset);
      if (frame.type === 'coded' || frame.type === 'stored') payloads += frame.payloadSize;
    }
  }
  const speed = (milliseconds: number): number => data.length / milliseconds;
  return {
    bytes: data.length,
    file: packed.length,
    payloads,
    encode: speed(middle - start),
    decode: speed(end - middle),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
/** Bytes of streams of so many bits, each in whole bytes. */
const streamBytes = (bits: readonly number[]): number => sum(bits.map((count) => Math.ceil(count / 8)));
export const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`;

function measured(names: string | undefined): readonly string[] {
  if (names !== undefined) return names.split(',');
  const folder = new URL('../../models/', import.meta.url);
  return MODELS.filter((name) => existsSync(new URL(`${name}.onnx`, folder)));
}

export async function run(): Promise<void> {
  const { MODELS: names, CHUNKS: some, CODED: coded } = process.env;
  const rows: (string | number)[][] = [];
  for (const name of measured(names)) {
    const model = loadModel((await resolveModel(name)).bytes);
    const sequence = model.contract.time === 'sequence';
    for (const [title, { files, thesis }] of Object.entries(SETS)) {
      const data = readCorpus(...files);
      const chunks = spreadChunks(data, some ? Number(some) : sequence ? SEQUENCE_CHUNKS : Infinity);
      const bits = await codeLengths(model, chunks);
      const bytes = sum(chunks.map((chunk) => chunk.length));
      const streams = streamBytes(bits);
      const sample = spreadChunks(data, Number(coded ?? CODED_CHUNKS));
      const proof = await codeChunks(model, sample);
      const framing = (proof.file - proof.payloads) / proof.bytes;
      rows.push([
        name,
        title,
        bytes === data.length ? 'all' : `${chunks.length} chunks`,
        (sum(bits) / bytes).toFixed(4),
        percent(streams, bytes),
        percent(streams + (model.bytes.length * bytes) / data.length, bytes),
        percent(streams + framing * bytes, bytes),
        thesis,
        `${proof.bytes}: ${proof.payloads} in ${proof.file}`,
        `${proof.encode.toFixed(1)}, ${proof.decode.toFixed(1)}`,
      ]);
      const expected = streamBytes(await codeLengths(model, sample));
      if (Math.abs(proof.payloads - expected) > sample.length) {
        throw new Error(`${name}, ${title}: ${proof.payloads} bytes coded, ${expected} expected`);
      }
      process.stderr.write(`${rows.at(-1)!.join(' | ')}\n`);
    }
  }
  const columns = [
    'model',
    'text',
    'measured on',
    'bits/byte',
    'raw rate',
    'adjusted rate',
    'everything counted',
    'thesis (Transformer)',
    'coded and decoded, bytes: streams in file',
    'KB/s encode, decode',
  ];
  writeReport('protocol', 'Independent chunks of 2048 bytes', { columns, rows }, [
    'The raw rate counts what the thesis counts for its models: the streams of the arithmetic coder, in whole bytes, chunk by chunk, no headers. The adjusted rate adds the model file once for the whole text. Everything counted is the `.lmz` file, a frame header and an index entry for every chunk, as the coded part has them; without the model.',
    'Rates are from code lengths under the very frequencies that the coder uses. Evenly spread chunks are besides coded by the codec (`mode: lm`, chunk size 2048, all cores), decoded and compared; their streams agreed with the code lengths within one byte a chunk.',
    `Where not all chunks were measured, they are evenly spread over the text. ${describeLoad()}`,
  ]);
}
