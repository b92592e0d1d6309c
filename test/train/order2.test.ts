/**
 * The order-2 model: counted over a small corpus here, and the committed one.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ModelProtoSchema } from '../../src/model/onnx/onnx-subset_pb.ts';
import {
  ORDER2_CATEGORIES,
  ORDER2_START,
  type Order2Table,
  buildOrder2,
  countTriples,
  newTripleCounts,
  order2Cost,
  order2Model,
  readCategory,
  weightCounts,
} from '../../src/train/order2.ts';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('src/train/order2.ts', root));

/** The logits that a model gives for each byte of `bytes`, fed one by one. */
async function logitsOf(model: Uint8Array, bytes: Uint8Array): Promise<Int32Array[]> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  let previous = new Tensor('int32', Int32Array.of(0), [1, 1]);
  const logits: Int32Array[] = [];
  for (const byte of [ORDER2_START, ...bytes]) {
    const results = await session.run({ token: new Tensor('int32', Int32Array.of(byte), [1, 1]), previous });
    logits.push(results['logits'].data as Int32Array);
    previous = results['previous_next'] as typeof previous;
  }
  await session.release();
  return logits;
}

describe('a table counted over one source file', () => {
  let counts: Float64Array;
  let table: Order2Table;

  beforeAll(() => {
    const part = newTripleCounts();
    countTriples(part, text);
    counts = weightCounts([{ counts: part, share: 1 }]);
    table = buildOrder2(counts, { rows: 600, logitBits: 3, smoothing: 1 });
  });

  test('gives in onnxruntime the row of each pair', async () => {
    const bytes = text.subarray(0, 200);
    const logits = await logitsOf(order2Model(table), bytes);
    let pair = ORDER2_START;
    for (const [at, row] of logits.entries()) {
      const start = table.rowOfPair[pair] * 256;
      expect([...row]).toEqual([...table.logits.subarray(start, start + 256)]);
      pair = ((pair << 8) | (bytes[at] ?? 0)) & 0xffff;
    }
  });

  test('is the same file every time', () => {
    const again = buildOrder2(counts, table.options);
    expect(Buffer.from(order2Model(again)).equals(order2Model(table))).toBe(true);
  });

  test('has rows whose likeliest byte is 255', () => {
    for (let at = 0; at < table.logits.length; at += 256) {
      expect(Math.max(...table.logits.subarray(at, at + 256))).toBe(255);
    }
  });

  test('costs less with more rows, and far less than eight bits', () => {
    const cost = (rows: number): number =>
      order2Cost(buildOrder2(counts, { ...table.options, rows }), text) / text.length;
    const [shared, some, all] = [256, 400, 4000].map(cost);
    expect(some).toBeLessThan(shared);
    expect(all).toBeLessThan(some);
    expect(all).toBeLessThan(3);
  });

  test('refuses a table without room for the shared rows', () => {
    expect(() => buildOrder2(counts, { ...table.options, rows: 255 })).toThrow(RangeError);
  });
});

test('the shares decide the weights, not the sizes', () => {
  const small = newTripleCounts();
  const large = newTripleCounts();
  countTriples(small, Buffer.from('a'.repeat(10)));
  countTriples(large, Buffer.from('b'.repeat(90)));
  const counts = weightCounts([
    { counts: small, share: 0.5 },
    { counts: large, share: 0.5 },
  ]);
  const sum = (byte: number): number =>
    counts.reduce((s, count, at) => ((at & 0xff) === byte ? s + count : s), 0);
  expect(sum(97)).toBeCloseTo(50);
  expect(sum(98)).toBeCloseTo(50);
  expect(ORDER2_CATEGORIES.reduce((s, { share }) => s + share, 0)).toBeCloseTo(1);
});

describe('reading a category', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lmz-order2-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('goes by name, and holds the end of each file out', () => {
    writeFileSync(join(folder, 'b.txt.br'), brotliCompressSync(Buffer.alloc(1000, 'b')));
    writeFileSync(join(folder, 'a.txt.br'), brotliCompressSync(Buffer.alloc(200, 'a')));
    writeFileSync(join(folder, 'README'), 'not a text');
    const texts = [...readCategory(folder)].map(({ training, validation }) => [
      String.fromCharCode(training[0]),
      training.length,
      validation.length,
    ]);
    expect(texts).toEqual([
      ['a', 197, 3],
      ['b', 985, 15],
    ]);
  });
});

describe('models/order2.onnx', () => {
  const file = readFileSync(new URL('models/order2.onnx', root));

  test('is at most 4 MB, and the one that the model card names', () => {
    expect(file.length).toBeLessThanOrEqual(4_000_000);
    const card = readFileSync(new URL('models/README.md', root), 'utf8');
    expect(card).toContain(createHash('sha256').update(file).digest('hex'));
  });

  test('says what it was counted over', () => {
    const model = fromBinary(ModelProtoSchema, file);
    const properties = new Map(model.metadataProps.map(({ key, value }) => [key, value]));
    expect(properties.get('lmz.contract')).toBe('1');
    for (const { name, source } of ORDER2_CATEGORIES)
      expect(properties.get(`training.${name}`)).toContain(source);
  });

  test('knows English', async () => {
    const phrase = Buffer.from('It was the best of times, it was the worst of times');
    const logits = await logitsOf(file, phrase);
    let bits = 0;
    for (const [at, byte] of phrase.entries()) {
      const sum = logits[at].reduce((s, logit) => s + 2 ** (logit / 8), 0);
      bits -= Math.log2(2 ** (logits[at][byte] / 8) / sum);
    }
    expect(bits / phrase.length).toBeLessThan(3.2);
  });
});
