/**
 * From what was measured to the figures that are reported.
 *
 * @module
 */
import type { CompressorKind } from './compressor.ts';
import type { Measured, Timing } from './measure.ts';
import { type Spread, spreadOf } from './report.ts';

/** What was run. */
export interface RunKey {
  readonly compressor: string;
  readonly label: string;
  readonly kind: CompressorKind;
  readonly dataset: string;
  readonly file: string;
  /** Of the whole file, before a limit cuts it. */
  readonly sha256: string;
  /** `whole`, or the size of independent chunks. */
  readonly protocol: 'whole' | number;
  /** The input is in no sum. */
  readonly extra?: true;
}

/** One compressor on one input. */
export interface Result extends RunKey, Measured {
  readonly version: string;
  /** ISO time. */
  readonly measuredAt: string;
  /** Where it was measured, if on another machine, in an earlier run. */
  readonly machine?: string;
}

/** A compressor that is not here, or one that failed: told in every table. */
export interface Absence {
  readonly compressor: string;
  readonly label: string;
  readonly dataset?: string;
  readonly file?: string;
  readonly reason: string;
}

/** All of one run. */
export interface Report {
  readonly machine: string;
  readonly command: string;
  readonly measuredAt: string;
  readonly results: readonly Result[];
  readonly missing: readonly Absence[];
  readonly failed: readonly Absence[];
}

/** A compressor on one input or on several together. */
export interface Figures {
  readonly compressor: string;
  readonly label: string;
  readonly kind: CompressorKind;
  readonly version: string;
  readonly protocol: 'whole' | number;
  readonly bytes: number;
  readonly codedBytes: number;
  /** Coded bytes over bytes. */
  readonly rate: number;
  /** The same with the model's size added once. */
  readonly adjustedRate: number;
  readonly bitsPerByte: number;
  /** Rates of the chunked protocol with headers counted once, and as DeepMind rescales masked bits. */
  readonly headerOnceRate?: number;
  readonly adjustedHeaderOnceRate?: number;
  readonly rescaledRate?: number;
  readonly modelBytes: number;
  readonly matched: boolean;
  /** Bytes a second. */
  readonly encode: Spread;
  readonly decode: Spread;
  /** Speed over that of the reference in the same round, median. */
  readonly encodeRatio: number;
  readonly decodeRatio: number;
  readonly rounds: number;
  readonly peakMemory?: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const median = (values: readonly number[]): number => spreadOf(values).median;

/** Speeds in bytes a second from seconds: the slowest time is the least speed. */
function speedOf(parts: readonly Result[], direction: 'encode' | 'decode'): Spread {
  const bytes = sum(parts.map((part) => part.bytes));
  const seconds = parts.map(({ timing }) => spreadOf(timing[direction]));
  return {
    min: bytes / sum(seconds.map(({ max }) => max)),
    median: bytes / sum(seconds.map((spread) => spread.median)),
    max: bytes / sum(seconds.map(({ min }) => min)),
  };
}

/** Seconds that the reference would take for the bytes over the seconds that were taken, by round. */
function ratios(bytes: number, timing: Timing, direction: 'encode' | 'decode'): number[] {
  return timing[direction].map((seconds, round) => bytes / seconds / timing.reference[round]);
}

function ratioOf(parts: readonly Result[], direction: 'encode' | 'decode'): number {
  const reference = parts.map(({ bytes, timing }) => bytes / median(timing.reference));
  const taken = parts.map(
    ({ bytes, timing }, i) => reference[i] / (median(ratios(bytes, timing, direction)) || 1),
  );
  return sum(reference) / sum(taken);
}

/**
 * Figures of one compressor over some inputs: sizes added, the model counted once.
 *
 * @param parts - results of one compressor with one protocol, at least one
 */
export function figuresOf(parts: readonly Result[]): Figures {
  const [{ compressor, label, kind, version, protocol, modelBytes }] = parts;
  const bytes = sum(parts.map((part) => part.bytes));
  const codedBytes = sum(parts.map((part) => part.codedBytes));
  const of = (size: number): number => (bytes === 0 ? NaN : size / bytes);
  const chunked = parts.flatMap((part) => (part.chunked === undefined ? [] : [part.chunked]));
  const rescaled = chunked.flatMap(({ rescaledBytes }) =>
    rescaledBytes === undefined ? [] : [rescaledBytes],
  );
  const headerOnce = sum(chunked.map(({ headerOnceBytes }) => headerOnceBytes));
  const peaks = parts.flatMap(({ peakMemory }) => (peakMemory === undefined ? [] : [peakMemory]));
  return {
    compressor,
    label,
    kind,
    version,
    protocol,
    bytes,
    codedBytes,
    rate: of(codedBytes),
    adjustedRate: of(codedBytes + modelBytes),
    bitsPerByte: 8 * of(codedBytes),
    ...(chunked.length === parts.length && {
      headerOnceRate: of(headerOnce),
      adjustedHeaderOnceRate: of(headerOnce + modelBytes),
    }),
    ...(rescaled.length === parts.length && { rescaledRate: of(sum(rescaled)) }),
    modelBytes,
    matched: parts.every(({ matched }) => matched),
    encode: speedOf(parts, 'encode'),
    decode: speedOf(parts, 'decode'),
    encodeRatio: ratioOf(parts, 'encode'),
    decodeRatio: ratioOf(parts, 'decode'),
    rounds: Math.min(...parts.map(({ timing }) => timing.encode.length)),
    ...(peaks.length > 0 && { peakMemory: Math.max(...peaks) }),
  };
}

/** Results in groups, in the order in which the groups begin. */
export function groupBy(
  results: readonly Result[],
  keyOf: (result: Result) => string,
): Map<string, Result[]> {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = keyOf(result);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return groups;
}
