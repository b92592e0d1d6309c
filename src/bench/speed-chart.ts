/**
 * Ratio against speed: a point for each compressor, and the front of those that no other beats in both.
 *
 * @module
 */
import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepAfter, line } from 'd3-shape';
import { escapeText, MARKERS } from '../train/curve.ts';
import type { Figures } from './figures.ts';

const WIDTH = 860;
const HEIGHT = 480;
const MARGIN = { top: 52, right: 150, bottom: 52, left: 64 };
const LABEL = { height: 16, characterWidth: 7, offset: 10 };

/** Style of a kind of compressor: a colour and a shape, so that neither is needed alone. */
export const KINDS = ['lmz', 'command', 'library'] as const;

interface Point {
  readonly figures: Figures;
  readonly x: number;
  readonly y: number;
}

/** The points that no other point beats in both speed and rate, the fastest last. */
export function paretoFront<T>(
  points: readonly T[],
  speedOf: (point: T) => number,
  rateOf: (point: T) => number,
): T[] {
  const byRate = [...points].sort((a, b) => rateOf(a) - rateOf(b) || speedOf(b) - speedOf(a));
  let fastest = -Infinity;
  return byRate.filter((point) => {
    if (speedOf(point) <= fastest) return false;
    fastest = speedOf(point);
    return true;
  });
}

/** Tops of labels, each moved down until it covers none of those above it. */
function placeLabels(points: readonly Point[]): number[] {
  const placed: { left: number; right: number; top: number }[] = [];
  const tops = new Map<Point, number>();
  for (const point of [...points].sort((a, b) => a.y - b.y)) {
    const left = point.x + LABEL.offset;
    const right = left + point.figures.label.length * LABEL.characterWidth;
    let top = point.y - LABEL.height / 2;
    const blocking = () =>
      placed.find(
        (other) => other.left < right && left < other.right && Math.abs(other.top - top) < LABEL.height,
      );
    for (let other = blocking(); other !== undefined; other = blocking()) top = other.top + LABEL.height;
    placed.push({ left, right, top });
    tops.set(point, top);
  }
  return points.map((point) => tops.get(point)!);
}

const speedText = (bytesPerSecond: number): string =>
  bytesPerSecond >= 1e6
    ? `${+(bytesPerSecond / 1e6).toPrecision(2)} MB/s`
    : `${+(bytesPerSecond / 1e3).toPrecision(2)} KB/s`;

/**
 * The picture.
 *
 * @param all - compressors on the same input, at least one
 */
export function speedChart(title: string, all: readonly Figures[], direction: 'encode' | 'decode'): string {
  const speeds = all.flatMap((figures) => [figures[direction].min, figures[direction].max]);
  const rates = all.map(({ rate }) => 100 * rate);
  const x = scaleLog(
    [Math.min(...speeds) / 1.3, Math.max(...speeds) * 1.3],
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const spread = Math.max(1, Math.max(...rates) - Math.min(...rates));
  const y = scaleLinear(
    [Math.min(...rates) - 0.05 * spread, Math.max(...rates) + 0.05 * spread],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  );
  const [floor, ceiling] = y.range();
  const at = (value: number): string => value.toFixed(1);
  const points: Point[] = all.map((figures) => ({
    figures,
    x: x(figures[direction].median),
    y: y(100 * figures.rate),
  }));
  const front = paretoFront(
    points,
    (point) => point.x,
    ({ figures }) => figures.rate,
  );
  const path = line<Point>(
    (point) => point.x,
    (point) => point.y,
  ).curve(curveStepAfter);
  const name = escapeText(
    `${title}: ratio against speed, ${direction === 'encode' ? 'encoding' : 'decoding'}`,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart speed" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}">`,
    `<text class="title" x="${MARGIN.left}" y="22">${name}</text>`,
    `<text x="${MARGIN.left}" y="${MARGIN.top - 10}">compressed size, % of the original (lower is better)</text>`,
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${direction} speed, median (faster to the right)</text>`,
  ];
  for (const tick of y.ticks(7)) {
    const row = at(y(tick));
    parts.push(
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${row}" y2="${row}"/>`,
      `<text x="${MARGIN.left - 8}" y="${row}" text-anchor="end" dominant-baseline="middle">${y.tickFormat(7)(tick)}</text>`,
    );
  }
  const decades = x.ticks().filter((tick) => /^1(0*|e.*)$/.test(tick.toPrecision(1).replace('.', '')));
  const ticks = decades.length >= 2 ? decades : x.ticks().filter((_, i) => i % 3 === 0);
  for (const tick of ticks) {
    const column = at(x(tick));
    parts.push(
      `<line class="grid" x1="${column}" x2="${column}" y1="${ceiling}" y2="${floor + 5}"/>`,
      `<text x="${column}" y="${floor + 20}" text-anchor="middle">${speedText(tick)}</text>`,
    );
  }
  parts.push(`<path class="front" d="${path(front) ?? ''}"/>`);
  const tops = placeLabels(points);
  points.forEach((point, i) => {
    const { figures } = point;
    const kind = KINDS.indexOf(figures.kind);
    const { min, median, max } = figures[direction];
    const about = `${figures.label} ${figures.version}: ${(100 * figures.rate).toFixed(2)} %, ${speedText(median)} (${speedText(min)} to ${speedText(max)})`;
    const middle = tops[i] + LABEL.height / 2;
    parts.push(
      `<g class="mark k${kind}"><title>${escapeText(about)}</title>`,
      `<line class="spread" x1="${at(x(min))}" x2="${at(x(max))}" y1="${at(point.y)}" y2="${at(point.y)}"/>`,
      `<path d="${MARKERS[kind]}" transform="translate(${at(point.x)},${at(point.y)})"/></g>`,
      ...(Math.abs(middle - point.y) > 4
        ? [
            `<line class="leader" x1="${at(point.x)}" y1="${at(point.y)}" x2="${at(point.x + LABEL.offset)}" y2="${at(middle)}"/>`,
          ]
        : []),
      `<text class="${front.includes(point) ? 'best' : ''}" x="${at(point.x + LABEL.offset)}" y="${at(middle)}" dominant-baseline="middle">${escapeText(figures.label)}</text>`,
    );
  });
  return `${parts.join('\n')}\n</svg>`;
}
