/**
 * How much is tried: little by default, much with SLOW=1 in the environment.
 *
 * @module
 */

/** Whether the long form of the tests was asked for. */
export const SLOW = process.env['SLOW'] === '1';

/** Options of a fast-check property that runs `count` times, and twenty times as often with SLOW=1. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: SLOW ? 20 * count : count };
}
