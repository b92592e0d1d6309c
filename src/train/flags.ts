/**
 * Values of command-line flags.
 *
 * @module
 */
import { InvalidArgumentError } from 'commander';
import type { CategorySource } from './corpus.ts';
import { isDataset } from './datasets.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9 };

/** A number with an optional K, M or G (thousands). */
export function quantity(text: string): number {
  const match = /^(\d+(?:\.\d+)?(?:e-?\d+)?)([KMG]?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected a number such as 32, 2e-3, 50K or 8M.');
  return Number(match[1]) * UNITS[match[2]];
}

/** A whole number, likewise. */
export function count(text: string): number {
  const value = quantity(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('Expected a whole number.');
  return value;
}

/** A list with commas. */
export function list(text: string): string[] {
  return text.split(',');
}

/** A list of whole numbers. */
export function counts(text: string): number[] {
  return list(text).map(count);
}

/** One of several words. */
export function oneOf(words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text)) throw new InvalidArgumentError(`Expected one of: ${words.join(', ')}.`);
    return text;
  };
}

/** Training text as it is named on the command line; without a weight, and then without a name, it joins the rest. */
export interface DataFlag {
  readonly name?: string;
  readonly weight?: number;
  readonly paths: readonly string[];
}

/** One more `NAME=WEIGHT:PATH,PATH...`, `PATH=WEIGHT` or `PATH`; a path may be a data set's name. */
export function dataFlag(text: string, earlier: readonly DataFlag[]): DataFlag[] {
  const category = /^([\w.+-]+)=(\d+(?:\.\d+)?):(.+)$/.exec(text);
  if (category !== null) {
    return [...earlier, { name: category[1], weight: Number(category[2]), paths: list(category[3]) }];
  }
  const weighted = /^(.+)=(\d+(?:\.\d+)?)$/.exec(text);
  if (weighted !== null) return [...earlier, { weight: Number(weighted[2]), paths: [weighted[1]] }];
  if (text === '') throw new InvalidArgumentError('Expected the name of a file, a folder or a data set.');
  return [...earlier, { paths: [text] }];
}

/** What a path is called where it has no other name. */
function nameOf(path: string): string {
  if (isDataset(path)) return path;
  return (
    path
      .replace(/[/\\]+$/, '')
      .split(/[/\\]/)
      .at(-1)!
      .replace(/(\.\w+)?\.(br|gz)$/, '') || path
  );
}

/** Categories of all that was named: what has no weight is one category together. */
export function categoriesOf(flags: readonly DataFlag[]): CategorySource[] {
  const loose = flags.filter(({ weight }) => weight === undefined).flatMap(({ paths }) => paths);
  const categories = flags.flatMap(({ name, weight, paths }) =>
    weight === undefined ? [] : [{ name: name ?? nameOf(paths[0]), weight, paths }],
  );
  if (loose.length > 0) {
    categories.push({ name: loose.length === 1 ? nameOf(loose[0]) : 'data', weight: 1, paths: loose });
  }
  const seen = new Map<string, number>();
  return categories.map((category) => {
    const before = seen.get(category.name) ?? 0;
    seen.set(category.name, before + 1);
    return before === 0 ? category : { ...category, name: `${category.name}-${before + 1}` };
  });
}
