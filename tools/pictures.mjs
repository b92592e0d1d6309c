/**
 * Draws the pictures of README.md into docs/images/, light and dark: `npm run pictures`. They are parts of the pages that
 * `lmz explain` and `lmz bench` write, of the built-in model, a corpus file and the committed results, as headless Chromium
 * shows them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { reportPage } from '../dist/bench/page.js';
import { corpusPath } from '../dist/bench/report.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const images = join(root, 'docs/images');
const folder = mkdtempSync(join(tmpdir(), 'lmz-pictures-'));

/** Alice at the tea party: a text that many know, from where it begins to be good. */
const TEXT = { path: corpusPath('canterbury/alice29.txt'), from: '`You should learn not', bytes: 1500 };
/** What the pointer is on: the first letter of a word that could have been another. */
const POINTED = { line: 5, word: 'raven' };

/** @param {string[]} args */
function lmz(...args) {
  execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { stdio: 'inherit' });
}

/** The page of a part of the text; it is coded from the beginning. */
function explainPage() {
  const page = join(folder, 'explain.html');
  const offset = readFileSync(TEXT.path, 'latin1').indexOf(TEXT.from);
  lmz('explain', TEXT.path, '--offset', String(offset), '--bytes', String(TEXT.bytes), '--html', page);
  return page;
}

/** Of the books' table, what the picture leaves out: variants, and compressors of pictures and sounds. */
const LEFT_OUT = new Set(['gzip-node', 'lzma', 'flac', 'flac8', 'png', 'lmz-lm', 'lmz-9']);

/**
 * The page of the committed results, with the learning curves of the models that ship. Speeds must be of one run, so
 * it is not the table of all corpora, whose rivals are measured once and kept.
 */
function benchPage() {
  const page = join(folder, 'bench.html');
  const whole = JSON.parse(readFileSync(join(root, 'bench/results/calgary-books.json'), 'utf8'));
  const results = whole.results.filter(({ compressor }) => !LEFT_OUT.has(compressor));
  const report = { ...whole, results };
  const curves = ['default', 'small', 'transformer-rotary']
    .map((name) => join(root, `models/${name}.curve.json`))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'));
  writeFileSync(page, reportPage(report, curves));
  return page;
}

const program = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
try {
  mkdirSync(images, { recursive: true });
  const pages = { explain: pathToFileURL(explainPage()).href, bench: pathToFileURL(benchPage()).href };
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1070, height: 720 } });
    await page.goto(pages.explain);
    await page.waitForSelector('.row i');
    const words = await page.locator(`#line-${POINTED.line} > div`).textContent();
    const letter = (words ?? '').indexOf(POINTED.word);
    await page.locator(`#line-${POINTED.line} i`).nth(Math.max(0, letter)).hover();
    await page.screenshot({ path: join(images, `explain-${colorScheme}.png`) });
    await page.goto(pages.bench);
    const chart = page.locator('svg.speed').first();
    await chart.screenshot({ path: join(images, `bench-${colorScheme}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
