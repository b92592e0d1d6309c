/**
 * The loss curve: JSON, and a picture as SVG and as a page. Readable on light and dark backgrounds and without colours:
 * Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), a marker of its own for every category, names at the ends.
 *
 * @module
 */
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { spreadLabels } from '../terminal/chart-labels.ts';
import { escapeText, htmlPage } from '../terminal/markup.ts';
import type { ProgressEntry } from './loop.ts';

/** A point: megabytes and bits per byte. */
type Point = readonly [megabytes: number, bits: number];

/** What a curve file holds. */
export interface Curve {
  readonly title: string;
  readonly unit: 'bits per byte';
  readonly training: readonly Point[];
  /** By category. */
  readonly validation: Readonly<Record<string, readonly Point[]>>;
}

/** Points of training that a curve keeps. */
const MAX_POINTS = 600;
const WIDTH = 860;
const HEIGHT = 460;
const MARGIN = { top: 48, right: 170, bottom: 48, left: 56 };
/** Distance between names at the curves' ends. */
const LABEL_GAP = 18;
/** What is drawn leaves out the first part of the bytes, where the loss falls from 8 bits. */
const SKIPPED_SHARE = 0.03;

/** On light and on dark backgrounds. */
export const COLOURS = [
  ['#0072b2', '#56b4e9'],
  ['#d55e00', '#ff8a3d'],
  ['#007d5a', '#2fd0a5'],
  ['#b05088', '#e79cc6'],
  ['#8a6d00', '#f0e442'],
] as const;
/** A shape for each colour, about ten units wide around the origin. */
export const MARKERS = [
  'M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z',
  'M-4,-4h8v8h-8z',
  'M0,-5l5,9h-10z',
  'M0,-5.5l5,5.5l-5,5.5l-5,-5.5z',
  'M-5,-1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z',
] as const;

/** Leaves out points so that at most `most` remain, the last among them. */
function thin<T>(points: readonly T[], most: number): T[] {
  const stride = Math.ceil(points.length / most);
  return points.filter((_, i) => (points.length - 1 - i) % stride === 0);
}

/** The curve of a run's progress. */
export function curveOf(title: string, progress: readonly ProgressEntry[]): Curve {
  const round = (value: number): number => Number(value.toFixed(4));
  const validation: Record<string, Point[]> = {};
  const training: Point[] = [];
  for (const { bytes, trainBits, validation: bits = {} } of progress) {
    const megabytes = round(bytes / 1e6);
    if (Number.isFinite(trainBits) && bytes > 0) training.push([megabytes, round(trainBits)]);
    for (const [name, value] of Object.entries(bits)) {
      (validation[name] ??= []).push([megabytes, round(value)]);
    }
  }
  return { title, unit: 'bits per byte', training: thin(training, MAX_POINTS), validation };
}

function style(): string {
  const series = (column: 0 | 1): string => COLOURS.map((pair, i) => `--c${i}:${pair[column]};`).join('');
  return (
    `.lmz{--ink:#1f2328;--grid:#d8dee4;--paper:#ffffff;--train:#6e7781;${series(0)}` +
    `font:13px system-ui,sans-serif;background:var(--paper)}` +
    `@media(prefers-color-scheme:dark){.lmz{--ink:#e6edf3;--grid:#30363d;--paper:#0d1117;--train:#8b949e;${series(1)}}}` +
    `.lmz text{fill:var(--ink)}.lmz .title{font-size:16px;font-weight:600}.lmz .grid{stroke:var(--grid)}` +
    `.lmz .line{fill:none;stroke-width:2}.lmz .train{stroke:var(--train);stroke-width:1.2}` +
    COLOURS.map((_, i) => `.lmz .s${i}{stroke:var(--c${i})}.lmz .m${i}{fill:var(--c${i})}`).join('')
  );
}

/** The picture, a document of its own. */
export function curveSvg({ title, training, validation }: Curve): string {
  const names = Object.keys(validation);
  const all: Point[] = [...training, ...Object.values(validation).flat()];
  const last = Math.max(0, ...all.map(([megabytes]) => megabytes));
  const shown = all.filter(([megabytes]) => megabytes >= last * SKIPPED_SHARE).map(([, bits]) => bits);
  const x = scaleLinear([0, last || 1], [MARGIN.left, WIDTH - MARGIN.right]);
  const low = Math.min(8, ...shown);
  const high = Math.max(low + 0.1, ...shown);
  const y = scaleLinear([low, high], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice();
  const [floor, ceiling] = y.range();
  const number = (value: number): string => value.toFixed(1);
  const path = line<Point>(
    ([megabytes]) => x(megabytes),
    ([, bits]) => y(bits),
  );
  const parts: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lmz" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(title)}">`,
    `<title>${escapeText(title)}</title><style>${style()}</style>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" style="fill:var(--paper)"/>`,
    `<clipPath id="plot"><rect x="${MARGIN.left}" y="${ceiling}" width="${WIDTH - MARGIN.left - MARGIN.right}" height="${floor - ceiling}"/></clipPath>`,
    `<text class="title" x="${MARGIN.left}" y="24">${escapeText(title)}</text>`,
  ];
  for (const tick of y.ticks(8)) {
    const at = number(y(tick));
    parts.push(
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/>`,
      `<text x="${MARGIN.left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${y.tickFormat(8)(tick)}</text>`,
    );
  }
  for (const tick of x.ticks(8)) {
    const at = number(x(tick));
    parts.push(
      `<line class="grid" x1="${at}" x2="${at}" y1="${floor}" y2="${floor + 5}"/>`,
      `<text x="${at}" y="${floor + 20}" text-anchor="middle">${x.tickFormat(8)(tick)}</text>`,
    );
  }
  parts.push(
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">training text, MB</text>`,
    `<text x="${MARGIN.left}" y="${MARGIN.top - 8}" text-anchor="start">bits per byte</text>`,
    `<g clip-path="url(#plot)"><path class="line train" d="${path(training) ?? ''}"/>`,
  );
  names.forEach((name, i) => {
    parts.push(`<path class="line s${i % COLOURS.length}" d="${path(validation[name]) ?? ''}"/>`);
  });
  parts.push('</g>');
  const ends = [training, ...Object.values(validation)].map((points) => {
    const end = points.at(-1);
    return end === undefined ? ceiling : Math.min(floor, Math.max(ceiling, y(end[1])));
  });
  const labels = spreadLabels(ends, LABEL_GAP);
  names.forEach((name, i) => {
    const style = i % COLOURS.length;
    for (const [megabytes, bits] of thin(validation[name], 24)) {
      if (y(bits) < ceiling) continue;
      parts.push(
        `<path class="m${style}" d="${MARKERS[style]}" transform="translate(${number(x(megabytes))},${number(y(bits))})"/>`,
      );
    }
    const at = number(labels[i + 1]);
    const end = validation[name].at(-1)!;
    parts.push(
      `<path class="m${style}" d="${MARKERS[style]}" transform="translate(${WIDTH - MARGIN.right + 16},${at})"/>`,
      `<text x="${WIDTH - MARGIN.right + 26}" y="${at}" dominant-baseline="middle">${escapeText(name)} ${end[1].toFixed(3)}</text>`,
    );
  });
  const trained = training.at(-1);
  if (trained !== undefined) {
    const at = number(labels[0]);
    const from = WIDTH - MARGIN.right + 10;
    parts.push(
      `<line class="train" x1="${from}" x2="${from + 12}" y1="${at}" y2="${at}"/>`,
      `<text x="${from + 16}" y="${at}" dominant-baseline="middle">training ${trained[1].toFixed(3)}</text>`,
    );
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

/** The picture as a page. */
export function curveHtml(curve: Curve): string {
  const style = 'body{margin:2rem auto;max-width:60rem}svg{width:100%;height:auto}';
  return htmlPage(curve.title, style, [curveSvg(curve).trimEnd()]);
}
