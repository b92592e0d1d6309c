/**
 * Sizes against those of an earlier report: larger ones are regressions.
 *
 * @module
 */
import type { Report, Result } from './figures.ts';

/** One size that changed. */
export interface SizeChange {
  readonly what: string;
  readonly before: number;
  readonly after: number;
}

/** What a comparison found. */
export interface Comparison {
  readonly compared: number;
  /** Results that the earlier report does not have. */
  readonly unknown: number;
  readonly grown: readonly SizeChange[];
  readonly shrunk: readonly SizeChange[];
}

const keyOf = ({ compressor, dataset, file, sha256, protocol, bytes }: Result): string =>
  [compressor, dataset, file, sha256, protocol, bytes].join('|');

/** Compares results that both reports have: the same compressor, input and protocol. */
export function compareSizes(before: Pick<Report, 'results'>, after: Pick<Report, 'results'>): Comparison {
  const known = new Map(before.results.map((result) => [keyOf(result), result.codedBytes]));
  const changes = after.results.flatMap((result) => {
    const size = known.get(keyOf(result));
    const what = `${result.compressor} on ${result.dataset}/${result.file}`;
    return size === undefined ? [] : [{ what, before: size, after: result.codedBytes }];
  });
  return {
    compared: changes.length,
    unknown: after.results.length - changes.length,
    grown: changes.filter((change) => change.after > change.before),
    shrunk: changes.filter((change) => change.after < change.before),
  };
}

/** The comparison in lines. */
export function describeComparison({ compared, unknown, grown, shrunk }: Comparison): string {
  const line = (word: string, { what, before, after }: SizeChange): string =>
    `${word}: ${what}: ${before} -> ${after} bytes (${after > before ? '+' : ''}${after - before})`;
  return [
    ...grown.map((change) => line('larger', change)),
    ...shrunk.map((change) => line('smaller', change)),
    `${compared} sizes compared: ${grown.length} larger, ${shrunk.length} smaller${unknown > 0 ? `; ${unknown} are new` : ''}`,
  ].join('\n');
}
