/**
 * Results as a run would give them, made up: round numbers that can be checked by hand.
 *
 * @module
 */
import type { Report, Result } from '../../src/bench/figures.ts';

/** A result of 1000 bytes; two rounds, the second twice as fast. */
export function resultOf(some: Partial<Result> = {}): Result {
  return {
    compressor: 'gzip',
    label: 'gzip -9',
    kind: 'command',
    dataset: 'set',
    file: 'a',
    sha256: 'aa',
    protocol: 'whole',
    version: '1.12',
    measuredAt: '2026-01-02T03:04:05.000Z',
    bytes: 1000,
    codedBytes: 400,
    modelBytes: 0,
    matched: true,
    timing: { encode: [0.02, 0.01], decode: [0.002, 0.001], reference: [1e6, 1e6] },
    peakMemory: 2e6,
    ...some,
  };
}

/** A report of these results. */
export function reportOf(results: readonly Result[], some: Partial<Report> = {}): Report {
  return {
    machine: '2 x test',
    command: 'lmz bench --dataset set',
    measuredAt: '2026-01-02T03:04:05.000Z',
    results,
    missing: [],
    failed: [],
    ...some,
  };
}

/** Two files, six compressors of all kinds, one of them missing and one failed. */
export function sampleReport(): Report {
  const entries = [
    ['gzip', 'gzip -9', 'command', 400, 1],
    ['xz', 'xz -9e', 'command', 330, 0.2],
    ['brotli', 'brotli -q 11', 'library', 320, 0.05],
    ['zpaq', 'zpaq -m5', 'command', 260, 0.02],
    ['lmz', 'lmz', 'lmz', 250, 0.01],
    ['lmz-1', 'lmz -1 <fast>', 'lmz', 325, 0.3],
  ] as const;
  const results = ['a', 'b & c'].flatMap((file, i) =>
    entries.map(([compressor, label, kind, codedBytes, speed]) =>
      resultOf({
        compressor,
        label,
        kind,
        file,
        codedBytes: codedBytes + 10 * i,
        modelBytes: compressor === 'lmz' ? 500 : 0,
        timing: { encode: [0.001 / speed], decode: [0.0005 / speed], reference: [1e6] },
      }),
    ),
  );
  return reportOf(results, {
    missing: [{ compressor: 'flac', label: 'FLAC', reason: 'no program flac' }],
    failed: [{ compressor: 'png', label: 'PNG', dataset: 'set', file: 'a', reason: 'too wide' }],
  });
}
