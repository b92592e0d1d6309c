import { describe, expect, test } from 'vitest';
import { ArithmeticDecoder, frequenciesOf } from '../../spec/decoder.ts';
import { Mixing } from '../../spec/mixing.ts';
import { createMixEncoder } from '../../src/mix/byte-coder.ts';
import type { MixParameters } from '../../src/mix/parameters.ts';
import { recordBytes, textBytes } from '../mix/samples.ts';
import { SLOW } from '../support/runs.ts';

/** Logits of a model that knows the last byte only: the byte after it in the alphabet is likely. */
function logitsAfter(last: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, symbol) => -((symbol * 7 + last * 13) % 61) - (symbol >> 5));
}

const LOGIT_BITS = 3;

/** Codes a chunk with the encoder, and decodes it with what was written from the specification. */
function decodedBySpecification(
  chunk: Uint8Array,
  starts: readonly number[],
  parameters: MixParameters,
): Uint8Array {
  const lanes = starts.length - 1;
  const logitsAt = (bytes: Uint8Array, lane: number, at: number) =>
    parameters.languageModel ? logitsAfter(at > starts[lane] ? bytes[at - 1] : 0) : undefined;
  const encoder = createMixEncoder(chunk, starts, parameters, LOGIT_BITS);
  const decoded = new Uint8Array(chunk.length);
  const order: [lane: number, at: number][] = [];
  for (let step = 0; step < starts[1]; step++) {
    for (let lane = 0; lane < lanes; lane++) {
      if (starts[lane] + step < starts[lane + 1]) order.push([lane, starts[lane] + step]);
    }
  }
  for (const [lane, at] of order) encoder.code(lane, chunk[at], logitsAt(chunk, lane, at));
  const { bytes, paddedBits } = encoder.finish();
  const stream = new ArithmeticDecoder(bytes, paddedBits);
  const mixing = new Mixing(decoded, starts.slice(0, -1), {
    lanes,
    padding: paddedBits,
    withModel: parameters.languageModel,
    profile: parameters.profile,
    set: parameters.contexts,
    tableBits: parameters.tableBits,
  });
  for (const [lane, at] of order) {
    const logits = logitsAt(decoded, lane, at);
    mixing.byte(lane, (p) => stream.bit(p), logits && frequenciesOf(logits, LOGIT_BITS));
  }
  stream.finish();
  return decoded;
}

describe('predictor 2, written from the specification', () => {
  const cases = (['text', 'binary'] as const).flatMap((profile) =>
    (['standard', 'fast', 'best'] as const).flatMap((contexts) =>
      [false, true].map((languageModel) => ({ profile, contexts, languageModel })),
    ),
  );

  test.each(cases)('$profile, $contexts, model: $languageModel', (parameters) => {
    const size = (parameters.languageModel ? 250 : 500) * (SLOW ? 20 : 1);
    const chunk = new Uint8Array([...textBytes(size, 1), ...recordBytes(size, 2)]);
    expect(decodedBySpecification(chunk, [0, chunk.length], { ...parameters, tableBits: 18 })).toEqual(chunk);
  });

  test('lanes, and a table that is far too small', () => {
    // Slots are taken over all the time here, even within a byte.
    const third = SLOW ? 8000 : 800;
    const chunk = new Uint8Array([...textBytes(2 * third, 3), ...recordBytes(third, 4)]);
    const starts = [0, 1, 2, 3].map((lane) => lane * third);
    for (const profile of ['text', 'binary'] as const) {
      const parameters = { profile, contexts: 'standard', languageModel: false, tableBits: 16 } as const;
      expect(decodedBySpecification(chunk, starts, parameters)).toEqual(chunk);
    }
  });
});
