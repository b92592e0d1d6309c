import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodedBits } from '../../src/entropy/coder.ts';
import { LmzError } from '../../src/errors.ts';
import { type ByteCoder, createMixDecoder, createMixEncoder } from '../../src/mix/byte-coder.ts';
import { createKernelDecoder, createKernelEncoder } from '../../src/mix/kernel.ts';
import type { MixParameters } from '../../src/mix/parameters.ts';
import { bitmapBytes, generator, randomBytes, recordBytes, textBytes } from './samples.ts';

const LOGIT_BITS = 4;
const PARAMETERS: MixParameters = {
  profile: 'text',
  contexts: 'standard',
  tableBits: 18,
  languageModel: false,
};

function lanesOf(size: number, lanes: number): number[] {
  return Array.from({ length: lanes + 1 }, (_, lane) => Math.ceil((size * lane) / lanes));
}

/** Logits that favour the byte to come, more or less; some rows are flat, some at the limits, some have equal largest ones. */
function logitsFor(bytes: Uint8Array, seed: number): Int32Array {
  const next = generator(seed);
  const logits = new Int32Array(bytes.length * 256);
  bytes.forEach((byte, at) => {
    const row = logits.subarray(at * 256, at * 256 + 256);
    const kind = next() % 16;
    if (kind === 0) return;
    const spread = kind === 1 ? 2 ** 30 : 400;
    for (let s = 0; s < 256; s++) row[s] = (next() % (2 * spread)) - spread;
    if (kind === 2) row.fill(-(2 ** 30));
    row[kind === 3 ? next() & 255 : byte] = kind === 2 ? 2 ** 30 : 500;
    if (kind === 4) for (let i = 0; i < 3; i++) row[next() & 255] = 500;
  });
  return logits;
}

/** Codes all bytes in lock-step; the decoder's `bytes` only say how many. */
function drive(
  coder: ByteCoder,
  bytes: Uint8Array,
  lanes: readonly number[],
  logits?: Int32Array,
): Uint8Array {
  const coded = new Uint8Array(bytes.length);
  for (let step = 0; step < lanes[1]; step++) {
    for (let lane = 0; lane < lanes.length - 1; lane++) {
      const at = lanes[lane] + step;
      if (at < lanes[lane + 1]) coded[at] = coder.code(lane, bytes[at], logits, at * 256);
    }
  }
  return coded;
}

interface Case {
  bytes: Uint8Array;
  parameters: MixParameters;
  lanes?: number;
  logits?: Int32Array;
  logitBits?: number;
}

function encode(make: typeof createMixEncoder, c: Case): CodedBits {
  const { bytes, parameters, lanes = 1, logits, logitBits = LOGIT_BITS } = c;
  const starts = lanesOf(bytes.length, lanes);
  const coder = make(bytes.slice(), starts, parameters, logitBits);
  drive(coder, bytes, starts, logits);
  return coder.finish();
}

function decode(make: typeof createMixDecoder, coded: CodedBits, c: Case): Uint8Array {
  const starts = lanesOf(c.bytes.length, c.lanes ?? 1);
  const chunk = new Uint8Array(c.bytes.length);
  const coder = make(chunk, starts, c.parameters, coded, c.logitBits ?? LOGIT_BITS);
  const returned = drive(coder, chunk, starts, c.logits);
  coder.finish();
  expect(chunk).toEqual(returned);
  return chunk;
}

/** The kernel's stream is the reference's, and it decodes. */
function check(c: Case): void {
  const coded = encode(createKernelEncoder, c);
  expect(coded).toEqual(encode(createMixEncoder, c));
  expect(decode(createKernelDecoder, coded, c)).toEqual(c.bytes);
}

const KINDS: Record<string, Uint8Array> = {
  text: textBytes(1500),
  records: recordBytes(1500),
  bitmap: bitmapBytes(1500),
  noise: randomBytes(700),
  repeats: new Uint8Array([...randomBytes(300), ...textBytes(300), ...randomBytes(300), ...textBytes(300)]),
  zeros: new Uint8Array(1200),
  'one byte': new Uint8Array([65]),
  nothing: new Uint8Array(0),
};

describe('the mixing kernel', () => {
  for (const [name, bytes] of Object.entries(KINDS)) {
    it(`codes ${name} as the reference does, in every mode`, () => {
      for (const profile of ['text', 'binary'] as const) {
        for (const contexts of ['standard', 'fast', 'best'] as const) {
          for (const languageModel of [false, true]) {
            const parameters = { ...PARAMETERS, profile, contexts, languageModel };
            check({ bytes, parameters, ...(languageModel && { logits: logitsFor(bytes, 5) }) });
          }
        }
      }
    });
  }

  it('does so with several lanes, and decodes what knows only what the decoder knows', () => {
    const text = textBytes(500);
    const bytes = new Uint8Array([...text, ...text, ...recordBytes(300), ...text]);
    for (const [lanes, languageModel] of [
      [2, false],
      [7, true],
      [64, false],
    ] as const) {
      for (const profile of ['text', 'binary'] as const) {
        const contexts = lanes === 7 ? 'best' : 'standard';
        const parameters = { ...PARAMETERS, profile, contexts, languageModel } as const;
        check({ bytes, parameters, lanes, ...(languageModel && { logits: logitsFor(bytes, 6) }) });
      }
    }
  });

  it('does so with logits of every unit', () => {
    const bytes = textBytes(400);
    const parameters = { ...PARAMETERS, languageModel: true };
    for (const logitBits of [8, 0, 3, 5, 1, 7])
      check({ bytes, parameters, logits: logitsFor(bytes, 8), logitBits });
  });

  it('does so with tables of all sizes, also far too small', () => {
    const bytes = new Uint8Array([...textBytes(3000), ...randomBytes(2000)]);
    check({ bytes, parameters: { ...PARAMETERS, tableBits: 16 } });
    check({ bytes: bytes.subarray(2500, 3500), parameters: { ...PARAMETERS, tableBits: 27 } });
    check({ bytes: bytes.subarray(2500, 3500), parameters: { ...PARAMETERS, tableBits: 28 } });
  });

  it('does so beyond the fading of records and with lines of any length', () => {
    const rows = recordBytes(9000).map((byte, i) => (i % 130 === 129 ? 10 : byte));
    for (const contexts of ['fast', 'best'] as const) {
      check({ bytes: rows, parameters: { ...PARAMETERS, profile: 'binary', contexts } });
    }
  });

  it('codes arbitrary bytes as the reference does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 10, 32, 34, 40, 41, 60, 62, 65, 97, 98, 200, 255), { maxLength: 300 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        (values, binary, languageModel, lanes) => {
          const bytes = Uint8Array.from(values);
          const profile = binary ? 'binary' : 'text';
          const logits = languageModel ? { logits: logitsFor(bytes, 7) } : {};
          check({ bytes, parameters: { ...PARAMETERS, profile, languageModel }, lanes, ...logits });
        },
      ),
      { numRuns: process.env.SLOW ? 200 : 15 },
    );
  });

  it('codes whole runs at once', () => {
    const bytes = textBytes(2000);
    for (const lanes of [1, 3]) {
      const starts = lanesOf(bytes.length, lanes);
      const encoder = createKernelEncoder(bytes.slice(), starts, PARAMETERS);
      for (let step = 0; step < starts[1]; step += 300) encoder.codeRun(300);
      const coded = encoder.finish();
      expect(coded).toEqual(encode(createMixEncoder, { bytes, parameters: PARAMETERS, lanes }));
      const chunk = new Uint8Array(bytes.length);
      const decoder = createKernelDecoder(chunk, starts, PARAMETERS, coded);
      for (let step = 0; step < starts[1]; step += 77) decoder.codeRun(77);
      decoder.finish();
      expect(chunk).toEqual(bytes);
    }
  });

  it('starts every chunk afresh, whatever was coded before', () => {
    const small: Case = { bytes: textBytes(800), parameters: { ...PARAMETERS, tableBits: 16 } };
    const fresh = encode(createKernelEncoder, small);
    const large: Case = {
      bytes: randomBytes(12000),
      parameters: { ...PARAMETERS, tableBits: 22, profile: 'binary', languageModel: true },
      lanes: 5,
    };
    large.logits = new Int32Array(large.bytes.length * 256);
    for (const contexts of ['standard', 'best'] as const) {
      large.parameters = { ...large.parameters, contexts };
      expect(decode(createKernelDecoder, encode(createKernelEncoder, large), large)).toEqual(large.bytes);
      expect(encode(createKernelEncoder, small)).toEqual(fresh);
    }
  });

  it('keeps coders that live at the same time apart', () => {
    const bytes = textBytes(900);
    const alone = encode(createKernelEncoder, { bytes, parameters: PARAMETERS });
    const coders = Array.from({ length: 4 }, () => createKernelEncoder(bytes.slice(), [0, 900], PARAMETERS));
    for (const byte of bytes) for (const coder of coders) coder.code(0, byte);
    for (const coder of coders) expect(coder.finish()).toEqual(alone);
  });

  it('treats a corrupted stream as the reference does', () => {
    const bytes = textBytes(400);
    const c: Case = { bytes, parameters: PARAMETERS };
    const coded = encode(createKernelEncoder, c);
    const outcome = (make: typeof createMixDecoder, stream: CodedBits): unknown => {
      try {
        return decode(make, stream, c);
      } catch (error) {
        expect(error).toBeInstanceOf(LmzError);
        return [(error as LmzError).code, (error as LmzError).message];
      }
    };
    let refused = 0;
    for (let at = 0; at < coded.bytes.length; at += 9) {
      const flipped = coded.bytes.slice();
      flipped[at] ^= 1 << (at & 7);
      for (const broken of [flipped, coded.bytes.slice(0, at), new Uint8Array([...coded.bytes, at | 1])]) {
        const stream = { bytes: broken, paddedBits: coded.paddedBits };
        const result = outcome(createKernelDecoder, stream);
        expect(result).toEqual(outcome(createMixDecoder, stream));
        if (Array.isArray(result)) refused++;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });

  it('refuses further bytes after its end', () => {
    const encoder = createKernelEncoder(new Uint8Array(1), [0, 1], PARAMETERS);
    encoder.code(0, 0);
    encoder.finish();
    expect(() => encoder.code(0, 0)).toThrow('finished');
  });

  it('costs a small chunk little', () => {
    const bytes = textBytes(1000);
    const c: Case = { bytes, parameters: { ...PARAMETERS, tableBits: 20 } };
    encode(createKernelEncoder, c);
    const started = performance.now();
    for (let i = 0; i < 5; i++) encode(createKernelEncoder, c);
    expect((performance.now() - started) / 5).toBeLessThan(1000);
  });
});
