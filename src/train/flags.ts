/**
 * Values of command-line flags.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { CategorySource } from './corpus.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9 };

/** A number with an optional K, M or G. */
export function quantity(text: string): number {
  const match = /^(\d+(?:\.\d+)?(?:e-?\d+)?)([KMG]?)$/.exec(text);
  if (match === null) throw new LmzError('LMZ_USAGE', `"${text}" is no number`);
  return Number(match[1]) * UNITS[match[2]];
}

/** One more category of training text: `NAME=WEIGHT:PATH,PATH...` */
export function categorySource(text: string, earlier: readonly CategorySource[]): CategorySource[] {
  const match = /^([\w-]+)=(\d+(?:\.\d+)?):(.+)$/.exec(text);
  if (match === null) throw new LmzError('LMZ_USAGE', `--data ${text}: NAME=WEIGHT:PATH,PATH... is expected`);
  return [...earlier, { name: match[1], weight: Number(match[2]), paths: match[3].split(',') }];
}
