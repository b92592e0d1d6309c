/** The explanation as a page, as Chromium shows it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { DARK, LIGHT, STEPS } from '../../src/explain/colours.ts';
import { explain } from '../../src/explain/explain.ts';
import { explanationPage } from '../../src/explain/page.ts';
import { byLine } from '../../src/explain/summary.ts';
import { test } from '../cli/harness.ts';
import { CHROMIUM, contrast, useBrowser } from '../support/chromium.ts';

/** Ordinary lines, one with characters of two to four bytes, one that is no UTF-8, one with what has no ink. */
const CONTENT = Buffer.concat([
  Buffer.from('The cat sat on the mat.\nThe cat sat on the mat, <b>again</b> & again.\n'),
  Buffer.from('naïve 日本 🐟\n'),
  Buffer.from([0xff, 0xc3, 0x28, 0x00, 0x0a]),
  Buffer.from('tab\tand\r\nnon\u00a0breaking'),
]);
const CHARACTERS = 24 + 46 + 11 + 5 + 9 + 12;

async function explained(dir: string, content: Uint8Array = CONTENT) {
  const path = join(dir, 'content');
  writeFileSync(path, content);
  return explain(path, { offset: 0, length: 1e6 });
}

/** A character as it is on the screen. */
interface Cell {
  text: string;
  shade: string;
  backgroundColor: string;
  color: string;
}

/** Runs in the page, whose types are not those of Node. */
const CELLS = `[...document.querySelectorAll('.row i')].map((element) => {
  const { backgroundColor, color } = getComputedStyle(element);
  return { text: element.textContent, shade: element.className, backgroundColor, color };
})`;

/** Until the script has laid the text out and what is in view has its colours. */
async function settled(page: Page, selector = '.row i'): Promise<void> {
  await page.waitForFunction('document.documentElement.dataset.ready === "yes"');
  await page.waitForSelector(selector);
}

test('steps differ from each other in lightness alone, and text stands out from them', () => {
  for (const { paper, ink, soft, panel, shades } of [LIGHT, DARK]) {
    expect(shades).toHaveLength(STEPS.length + 1);
    for (const [background, text] of shades) expect(contrast(background, text)).toBeGreaterThan(4.5);
    const distances = shades.map(([background]) => contrast(paper, background));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    distances.slice(1).forEach((distance, i) => {
      expect(distance / distances[i]).toBeGreaterThan(1.03);
    });
    for (const colour of [ink, soft]) {
      for (const background of [paper, panel]) expect(contrast(colour, background)).toBeGreaterThan(4.5);
    }
  }
});

test('names and texts are escaped, and nothing is fetched', async ({ dir }) => {
  const page = explanationPage(await explained(dir), '<i>&');
  expect(page).toContain('<h1>&lt;i&gt;&amp;: where the bits go</h1>');
  expect(page).toContain('&lt;b&gt;again&lt;/b&gt; &amp; again');
  expect(page).not.toMatch(/(?:src|href)="(?!#)|@import|url\(/);
  expect(page).not.toMatch(/NaN|undefined bits|Infinity/);
});

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  const open = useBrowser();

  test.for(['light', 'dark'] as const)(
    '%s: characters have the colours of their costs',
    async (scheme, { dir }) => {
      const explanation = await explained(dir);
      const { page, requests, complaints } = await open(dir, explanationPage(explanation, 'content'), {
        scheme,
      });
      await settled(page);
      const theme = scheme === 'light' ? LIGHT : DARK;
      const cells = await page.evaluate<Cell[]>(CELLS);
      expect(cells).toHaveLength(CHARACTERS);
      const texts = cells.map(({ text }) => text);
      expect(texts.slice(0, 8).join('')).toBe('The cat ');
      expect(texts).toEqual(expect.arrayContaining(['ï', '日', '🐟', 'ff', '00', '→\t', '←', '↵', 'c2a0']));
      // ASCII up to here: the n-th character is the n-th byte.
      const costs = explanation.costs.coded;
      cells.slice(0, 70).forEach(({ shade, backgroundColor, color }, i) => {
        const step = STEPS.filter((from) => Math.round(costs[i] * 400) / 400 >= from).length;
        expect(shade.split(' ')[0]).toBe(`s${step}`);
        if (step > 0) expect(contrast(backgroundColor, theme.shades[step][0])).toBeCloseTo(1, 5);
        expect(step === 0 || contrast(backgroundColor, color) > 4.5).toBe(true);
      });
      const sums = (await page.locator('.row > span:last-child').allInnerTexts()).map(Number);
      const lines = byLine(explanation);
      expect(sums).toHaveLength(lines.length);
      lines.forEach(({ totals }, i) => {
        expect(sums[i]).toBeCloseTo(totals.coded, 0);
      });
      expect(requests).toEqual([page.url()]);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  test('pointing, tapping and keys tell what a character cost', async ({ dir }) => {
    const explanation = await explained(dir);
    const { page, complaints } = await open(dir, explanationPage(explanation, 'content'), {
      scheme: 'light',
    });
    await settled(page);
    const panel = () => page.locator('#panel').innerText();
    const { coded, network, mixing } = explanation.costs;
    const cell = (row: number, column: number) =>
      page.locator(`.row:nth-child(${row}) i:nth-child(${column})`);

    await cell(1, 5).hover();
    // Two digits are shown of costs in units of COST_UNIT: the first of them alone can be another when rounded.
    for (const [way, cost] of Object.entries({ coded, network, mixing })) {
      const shown = await page.locator(`#panel tr.${way} td:last-child`).innerText();
      expect(Number(shown)).toBeCloseTo(cost[4], 1);
    }
    expect(await panel()).toContain('byte 4\n63 hex');
    const best = String.fromCharCode(explanation.candidates.symbols[4 * 5]);
    expect((await page.locator('.guess tr').first().innerText()).trim().startsWith(best)).toBe(true);
    expect(await page.locator('.guess .came').innerText()).toMatch(/^c\s/);

    // A character of three bytes: their costs summed, and one by one.
    await cell(3, 7).hover();
    const at = CONTENT.indexOf('日');
    const sum = coded[at] + coded[at + 1] + coded[at + 2];
    expect(Number(await page.locator('#panel tr.coded td:last-child').innerText())).toBeCloseTo(sum, 1);
    expect(await panel()).toContain('e6 97 a5 hex');
    expect(await page.locator('.guess').count()).toBe(3);
    const [, second] = /byte 2 of 3: ([\d.]+) bits/.exec(await panel()) ?? [];
    expect(Number(second)).toBeCloseTo(coded[at + 1], 1);

    // A click holds; keys go on from there; Escape lets go.
    await cell(1, 2).click();
    await cell(2, 9).hover();
    expect(await panel()).toContain('byte 1\n');
    await page.keyboard.press('ArrowRight');
    expect(await panel()).toContain('byte 2\n');
    await page.keyboard.press('ArrowDown');
    expect(await panel()).toContain('byte 26\n');
    await page.keyboard.press('End');
    expect(await panel()).toContain('byte 69\n');
    expect(await page.locator('i.on').innerText()).toBe('↵');
    await page.keyboard.press('Escape');
    await cell(1, 1).hover();
    expect(await panel()).toContain('byte 0\n');

    // The other ways have other colours and sums.
    const before = await page.locator('.row:nth-child(1)').innerHTML();
    await page.locator('input[value=mixing]').check({ force: true });
    expect(await page.locator('.row:nth-child(1)').innerHTML()).not.toBe(before);
    const [first] = byLine(explanation);
    const shown = Number(await page.locator('.row:nth-child(1) > span:last-child').innerText());
    expect(shown).toBeCloseTo(first.totals.mixing, 0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('a long text is coloured only where it is seen; a line without end is cut', async ({ dir }) => {
    const text = Buffer.from(`${'word '.repeat(5000)}\n${'one fish\n'.repeat(4000)}last`);
    const explanation = await explain(
      (writeFileSync(join(dir, 'content'), text), join(dir, 'content')),
      { offset: 0, length: 1e6 },
      { level: 1 },
    );
    const html = explanationPage(explanation, 'content');
    const { page, complaints } = await open(dir, html, { scheme: 'light', width: 420, height: 800 });
    await settled(page);
    expect(await page.locator('.row').count()).toBe(26 + 4000 + 1);
    expect(await page.locator('.row i').count()).toBeLessThan(8000);
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
    await page.locator('#line-4002').scrollIntoViewIfNeeded();
    await settled(page, '#line-4002 i');
    expect(await page.locator('#line-4002 > div').innerText()).toBe('last');
    expect(await page.locator('.row i').count()).toBeLessThan(8000);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('nothing to show', async ({ dir }) => {
    const html = explanationPage(await explained(dir, new Uint8Array(0)), 'empty');
    const { page, complaints } = await open(dir, html, { scheme: 'dark' });
    await page.waitForFunction('document.documentElement.dataset.ready === "yes"');
    await page.locator('#text').press('ArrowDown');
    expect(complaints).toEqual([]);
    await page.close();
  });
});
