/**
 * One row for each file, one column for each compressor: where lmz stands, file by file.
 *
 * @module
 */
import { groupBy, type Report, type Result } from './figures.ts';
import type { TitledTable } from './tables.ts';

/** What every user has: lmz is to be smaller than the best of these on every file. */
const COMMON = ['brotli', 'xz', 'bzip2'];

/** What stands beside a size of lmz. */
export const MARKS = {
  /** A rival is smaller. */
  notSmallest: '*',
  /** One of brotli, xz and bzip2 is smaller. */
  overCommon: '!',
} as const;

/** What the marks mean, for below a table. */
export const MARKS_TEXT = `**bold**: the smallest of the row; ${MARKS.notSmallest}: a rival is smaller than this lmz; ${MARKS.overCommon}: one of ${COMMON.join(', ')} is.`;

/** Sizes in bytes by compressor; undefined where there is no result. */
type Sizes = ReadonlyMap<string, number | undefined>;

function cells(sizes: Sizes, kinds: ReadonlyMap<string, Result['kind']>): string[] {
  const of = (choose: (name: string) => boolean): number =>
    Math.min(...[...sizes].flatMap(([name, size]) => (size !== undefined && choose(name) ? [size] : [])));
  const smallest = of(() => true);
  const rival = of((name) => kinds.get(name) !== 'lmz');
  const common = of((name) => COMMON.includes(name));
  return [...sizes].map(([name, size]) => {
    if (size === undefined) return '-';
    if (size === smallest) return `**${size}**`;
    if (kinds.get(name) !== 'lmz') return String(size);
    return `${size}${size > common ? MARKS.overCommon : size > rival ? MARKS.notSmallest : ''}`;
  });
}

/**
 * Tables of sizes for the data sets of a report, whole files: rows for files, then their sum.
 */
export function corporaTables(report: Report): TitledTable[] {
  const whole = report.results.filter(({ protocol }) => protocol === 'whole');
  const kinds = new Map(whole.map(({ compressor, kind }) => [compressor, kind]));
  const labels = new Map(whole.map(({ compressor, label }) => [compressor, label]));
  const absent = report.missing.map(({ label }) => label);
  return [...groupBy(whole, ({ dataset }) => dataset)].map(([dataset, results]) => {
    const files = [...groupBy(results, ({ file }) => file)];
    const names = [...kinds.keys()];
    /** Coded bytes of all these files together, by compressor. */
    const sizesOf = (some: typeof files): Sizes =>
      new Map(
        names.map((name) => {
          const own = some.flatMap(([, parts]) => parts.filter(({ compressor }) => compressor === name));
          const size = own.reduce((sum, { codedBytes }) => sum + codedBytes, 0);
          return [name, own.length === some.length ? size : undefined];
        }),
      );
    const row = (head: string, bytes: number, sizes: Sizes): (string | number)[] => [
      head,
      bytes,
      ...cells(sizes, kinds),
      ...absent.map(() => 'missing'),
    ];
    const rows = files.map((file) => {
      const [name, [{ bytes, extra }]] = file;
      return row(extra ? `${name} (in no sum)` : name, bytes, sizesOf([file]));
    });
    const counted = files.filter(([, [{ extra }]]) => extra === undefined);
    const total = counted.reduce((sum, [, [{ bytes }]]) => sum + bytes, 0);
    const sums = sizesOf(counted);
    if (files.length > 1) rows.push(row(`sum of ${counted.length}`, total, sums));
    const percent = [...sums.values()].map((size) =>
      size === undefined ? '-' : ((100 * size) / total).toFixed(2),
    );
    rows.push(['percent', '100', ...percent, ...absent.map(() => 'missing')]);
    return {
      title: dataset,
      columns: ['file', 'bytes', ...names.map((name) => labels.get(name) ?? name), ...absent],
      rows,
    };
  });
}
