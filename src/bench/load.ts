/**
 * What else the machine was doing: speeds mean little without it.
 *
 * @module
 */
import { availableParallelism, loadavg } from 'node:os';

/** One sentence. */
export function describeLoad(): string {
  const [, five] = loadavg();
  return `Load average over five minutes at the end: ${five.toFixed(1)}, on ${availableParallelism()} cores; ${five > 1.5 * availableParallelism() ? 'the machine was busy with other work, and alone it would be faster' : 'little else ran'}.`;
}
