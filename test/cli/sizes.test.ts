import { expect, test } from 'vitest';
import { formatRatio, formatSize, parseSize } from '../../src/terminal/sizes.ts';

test.each([
  ['0', 0],
  ['65536', 65536],
  ['4k', 4096],
  ['4K', 4096],
  ['4KB', 4096],
  ['4KiB', 4096],
  ['1.5M', 1572864],
  ['2 GiB', 2147483648],
  ['1T', 2 ** 40],
  ['7B', 7],
])('parses %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'K', '-1', '1.5', '1e3', '4X', '4KK', '1K 2', '99999999T', ' 1'])('refuses "%s"', (text) => {
  expect(parseSize(text)).toBeUndefined();
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1048575, '1.0 MiB'],
  [1234567, '1.2 MiB'],
  [2 ** 50, '1024.0 TiB'],
])('formats %d', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test('a ratio is compressed size over original size', () => {
  expect(formatRatio(262, 1000)).toBe('26.2 %');
  expect(formatRatio(40, 0)).toBe('-');
});
