/**
 * The network alone, coded by sequences and byte by byte.
 */
import { describe, expect, test } from 'vitest';
import { codeSymbols } from '../../src/codec/language-model.ts';
import { ArithmeticDecoder, ArithmeticEncoder, type EntropyCoder } from '../../src/entropy/coder.ts';
import { loadModel } from '../../src/model/load.ts';
import { type LaneSession, openSession } from '../../src/model/session.ts';
import { Random } from '../../src/train/random.ts';
import { exportTransformer } from '../../src/train/transformer-export.ts';
import { randomTransformer, TINY_TRANSFORMER } from '../support/transformers.ts';

const CONTEXT = 40;
const model = loadModel(
  exportTransformer(randomTransformer({ ...TINY_TRANSFORMER, context: CONTEXT }, 3), { 'lmz.name': 'tiny' }),
);

/** A session that notes the times of its calls. */
function noting(session: LaneSession, times: number[]): LaneSession {
  return {
    lanes: session.lanes,
    alphabet: session.alphabet,
    engine: session.engine,
    run: (tokens, time) => {
      times.push(time);
      return session.run(tokens, time);
    },
    reset: () => {
      session.reset();
    },
    release: () => session.release(),
  };
}

/** An encoder that gives itself out as one that does not know what comes. */
function stepwise(encoder: ArithmeticEncoder): EntropyCoder {
  return {
    encodes: false,
    symbol: (cdf, symbol) => encoder.symbol(cdf, symbol),
    bit: (probability, bit) => encoder.bit(probability, bit),
  };
}

describe.each([
  { lanes: 1, size: 3 * CONTEXT + 7 },
  { lanes: 3, size: 3 * CONTEXT + 8 },
  { lanes: 70, size: 200 },
  { lanes: 5, size: 3 },
  { lanes: 1, size: 0 },
])('$size bytes in $lanes lanes', ({ lanes, size }) => {
  const random = new Random(size);
  const chunk = Uint8Array.from({ length: size }, () => random.uint32() & 255);

  test('the same bits by sequences and by steps, and the bytes again', async () => {
    const times: number[] = [];
    const session = noting(await openSession(model, { lanes }), times);
    let reported = 0;
    const watch = {
      requireWanted: () => undefined,
      onSymbols: (count: number) => {
        expect(count).toBeGreaterThanOrEqual(0);
        reported += count;
      },
    };
    try {
      const encoder = new ArithmeticEncoder();
      await codeSymbols(encoder, session, model.contract, chunk.slice(), watch);
      const coded = encoder.finish();
      const steps = Math.ceil(size / lanes);
      expect(times.reduce((sum, time) => sum + time, 0)).toBe(steps);
      expect(times.length < steps || steps <= 1 || lanes > 32).toBe(true);
      expect(reported).toBe(size);

      times.length = 0;
      const slow = new ArithmeticEncoder();
      await codeSymbols(stepwise(slow), session, model.contract, chunk.slice());
      expect(slow.finish()).toEqual(coded);

      const decoded = new Uint8Array(size);
      const decoder = new ArithmeticDecoder(coded);
      await codeSymbols(decoder, session, model.contract, decoded);
      decoder.finish();
      expect(decoded).toEqual(chunk);
      expect(times.every((time) => time === 1)).toBe(true);
    } finally {
      await session.release();
    }
  });
});
