/** Which bytes reach the network, and in which lanes. */
import { expect, test } from 'vitest';
import { recurrentNetwork } from '../../src/train/recurrent.ts';
import { endOfSchedule, rateAt } from '../../src/train/schedule.ts';
import { BatchStream, emptyBatch, shareLanes, START_TOKEN } from '../../src/train/stream.ts';
import { TINY, tinyCategories } from './tiny.ts';

const { embedding } = recurrentNetwork(TINY);
const SHAPE = { lanes: 5, steps: 8 };
const BLOCK = 64;

test('lanes are shared by weight, none lost', () => {
  expect(shareLanes([40, 30, 20, 10], 32)).toEqual([13, 10, 6, 3]);
  expect(shareLanes([1, 1, 1], 4)).toEqual([2, 1, 1]);
  expect(shareLanes([5], 7)).toEqual([7]);
});

test('every block comes once an epoch, inputs are the bytes before', () => {
  const [category] = tinyCategories();
  // A byte's value tells where it is from.
  const training = Uint8Array.from({ length: 20 * BLOCK + 5 }, (_, i) => Math.floor(i / BLOCK));
  const stream = new BatchStream([{ ...category, training }], embedding, SHAPE, BLOCK, 1);
  const batch = emptyBatch(embedding, SHAPE);
  const starts: number[] = [];
  const stride = embedding.kinds.length + 1;
  let before = new Int32Array(SHAPE.lanes).fill(-1);
  for (let i = 0; i < 80; i++) {
    stream.next(batch);
    for (const lane of batch.restarted) {
      starts.push(batch.targets[lane]);
      before[lane] = START_TOKEN;
    }
    for (let t = 0; t < SHAPE.steps; t++) {
      for (let lane = 0; lane < SHAPE.lanes; lane++) {
        const at = t * SHAPE.lanes + lane;
        if (before[lane] >= 0) expect(batch.rows[at * stride]).toBe(before[lane]);
      }
      before = batch.targets.slice(t * SHAPE.lanes, (t + 1) * SHAPE.lanes);
    }
    for (const row of batch.rows) expect(row).toBeLessThan(256 + embedding.rows.reduce((a, b) => a + b, 0));
  }
  // Four lanes began within their first blocks, which counted as taken; the rest of the first epoch follows.
  expect(new Set(starts.slice(0, 16)).size).toBe(16);
  expect(Math.max(...starts)).toBe(19);
});

test('a resumed stream goes on with the same batches', () => {
  const categories = tinyCategories();
  const stream = new BatchStream(categories, embedding, SHAPE, BLOCK, 9);
  const [a, b] = [emptyBatch(embedding, SHAPE), emptyBatch(embedding, SHAPE)];
  for (let i = 0; i < 21; i++) stream.next(a);
  const other = new BatchStream(categories, embedding, SHAPE, BLOCK, 9, stream.state);
  for (let i = 0; i < 40; i++) {
    stream.next(a);
    other.next(b);
    expect(b).toEqual(a);
  }
});

test('the rate rises, stays, and decays to its floor', () => {
  const schedule = { rate: 2, warmup: 4 };
  expect(rateAt(schedule, 0, 0)).toBe(0.5);
  expect(rateAt(schedule, 4, 100)).toBe(2);
  expect(endOfSchedule(schedule)).toBe(Infinity);
  expect(rateAt({ ...schedule, inverseBytes: 100 }, 9, 300)).toBe(1);
  const decaying = { ...schedule, decay: { fromBytes: 1000, bytes: 100, floor: 0.02 } };
  expect(rateAt(decaying, 9, 1000)).toBe(2);
  expect(rateAt(decaying, 9, 1050)).toBeCloseTo(1.02);
  expect(rateAt(decaying, 9, 1100)).toBeCloseTo(0.04);
  expect(endOfSchedule(decaying)).toBe(1100);
});
