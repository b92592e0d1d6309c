import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/digest.ts';
import { toHex } from '../../src/bytes.ts';
import { CdfBuilder } from '../../src/entropy/cdf.ts';
import {
  ArithmeticDecoder,
  ArithmeticEncoder,
  type CodedBits,
  type EntropyCoder,
} from '../../src/entropy/coder.ts';
import { MixPredictor } from '../../src/mix/mix-predictor.ts';
import type { MixParameters } from '../../src/mix/parameters.ts';
import { codeByte } from '../../src/mix/predictor.ts';
import { bitmapBytes, randomBytes, recordBytes, textBytes } from './samples.ts';

/** Where equal lanes begin, and where the last one ends. */
function lanesOf(size: number, lanes: number): number[] {
  const starts = [0];
  for (let l = 0; l < lanes; l++)
    starts.push(starts[l] + Math.floor(size / lanes) + (l < size % lanes ? 1 : 0));
  return starts;
}

/** Codes in either direction; the language model is an order-1 count, of which decoding must know no more. */
function run(coder: EntropyCoder, chunk: Uint8Array, parameters: MixParameters, lanes: number): void {
  const starts = lanesOf(chunk.length, lanes);
  const predictor = new MixPredictor(chunk, starts, parameters);
  const builder = new CdfBuilder(256, 4);
  const logits = new Int32Array(65536);
  for (let step = 0; step < starts[1]; step++) {
    for (let lane = 0; lane < lanes; lane++) {
      const at = starts[lane] + step;
      if (at >= starts[lane + 1]) continue;
      const row = (step > 0 ? chunk[at - 1] : 0) * 256;
      predictor.beginByte(lane, parameters.languageModel ? builder.fill(logits, row) : undefined);
      const byte = codeByte(coder, predictor, chunk[at]);
      expect(chunk[at]).toBe(byte);
      logits[row + byte] = Math.min(300, logits[row + byte] + 20);
    }
  }
}

function encode(bytes: Uint8Array, parameters: MixParameters, lanes = 1): CodedBits {
  const encoder = new ArithmeticEncoder();
  run(encoder, bytes.slice(), parameters, lanes);
  return encoder.finish();
}

function decode(coded: CodedBits, size: number, parameters: MixParameters, lanes = 1): Uint8Array {
  const decoder = new ArithmeticDecoder(coded);
  const chunk = new Uint8Array(size);
  run(decoder, chunk, parameters, lanes);
  decoder.finish();
  return chunk;
}

const FULL: MixParameters = { profile: 'text', contexts: 'standard', tableBits: 20, languageModel: false };
/** Beginnings of the SHA-256 of some streams. They change only with the predictor's number. */
const GOLDEN = [
  '31dfca1c8a47a2b4',
  'f42029ff6a6b7170',
  '0f4fe9efd6bda5a7',
  '3e99929604297570',
  '42007181469416dd',
  '2b4bfc4108233e97',
  'dd52a694470dcbee',
];
const KINDS: Record<string, Uint8Array> = {
  text: textBytes(3000),
  records: recordBytes(3000),
  bitmap: bitmapBytes(3000),
  noise: randomBytes(1000),
  'one byte': new Uint8Array([65]),
  zeros: new Uint8Array(2000),
  nothing: new Uint8Array(0),
};

describe('predictor 2', () => {
  for (const [name, bytes] of Object.entries(KINDS)) {
    it(`gives ${name} back, in every mode`, () => {
      for (const profile of ['text', 'binary'] as const) {
        for (const languageModel of [false, true]) {
          const parameters = {
            ...FULL,
            profile,
            languageModel,
            contexts: languageModel === (profile === 'text') ? ('fast' as const) : ('standard' as const),
          };
          const coded = encode(bytes, parameters);
          expect(decode(coded, bytes.length, parameters)).toEqual(bytes);
        }
      }
    });
  }

  it('gives all lanes back, each knowing only what the decoder knows', () => {
    const text = textBytes(700);
    const bytes = new Uint8Array([...text, ...text, ...text]);
    for (const lanes of [2, 7, 64]) {
      for (const profile of ['text', 'binary'] as const) {
        const parameters = { ...FULL, profile, languageModel: lanes === 7 };
        expect(decode(encode(bytes, parameters, lanes), bytes.length, parameters, lanes)).toEqual(bytes);
      }
    }
  });

  it('gives all lanes back with the best set, whose runs are shared', () => {
    const bytes = new Uint8Array([...textBytes(500), ...recordBytes(500), ...textBytes(500)]);
    for (const profile of ['text', 'binary'] as const) {
      const parameters = { ...FULL, contexts: 'best' as const, profile };
      expect(decode(encode(bytes, parameters, 5), bytes.length, parameters, 5)).toEqual(bytes);
    }
  });

  it('finds repeats in earlier lanes', () => {
    const noise = randomBytes(2000);
    const half = new Uint8Array([...noise, ...noise.subarray(100), ...noise.subarray(0, 100)]);
    expect(encode(half, FULL, 2).bytes.length).toBeLessThan(2500);
  });

  it('is lossless with tables far too small', () => {
    const bytes = new Uint8Array([...textBytes(5000), ...randomBytes(3000)]);
    const parameters = { ...FULL, tableBits: 16 };
    expect(decode(encode(bytes, parameters), bytes.length, parameters)).toEqual(bytes);
  });

  it('compresses what has structure, and hardly expands what has none', () => {
    const size = (name: string, profile: MixParameters['profile']): number =>
      encode(KINDS[name], { ...FULL, profile }).bytes.length;
    expect(size('zeros', 'text')).toBeLessThan(40);
    expect(size('records', 'binary')).toBeLessThan(0.45 * 3000);
    expect(size('bitmap', 'binary')).toBeLessThan(0.15 * 3000);
    expect(size('noise', 'binary')).toBeLessThan(1.08 * 1000);
  });

  it('gives the same bits twice, and everywhere', () => {
    const streams: string[] = [];
    for (const [kind, parameters] of [
      ['text', FULL],
      ['text', { ...FULL, languageModel: true }],
      ['text', { ...FULL, contexts: 'fast' }],
      ['records', { ...FULL, profile: 'binary' }],
      ['bitmap', { ...FULL, profile: 'binary', contexts: 'fast' }],
      ['text', { ...FULL, contexts: 'best', languageModel: true }],
      ['records', { ...FULL, profile: 'binary', contexts: 'best' }],
    ] as [string, MixParameters][]) {
      const first = encode(KINDS[kind], parameters).bytes;
      expect(encode(KINDS[kind], parameters).bytes).toEqual(first);
      streams.push(toHex(sha256(first)).slice(0, 16));
    }
    expect(streams).toEqual(GOLDEN);
  });
});
