/**
 * Makes the order-2 model:
 *
 *     npx tsx src/train/order2-main.ts [--data ../shared/corpora] [--out models/order2.onnx]
 *
 * and prints its size, its SHA-256 and the bits per byte of each category's validation part, and of Calgary's book1 where
 * that is there (a measurement: nothing is chosen by it).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel } from '../model/load.ts';
import { writeReference } from './export-model.ts';
import {
  ORDER2_CATEGORIES,
  ORDER2_DEFAULTS,
  VALIDATION_SHARE,
  buildOrder2,
  countTriples,
  newTripleCounts,
  order2Cost,
  order2Model,
  readCategory,
  weightCounts,
} from './order2.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/corpora' },
    out: { type: 'string', default: 'models/order2.onnx' },
  },
});

const metadata: Record<string, string> = {
  'training.method': `counts of orders 2, 1 and 0, Witten-Bell smoothing ${ORDER2_DEFAULTS.smoothing}; the last ${VALIDATION_SHARE * 100} % of each file held out`,
};
const parts = ORDER2_CATEGORIES.map(({ name, share, source }) => {
  const counts = newTripleCounts();
  const validation: Uint8Array[] = [];
  const hash = createHash('sha256');
  let size = 0;
  for (const text of readCategory(join(values.data, 'train', name))) {
    countTriples(counts, text.training);
    hash.update(text.training);
    size += text.training.length;
    // A copy, so that the whole text need not stay in memory.
    validation.push(text.validation.slice());
  }
  metadata[`training.${name}`] = `share ${share}; ${size} bytes, sha256 ${hash.digest('hex')}; ${source}`;
  return { name, share, counts, validation };
});

const table = buildOrder2(weightCounts(parts), ORDER2_DEFAULTS);
const model = order2Model(table, metadata);
writeFileSync(values.out, model);
await writeReference(values.out, loadModel(model));

console.log(`${values.out}: ${model.length} bytes, ${table.logits.length / 256} rows`);
console.log(`sha256 ${createHash('sha256').update(model).digest('hex')}`);
const bitsPerByte = (files: readonly Uint8Array[]): string => {
  const size = files.reduce((sum, file) => sum + file.length, 0);
  const bits = files.reduce((sum, file) => sum + order2Cost(table, file), 0);
  return `${(bits / size).toFixed(4)} bits/byte of ${size} bytes`;
};
for (const { name, validation } of parts) console.log(`validation ${name}: ${bitsPerByte(validation)}`);
const book1 = join(values.data, 'calgary', 'book1');
if (existsSync(book1)) console.log(`calgary/book1: ${bitsPerByte([readFileSync(book1)])}`);
