/**
 * Bars: what every compressor makes of one file, the smallest first, each with its name and its number.
 *
 * @module
 */
import { scaleLinear } from 'd3-scale';
import { escapeText } from '../terminal/markup.ts';
import type { Figures } from './figures.ts';
import { KINDS } from './speed-chart.ts';

const WIDTH = 420;
const ROW = 19;
const TOP = 30;
const NAMES = 150;
const NUMBERS = 62;

/** The picture of one file, or of several together. */
export function barsChart(title: string, all: readonly Figures[]): string {
  const sorted = [...all].sort((a, b) => a.rate - b.rate);
  const x = scaleLinear([0, Math.max(...all.map(({ rate }) => rate), 1e-9)], [0, WIDTH - NAMES - NUMBERS]);
  const name = escapeText(title);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart bars" viewBox="0 0 ${WIDTH} ${TOP + ROW * sorted.length + 6}" role="img" aria-label="${name}">`,
    `<text class="title" x="0" y="18">${name}</text>`,
  ];
  sorted.forEach(({ label, kind, rate, codedBytes }, i) => {
    const top = TOP + i * ROW;
    const middle = top + ROW / 2;
    const width = Math.max(1, x(rate)).toFixed(1);
    parts.push(
      `<text class="${kind === 'lmz' ? 'best' : ''}" x="${NAMES - 8}" y="${middle}" text-anchor="end" dominant-baseline="middle">${escapeText(label)}</text>`,
      `<rect class="mark k${KINDS.indexOf(kind)}" x="${NAMES}" y="${top + 3}" width="${width}" height="${ROW - 5}"><title>${escapeText(label)}: ${codedBytes} bytes</title></rect>`,
      `<text x="${(NAMES + Number(width) + 5).toFixed(1)}" y="${middle}" dominant-baseline="middle">${(100 * rate).toFixed(2)} %</text>`,
    );
  });
  return `${parts.join('\n')}\n</svg>`;
}
