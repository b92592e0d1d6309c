import { expect, test } from 'vitest';
import { FrameAdmission } from '../../src/codec/limits.ts';

test('frames in work: one more than threads, while memory for the largest of all members lasts', () => {
  const frames = new FrameAdmission({ threads: 3, memoryLimit: 1000 });
  expect(frames.jobs).toBe(4);
  frames.admit(400, 'a frame of the first member', 0);
  frames.admit(10, 'a frame of the second', 500);
  expect(frames.jobs).toBe(2);
  expect(() => {
    frames.admit(1001, 'a frame', 600);
  }).toThrow(expect.objectContaining({ code: 'LMZ_MEMORY_LIMIT', offset: 600 }));
  frames.admit(1000, 'a frame', 600);
  expect(frames.jobs).toBe(1);
});
