/** The page, as text and as Chromium shows it. */
import { describe, expect } from 'vitest';
import { figuresOf } from '../../src/bench/figures.ts';
import { reportPage } from '../../src/bench/page.ts';
import { paretoFront, speedChart } from '../../src/bench/speed-chart.ts';
import { COLOURS } from '../../src/train/curve.ts';
import { test } from '../cli/harness.ts';
import { CHROMIUM, contrast, useBrowser } from '../support/chromium.ts';
import { reportOf, resultOf, sampleReport } from './sample-report.ts';

const curve = JSON.stringify({
  title: 'Training of small',
  unit: 'bits per byte',
  training: [
    [1, 3],
    [2, 2.5],
    [3, 2.4],
  ],
  validation: {
    prose: [
      [1, 3.1],
      [2, 2.6],
      [3, 2.5],
    ],
  },
});

describe('the front', () => {
  const front = (points: [number, number][]) =>
    paretoFront(
      points,
      ([speed]) => speed,
      ([, rate]) => rate,
    );

  test('has what no other beats in both', () => {
    expect(
      front([
        [1, 20],
        [5, 30],
        [4, 31],
        [9, 40],
        [2, 20],
      ]),
    ).toEqual([
      [2, 20],
      [5, 30],
      [9, 40],
    ]);
    expect(front([[3, 3]])).toEqual([[3, 3]]);
    expect(front([])).toEqual([]);
  });
});

describe('as text', () => {
  test('stands alone, escapes names, tells what is missing', () => {
    const page = reportPage(sampleReport(), [curve]);
    expect(page).not.toMatch(/(?:src|href)=|@import|url\((?!#)/);
    expect(page).toContain('b &amp; c');
    expect(page).toContain('lmz -1 &lt;fast&gt;');
    expect(page).not.toContain('<fast>');
    expect(page).toContain('<li>FLAC: no program flac</li>');
    expect(page).toContain('<li>PNG on a: too wide</li>');
    expect(page).toContain('Training of small');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('one result, and results that take far more than others', () => {
    const single = reportOf([resultOf()]);
    expect(reportPage(single)).not.toMatch(/NaN|undefined|Infinity/);
    const wide = figuresOf([resultOf({ label: 'PNG', codedBytes: 990 })]);
    const chart = speedChart('x', [figuresOf([resultOf()]), wide], 'encode');
    expect(chart.match(/class="mark/g)).toHaveLength(1);
    expect(chart).toContain('Above the picture: PNG 99.0 %');
  });

  test('colours stand out from light and dark paper: 3 to 1 as WCAG 2.2 asks of graphics', () => {
    for (const [light, dark] of COLOURS) {
      expect(contrast(light, '#ffffff')).toBeGreaterThan(3);
      expect(contrast(dark, '#0d1117')).toBeGreaterThan(3);
    }
  });
});

/** An element as it is on the screen. */
interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Within its picture. */
  inside: boolean;
  text: string;
}

interface Seen extends Record<'points' | 'bars' | 'texts' | 'labels' | 'curves' | 'front', Box[]> {
  rows: number;
  paper: string;
  lmz: string;
  wide: boolean;
}

/** Runs in the page, whose types are not those of Node. */
const LOOK = `(() => {
  const boxes = (selector) => [...document.querySelectorAll(selector)].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    const svg = element.closest('svg').getBoundingClientRect();
    const inside =
      x >= svg.x - 1 && y >= svg.y - 1 && x + width <= svg.right + 1 && y + height <= svg.bottom + 1;
    return { x, y, width, height, inside, text: element.textContent };
  });
  return {
    points: boxes('.speed .mark path'),
    bars: boxes('.bars rect.mark'),
    texts: boxes('.chart text'),
    labels: boxes('.speed .label'),
    curves: boxes('.lmz .line'),
    front: boxes('.speed .front'),
    rows: document.querySelectorAll('tbody tr').length,
    paper: getComputedStyle(document.body).backgroundColor,
    lmz: getComputedStyle(document.querySelector('.bars rect.k0')).fill,
    wide: document.documentElement.scrollWidth > innerWidth,
  };
})()`;

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  const open = useBrowser();

  test.for(['light', 'dark'] as const)(
    '%s: every mark is there and seen, nothing is fetched',
    async (scheme, { dir }) => {
      const html = reportPage(sampleReport(), [curve]);
      const { page, requests, complaints } = await open(dir, html, { scheme });
      expect(requests).toEqual([page.url()]);
      expect(complaints).toEqual([]);
      const seen = await page.evaluate<Seen>(LOOK);
      // Six compressors: encoding and decoding; two files and both together.
      expect(seen.points).toHaveLength(12);
      expect(seen.bars).toHaveLength(18);
      expect(seen.curves).toHaveLength(2);
      expect(seen.front).toHaveLength(2);
      expect(seen.rows).toBe(8);
      for (const { width, height, inside } of [...seen.points, ...seen.bars]) {
        expect(inside && width > 1 && height > 4).toBe(true);
      }
      expect(seen.texts.filter(({ inside }) => !inside).map(({ text }) => text)).toEqual([]);
      // lmz's bar is the shortest of the first six, gzip's the longest.
      const widths = seen.bars.slice(0, 6).map(({ width }) => width);
      expect(widths).toEqual([...widths].sort((a, b) => a - b));
      expect(widths[5] / widths[0]).toBeCloseTo(810 / 510, 2);
      // No label covers another.
      seen.labels.forEach((a, i) => {
        const covered = seen.labels
          .slice(i + 1)
          .filter(
            (b) =>
              a.x < b.x + b.width &&
              b.x < a.x + a.width &&
              a.y < b.y + b.height - 2 &&
              b.y < a.y + a.height - 2,
          );
        expect(covered.map(({ text }) => `${a.text} ${text}`)).toEqual([]);
      });
      expect(seen.paper).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
      expect(seen.lmz).toBe(scheme === 'light' ? 'rgb(213, 94, 0)' : 'rgb(255, 138, 61)');
      expect(seen.wide).toBe(false);
      await page.close();
    },
  );
});
