import { describe, expect, it } from 'vitest';
import { decompress, type LmzErrorCode, readInfo } from '../../src/index.ts';
import { endOf, outcome } from '../support/outcome.ts';
import { decodeByIndex, decodeByStream, split } from '../support/routes.ts';
import { SLOW } from '../support/runs.ts';
import { makeSamples } from '../support/samples.ts';
import { type Region, readVarint, regionsOf, TYPE } from '../support/sections.ts';

const samples = await makeSamples();

/** Largest body that a section may announce. */
const BODY_MAX = { header: 4096, index: 2 ** 28, footer: 0, other: 255 } as const;

/**
 * What a reader that goes from front to back must say about a file in which one bit of `region` is wrong. 'ok': it
 * cannot notice, and the content is right all the same.
 */
function expectedCode(file: Uint8Array, region: Region): LmzErrorCode | 'ok' {
  const { section, field, start, member } = region;
  if (field === 'magic') return member === 0 ? 'LMZ_NOT_LMZ' : 'LMZ_TRAILING_DATA';
  if (field === 'payload' && section === 'skippable') return 'ok';
  if (field === 'payload' && section === 'model') return 'LMZ_MODEL_MISMATCH';
  if (field !== 'size') return 'LMZ_CORRUPT';
  // A wrong size is noticed by the CRC-32 of what it cuts out; where that goes past the end, the file looks truncated.
  const size = readVarint(file, start);
  const type = section === 'header' ? undefined : file[start - 1];
  const limit = type === undefined ? BODY_MAX.header : type === TYPE.index ? BODY_MAX.index : BODY_MAX.other;
  const minimal = size && (size.end === start + 1 || file[size.end - 1] !== 0);
  const short = section === 'header' && file[start] > 127 && file[start + 1] > 127;
  if (short || !size || !minimal || size.value > limit) return 'LMZ_CORRUPT';
  return size.end + size.value + 4 > file.length ? 'LMZ_TRUNCATED' : 'LMZ_CORRUPT';
}

/** The same for one that comes from the end and decodes all content. */
function expectedByIndex(file: Uint8Array, region: Region): LmzErrorCode | 'ok' {
  const { section, field } = region;
  const isFrame = ['coded', 'stored', 'model', 'skippable'].includes(section);
  if (!isFrame || field === 'payload') return expectedCode(file, region);
  // It finds frames by the index, and does not look at those without content.
  return section === 'skippable' ? 'ok' : 'LMZ_CORRUPT';
}

/** The same for `readInfo`, which reads all headers and no payload. */
function expectedInfo(file: Uint8Array, region: Region): LmzErrorCode | 'ok' {
  const { section, field } = region;
  if (field === 'payload') return 'ok';
  return section === 'skippable' ? 'LMZ_CORRUPT' : expectedByIndex(file, region);
}

describe.each(samples)('a flipped bit ($name)', ({ file, content, options }) => {
  const flipped = file.slice();
  const regions = regionsOf(file);
  /** Every bit; of a long payload (the embedded model), one bit of every seventh byte. */
  function* flips(): Generator<{ region: Region; place: string }> {
    for (const region of regions) {
      const long = region.end - region.start > 1000;
      for (let at = region.start; at < region.end; at += long ? 7 : 1)
        for (let bit = long ? at % 8 : 0; bit < (long ? (at % 8) + 1 : 8); bit++) {
          flipped[at] ^= 1 << bit;
          yield { region, place: `byte ${at} bit ${bit}, ${region.section} ${region.field}` };
          flipped[at] ^= 1 << bit;
        }
    }
  }

  it('is found by decompress, with the code that its place calls for', async () => {
    for (const { region, place } of flips()) {
      let decoded: Uint8Array | undefined;
      const code = await outcome(async () => (decoded = await decompress(flipped, options)));
      expect(code, place).toBe(expectedCode(flipped, region));
      if (code === 'ok') expect(decoded, place).toEqual(content);
    }
  });

  it('is found by the stream, and nothing wrong comes out before', async () => {
    let count = 0;
    for (const { region, place } of flips()) {
      // decompress has tried them all; the stream goes the same way, in pieces.
      if (!SLOW && file.length > 130 && count++ % 5 > 0) continue;
      const { output, error } = await decodeByStream(split(flipped, [5, 40, 41, 90]), options);
      const code = endOf(error);
      expect(code, place).toBe(expectedCode(flipped, region));
      expect(output, place).toEqual(content.slice(0, code === 'ok' ? content.length : output.length));
    }
  });

  it('is found by random access and readInfo', async () => {
    const before = await readInfo(file);
    for (const { region, place } of flips()) {
      let decoded: Uint8Array | undefined;
      const code = await outcome(async () => (decoded = await decodeByIndex(flipped, options)));
      expect(code, place).toBe(expectedByIndex(flipped, region));
      if (code === 'ok') expect(decoded, place).toEqual(content);

      let info: unknown;
      const infoCode = await outcome(async () => (info = await readInfo(flipped)));
      expect(infoCode, place).toBe(expectedInfo(flipped, region));
      if (infoCode === 'ok') expect(info, place).toEqual(before);
    }
  });
});
