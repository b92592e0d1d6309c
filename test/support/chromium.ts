/**
 * Pages as headless Chromium shows them. Tests of pages are skipped where there is no Chromium; CHROMIUM names another.
 *
 * @module
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

/** The program, where there is one. */
export const CHROMIUM = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  existsSync,
);

const ARGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/** A page that is open, and what happened while it was. */
export interface OpenPage {
  readonly page: Page;
  /** Addresses that were asked for, the page's own first. */
  readonly requests: string[];
  /** Errors, and whatever was written to the console. */
  readonly complaints: string[];
}

/** Of {@link useBrowser}. */
export interface PageSettings {
  readonly scheme: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

/** A browser for the tests of a `describe`; the function returned opens a page in it, written to a folder first. */
export function useBrowser(): (dir: string, html: string, settings: PageSettings) => Promise<OpenPage> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ARGS });
  });
  afterAll(() => browser.close());
  return async (dir, html, { scheme, width = 1100, height = 900 }) => {
    const path = join(dir, 'page.html');
    writeFileSync(path, html);
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height } });
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(pathToFileURL(path).href);
    return { page, requests, complaints };
  };
}

function luminance(colour: string): number {
  const hex = /^#(..)(..)(..)$/.exec(colour);
  const channels = hex
    ? hex.slice(1).map((digits) => parseInt(digits, 16))
    : colour.match(/\d+/g)!.slice(0, 3).map(Number);
  const [r, g, b] = channels
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast as WCAG 2.2 defines it, 1 to 21, of colours as `#rrggbb` or `rgb(r, g, b)`. */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
