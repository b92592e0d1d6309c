import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decode } from '../../spec/decoder.ts';
import { CdfBuilder } from '../../src/entropy/cdf.ts';
import { ArithmeticEncoder } from '../../src/entropy/coder.ts';
import { compress, decompress, type EncodeOptions } from '../../src/index.ts';

const text = readFileSync(new URL('../../spec/lmz-format.md', import.meta.url), 'utf8');
const model = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/models/${name}.onnx`, import.meta.url)));

/** The hexadecimal bytes of an example of appendix A: what stands before the second run of blanks in its lines. */
function exampleBytes(number: string): Uint8Array {
  const section = text.split(`### ${number} `)[1].split('\n### ')[0];
  const lines = section.split('\n').filter((line) => line.startsWith('    '));
  const digits = lines.map((line) => /^ {4}((?:[0-9A-F]{2} ?)+)/.exec(line)![1].replaceAll(' ', '')).join('');
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

describe('worked examples of the specification', () => {
  test.each<[string, string, EncodeOptions]>([
    ['A.3', '', { mode: 'stored' }],
    ['A.4', 'abc', { mode: 'stored' }],
    ['A.5', 'the theme, the thesis', { mode: 'lm', model: model('good-order1-256') }],
    ['A.7', 'the theme, the thesis', { mode: 'mix', level: 4 }],
    ['A.6', 'naïve', { mode: 'lm', model: model('good-ascii-128') }],
  ])('%s decodes with both decoders and is what the encoder writes', async (number, content, options) => {
    const file = exampleBytes(number);
    const models = options.model instanceof Uint8Array ? [options.model] : [];
    const decoded = await decompress(file, models.length > 0 ? { model: models[0] } : {});
    expect(new TextDecoder().decode(decoded)).toBe(content);
    expect(new TextDecoder().decode(await decode(file, { models }))).toBe(content);
    expect(Buffer.from(await compress(content, options)).toString('hex')).toBe(
      Buffer.from(file).toString('hex'),
    );
  });

  test('A.1 and A.2', () => {
    const cdf = new CdfBuilder(4, 4).fill(Int32Array.of(0, 16, -16, 8), 0);
    expect(text).toContain(`the cumulative frequencies are ${cdf.join(', ')}`);
    const bits = new ArithmeticEncoder();
    const decisions = [
      [2 ** 23, 0],
      [2 ** 22, 1],
      [3, 0],
      [2 ** 24 - 1, 0],
    ];
    for (const [p, bit] of decisions) bits.bit(p, bit);
    expect(bits.finish()).toEqual({ bytes: Uint8Array.of(0x9f, 0xff, 0xff, 0x80), paddedBits: 7 });
    const symbols = new ArithmeticEncoder();
    for (const symbol of [1, 2, 0]) symbols.symbol(cdf, symbol);
    expect(symbols.finish()).toEqual({ bytes: Uint8Array.of(0x74), paddedBits: 2 });
  });
});
