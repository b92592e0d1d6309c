/**
 * What predictor 2 costs a byte: the WebAssembly kernel in both directions, and the plain reference on a first piece, whose
 * stream must be the kernel's.
 *
 * @module
 */
import { type ByteCoder, createMixEncoder } from '../mix/byte-coder.ts';
import { createKernelDecoder, createKernelEncoder } from '../mix/kernel.ts';
import { type MixParameters, profileOf, tableBitsFor } from '../mix/parameters.ts';
import { describeLoad } from './load.ts';
import { formatSpread, readCorpus, spreadOf, writeReport } from './report.ts';

const FILES = ['calgary/book1', 'calgary/obj2', 'canterbury/kennedy.xls'];
const MODES = [
  { name: 'fast', contexts: 'fast', languageModel: false },
  { name: 'standard', contexts: 'standard', languageModel: false },
  { name: 'standard, language model', contexts: 'standard', languageModel: true },
  { name: 'best', contexts: 'best', languageModel: false },
  { name: 'best, language model', contexts: 'best', languageModel: true },
] as const;
const ROUNDS = 3;
/** Bytes of each file, and of the reference's piece. */
const BYTES = 200_000;
const REFERENCE_BYTES = 10_000;
const LOGIT_BITS = 4;

/** Stands in for a language model: logits of order-1 counts. */
function orderOneLogits(bytes: Uint8Array): Int32Array {
  const counts = new Float64Array(65536).fill(0.02);
  bytes.forEach((byte, at) => counts[(at > 0 ? bytes[at - 1] : 0) * 256 + byte]++);
  return Int32Array.from(counts, (count) => Math.round(Math.log2(count) * 2 ** LOGIT_BITS));
}

function codeAll(coder: ByteCoder, bytes: Uint8Array, logits: Int32Array | undefined): void {
  let last = 0;
  for (const byte of bytes) last = coder.code(0, byte, logits, last * 256);
}

/** Microseconds of processor time a byte that a call takes, what the system does for it included. */
function cost(size: number, call: () => void): number {
  const start = process.cpuUsage();
  call();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / size;
}

interface Figures {
  readonly reference: number[];
  readonly encode: number[];
  readonly decode: number[];
}

function measure(bytes: Uint8Array, parameters: MixParameters, figures: Figures): number {
  const logits = parameters.languageModel ? orderOneLogits(bytes) : undefined;
  const encode = (make: typeof createMixEncoder, input: Uint8Array) => {
    const encoder = make(input, [0, input.length], parameters, LOGIT_BITS);
    codeAll(encoder, input, logits);
    return encoder.finish();
  };
  const piece = bytes.subarray(0, REFERENCE_BYTES);
  let coded = encode(createKernelEncoder, piece);
  figures.reference.push(
    cost(piece.length, () => {
      if (Buffer.compare(encode(createMixEncoder, piece).bytes, coded.bytes) !== 0) {
        throw new Error('the reference writes another stream');
      }
    }),
  );
  figures.encode.push(cost(bytes.length, () => (coded = encode(createKernelEncoder, bytes))));
  const chunk = new Uint8Array(bytes.length);
  figures.decode.push(
    cost(bytes.length, () => {
      const decoder = createKernelDecoder(chunk, [0, chunk.length], parameters, coded, LOGIT_BITS);
      codeAll(decoder, chunk, logits);
      decoder.finish();
    }),
  );
  if (Buffer.compare(chunk, bytes) !== 0) throw new Error('the decoded bytes differ');
  return coded.bytes.length;
}

export function run(): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const file of FILES) {
    const whole = readCorpus(file);
    const bytes = whole.subarray(0, BYTES);
    for (const { name, ...mode } of MODES) {
      const parameters = { ...mode, profile: profileOf(whole), tableBits: tableBitsFor(whole.length) };
      const figures: Figures = { reference: [], encode: [], decode: [] };
      let size = 0;
      for (let round = 0; round < ROUNDS; round++) size = measure(bytes, parameters, figures);
      const cells = Object.values(figures as unknown as Record<string, number[]>).map((values) =>
        formatSpread(spreadOf(values), 2),
      );
      rows.push([file, name, size, ...cells]);
    }
  }
  const columns = ['file', 'mode', 'coded bytes', 'reference, encode', 'kernel, encode', 'kernel, decode'];
  writeReport('mix-speed', 'What predictor 2 costs', { columns, rows }, [
    `Microseconds of processor time a byte, median (min to max) of ${ROUNDS} rounds, on the first ${BYTES} bytes of each file with tables as for all of it; the reference on the first ${REFERENCE_BYTES}. The language model is a stand-in of order-1 counts, whose own cost is not measured. ${describeLoad()}`,
  ]);
  return Promise.resolve();
}
