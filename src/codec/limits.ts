/**
 * What decoding may cost its caller (spec/lmz-format.md, section 10).
 *
 * @module
 */
import type { Frame } from '../container/frame.ts';
import { LmzError } from '../errors.ts';

/** Bytes of memory that a frame takes while it is decoded: its payload, and the content where that is another array. */
export function frameMemory(frame: Frame): number {
  return frame.type === 'coded' ? frame.rawSize + frame.payloadSize : frame.payloadSize;
}

/** The same for an index, whose entries are read into objects. */
export function indexMemory(bodySize: number): number {
  return 4 * bodySize;
}

/** @throws LmzError LMZ_MEMORY_LIMIT */
export function requireMemory(bytes: number, limit: number, what: string, offset: number): void {
  if (bytes <= limit) return;
  throw new LmzError(
    'LMZ_MEMORY_LIMIT',
    `${what} needs ${bytes} bytes of memory, past the limit of ${limit}`,
    {
      offset,
      hint: 'If you trust the file, raise the limit: option memoryLimit, or -M.',
    },
  );
}

/** Frames that may be in work at once: one more than threads, while memory for the largest of them lasts. */
export function jobLimit(threads: number, memoryLimit: number, largest: number): number {
  return Math.max(1, Math.min(threads + 1, Math.floor(memoryLimit / largest)));
}
