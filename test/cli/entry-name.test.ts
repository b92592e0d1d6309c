import { expect, test } from 'vitest';
import { linkStaysInside, safeParts } from '../../src/cli/entry-name.ts';

test.each([
  ['a', ['a']],
  ['a/b/', ['a', 'b']],
  ['./a//b', ['a', 'b']],
  ['./', []],
  ['a/..b/c..', ['a', '..b', 'c..']],
  ['a/back\\slash', ['a', 'back\\slash']],
  ['a/c:d', ['a', 'c:d']],
])('keeps %s', (path, parts) => {
  expect(safeParts(path, false)).toEqual(parts);
});

test.each([
  '',
  '/etc/passwd',
  '//host/share',
  '..',
  '../x',
  'a/../../x',
  'a/..',
  'C:/x',
  'C:x',
  '\\x',
  '\\\\host\\x',
  'a\\..\\..\\x',
  'a\0b',
])('refuses "%s"', (path) => {
  expect(() => safeParts(path, false)).toThrow(expect.objectContaining({ code: 'LMZ_UNSAFE_NAME' }));
});

test.each(['a\\b', 'a/c:d'])('refuses %s on Windows, where it means something else', (path) => {
  expect(() => safeParts(path, true)).toThrow(expect.objectContaining({ code: 'LMZ_UNSAFE_NAME' }));
});

test.each([
  [['top', 'l'], 'x', true],
  [['top', 'l'], 'a/b', true],
  [['top', 'l'], '.', true],
  [['top', 'l'], '..', false],
  [['top', 'l'], '../x', false],
  [['top', 'a', 'l'], '../x', true],
  [['top', 'a', 'l'], './../x', true],
  [['top', 'a', 'l'], '../../x', false],
  [['top', 'a', 'l'], '/etc', false],
  [['top', 'a', 'l'], 'C:\\x', false],
  [['top', 'a', 'l'], '..\\..\\x', false],
  // Where `s` is a link to `.`, this would lead out.
  [['top', 'a', 'l'], 's/../../x', false],
  [['top', 'a', 'l'], '', false],
])('a link at %j to "%s" stays inside: %s', (parts, target, inside) => {
  expect(linkStaysInside(parts, target, 1)).toBe(inside);
});
