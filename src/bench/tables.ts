/**
 * Reports as tables: for the terminal, as Markdown, as CSV.
 *
 * @module
 */
import { type Absence, type Figures, figuresOf, groupBy, type Report, type Result } from './figures.ts';
import { formatSpread, type Spread, type Table } from './report.ts';

const percent = (rate: number, digits = 2): string =>
  Number.isNaN(rate) ? '-' : `${(100 * rate).toFixed(digits)} %`;
const kilobytes = ({ min, median, max }: Spread): string =>
  formatSpread({ min: min / 1000, median: median / 1000, max: max / 1000 }, median < 1e5 ? 1 : 0);
const times = (ratio: number): string => `${ratio.toPrecision(2)} x`;
const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : (bytes / 1e6).toFixed(0);

/** Whether something was larger than what decoded to the input. */
const matchedText = (matched: boolean): string => (matched ? 'matched' : 'DIFFERENT');

/** "chunks of 2048 bytes" or "whole". */
export function protocolText(protocol: Result['protocol']): string {
  return protocol === 'whole' ? 'whole files' : `independent chunks of ${protocol} bytes`;
}

/** Why a compressor has no figures for a data set, in the words of a table's cell. */
function absencesOf(report: Report, dataset: string): (Absence & { word: string })[] {
  const failed = report.failed.filter((absence) => absence.dataset === dataset);
  return [
    ...report.missing.map((absence) => ({ ...absence, word: 'missing' })),
    ...failed.map((absence) => ({ ...absence, word: `failed on ${absence.file ?? 'a file'}` })),
  ];
}

/** A table of compressors for one data set and protocol, the least rate first. */
export function figuresTable(
  results: readonly Result[],
  absences: readonly (Absence & { word: string })[],
): Table {
  const groups = [...groupBy(results, ({ compressor }) => compressor).values()];
  const all = groups.map((group) => figuresOf(group)).sort((a, b) => a.rate - b.rate);
  const chunked = all.some(({ headerOnceRate }) => headerOnceRate !== undefined);
  const rescaled = all.some(({ rescaledRate }) => rescaledRate !== undefined);
  const optional = (rate: number | undefined): string => (rate === undefined ? '-' : percent(rate));
  const columns = [
    'compressor',
    'version',
    'bytes',
    'raw rate',
    'adjusted rate',
    'bits/byte',
    ...(chunked ? ['headers once: raw', 'adjusted'] : []),
    ...(rescaled ? ['rescaled as in the thesis'] : []),
    'encode, KB/s: median (min to max)',
    'to gzip',
    'decode, KB/s',
    'to gzip',
    'memory, MB',
    'decoded',
  ];
  const row = (figures: Figures): (string | number)[] => [
    figures.label,
    figures.version,
    figures.codedBytes,
    percent(figures.rate),
    percent(figures.adjustedRate),
    figures.bitsPerByte.toFixed(3),
    ...(chunked ? [optional(figures.headerOnceRate), optional(figures.adjustedHeaderOnceRate)] : []),
    ...(rescaled ? [optional(figures.rescaledRate)] : []),
    kilobytes(figures.encode),
    times(figures.encodeRatio),
    kilobytes(figures.decode),
    times(figures.decodeRatio),
    megabytes(figures.peakMemory),
    matchedText(figures.matched),
  ];
  const absent = absences.map(({ label, word, reason }) => [
    label,
    `${word}: ${reason}`,
    ...columns.slice(2).map(() => '-'),
  ]);
  return { columns, rows: [...all.map(row), ...absent] };
}

/** A heading and a table. */
export interface TitledTable extends Table {
  readonly title: string;
}

/** One table for each data set and protocol. */
export function reportTables(report: Report): TitledTable[] {
  const groups = groupBy(
    report.results.filter(({ extra }) => extra === undefined),
    ({ dataset, protocol }) => `${dataset}|${protocol}`,
  );
  return [...groups.values()].map((results) => {
    const [{ dataset, protocol }] = results;
    const files = new Map(results.map(({ file, bytes }) => [file, bytes]));
    const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
    const title = `${dataset}: ${files.size} file${files.size === 1 ? '' : 's'}, ${bytes} bytes, ${protocolText(protocol)}`;
    return { title, ...figuresTable(results, absencesOf(report, dataset)) };
  });
}

/** Columns in line, for a terminal. */
export function formatText({ columns, rows }: Table): string {
  const lines = [columns, ...rows].map((cells) => cells.map(String));
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  const numeric = columns.map((_, i) => i > 0 && rows.some((cells) => /^\d/.test(String(cells[i]))));
  return lines
    .map((cells) =>
      cells
        .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** RFC 4180, with plain newlines. */
export function formatCsv({ columns, rows }: Table): string {
  const cell = (value: string | number): string => {
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((cells) => `${cells.map(cell).join(',')}\n`).join('');
}

/** One row for each result, numbers as they are; what is missing or failed has a row too. */
export function resultsTable(report: Report): Table {
  const columns = [
    'dataset',
    'file',
    'protocol',
    'compressor',
    'version',
    'bytes',
    'coded_bytes',
    'rate',
    'adjusted_rate',
    'bits_per_byte',
    'header_once_rate',
    'rescaled_rate',
    'model_bytes',
    'encode_bytes_per_second',
    'encode_to_gzip',
    'decode_bytes_per_second',
    'decode_to_gzip',
    'rounds',
    'peak_memory_bytes',
    'decoded',
  ];
  const optional = (value: number | undefined): string | number => value ?? '';
  const rows = report.results.map((result) => {
    const figures = figuresOf([result]);
    return [
      result.dataset,
      result.file,
      result.protocol,
      result.compressor,
      result.version,
      result.bytes,
      result.codedBytes,
      figures.rate.toFixed(6),
      figures.adjustedRate.toFixed(6),
      figures.bitsPerByte.toFixed(5),
      figures.headerOnceRate?.toFixed(6) ?? '',
      figures.rescaledRate?.toFixed(6) ?? '',
      result.modelBytes,
      Math.round(figures.encode.median),
      figures.encodeRatio.toPrecision(3),
      Math.round(figures.decode.median),
      figures.decodeRatio.toPrecision(3),
      figures.rounds,
      optional(figures.peakMemory),
      matchedText(figures.matched),
    ];
  });
  const absences = [
    ...report.missing.map((absence) => ({ ...absence, word: 'missing' })),
    ...report.failed.map((absence) => ({ ...absence, word: 'failed' })),
  ].map(({ dataset = '', file = '', compressor, word, reason }) => [
    dataset,
    file,
    '',
    compressor,
    `${word}: ${reason}`,
    ...columns.slice(5).map(() => ''),
  ]);
  return { columns, rows: [...rows, ...absences] };
}
