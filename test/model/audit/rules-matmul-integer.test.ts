import { describe, expect, it } from 'vitest';
import { coded } from '../errors.ts';
import { binary, type Build, type Given, given, proveOne, text } from './harness.ts';

describe('MatMulInteger', () => {
  const bytes = (low: number, high: number, rows = 4): Given => given('uint8', ['lanes', rows], low, high);
  const signed = (low: number, high: number): Given => given('int8', ['lanes', 4], low, high);
  const s8 =
    (weights: number[]): Build =>
    (graph) =>
      graph.node('MatMulInteger', ['x', graph.constant(Int8Array.from(weights), [4, 1])]);

  it('proves column sums with both zero points', () => {
    const build: Build = (graph) =>
      graph.node('MatMulInteger', [
        'x',
        graph.constant(Uint8Array.of(138, 118, 128, 255), [4, 1]),
        graph.constant(Uint8Array.of(100), []),
        graph.constant(Uint8Array.of(128), []),
      ]);
    // (10 - 10 + 127) * (-100 .. 155), each part widened to hold 0
    expect(text(proveOne({ x: bytes(0, 255) }, build).channels)).toBe(
      `${-100 * 137 - 155 * 10}..${155 * 137 + 100 * 10}`,
    );
  });

  it.each<[string, Given, number[], number | undefined]>([
    ['64 + 64 with all bytes', bytes(0, 255), [64, -64, 1, 1], undefined],
    ['65 + 64 with all bytes', bytes(0, 255), [65, 1, 64, 1], 129 * 255],
    ['65 + 64 with bytes below 255', bytes(0, 254), [65, 1, 64, 1], undefined],
    ['127 + 127 with 7-bit inputs', bytes(0, 127), [127, 127, -127, 127], undefined],
    ['-128 and 127 with 7-bit inputs', bytes(0, 127), [-128, 127, 0, 0], undefined],
    ['-128 twice, which ARM multiplies by -128', bytes(0, 3), [-128, 0, 0, -128], 256 * 128],
    ['signed inputs, which x86 makes unsigned', signed(-128, 0), [127, 127, 1, 1], undefined],
    ['signed inputs above 0', signed(-128, 127), [65, 64, 1, 1], 129 * 255],
  ])('int8 weights: %s', (_, x, weights, product) => {
    if (product === undefined) {
      expect(proveOne({ x }, s8(weights)).channels).toHaveLength(1);
      return;
    }
    const error = coded(() => proveOne({ x }, s8(weights)));
    expect(error.code).toBe('LMZ_MODEL_NOT_EXACT');
    expect(error.message).toContain(
      `that is ${product}; kernels that add pairs in 16 bits are exact up to 32767`,
    );
  });

  it('refuses int8 weights that are not constant, and too many rows', () => {
    const y = given('int8', [4, 2], -1, 1);
    expect(coded(() => proveOne({ x: bytes(0, 1), y }, binary('MatMulInteger'))).message).toContain(
      'int8 weights must be a constant matrix',
    );
    const rows =
      (count: number): Build =>
      (graph) =>
        graph.node('MatMulInteger', ['x', graph.constant(new Uint8Array(count).fill(255), [count, 1])]);
    expect(text(proveOne({ x: bytes(0, 255, 8192) }, rows(8192)).channels)).toBe(`0..${8192 * 255 * 255}`);
    expect(coded(() => proveOne({ x: bytes(0, 255, 8193) }, rows(8193))).message).toContain(
      'at most 8192 are proven',
    );
  });

  it('takes uint8 weights at run time', () => {
    const y = given('uint8', [4, 2], 0, 255);
    expect(text(proveOne({ x: bytes(0, 255), y }, binary('MatMulInteger')).channels)).toBe(
      `0..${4 * 255 * 255}`,
    );
  });
});
