/**
 * Catching coded errors.
 *
 * @module
 */
import { LmzError, type LmzErrorCode } from '../../src/errors.ts';

/** The coded error that `run` throws; anything else fails the test. */
export function coded(run: () => unknown): LmzError {
  try {
    run();
  } catch (error) {
    if (error instanceof LmzError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The same for promises. */
export async function codedAsync(run: () => Promise<unknown>): Promise<LmzError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof LmzError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** `code: message`, so that one expectation checks both. */
export function summary(error: { code: LmzErrorCode; message: string }): string {
  return `${error.code}: ${error.message}`;
}
