/**
 * What the audit knows of a value: it is n * 2^exp with an integer n, low <= n <= high. All arithmetic on these is in
 * BigInt, so the audit itself never rounds.
 *
 * A tensor has one such grid, or one per index of its last axis ("channels"): rows of weights and scales differ by
 * column, and one bound for all columns would refuse models that are exact.
 *
 * @module
 */

export interface Grid {
  readonly low: bigint;
  readonly high: bigint;
  readonly exp: number;
}

/** Of a tensor: one grid for all elements, or one per index of the last axis. */
export type Channels = readonly Grid[];

/** Last axes longer than this are known by one grid only. */
export const CHANNELS_MAX = 4096;

/** Zero lies on every grid, so it has the coarsest one: it never makes another value's grid finer. */
const ZERO_EXP = 4096;
export const ZERO: Grid = { low: 0n, high: 0n, exp: ZERO_EXP };

function trailingZeros(value: bigint): number {
  let zeros = 0;
  for (let rest = value; (rest & 1n) === 0n; rest >>= 1n) zeros++;
  return zeros;
}

/** The grid of the integers low .. high times 2^exp; one value alone is written with an odd n. */
export function grid(low: bigint, high: bigint, exp = 0): Grid {
  if (low !== high) return { low, high, exp };
  if (low === 0n) return ZERO;
  const zeros = trailingZeros(low);
  return { low: low >> BigInt(zeros), high: low >> BigInt(zeros), exp: exp + zeros };
}

/** n of the same values on a finer grid. */
function shifted(value: bigint, from: number, to: number): bigint {
  return value === 0n ? 0n : value << BigInt(from - to);
}

/** Both on the finer of their grids. */
export function aligned(a: Grid, b: Grid): [Grid, Grid] {
  const exp = Math.min(a.exp, b.exp);
  const at = (g: Grid): Grid => ({ low: shifted(g.low, g.exp, exp), high: shifted(g.high, g.exp, exp), exp });
  return [at(a), at(b)];
}

/** The values as plain integers (exp >= 0, which every integer type guarantees). */
export function integers(g: Grid): { low: bigint; high: bigint } {
  return { low: shifted(g.low, g.exp, 0), high: shifted(g.high, g.exp, 0) };
}

/** Whether all values are integers. */
export function isWhole(g: Grid): boolean {
  return g.exp >= 0;
}

export function minBig(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function maxBig(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function addGrids(a: Grid, b: Grid): Grid {
  const [x, y] = aligned(a, b);
  return grid(x.low + y.low, x.high + y.high, x.exp);
}

export function negateGrid(a: Grid): Grid {
  return grid(-a.high, -a.low, a.exp);
}

export function multiplyGrids(a: Grid, b: Grid): Grid {
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return grid(corners.reduce(minBig), corners.reduce(maxBig), a.exp + b.exp);
}

/** All values of either. */
export function joinGrids(a: Grid, b: Grid): Grid {
  const [x, y] = aligned(a, b);
  return grid(minBig(x.low, y.low), maxBig(x.high, y.high), x.exp);
}

export function minGrids(a: Grid, b: Grid): Grid {
  const [x, y] = aligned(a, b);
  return grid(minBig(x.low, y.low), minBig(x.high, y.high), x.exp);
}

export function maxGrids(a: Grid, b: Grid): Grid {
  const [x, y] = aligned(a, b);
  return grid(maxBig(x.low, y.low), maxBig(x.high, y.high), x.exp);
}

/** Sums of up to `count` values, in any order and with any of them left out: a partial sum is inside too. */
export function partialSums(a: Grid, count: bigint): Grid {
  return grid(minBig(a.low, 0n) * count, maxBig(a.high, 0n) * count, a.exp);
}

/** The value and all between it and zero. */
export function withZero(a: Grid): Grid {
  return partialSums(a, 1n);
}

/** ±2^k, where the grid is one such value. */
export function powerOfTwo(a: Grid): boolean {
  return a.low === a.high && (a.low === 1n || a.low === -1n);
}

export function equalGrids(a: Grid, b: Grid): boolean {
  return a.low === b.low && a.high === b.high && a.exp === b.exp;
}

/** One grid for all channels. */
export function hull(channels: Channels): Grid {
  return channels.reduce(joinGrids);
}

/** Channels in their shortest form. */
export function compact(channels: Channels): Channels {
  const first = channels[0];
  if (channels.length > CHANNELS_MAX) return [hull(channels)];
  return channels.length > 1 && channels.every((g) => equalGrids(g, first)) ? [first] : channels;
}

export function mapChannels(a: Channels, rule: (g: Grid, channel: number) => Grid): Channels {
  return compact(a.map(rule));
}

/** Channel by channel; one grid stands for all. */
export function zipChannels(a: Channels, b: Channels, rule: (x: Grid, y: Grid) => Grid): Channels {
  const longer = a.length >= b.length ? a : b;
  return compact(longer.map((_, i) => rule(a.length === 1 ? a[0] : a[i], b.length === 1 ? b[0] : b[i])));
}

/** Bits of the larger end's magnitude. */
export function gridBits(g: Grid): number {
  return maxBig(g.high, -g.low).toString(2).length - (g.low === 0n && g.high === 0n ? 1 : 0);
}

/** `-12 .. 300`, or `(-12 .. 300) * 2^-8`, for messages. */
export function gridText(g: Grid): string {
  const range = g.low === g.high ? String(g.low) : `${String(g.low)} .. ${String(g.high)}`;
  if (g.exp === 0 || g === ZERO) return range;
  return g.low === g.high ? `${range} * 2^${g.exp}` : `(${range}) * 2^${g.exp}`;
}
