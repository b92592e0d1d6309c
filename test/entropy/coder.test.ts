import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CDF_TOTAL } from '../../src/entropy/cdf.ts';
import { ArithmeticDecoder, ArithmeticEncoder } from '../../src/entropy/coder.ts';
import { bitShare, encodeReference, packBits, type Share } from '../reference/arithmetic-coder.ts';
import { runs } from '../support/runs.ts';

type Decision = { cdf: Uint32Array; symbol: number } | { p: number; bit: number };

/** A CDF with every symbol's frequency at least 1; sizes from hopeless to nearly certain. */
const cdfs = fc
  .array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 1 << 20 })), {
    minLength: 1,
    maxLength: 12,
  })
  .chain((sizes) => fc.nat(sizes.length).map((place) => ({ sizes, place })))
  .map(({ sizes, place }) => {
    const rest = CDF_TOTAL - sizes.reduce((sum, size) => sum + size, 0);
    const all = [...sizes.slice(0, place), rest, ...sizes.slice(place)];
    const cdf = new Uint32Array(all.length + 1);
    all.forEach((size, s) => (cdf[s + 1] = cdf[s] + size));
    return cdf;
  });
const probabilities = fc.oneof(
  fc.constantFrom(1, 2, CDF_TOTAL / 2, CDF_TOTAL - 2, CDF_TOTAL - 1),
  fc.integer({ min: 1, max: CDF_TOTAL - 1 }),
);
const decisions: fc.Arbitrary<Decision> = fc.oneof(
  cdfs.chain((cdf) => fc.nat(cdf.length - 2).map((symbol) => ({ cdf, symbol }))),
  fc.record({ p: probabilities, bit: fc.integer({ min: 0, max: 1 }) }),
);

function encode(list: readonly Decision[], check = true) {
  const encoder = new ArithmeticEncoder(16);
  for (const decision of list) {
    if ('cdf' in decision) encoder.symbol(decision.cdf, decision.symbol);
    else encoder.bit(decision.p, decision.bit);
    if (check) encoder.checkInvariants();
  }
  return encoder.finish();
}

function shareOf(decision: Decision): Share {
  if (!('cdf' in decision)) return bitShare(decision.p, decision.bit);
  const { cdf, symbol } = decision;
  return { start: cdf[symbol], size: cdf[symbol + 1] - cdf[symbol], toTheEnd: false };
}

describe('arithmetic coder', () => {
  test('equals the reference bit for bit, and decodes, invariants holding throughout', () => {
    fc.assert(
      fc.property(fc.array(decisions, { maxLength: 60 }), (list) => {
        const coded = encode(list);
        expect(coded).toEqual(packBits(encodeReference(list.map(shareOf))));
        const decoder = new ArithmeticDecoder(coded);
        for (const decision of list) {
          if ('cdf' in decision) expect(decoder.symbol(decision.cdf)).toBe(decision.symbol);
          else expect(decoder.bit(decision.p)).toBe(decision.bit);
          decoder.checkInvariants();
        }
        decoder.finish();
      }),
      runs(1000),
    );
  });

  test('carries run through bytes of 255', () => {
    // Close under one half, then up: the pending 0x7f ff ff... become 0x80.
    const half = CDF_TOTAL / 2;
    const list: Decision[] = [
      { p: half, bit: 1 },
      ...Array.from({ length: 60 }, () => ({ p: 1, bit: 0 })),
      ...Array.from({ length: 200 }, () => ({ p: half, bit: 0 })),
    ];
    const coded = encode(list);
    expect(coded).toEqual(packBits(encodeReference(list.map(shareOf))));
  });

  test('no decisions, and decisions at the low end, are the empty string', () => {
    expect(encode([])).toEqual({ bytes: new Uint8Array(0), paddedBits: 0 });
    const zeros: Decision[] = Array.from({ length: 5000 }, () => ({ p: 77, bit: 1 }));
    expect(encode(zeros)).toEqual({ bytes: new Uint8Array(0), paddedBits: 0 });
  });

  test('a million sure bits cost what they should', () => {
    const list: Decision[] = Array.from({ length: 1_000_000 }, () => ({ p: 1, bit: 0 }));
    const bits = 1_000_000 * -Math.log2(1 - 2 ** -24);
    const { bytes } = encode(list, false);
    expect(bytes.length * 8).toBeLessThanOrEqual(Math.ceil(bits) + 8);
  });

  test('refuses every other end of the string', () => {
    fc.assert(
      fc.property(
        fc.array(decisions, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 255 }),
        (list, extra) => {
          const { bytes, paddedBits } = encode(list);
          const drain = (stream: Uint8Array, padding: number) => {
            const decoder = new ArithmeticDecoder({ bytes: stream, paddedBits: padding });
            const same = list.every((decision) =>
              'cdf' in decision
                ? decoder.symbol(decision.cdf) === decision.symbol
                : decoder.bit(decision.p) === decision.bit,
            );
            decoder.finish();
            return same;
          };
          expect(drain(bytes, paddedBits)).toBe(true);
          // A longer string for the same decisions is refused; other decisions are another matter.
          const longer = Uint8Array.of(...bytes, extra);
          const zeros = 31 - Math.clz32(extra & -extra);
          const attempt = () => {
            if (drain(longer, zeros)) throw new Error('accepted');
          };
          try {
            attempt();
          } catch (error) {
            expect((error as { code?: string }).code).toBe('LMZ_CORRUPT');
          }
          const zeroByte = Uint8Array.of(...bytes, 0);
          for (let padding = 0; padding < 8; padding++)
            expect(() => drain(zeroByte, padding)).toThrow(/padding bits/);
          // A wrong count of padding bits is refused whatever the string.
          expect(() => new ArithmeticDecoder({ bytes, paddedBits: (paddedBits + 1) % 8 })).toThrow(
            /padding bits/,
          );
        },
      ),
      runs(300),
    );
  });

  test('refuses a number that no symbol has', () => {
    const cdf = Uint32Array.of(0, 1, CDF_TOTAL);
    // Range after one symbol of frequency 1 is 2^24 units of 1: rounding leaves a sliver at the top from then on.
    const decoder = new ArithmeticDecoder({ bytes: new Uint8Array(40).fill(255), paddedBits: 0 });
    expect(() => {
      for (let i = 0; i < 300; i++) decoder.symbol(Uint32Array.of(0, 3, 1 << 20, CDF_TOTAL));
      for (let i = 0; i < 300; i++) decoder.symbol(cdf);
    }).toThrow(expect.objectContaining({ code: 'LMZ_CORRUPT' }) as Error);
  });
});
