/** The picture of a training run. */
import { expect, test } from 'vitest';
import { curveHtml, curveOf, curveSvg } from '../../src/train/curve.ts';
import { formatCost } from '../../src/train/energy.ts';
import type { ProgressEntry } from '../../src/train/loop.ts';

function progress(points: number): ProgressEntry[] {
  return Array.from({ length: points }, (_, i) => ({
    time: '2026-01-01T00:00:00.000Z',
    bytes: (i + 1) * 10_000,
    trainBits: 2 + 6 / (i + 1),
    ...(i % 100 === 99 && { validation: { 'a<b': 2.1 + 1 / i, prose: 2.2 + 1 / i } }),
  }));
}

test('long runs are thinned; the last point stays', () => {
  const curve = curveOf('t', progress(5000));
  expect(curve.training.length).toBeLessThanOrEqual(600);
  expect(curve.training.at(-1)).toEqual([50, 2.0012]);
  expect(curve.validation['prose']).toHaveLength(50);
});

test('every line is drawn, named at its end, and its text is escaped', () => {
  const svg = curveSvg(curveOf('Training of <x>', progress(1000)));
  expect(svg).toContain('Training of &lt;x&gt;');
  expect(svg).toMatch(/>a&lt;b 2\.101</);
  expect(svg).toMatch(/>prose 2\.201</);
  expect(svg).toMatch(/>training 2\.006</);
  expect(svg.match(/class="line /g)).toHaveLength(3);
  expect(svg).toContain('prefers-color-scheme:dark');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(curveHtml(curveOf('t', progress(10)))).toMatch(/^<!doctype html>[\s\S]*<svg /);
});

test('a run without a single point is an empty picture', () => {
  expect(curveSvg(curveOf('t', []))).not.toMatch(/NaN|undefined|Infinity/);
  const single = curveOf('t', [{ time: '', bytes: 0, trainBits: NaN, validation: { a: 3 } }]);
  expect(curveSvg(single)).not.toMatch(/NaN|undefined|Infinity/);
});

test('the cost of the thesis', () => {
  expect(formatCost(122.5 * 3600, 98)).toBe('122.5 h, 12.0 kWh at 98 W');
  expect(formatCost(60, undefined)).toBe('60 s');
  expect(formatCost(600, 20)).toBe('10 min, 3.3 Wh at 20 W');
});
