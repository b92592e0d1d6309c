import { describe, expect, it } from 'vitest';
import { compress, decompress, readInfo } from '../../src/index.ts';
import { endOf, outcome } from '../support/outcome.ts';
import { byteByByte, decodeByIndex, decodeByStream, split } from '../support/routes.ts';
import { SLOW } from '../support/runs.ts';
import { makeSamples, type Sample } from '../support/samples.ts';
import { concat, memberEnds, sectionsOf } from '../support/sections.ts';

const samples = await makeSamples();

/** How much content may have come out before an error: a whole number of frames from the start. */
async function frameBoundaries({ file }: Sample): Promise<Set<number>> {
  let at = 0;
  const { members } = await readInfo(file);
  return new Set([0, ...members.flatMap(({ frames }) => frames).map(({ size }) => (at += size))]);
}

describe.each(samples)('a truncated file ($name)', (sample) => {
  const { file, content, options } = sample;
  const ends = memberEnds(file);
  const perMember = content.length / ends.length;

  /** Cut after a member, a file is whole; anywhere else it is truncated, even in the first bytes of a magic. */
  const expected = (length: number) => (ends.includes(length) ? 'ok' : 'LMZ_TRUNCATED');

  it('is LMZ_TRUNCATED at every length for decompress', async () => {
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      expect(await outcome(() => decompress(cut, options)), `length ${length}`).toBe(expected(length));
    }
  });

  it('is LMZ_TRUNCATED for the stream too, which gives whole frames only', async () => {
    const boundaries = await frameBoundaries(sample);
    // Of the file that carries its model, every ninth length: decompress has tried them all.
    for (let length = 0; length < file.length; length += file.length > 1000 && !SLOW ? 9 : 1) {
      const cut = file.subarray(0, length);
      const pieces =
        file.length < 300 && length % 4 === 0 ? byteByByte(cut) : split(cut, [7, 31, length >> 1]);
      const { output, error } = await decodeByStream(pieces, options);
      const code = endOf(error);
      expect(code, `length ${length}`).toBe(expected(length));
      expect(output).toEqual(content.slice(0, output.length));
      expect(boundaries).toContain(output.length);
      if (ends.includes(length)) expect(output.length).toBe(perMember);
    }
  });

  it('is LMZ_TRUNCATED at every length for random access and readInfo', async () => {
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      expect(await outcome(() => readInfo(cut)), `readInfo, length ${length}`).toBe(expected(length));
      expect(await outcome(() => decodeByIndex(cut, options)), `length ${length}`).toBe(expected(length));
    }
  });

  it('is not refused when nothing is missing', async () => {
    expect(await decompress(file, options)).toEqual(content);
    expect(await decodeByIndex(file, options)).toEqual(content);
    expect((await readInfo(file)).size).toBe(content.length);
  });
});

describe('a truncated file whose content is an lmz file', () => {
  it('is not mistaken for what it contains', async () => {
    const inner = samples[1].file;
    const outer = await compress(concat(inner, inner), { mode: 'stored' });
    for (let length = 0; length < outer.length; length++) {
      const cut = outer.subarray(0, length);
      expect(await outcome(() => readInfo(cut)), `length ${length}`).toBe('LMZ_TRUNCATED');
      expect(await outcome(() => decodeByIndex(cut)), `length ${length}`).toBe('LMZ_TRUNCATED');
    }
  });
});

describe('a truncated file on the way in', () => {
  it('hands out the frames that came whole, as soon as they came', async () => {
    const { file, content } = samples.find(({ name }) => name === 'stored in chunks')!;
    const [header, first, second] = sectionsOf(file);
    const cut = concat(header, first, second.subarray(0, -1));
    const { output, error } = await decodeByStream([cut]);
    expect(endOf(error)).toBe('LMZ_TRUNCATED');
    expect(output).toEqual(content.slice(0, 11));
  });
});
