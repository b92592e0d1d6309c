/**
 * Runs the built program as its users do: as a process, in a folder of its own.
 *
 * @module
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test as base } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { compress } from '../../src/index.ts';

/** The program that `npm run build` makes. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** How a process ended, and what it said. */
export interface Ending {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

/** How to run it. */
export interface Options {
  cwd: string;
  input?: Uint8Array | string;
  env?: Record<string, string>;
  /** Run as this user and group (needs root). */
  uid?: number;
}

/** `test` with a scratch folder that is gone afterwards. */
export const test = base.extend<{ dir: string }>({
  // vitest reads the pattern to find what the fixture depends on.
  dir: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), 'lmz-cli-'));
    await use(dir);
    await rm(dir, { recursive: true, force: true });
  },
});

/** Starts `lmz`; its streams are pipes. */
export function start(args: readonly string[], options: Options): ChildProcessWithoutNullStreams {
  return spawnWith(process.execPath, [MAIN, ...args], options);
}

/** Runs `lmz` to its end. */
export function lmz(args: readonly string[], options: Options): Promise<Ending> {
  return ended(start(args, options), options.input);
}

/** Runs `lmz` in this process, without streams of its own to read from; quicker, for what is tried in many variants. */
export async function lmzHere(args: readonly string[]): Promise<{ status: number; stderr: string }> {
  const stderr = new PassThrough();
  const said = text(stderr);
  const status = await run(args, {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    debug: false,
  });
  stderr.end();
  return { status, stderr: await said };
}

/** The bytes as an lmz file, made quickly. */
export async function stored(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes, { mode: 'stored' });
}

/** Runs a line of shell, where `lmz` is the program. */
export function shell(line: string, options: Options): Promise<Ending> {
  const script = `lmz() { '${process.execPath}' '${MAIN}' "$@"; }\n${line}`;
  return ended(spawnWith('bash', ['-c', script], options), options.input);
}

/** Waits for a process. */
export function ended(
  child: ChildProcessWithoutNullStreams,
  input: Uint8Array | string = '',
): Promise<Ending> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      resolve({ status, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** Names in a folder, sorted, hidden ones included: nothing temporary may stay. */
export async function names(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

/** Waits until something is true. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain until ${what}`);
}

/** Text that no two tests need to agree on. */
export function sampleText(bytes: number): string {
  const sentence = 'The quick brown fox jumps over the lazy dog, and number ';
  let sample = '';
  for (let count = 1; sample.length < bytes; count++) sample += `${sentence}${count} is next.\n`;
  return sample.slice(0, bytes);
}

function spawnWith(
  program: string,
  args: readonly string[],
  options: Options,
): ChildProcessWithoutNullStreams {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, LMZ_DEBUG: '', ...options.env },
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  });
  // A program may end before it has read everything.
  child.stdin.on('error', () => undefined);
  return child;
}
