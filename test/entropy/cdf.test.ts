import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/digest.ts';
import { CDF_TOTAL, CdfBuilder, POWER_TABLE } from '../../src/entropy/cdf.ts';
import { runs } from '../support/runs.ts';

/** Section 7.2 of the specification in BigInt, line by line. */
function reference(logits: readonly number[], logitBits: number): bigint[] {
  const x = logits.map(BigInt);
  const A = BigInt(x.length);
  const m = x.reduce((a, b) => (a > b ? a : b));
  const best = x.indexOf(m);
  const w = x.map((value) => {
    const d = (m - value) << BigInt(8 - logitBits);
    const shift = d / 256n;
    return shift > 24n ? 0n : BigInt(POWER_TABLE[Number(d % 256n)]) >> shift;
  });
  const W = w.reduce((a, b) => a + b);
  const R = (((1n << 24n) - A) << 28n) / W;
  const f = w.map((weight) => 1n + ((weight * R) >> 28n));
  f[best] += (1n << 24n) - f.reduce((a, b) => a + b);
  return f;
}

describe('CDF from logits', () => {
  test('the table of powers is exact', () => {
    for (let i = 0; i < 256; i++) {
      const entry = BigInt(POWER_TABLE[i]);
      const power = 1n << BigInt(24 * 256 - i); // (2^24 * 2^(-i/256))^256
      expect(entry ** 256n <= power && (entry + 1n) ** 256n > power).toBe(true);
    }
    expect(crc32(new Uint8Array(POWER_TABLE.buffer)).toString(16)).toBe('4989ac5a');
  });

  test('equals the specification in unbounded integers; total exact, every symbol codable', () => {
    const logit = fc.oneof(
      fc.integer({ min: -100, max: 100 }),
      fc.integer({ min: -6000, max: 6000 }),
      fc.constantFrom(-(2 ** 30), 2 ** 30, 0),
    );
    const cases = fc.tuple(fc.array(logit, { minLength: 2, maxLength: 256 }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(cases, ([logits, logitBits]) => {
        const builder = new CdfBuilder(logits.length, logitBits);
        const cdf = builder.fill(Int32Array.from([99, ...logits]), 1);
        const frequencies = logits.map((_, s) => BigInt(cdf[s + 1] - cdf[s]));
        expect(frequencies).toEqual(reference(logits, logitBits));
        expect(frequencies.every((frequency) => frequency >= 1n)).toBe(true);
        expect([cdf[0], cdf[logits.length]]).toEqual([0, CDF_TOTAL]);
      }),
      runs(500),
    );
  });

  test('equal logits share evenly, and one bit apart means half', () => {
    const cdf = new CdfBuilder(256, 4).fill(new Int32Array(256), 0);
    expect(cdf[1] - cdf[0]).toBe(CDF_TOTAL / 256);
    const skewed = new CdfBuilder(2, 4).fill(Int32Array.of(16, 0), 0);
    expect((skewed[2] - skewed[1]) / CDF_TOTAL).toBeCloseTo(1 / 3, 6);
  });

  test('refuses impossible parameters by name', () => {
    expect(() => new CdfBuilder(1, 4)).toThrow(new RangeError('alphabet expected 2..256, got 1'));
    expect(() => new CdfBuilder(257, 4)).toThrow(RangeError);
    expect(() => new CdfBuilder(256, 9)).toThrow(new RangeError('logitBits expected 0..8, got 9'));
  });
});
