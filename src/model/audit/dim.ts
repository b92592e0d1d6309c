/**
 * Sizes of dimensions as the audit knows them: polynomials in the two numbers that are open until a session runs, the
 * lanes and the time steps of a call. `2 * lanes * time` comes from flattening, `time + 2048` from a cache.
 *
 * @module
 */
import { LANES_MAX, TIME_MAX } from '../contract.ts';

interface Term {
  readonly coefficient: number;
  /** powers */
  readonly lanes: number;
  readonly time: number;
}

/** A sum of terms, without zero ones, in one fixed order. */
export type Dim = readonly Term[];
export type Shape = readonly Dim[];

export const LANES: Dim = [{ coefficient: 1, lanes: 1, time: 0 }];
export const TIME: Dim = [{ coefficient: 1, lanes: 0, time: 1 }];

export function fixed(size: number): Dim {
  return size === 0 ? [] : [{ coefficient: size, lanes: 0, time: 0 }];
}

/** Merges equal powers. Coefficients stay far below 2^53 because every tensor's size is bounded (see shape rules). */
function normal(terms: readonly Term[]): Dim {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const key = `${term.lanes},${term.time}`;
    sums.set(key, { ...term, coefficient: term.coefficient + (sums.get(key)?.coefficient ?? 0) });
  }
  return [...sums.values()]
    .filter((term) => term.coefficient !== 0)
    .sort((a, b) => b.lanes - a.lanes || b.time - a.time);
}

export function addDims(a: Dim, b: Dim): Dim {
  return normal([...a, ...b]);
}

export function subtractDims(a: Dim, b: Dim): Dim {
  return normal([...a, ...b.map((term) => ({ ...term, coefficient: -term.coefficient }))]);
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  return normal(
    a.flatMap((x) =>
      b.map((y) => ({
        coefficient: x.coefficient * y.coefficient,
        lanes: x.lanes + y.lanes,
        time: x.time + y.time,
      })),
    ),
  );
}

/** a / b where b is one term that divides every term of a; otherwise undefined. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  const divisor = b.at(0);
  if (!divisor || b.length !== 1) return undefined;
  const terms = a.map((term) => ({
    coefficient: term.coefficient / divisor.coefficient,
    lanes: term.lanes - divisor.lanes,
    time: term.time - divisor.time,
  }));
  return terms.every((term) => Number.isInteger(term.coefficient) && term.lanes >= 0 && term.time >= 0)
    ? terms
    : undefined;
}

export function equalDims(a: Dim, b: Dim): boolean {
  return subtractDims(a, b).length === 0;
}

/** The size, where it does not depend on lanes and time. */
export function fixedSize(dim: Dim): number | undefined {
  const term = dim.at(0);
  if (!term) return 0;
  return dim.length === 1 && term.lanes === 0 && term.time === 0 ? term.coefficient : undefined;
}

function bound(dim: Dim, atMost: boolean): number {
  let sum = 0;
  for (const { coefficient, lanes, time } of dim) {
    const large = coefficient > 0 === atMost;
    sum += coefficient * (large ? LANES_MAX ** lanes * TIME_MAX ** time : 1);
  }
  return sum;
}

/** An upper bound over all lanes and times that a session accepts. */
export function maxSize(dim: Dim): number {
  return bound(dim, true);
}

/** A lower bound over all lanes and times that a session accepts. */
export function minSize(dim: Dim): number {
  return bound(dim, false);
}

/** The size with one lane and one step. */
export function unitSize(dim: Dim): number {
  return dim.reduce((sum, term) => sum + term.coefficient, 0);
}

export function dimText(dim: Dim): string {
  if (dim.length === 0) return '0';
  const power = (name: string, count: number): string[] => Array.from({ length: count }, () => name);
  return dim
    .map(({ coefficient, lanes, time }) => {
      const symbols = [...power('lanes', lanes), ...power('time', time)];
      return (coefficient === 1 && symbols.length > 0 ? symbols : [String(coefficient), ...symbols]).join(
        '*',
      );
    })
    .join(' + ');
}

export function dimsText(shape: Shape): string {
  return `[${shape.map(dimText).join(', ')}]`;
}
