/**
 * Totals of an explanation: by way, by kind of byte, by line; as tables for the terminal and the page.
 *
 * @module
 */
import type { Explanation, ExplainedChunk } from './explain.ts';
import { totalsOf, type Totals } from './explain.ts';
import { type Way, WAYS } from './measure.ts';

/** What people read for each way. */
export const WAY_NAMES: Readonly<Record<Way, string>> = {
  coded: 'as compressed',
  network: 'network alone',
  mixing: 'mixing alone',
};

/** What people read for a chunk's coding. */
export const CODING_NAMES: Readonly<Record<ExplainedChunk['coding'], string>> = {
  stored: 'stored',
  lm: 'network alone',
  mix: 'mixing',
  'lm+mix': 'network and mixing',
};

const LINE_FEED = 10;

/** A row of a table. */
export interface Row {
  readonly label: string;
  readonly bytes: number;
  readonly totals: Totals;
}

/** A line of the text. */
export interface Line extends Row {
  /** Counted from 1, in the part that is shown. */
  readonly number: number;
  /** Where it begins in the part that is shown; its line feed belongs to it. */
  readonly start: number;
}

export function bitsPerByte(bits: number, bytes: number): number {
  return bytes === 0 ? 0 : bits / bytes;
}

/** {@link bitsPerByte} with three digits. */
export function formatRate(bits: number, bytes: number): string {
  return bitsPerByte(bits, bytes).toFixed(3);
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Kinds of bytes, in the order of the table, by what is seen at a place. */
const KINDS = [
  'letter that begins a word',
  'letter within a word',
  'digit',
  'punctuation',
  'space, tab',
  'end of a line',
  'beyond ASCII',
  'control character',
] as const;

const isLetter = (byte: number): boolean => (byte | 32) >= 97 && (byte | 32) <= 122;

/** Index into {@link KINDS}. */
function kindOf(byte: number, previous: number): number {
  if (isLetter(byte)) return isLetter(previous) || previous > 127 ? 1 : 0;
  if (byte >= 48 && byte <= 57) return 2;
  if (byte > 127) return 6;
  if (byte === 32 || byte === 9) return 4;
  if (byte === 10 || byte === 13) return 5;
  return byte > 32 && byte < 127 ? 3 : 7;
}

/** Totals by kind of byte, kinds that do not occur left out. */
export function byKind({ bytes, costs }: Explanation): Row[] {
  const rows = KINDS.map((label) => ({ label, bytes: 0, totals: { coded: 0, network: 0, mixing: 0 } }));
  bytes.forEach((byte, at) => {
    const row = rows[kindOf(byte, at > 0 ? bytes[at - 1] : LINE_FEED)];
    row.bytes++;
    for (const way of WAYS) row.totals[way] += costs[way][at];
  });
  return rows.filter((row) => row.bytes > 0);
}

/** {@link byKind} as cells: kind, bytes, share of the bytes, share of the coded bits, bits per byte by way. */
export function kindRows(explanation: Explanation): string[][] {
  const { bytes, costs } = explanation;
  const all = totalsOf(costs, 0, bytes.length).coded;
  const share = (value: number, of: number): string => `${((100 * value) / of).toFixed(1)} %`;
  return byKind(explanation).map((kind) => [
    kind.label,
    formatCount(kind.bytes),
    share(kind.bytes, bytes.length),
    share(kind.totals.coded, all),
    ...WAYS.map((way) => formatRate(kind.totals[way], kind.bytes)),
  ]);
}

/** Every line with its totals. */
export function byLine({ bytes, costs }: Explanation): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found < 0 ? bytes.length : found + 1;
    lines.push({
      label: '',
      number: lines.length + 1,
      start,
      bytes: end - start,
      totals: totalsOf(costs, start, end),
    });
    start = end;
  }
  return lines;
}

/** The lines that cost most, dearest first. */
export function dearestLines(lines: readonly Line[], count: number): Line[] {
  return [...lines].sort((a, b) => b.totals.coded - a.totals.coded).slice(0, count);
}

/** The text of a line, for one line: control characters and bytes that are no UTF-8 become dots. */
export function textOf({ bytes }: Explanation, { start, bytes: size }: Line, most: number): string {
  const text = new TextDecoder()
    .decode(bytes.subarray(start, start + size))
    .replace(/[\r\n]+$/, '')
    .replaceAll(/[\p{C}\ufffd]/gu, '·')
    .trim();
  const characters = Array.from(text);
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : text;
}

/** Which part of which content is shown: nothing where it is all of it. */
export function partOf({ bytes, offset, contentSize }: Explanation): string {
  if (bytes.length === contentSize) return '';
  return `bytes ${formatCount(offset)} to ${formatCount(offset + bytes.length)} of ${formatCount(contentSize)}`;
}

/** What `lmz explain` prints. */
export function summaryText(explanation: Explanation, name: string): string {
  const { bytes, costs, chunks, models } = explanation;
  const size = bytes.length;
  const part = partOf(explanation);
  const lines = [
    `${name}: ${part === '' ? `${formatCount(size)} bytes` : part}; network: ${models.join(', ') || '-'}`,
  ];
  if (size === 0) return `${lines[0]}\n`;
  const totals = totalsOf(costs, 0, size);
  lines.push(
    '',
    ...table([
      ['', 'bytes', 'bits/byte'],
      ...WAYS.map((way) => [WAY_NAMES[way], formatCount(totals[way] / 8), formatRate(totals[way], size)]),
    ]),
    '',
    ...table([
      ['', 'bytes', 'of bytes', 'of bits', ...WAYS.map((way) => WAY_NAMES[way])],
      ...kindRows(explanation),
    ]),
    '  (by kind of byte; the last three columns in bits/byte)',
  );
  if (chunks.length > 1) {
    lines.push(
      '',
      ...table([
        ['chunk at', 'bytes', ...WAYS.map((way) => WAY_NAMES[way]), 'coded by'],
        ...chunks.map((chunk) => [
          formatCount(chunk.start),
          formatCount(chunk.size),
          ...WAYS.map((way) => formatRate(chunk.totals[way], chunk.size)),
          CODING_NAMES[chunk.coding],
        ]),
      ]),
    );
  }
  lines.push('', 'dearest lines', '  line    bits  bits/byte');
  for (const line of dearestLines(byLine(explanation), 8)) {
    const cells = [
      String(line.number).padStart(6),
      formatCount(line.totals.coded).padStart(6),
      formatRate(line.totals.coded, line.bytes).padStart(9),
    ];
    lines.push(`${cells.join('  ')}  ${textOf(explanation, line, 50)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Cells in columns: the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  '),
  );
}
