import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/digest.ts';
import {
  clipStretch,
  logarithm,
  squash,
  SQUASH_TABLE,
  STRETCH_LIMIT,
  STRETCH_TABLE,
} from '../../src/mix/logistic.ts';

describe('logistic tables', () => {
  it('squash is 1 / (1 + e^-x), to 2^-24', () => {
    expect(SQUASH_TABLE.length).toBe(4097);
    for (let i = 0; i <= 4096; i++) {
      const exact = 2 ** 24 / (1 + Math.exp(16 - i / 128));
      expect(Math.abs(SQUASH_TABLE[i] * 2 ** 24 - exact)).toBeLessThanOrEqual(0.5 + 1e-6);
      expect(Number.isInteger(SQUASH_TABLE[i] * 2 ** 24)).toBe(true);
    }
  });

  it('stretch is ln(p / (1 - p)), to 2^-16', () => {
    expect(STRETCH_TABLE.length).toBe(4096);
    for (let i = 0; i < 4096; i++) {
      const exact = Math.log((i + 0.5) / (4095.5 - i));
      expect(Math.abs(STRETCH_TABLE[i] - exact) * 65536).toBeLessThanOrEqual(0.5 + 1e-6);
      expect(STRETCH_TABLE[4095 - i]).toBe(-STRETCH_TABLE[i]);
    }
  });

  it('are the same everywhere', () => {
    expect(crc32(new Uint8Array(SQUASH_TABLE.buffer))).toBe(2829475045);
    expect(crc32(new Uint8Array(STRETCH_TABLE.buffer))).toBe(101951185);
  });

  it('squash rises, and stays inside (0, 1) up to the limit', () => {
    let last = 0;
    for (let x = -STRETCH_LIMIT; x <= STRETCH_LIMIT; x += 0.0137) {
      const p = squash(Math.fround(x));
      expect(p).toBeGreaterThanOrEqual(last);
      last = p;
    }
    expect(squash(-STRETCH_LIMIT)).toBeGreaterThan(0);
    expect(squash(STRETCH_LIMIT)).toBeLessThan(1);
    expect(clipStretch(99)).toBe(STRETCH_LIMIT);
    expect(clipStretch(-99)).toBe(-STRETCH_LIMIT);
  });

  it('logarithm is near 2^16 ln(n)', () => {
    for (const n of [1, 2, 3, 10, 4095, 4096, 4097, 65535, 1e6, 2 ** 24 - 1, 2 ** 24]) {
      expect(Math.abs(logarithm(n) / 65536 - Math.log(n))).toBeLessThan(6e-4);
    }
  });
});
