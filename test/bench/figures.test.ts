/** From measurements to the figures, tables and comparisons that people read. */
import { describe, expect, test } from 'vitest';
import { corporaTables } from '../../src/bench/corpora-table.ts';
import { figuresOf } from '../../src/bench/figures.ts';
import { compareSizes, describeComparison } from '../../src/bench/regression.ts';
import { formatMarkdown } from '../../src/bench/report.ts';
import { formatCsv, formatText, reportTables, resultsTable } from '../../src/bench/tables.ts';
import { reportOf, resultOf, sampleReport } from './sample-report.ts';

describe('figures', () => {
  test('of one input', () => {
    expect(figuresOf([resultOf({ modelBytes: 100 })])).toMatchObject({
      rate: 0.4,
      adjustedRate: 0.5,
      bitsPerByte: 3.2,
      matched: true,
      rounds: 2,
      peakMemory: 2e6,
      encode: { min: 1000 / 0.02, max: 1000 / 0.01 },
    });
  });

  test('of several: sizes and times added, the model counted once, the largest memory, all must match', () => {
    const small = resultOf({ modelBytes: 100 });
    const large = resultOf({
      bytes: 3000,
      codedBytes: 600,
      modelBytes: 100,
      matched: false,
      peakMemory: 5e6,
      timing: { encode: [0.05, 0.05, 0.07], decode: [1, 1, 1], reference: [1e6, 1e6, 1e6] },
    });
    const figures = figuresOf([small, large]);
    expect(figures).toMatchObject({ bytes: 4000, codedBytes: 1000, rate: 0.25, adjustedRate: 0.275 });
    expect(figures).toMatchObject({ matched: false, rounds: 2, peakMemory: 5e6 });
    expect(figures.encode.median).toBeCloseTo(4000 / (0.015 + 0.05), 6);
  });

  test('speed to the reference of the same round: a machine that slows down changes nothing', () => {
    const timing = { encode: [0.01, 0.04], decode: [0.001, 0.004], reference: [1e6, 0.25e6] };
    const { encodeRatio, decodeRatio, encode } = figuresOf([resultOf({ timing })]);
    expect(encodeRatio).toBeCloseTo(0.1, 10);
    expect(decodeRatio).toBeCloseTo(1, 10);
    expect(encode.max / encode.min).toBeCloseTo(4, 10);
  });

  test('of chunks: everything counted, headers once, rescaled', () => {
    const chunked = { chunks: 4, codedBytes: 500, headerOnceBytes: 440, rescaledBytes: 430 };
    const part = resultOf({ protocol: 250, codedBytes: 500, modelBytes: 100, chunked });
    expect(figuresOf([part])).toMatchObject({
      rate: 0.5,
      headerOnceRate: 0.44,
      adjustedHeaderOnceRate: 0.54,
      rescaledRate: 0.43,
    });
    expect(figuresOf([part, resultOf()])).not.toHaveProperty('headerOnceRate');
  });

  test('of nothing are no numbers', () => {
    expect(figuresOf([resultOf({ bytes: 0, codedBytes: 20 })]).rate).toBeNaN();
  });
});

describe('tables', () => {
  test('the smallest first, missing and failed compressors at the end', () => {
    const [table] = reportTables(sampleReport());
    expect(table.title).toBe('set: 2 files, 2000 bytes, whole files');
    expect(table.rows.map(([label, version]) => `${label} ${version}`)).toEqual([
      'lmz 1.12',
      'zpaq -m5 1.12',
      'brotli -q 11 1.12',
      'lmz -1 <fast> 1.12',
      'xz -9e 1.12',
      'gzip -9 1.12',
      'FLAC missing: no program flac',
      'PNG failed on a: too wide',
    ]);
    expect(table.rows[0].slice(2, 6)).toEqual([510, '25.50 %', '50.50 %', '2.040']);
  });

  test('what came back different is said loudly', () => {
    const text = formatText(reportTables(reportOf([resultOf({ matched: false })]))[0]);
    expect(text).toContain('DIFFERENT');
  });

  test('text, Markdown and CSV', () => {
    const table = {
      columns: ['name', 'n'],
      rows: [
        ['a|b', 5],
        ['c, "d"', 100],
      ],
    };
    expect(formatText(table)).toBe('name      n\na|b       5\nc, "d"  100');
    expect(formatMarkdown(table)).toBe('| name | n |\n| --- | --- |\n| a\\|b | 5 |\n| c, "d" | 100 |');
    expect(formatCsv(table)).toBe('name,n\na|b,5\n"c, ""d""",100\n');
    const lines = formatCsv(resultsTable(sampleReport())).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 12 + 2);
    expect(lines[1]).toMatch(/^set,a,whole,gzip,1\.12,1000,400,0\.400000,0\.400000,3\.20000,,,0,1000000,/);
    expect(lines.at(-1)).toMatch(/^set,a,,png,failed: too wide,/);
    for (const line of lines) expect(line.split(',')).toHaveLength(20);
  });
});

describe('the table of files', () => {
  test('marks the smallest, and where lmz is not it', () => {
    const [table] = corporaTables(sampleReport());
    expect(table.columns).toEqual([
      ...['file', 'bytes', 'gzip -9', 'xz -9e', 'brotli -q 11', 'zpaq -m5', 'lmz', 'lmz -1 <fast>', 'FLAC'],
    ]);
    expect(table.rows[0]).toEqual(['a', 1000, '400', '330', '320', '260', '**250**', '325!', 'missing']);
    expect(table.rows[2].slice(0, 7)).toEqual(['sum of 2', 2000, '810', '670', '650', '530', '**510**']);
    expect(table.rows[3].slice(0, 3)).toEqual(['percent', '100', '40.50']);
  });

  test('larger than a rival, but not than the common ones', () => {
    const parts = [
      ['zpaq', 'command', 90],
      ['xz', 'command', 100],
      ['lmz', 'lmz', 95],
    ] as const;
    const results = parts.map(([compressor, kind, codedBytes]) => resultOf({ compressor, kind, codedBytes }));
    expect(corporaTables(reportOf(results))[0].rows[0]).toEqual(['a', 1000, '**90**', '100', '95*']);
  });

  test('files in no sum have a row, and are in no sum', () => {
    const results = [
      resultOf({ file: 'a' }),
      resultOf({ file: 'b', extra: true }),
      resultOf({ file: 'c', codedBytes: 100 }),
    ];
    const [{ rows }] = corporaTables(reportOf(results));
    expect(rows.map(([head]) => head)).toEqual(['a', 'b (in no sum)', 'c', 'sum of 2', 'percent']);
    expect(rows[3]).toEqual(['sum of 2', 2000, '**500**']);
    expect(reportTables(reportOf(results))[0].title).toContain('2 files, 2000 bytes');
  });

  test('a sum with a gap is none', () => {
    const results = [resultOf(), resultOf({ file: 'b' }), resultOf({ compressor: 'xz', label: 'xz' })];
    const [{ rows }] = corporaTables(reportOf(results));
    expect(rows[1]).toEqual(['b', 1000, '**400**', '-']);
    expect(rows[2]).toEqual(['sum of 2', 2000, '**800**', '-']);
  });
});

describe('sizes against an earlier report', () => {
  test('larger and smaller ones are told; the same input and protocol only', () => {
    const before = reportOf([
      resultOf(),
      resultOf({ file: 'b' }),
      resultOf({ file: 'c' }),
      resultOf({ file: 'd', sha256: 'old' }),
      resultOf({ file: 'e' }),
    ]);
    const after = reportOf([
      resultOf({ codedBytes: 401 }),
      resultOf({ file: 'b', codedBytes: 390 }),
      resultOf({ file: 'c' }),
      resultOf({ file: 'd', codedBytes: 999 }),
      resultOf({ file: 'e', protocol: 250, codedBytes: 999 }),
    ]);
    const comparison = compareSizes(before, after);
    expect(comparison).toEqual({
      compared: 3,
      unknown: 2,
      grown: [{ what: 'gzip on set/a', before: 400, after: 401 }],
      shrunk: [{ what: 'gzip on set/b', before: 400, after: 390 }],
    });
    expect(describeComparison(comparison)).toBe(
      'larger: gzip on set/a: 400 -> 401 bytes (+1)\n' +
        'smaller: gzip on set/b: 400 -> 390 bytes (-10)\n' +
        '3 sizes compared: 1 larger, 1 smaller; 2 are new',
    );
  });
});
