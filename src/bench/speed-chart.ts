/**
 * Ratio against speed: a point for each compressor, and the front of those that no other beats in both.
 *
 * @module
 */
import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepBefore, line } from 'd3-shape';
import { escapeText } from '../terminal/markup.ts';
import { MARKERS } from '../train/curve.ts';
import type { Figures } from './figures.ts';

const WIDTH = 860;
const HEIGHT = 500;
const MARGIN = { top: 52, right: 150, bottom: 72, left: 64 };
/** What takes more than so many times the least is named below the picture, not drawn: it would press the others together. */
const OUTLIER = 2.2;
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

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Where a label may stand: beside its point, right or left, and then ever further above and below. */
const PLACES = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5].flatMap((rows) => [
  { rows, side: 1 },
  { rows, side: -1 },
]);

interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'end';
}

/** Places that cover no marker and no other label, as far as there are any. */
function placeLabels(points: readonly Point[], plot: Box): Label[] {
  const { height, characterWidth, offset } = LABEL;
  const taken: Box[] = points.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
  return points.map(({ x, y, figures }) => {
    const width = figures.label.length * characterWidth;
    const boxes = PLACES.map(({ rows, side }) => {
      const left = side > 0 ? x + offset : x - offset - width;
      const top = y + (rows - 0.5) * height;
      return { left, right: left + width, top, bottom: top + height, side };
    });
    const free = boxes.find(
      (box) =>
        box.left >= plot.left &&
        box.right <= plot.right &&
        box.top >= plot.top &&
        box.bottom <= plot.bottom &&
        !taken.some((other) => overlap(box, other)),
    );
    const box = free ?? boxes[0];
    taken.push(box);
    const anchor = box.side > 0 ? 'start' : 'end';
    return { x: box.side > 0 ? box.left : box.right, y: box.top + height / 2, anchor };
  });
}

const speedText = (bytesPerSecond: number): string =>
  bytesPerSecond >= 1e6
    ? `${+(bytesPerSecond / 1e6).toPrecision(2)} MB/s`
    : `${+(bytesPerSecond / 1e3).toPrecision(2)} KB/s`;

function notDrawn(figures: readonly Figures[]): string {
  const names = figures.map(({ label, rate }) => `${label} ${(100 * rate).toFixed(1)}`);
  return names.length === 0 ? '' : `Above the picture: ${names.map((name) => `${name} %`).join('; ')}`;
}

/**
 * The picture.
 *
 * @param all - compressors on the same input, at least one
 */
export function speedChart(title: string, all: readonly Figures[], direction: 'encode' | 'decode'): string {
  const least = Math.min(...all.map(({ rate }) => rate));
  const drawn = all.filter(({ rate }) => rate <= OUTLIER * least);
  const left = all.filter((figures) => !drawn.includes(figures));
  const speeds = drawn.flatMap((figures) => [figures[direction].min, figures[direction].max]);
  const rates = drawn.map(({ rate }) => 100 * rate);
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
  const points: Point[] = drawn.map((figures) => ({
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
  ).curve(curveStepBefore);
  const name = escapeText(
    `${title}: ratio against speed, ${direction === 'encode' ? 'encoding' : 'decoding'}`,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart speed" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}">`,
    `<text class="title" x="${MARGIN.left}" y="22">${name}</text>`,
    `<text x="${MARGIN.left}" y="${MARGIN.top - 10}">compressed size, % of the original (lower is better)</text>`,
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 28}" text-anchor="middle">${direction} speed, median (faster to the right)</text>`,
    `<text x="${MARGIN.left}" y="${HEIGHT - 8}">${escapeText(notDrawn(left))}</text>`,
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
  for (const { figures, x: column, y: row } of points) {
    const kind = KINDS.indexOf(figures.kind);
    const { min, median, max } = figures[direction];
    const about = `${figures.label} ${figures.version}: ${(100 * figures.rate).toFixed(2)} %, ${speedText(median)} (${speedText(min)} to ${speedText(max)})`;
    parts.push(
      `<g class="mark k${kind}"><title>${escapeText(about)}</title>`,
      `<line class="spread" x1="${at(x(min))}" x2="${at(x(max))}" y1="${at(row)}" y2="${at(row)}"/>`,
      `<path d="${MARKERS[kind]}" transform="translate(${at(column)},${at(row)})"/></g>`,
    );
  }
  const plot = { left: MARGIN.left, right: WIDTH, top: ceiling, bottom: floor };
  placeLabels(points, plot).forEach((label, i) => {
    const point = points[i];
    if (Math.abs(label.y - point.y) > 4) {
      parts.push(
        `<line class="leader" x1="${at(point.x)}" y1="${at(point.y)}" x2="${at(label.x)}" y2="${at(label.y)}"/>`,
      );
    }
    parts.push(
      `<text class="label${front.includes(point) ? ' best' : ''}" x="${at(label.x)}" y="${at(label.y)}" text-anchor="${label.anchor}" dominant-baseline="middle">${escapeText(point.figures.label)}</text>`,
    );
  });
  return `${parts.join('\n')}\n</svg>`;
}
