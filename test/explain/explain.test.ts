/** Explained costs against what the encoder writes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { CANDIDATES, Candidates } from '../../src/explain/candidates.ts';
import { explain, type Explanation, totalsOf } from '../../src/explain/explain.ts';
import { byKind, summaryText } from '../../src/explain/summary.ts';
import { WAYS } from '../../src/explain/measure.ts';
import { openSource } from '../../src/codec/byte-source.ts';
import { frameOffsets, locateFrame, locateMembers } from '../../src/codec/members.ts';
import { PREDICTOR } from '../../src/container/layout.ts';
import { CdfBuilder } from '../../src/entropy/cdf.ts';
import { compress, type EncodeOptions } from '../../src/index.ts';
import { test } from '../cli/harness.ts';
import { MODEL_FOLDER } from '../support/models.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const prose = readFileSync(join(root, 'spec/lmz-format.md')).subarray(0, 4500);
const program = readFileSync(join(root, 'models/order2.onnx')).subarray(1000, 3997);
const ALL = { offset: 0, length: 1e6 };

/** Bytes of the payload of each frame with content, and what coded it. */
async function payloadsOf(content: Uint8Array, options: EncodeOptions) {
  const source = await openSource(await compress(content, options));
  const [member] = await locateMembers(source);
  const payloads: { size: number; predictor: number }[] = [];
  for (const offset of frameOffsets(member)) {
    const { frame } = await locateFrame(source, member, payloads.length, offset);
    payloads.push({ size: frame.payloadSize, predictor: frame.type === 'coded' ? frame.predictor : 0 });
  }
  return payloads;
}

/** The end of a stream is at most so many bytes off, and rounding inside the coder 0.01 %. */
function expectNear(bits: number, bytes: number): void {
  expect(Math.abs(bits / 8 - bytes)).toBeLessThan(2.5 + bytes * 1e-4);
}

function expectWhole({ bytes, costs, chunks }: Explanation, content: Uint8Array): void {
  expect(Buffer.from(bytes).equals(content)).toBe(true);
  const totals = totalsOf(costs, 0, bytes.length);
  for (const way of WAYS) {
    expect(costs[way].every((cost) => cost >= 0 && cost < 200)).toBe(true);
    expect(chunks.reduce((sum, chunk) => sum + chunk.totals[way], 0)).toBeCloseTo(totals[way], 3);
  }
}

describe('costs are those that the coder writes', () => {
  const cases: [string, Uint8Array, EncodeOptions][] = [
    ['text', prose, {}],
    ['text, in chunks', prose, { chunkSize: 2000 }],
    ['text, fast', prose, { level: 1 }],
    ['text, best', prose, { level: 9 }],
    ['text, three lanes', prose, { lanes: 3 }],
    ['text, network alone', prose, { mode: 'lm' }],
    ['text, network alone, lanes and chunks', prose, { mode: 'lm', lanes: 2, chunkSize: 2500 }],
    ['text, mixing alone', prose, { mode: 'mix' }],
    ['text, stored', prose, { mode: 'stored' }],
    ['binary', program, {}],
    ['a model of 128 symbols', prose, { mode: 'lm', model: `${MODEL_FOLDER}good-ascii-128.onnx` }],
    ['a model that is reset', prose, { model: `${MODEL_FOLDER}good-context.onnx` }],
    ['one byte', prose.subarray(0, 1), {}],
  ];
  test.for(cases)('%s', async ([, content, options], { dir }) => {
    const path = join(dir, 'content');
    writeFileSync(path, content);
    const explanation = await explain(path, ALL, options);
    expectWhole(explanation, content);
    const coded = await payloadsOf(content, options);
    expect(explanation.chunks.map(({ payloadSize }) => payloadSize)).toEqual(coded.map(({ size }) => size));
    // The ways that were not taken cost what they would have cost, had they been.
    const network = await payloadsOf(content, { ...options, mode: 'lm' });
    const mixing = await payloadsOf(content, { ...options, mode: 'mix' });
    explanation.chunks.forEach(({ totals }, i) => {
      expectNear(totals.coded, coded[i].size);
      expectNear(totals.network, network[i].size);
      // Mixing is not kept where it would be larger than the bytes as they are.
      if (mixing[i].predictor === PREDICTOR.mix2) expectNear(totals.mixing, mixing[i].size);
    });
  });
});

describe('of an lmz file', () => {
  test('the content is explained as the file codes it', async ({ dir }) => {
    const options = { level: 2, chunkSize: 2000, lanes: 2 };
    const [plain, packed] = [join(dir, 'plain'), join(dir, 'packed')];
    writeFileSync(plain, prose);
    writeFileSync(packed, await compress(prose, options));
    const expected = await explain(plain, ALL, options);
    const found = await explain(packed, ALL);
    expect(found.archived).toBe(true);
    expect(found.costs.coded).toEqual(expected.costs.coded);
    expect(found.costs.network).toEqual(expected.costs.network);
    expect(found.candidates).toEqual(expected.candidates);
  });

  test('several members, an embedded model', async ({ dir }) => {
    const path = join(dir, 'packed');
    const model = `${MODEL_FOLDER}good-hash.onnx`;
    const members = [
      await compress(prose.subarray(0, 2000), { mode: 'lm', model, embedModel: true }),
      await compress(prose.subarray(2000), { level: 1 }),
    ];
    writeFileSync(path, Buffer.concat(members));
    const explanation = await explain(path, ALL);
    expectWhole(explanation, prose);
    expect(explanation.chunks.map(({ coding }) => coding)).toEqual(['lm', 'mix']);
    for (const { totals, payloadSize } of explanation.chunks) expectNear(totals.coded, payloadSize);
  });

  test('a damaged one is refused', async ({ dir }) => {
    const path = join(dir, 'packed');
    const packed = await compress(prose, { level: 1 });
    packed[packed.length >> 1] ^= 1;
    writeFileSync(path, packed);
    await expect(explain(path, ALL)).rejects.toMatchObject({ code: 'LMZ_CORRUPT' });
  });
});

describe('a part', () => {
  test('costs what it costs within its chunk', async ({ dir }) => {
    const [plain, packed] = [join(dir, 'plain'), join(dir, 'packed')];
    writeFileSync(plain, prose);
    writeFileSync(packed, await compress(prose, { mode: 'mix', chunkSize: 2000 }));
    const whole = await explain(packed, ALL);
    for (const path of [plain, packed]) {
      const part = await explain(path, { offset: 2500, length: 1750 }, { mode: 'mix', chunkSize: 2000 });
      expect(part).toMatchObject({ offset: 2500, contentSize: 4500 });
      expect(Buffer.from(part.bytes).equals(prose.subarray(2500, 4250))).toBe(true);
      expect(part.chunks.map(({ start, size }) => [start, size])).toEqual([
        [2500, 1500],
        [4000, 250],
      ]);
      // The last chunk is a shorter one where the file is compressed only so far: its tables may be smaller.
      expect(part.costs.coded.subarray(0, 1500)).toEqual(whole.costs.coded.subarray(2500, 4000));
      if (path === packed) expect(part.costs.coded).toEqual(whole.costs.coded.subarray(2500, 4250));
    }
  });

  test('nothing, and past the end', async ({ dir }) => {
    const path = join(dir, 'empty');
    writeFileSync(path, '');
    expect((await explain(path, ALL)).chunks).toEqual([]);
    writeFileSync(path, 'one fish');
    const past = await explain(path, { offset: 100, length: 5 });
    expect([past.bytes.length, past.offset, past.chunks.length]).toEqual([0, 8, 0]);
  });
});

test('candidates are the most probable symbols, in order', () => {
  const logits = Int32Array.from({ length: 256 }, (_, i) => (i * 37) % 251);
  const cdf = new CdfBuilder(256, 4).fill(logits, 0);
  const candidates = new Candidates(2);
  candidates.note(1, cdf);
  const byLogit = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
  expect([...candidates.symbols.subarray(CANDIDATES)]).toEqual(byLogit.slice(0, CANDIDATES));
  expect([...candidates.shares.subarray(CANDIDATES)]).toEqual(
    byLogit.slice(0, CANDIDATES).map((symbol) => (cdf[symbol + 1] - cdf[symbol]) >> 8),
  );
  expect([...candidates.shares.subarray(0, CANDIDATES)]).toEqual(new Array(CANDIDATES).fill(0));
});

test('the summary: totals, kinds of bytes, dearest lines', async ({ dir }) => {
  const path = join(dir, 'content');
  writeFileSync(path, 'one fish\ntwo fish, 22 \u00e9\n\u0007\n');
  const explanation = await explain(path, { offset: 0, length: 22 }, { mode: 'stored' });
  const kinds = Object.fromEntries(byKind(explanation).map(({ label, bytes }) => [label, bytes]));
  expect(kinds).toEqual({
    'letter that begins a word': 4,
    'letter within a word': 10,
    digit: 2,
    punctuation: 1,
    'space, tab': 4,
    'end of a line': 1,
  });
  const text = summaryText(explanation, 'content');
  expect(text).toMatch(/^content: bytes 0 to 22 of 27; network: default\n/);
  expect(text).toMatch(/^as compressed +22 +8\.000$/m);
  expect(text).toMatch(/^digit +2 +9\.1 % +9\.1 % +8\.000 /m);
  expect(text).toMatch(/^ +2 +104 +8\.000 {2}two fish, 22$/m);
});
