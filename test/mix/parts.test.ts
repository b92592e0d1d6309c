import { describe, expect, it } from 'vitest';
import { adapt, UNKNOWN_PROBABILITY } from '../../src/mix/adaptive-probability.ts';
import { BINARY_CONTEXTS, contextsOf, TEXT_CONTEXTS } from '../../src/mix/contexts.ts';
import { LanguageModelInput } from '../../src/mix/language-model-input.ts';
import { inputVector, Mixer } from '../../src/mix/mixer.ts';
import { profileOf, tableBitsFor } from '../../src/mix/parameters.ts';
import { ProbabilityMap } from '../../src/mix/probability-map.ts';
import { RecordDetector } from '../../src/mix/records.ts';
import { runBits, RunMap } from '../../src/mix/run-map.ts';
import { SlotTable } from '../../src/mix/slots.ts';
import { bitmapBytes, generator, randomBytes, recordBytes, textBytes } from './samples.ts';

describe('adaptive probability', () => {
  it('is the mean of the first bits, and never leaves its range', () => {
    const words = new Uint32Array([UNKNOWN_PROBABILITY]);
    for (let i = 0; i < 2000; i++) adapt(words, 0, 1, 255);
    expect(words[0] / 2 ** 32).toBeGreaterThan(0.999);
    expect(words[0] & 1023).toBe(255);
    for (let i = 0; i < 20000; i++) adapt(words, 0, 0, 255);
    expect(words[0] / 2 ** 32).toBeLessThan(0.001);
  });
});

describe('runs', () => {
  it('expect the byte that came last, the surer the more often it did, until a bit is wrong', () => {
    const runs = new RunMap(2, runBits(16));
    const inputs = new Float32Array(3);
    const code = (byte: number): number[] => {
      const seen: number[] = [];
      runs.beginByte(new Int32Array([5 << 24, -1]));
      for (let shift = 7; shift >= 0; shift--) {
        runs.predict(inputs, 1, (256 + byte) >> (shift + 1), shift);
        seen.push(inputs[1]);
        runs.update((byte >> shift) & 1);
      }
      runs.endByte(byte);
      return seen;
    };
    expect(code(0b10110000)).toEqual(new Array(8).fill(0));
    const once = code(0b10110000);
    expect(once.map(Math.sign)).toEqual([1, -1, 1, 1, -1, -1, -1, -1]);
    for (let i = 0; i < 40; i++) code(0b10110000);
    expect(code(0b10110000)[0]).toBeGreaterThan(2 * once[0]);
    const broken = code(0b10111000);
    expect(broken[4]).toBeLessThan(0);
    expect(broken.slice(5)).toEqual([0, 0, 0]);
    expect(inputs[0]).toBe(0);
  });
});

describe('mixer', () => {
  it('learns which input to believe, set by set', () => {
    const inputs = inputVector(2);
    const rate = Math.fround(0.02);
    const mixer = new Mixer(inputs, 2, [0.3, 0.3], rate, rate);
    const next = generator(5);
    for (let i = 0; i < 4000; i++) {
      const bit = next() & 1;
      const set = next() & 1;
      inputs[set] = bit ? 2 : -2;
      inputs[1 - set] = next() & 1 ? 2 : -2;
      mixer.mix(set);
      mixer.train(bit);
    }
    inputs[0] = 2;
    inputs[1] = -2;
    expect(mixer.mix(0)).toBeGreaterThan(1);
    expect(mixer.mix(1)).toBeLessThan(-1);
  });
});

describe('probability map', () => {
  it('begins as it is told, and learns what predictions mean', () => {
    const map = new ProbabilityMap(3);
    expect(map.refine(0, 2)).toBe(0.5);
    expect(map.refine(-20, 0)).toBeLessThan(0.001);
    for (let i = 0; i < 500; i++) {
      map.refine(1.25, 1);
      map.update(0);
    }
    expect(map.refine(1.25, 1)).toBeLessThan(0.1);
    expect(map.refine(1.25, 2)).toBeGreaterThan(0.7);
  });
});

describe('slots', () => {
  it('are found again, empty at first, and never overlap', () => {
    const table = new SlotTable(16);
    const slot = table.find(0x12345678);
    expect(table.bytes.subarray(slot + 1, slot + 16)).toEqual(new Uint8Array(15));
    table.bytes[slot + 1] = 7;
    expect(table.find(0x12345678)).toBe(slot);
    expect(table.bytes[slot + 1]).toBe(7);
    const next = generator(9);
    for (let i = 0; i < 50000; i++) {
      const at = table.find(next() * 256);
      expect(at % 16).toBe(0);
      expect(at).toBeLessThan(65536);
    }
  });

  it('keep what was seen more often', () => {
    const table = new SlotTable(16);
    const busy = table.find(0x01000000);
    table.bytes[busy + 1] = 200;
    for (let check = 2; check < 200; check++) table.bytes[table.find(check << 24) + 1] = 1;
    expect(table.find(0x01000000)).toBe(busy);
    expect(table.bytes[busy + 1]).toBe(200);
  });
});

describe('record detector', () => {
  const detect = (bytes: Uint8Array): RecordDetector => {
    const detector = new RecordDetector();
    let last4 = 0;
    bytes.forEach((byte, i) => {
      last4 = (last4 << 8) | byte;
      detector.see(last4, i + 1);
    });
    return detector;
  };
  it('sees records and rows', () => {
    expect(detect(recordBytes(6000)).record).toBe(12);
    expect(detect(bitmapBytes(20000)).row % 40).toBe(0);
  });
});

describe('language model input', () => {
  it('gives the quotients of the sums of frequencies', () => {
    const next = generator(11);
    const cdf = new Uint32Array(257);
    for (let s = 0; s < 256; s++) cdf[s + 1] = cdf[s] + 1 + (next() % 500) * (s % 7 === 0 ? 100 : 1);
    const scale = 2 ** 24 / cdf[256];
    for (let s = 1; s <= 256; s++) cdf[s] = s === 256 ? 2 ** 24 : Math.floor(cdf[s] * scale);
    const input = new LanguageModelInput();
    input.beginByte(cdf);
    const byte = 0x5a;
    let partial = 1;
    for (let shift = 7; shift >= 0; shift--) {
      const low = (byte >> (shift + 1)) << (shift + 1);
      const ones = cdf[low + (2 << shift)] - cdf[low + (1 << shift)];
      const zeros = cdf[low + (1 << shift)] - cdf[low];
      expect(input.stretched(partial, shift)).toBeCloseTo(Math.log(ones / zeros), 2);
      partial = partial * 2 + ((byte >> shift) & 1);
    }
    const sizes = Array.from({ length: 256 }, (_, s) => cdf[s + 1] - cdf[s]);
    expect(input.best).toBe(sizes.indexOf(Math.max(...sizes)));
    expect(input.possible(1, 7)).toBe(3);
  });
});

describe('contexts and parameters', () => {
  it('have names of their own and a fast subset', () => {
    for (const contexts of [TEXT_CONTEXTS, BINARY_CONTEXTS]) {
      expect(new Set(contexts.map(({ name }) => name)).size).toBe(contexts.length);
    }
    for (const profile of ['text', 'binary'] as const) {
      const parameters = { profile, tableBits: 20, languageModel: false };
      expect(contextsOf({ ...parameters, contexts: 'fast' })).toHaveLength(profile === 'text' ? 14 : 16);
      expect(contextsOf({ ...parameters, contexts: 'standard' }).length).toBeGreaterThan(20);
    }
  });

  it('tell text from binary data, and small from large', () => {
    expect(profileOf(textBytes(5000))).toBe('text');
    expect(profileOf(recordBytes(5000))).toBe('binary');
    expect(profileOf(randomBytes(5000))).toBe('binary');
    expect(tableBitsFor(1)).toBe(16);
    expect(tableBitsFor(1000)).toBe(20);
    expect(tableBitsFor(2 ** 22)).toBe(27);
  });
});
