/**
 * An explanation as a page that needs nothing else: the text, every character coloured by its bits. The numbers are packed
 * beside it; a script in the page (page-script.js) lays the text out and colours what comes into view.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { escapeText, htmlPage } from '../terminal/markup.ts';
import { CANDIDATES } from './candidates.ts';
import { STEPS } from './colours.ts';
import { courseChart } from './course-chart.ts';
import { type Explanation, totalsOf } from './explain.ts';
import { WAYS } from './measure.ts';
import { COST_UNIT, packNumbers } from './packing.ts';
import { STYLE } from './page-style.ts';
import {
  byLine,
  CODING_NAMES,
  dearestLines,
  formatCount,
  formatRate,
  kindRows,
  partOf,
  textOf,
  WAY_NAMES,
} from './summary.ts';

const SCRIPT = readFileSync(new URL('./page-script.js', import.meta.url), 'utf8');
const DEAREST = 12;
const LINE_TEXT = 90;

/** The page. */
export function explanationPage(explanation: Explanation, name: string): string {
  const { bytes, offset, chunks } = explanation;
  const facts = {
    size: bytes.length,
    offset,
    candidates: CANDIDATES,
    unit: COST_UNIT,
    ways: WAYS,
    names: WAY_NAMES,
    steps: STEPS,
  };
  return htmlPage(`${name}, explained by lmz`, STYLE, [
    `<h1>${escapeText(name)}: where the bits go</h1>`,
    `<p class="note">${aboutText(explanation)}</p>`,
    waysHtml(explanation),
    scaleHtml(),
    '<div class="split">',
    '<div class="text" id="text" tabindex="0" role="group" aria-label="The text; arrow keys go from character to character"></div>',
    '<aside id="panel" aria-live="polite"><p class="note">Point at a character, or tap it, to see what it cost and what the network expected in its place. A click holds it; arrow keys go on from there, Escape lets go.</p></aside>',
    '</div>',
    '<noscript><p>The text is coloured by a script of this page, which has to be allowed.</p></noscript>',
    ...(bytes.length > 0 ? ['<h2>Along the text</h2>', courseChart(explanation)] : []),
    '<h2>By kind of byte, in bits/byte</h2>',
    kindsHtml(explanation),
    '<h2>The dearest lines</h2>',
    linesHtml(explanation),
    '<h2>By chunk, in bits/byte</h2>',
    chunksHtml(chunks),
    `<script type="application/json" id="facts">${JSON.stringify(facts).replaceAll('<', '\\u003c')}</script>`,
    `<script type="text/plain" id="numbers">${packNumbers(explanation)}</script>`,
    `<script type="module">\n${SCRIPT}</script>`,
  ]);
}

function aboutText(explanation: Explanation): string {
  const { bytes, archived, models } = explanation;
  const part = partOf(explanation);
  const what = part === '' ? `${formatCount(bytes.length)} bytes` : `Only a part: ${part}`;
  const how = archived ? 'as this lmz file codes them' : 'as lmz compresses them';
  const network = models.length > 0 ? `; network: ${escapeText(models.join(', '))}` : '';
  return `${what}, ${how}${network}. Every character is coloured by the bits that it costs: what can be foreseen is nearly free.`;
}

/** The totals, which also choose what the colours show. */
function waysHtml({ bytes, costs }: Explanation): string {
  const totals = totalsOf(costs, 0, bytes.length);
  const labels = WAYS.map(
    (way, i) =>
      `<label><input type="radio" name="way" value="${way}"${i === 0 ? ' checked' : ''}><span class="name">${WAY_NAMES[way]}</span>` +
      `<span class="rate">${formatRate(totals[way], bytes.length)}</span> bits/byte<br><span class="bytes">${formatCount(totals[way] / 8)} bytes</span></label>`,
  );
  return `<fieldset class="ways"><legend>What it costs; the colours show the one that is chosen</legend>${labels.join('')}</fieldset>`;
}

function scaleHtml(): string {
  const items = [0, ...STEPS].map((from, i) => {
    const text = i === 0 ? `< ${STEPS[0]}` : i === STEPS.length ? `≥ ${from}` : String(from);
    return `<li class="s${i}">${escapeText(text)}</li>`;
  });
  return `<div class="scale"><span>bits, from</span><ol>${items.join('')}</ol></div>`;
}

function tableHtml(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table class="figures"><thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('\n')}</tbody></table></div>`;
}

const WAY_HEADS = WAYS.map((way) => WAY_NAMES[way]);

function kindsHtml(explanation: Explanation): string {
  return tableHtml(['kind', 'bytes', 'of all bytes', 'of all bits', ...WAY_HEADS], kindRows(explanation));
}

function linesHtml(explanation: Explanation): string {
  const rows = dearestLines(byLine(explanation), DEAREST).map((line) => [
    `<a href="#line-${line.number}">${line.number}</a>`,
    formatCount(line.totals.coded),
    formatRate(line.totals.coded, line.bytes),
    `<code>${escapeText(textOf(explanation, line, LINE_TEXT))}</code>`,
  ]);
  const table = tableHtml(['line', 'bits', 'bits/byte', 'text'], rows);
  return table
    .replaceAll('<td><code>', '<td class="words"><code>')
    .replace('<th>text', '<th class="words">text');
}

function chunksHtml(chunks: Explanation['chunks']): string {
  const rows = chunks.map((chunk) => [
    formatCount(chunk.start),
    formatCount(chunk.size) + (chunk.size < chunk.chunkSize ? ` of ${formatCount(chunk.chunkSize)}` : ''),
    CODING_NAMES[chunk.coding],
    ...WAYS.map((way) => formatRate(chunk.totals[way], chunk.size)),
    formatCount(chunk.totals.coded / 8),
    formatCount(chunk.payloadSize),
    formatCount(chunk.frameSize - chunk.payloadSize),
  ]);
  const head = [
    'begins at',
    'bytes',
    'coded by',
    ...WAY_HEADS,
    'costs, bytes',
    'coded, bytes',
    'frame header',
  ];
  return `${tableHtml(head, rows)}\n<p class="note">"Costs" adds up what is shown; "coded" is what stands in the file, for the whole chunk. The end of a stream and rounding make a difference of up to two bytes and 0.01 %.</p>`;
}
