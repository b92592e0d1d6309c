/**
 * What an operation ended with, as plain data that tests compare.
 *
 * @module
 */
import { LmzError, type LmzErrorCode } from '../../src/index.ts';

/** The code of an LmzError; anything else that was thrown is thrown again: it is never what a test expects. */
export function codeOf(error: unknown): LmzErrorCode {
  if (error instanceof LmzError) return error.code;
  throw error;
}

/** The code of what a stream ended with: 'ok' where that is no error. */
export function endOf(error: unknown): LmzErrorCode | 'ok' {
  return error === undefined ? 'ok' : codeOf(error);
}

/** The code that `work` fails with, or 'ok'. */
export async function outcome(work: () => Promise<unknown>): Promise<LmzErrorCode | 'ok'> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    return codeOf(error);
  }
}

/**
 * Largest number of bytes that one `new Uint8Array(n)` of this thread asked for while `work` ran. Nothing is averaged
 * or sampled, so that even an allocation that fails, or is never touched, counts.
 */
export async function largestAllocation(work: () => Promise<unknown>): Promise<number> {
  const original = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args: unknown[], newTarget: unknown) {
      const size = args[0] instanceof ArrayBuffer ? args[0].byteLength : args[0];
      if (typeof size === 'number') largest = Math.max(largest, size);
      const made: unknown = Reflect.construct(
        target,
        args,
        newTarget === globalThis.Uint8Array ? target : (newTarget as never),
      );
      return made as Uint8Array;
    },
  });
  try {
    await work();
  } finally {
    globalThis.Uint8Array = original;
  }
  return largest;
}
