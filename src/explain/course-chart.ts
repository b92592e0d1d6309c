/**
 * How the costs change along the text, all three ways: mixing learns as it goes, the network knows from the beginning.
 *
 * @module
 */
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { spreadLabels } from '../terminal/chart-labels.ts';
import { type Explanation, totalsOf } from './explain.ts';
import { WAYS } from './measure.ts';
import { bitsPerByte, formatCount, WAY_NAMES } from './summary.ts';

const WIDTH = 900;
const HEIGHT = 240;
const MARGIN = { top: 12, right: 118, bottom: 30, left: 40 };
const POINTS = 100;
/** Fewer bytes say nothing of a rate. */
const POINT_BYTES_MIN = 100;
const LABEL_GAP = 16;

/** The picture, as SVG within a page that has its style. */
export function courseChart({ bytes, costs, offset }: Explanation): string {
  const count = Math.max(1, Math.min(POINTS, Math.floor(bytes.length / POINT_BYTES_MIN)));
  const points = Array.from({ length: count }, (_, i) => {
    const [from, to] = [i, i + 1].map((part) => Math.floor((part * bytes.length) / count));
    const totals = totalsOf(costs, from, to);
    const rates = WAYS.map((way) => bitsPerByte(totals[way], to - from));
    return { at: offset + (from + to) / 2, rates };
  });
  const end = offset + bytes.length;
  const x = scaleLinear([offset, end], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear(
    [0, Math.max(...points.flatMap(({ rates }) => rates), 1)],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  ).nice();
  const number = (value: number): string => value.toFixed(1);
  const parts = [
    `<svg class="course" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Bits per byte along the text">`,
  ];
  for (const tick of y.ticks(5)) {
    const at = number(y(tick));
    parts.push(
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/>`,
      `<text class="tick" x="${MARGIN.left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${y.tickFormat(5)(tick)}</text>`,
    );
  }
  for (const tick of x.ticks(7)) {
    parts.push(
      `<text class="tick" x="${number(x(tick))}" y="${HEIGHT - 12}" text-anchor="middle">${formatCount(tick)}</text>`,
    );
  }
  WAYS.map((way, i) => ({ way, i }))
    .reverse()
    .forEach(({ way, i }) => {
      const path = line<(typeof points)[number]>(
        ({ at }) => x(at),
        ({ rates }) => y(rates[i]),
      );
      parts.push(`<path class="${way}" d="${path(points) ?? ''}"/>`);
    });
  const last = points[points.length - 1];
  const ends = last.rates.map((rate) => y(rate));
  spreadLabels(ends, LABEL_GAP, HEIGHT - MARGIN.bottom).forEach((at, i) => {
    const left = WIDTH - MARGIN.right + 8;
    parts.push(
      `<path class="${WAYS[i]}" d="M${left},${number(at)}h18"/>`,
      `<text x="${left + 23}" y="${number(at)}" dominant-baseline="middle">${WAY_NAMES[WAYS[i]]}</text>`,
    );
  });
  parts.push(`<text class="tick" x="${MARGIN.left + 6}" y="${MARGIN.top + 8}">bits/byte</text>`);
  return `${parts.join('\n')}\n</svg>`;
}
