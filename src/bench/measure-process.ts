/**
 * Runs measurements in processes of their own.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Job, Measured } from './measure.ts';

const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/bench/measure-main.js' : './measure-main.js',
  import.meta.url,
);

/**
 * Measures in a process.
 *
 * @throws Error with the last line that the process complained of
 */
export async function measureInProcess(job: Job, signal?: AbortSignal): Promise<Measured> {
  const child = spawn(process.execPath, [fileURLToPath(MAIN), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal !== undefined && { signal }),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (status === 0) return JSON.parse(stdout) as Measured;
  const reason = /^\w*Error.*$/m.exec(stderr)?.[0] ?? stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(reason === '' ? `the measuring process ended with ${status ?? 'a signal'}` : reason);
}
