/**
 * Compressors that are programs: run on files in a scratch folder, their memory watched.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Availability, Compressor } from './compressor.ts';

/** Names in the scratch folder, which is the program's working directory. Short: some formats store them. */
const RAW = 'x';
const CODED = 'c';
const DECODED = 'y';
/** Milliseconds between two looks at a program's memory. */
const WATCH_INTERVAL = 5;

/** One run of a program: it reads and writes the files above, or writes what belongs in the output file to standard output. */
export interface Run {
  readonly args: readonly string[];
  readonly toStdout?: boolean;
  /** Name of the output file where the program insists on an extension. */
  readonly output?: string;
}

/** A compressor that is a program. */
export interface CommandSpec {
  readonly name: string;
  readonly label: string;
  readonly program: string;
  /** Arguments before those of every run: the script of an interpreter. */
  readonly prefix?: readonly string[];
  readonly encode: Run;
  readonly decode: Run;
  /** What prints the version, and the part of it that says so. */
  readonly versionArgs: readonly string[];
  readonly versionPattern: RegExp;
  readonly kind?: 'lmz';
  readonly modelBytes?: () => Promise<number>;
}

/** Largest resident memory of a running process, in bytes; undefined where the system does not tell (Linux does). */
function highWaterMark(pid: number): number | undefined {
  try {
    const match = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined;
  }
}

/** Runs a program on files; scratch files are gone after every call. */
export class CommandCompressor implements Compressor {
  readonly name: string;
  readonly kind;
  readonly label: string;
  readonly modelBytes?: () => Promise<number>;
  readonly #spec: CommandSpec;
  #peak: number | undefined;

  constructor(spec: CommandSpec) {
    this.#spec = spec;
    this.name = spec.name;
    this.label = spec.label;
    this.kind = spec.kind ?? ('command' as const);
    if (spec.modelBytes !== undefined) this.modelBytes = spec.modelBytes;
  }

  available(): Promise<Availability> {
    const { program, prefix = [], versionArgs, versionPattern } = this.#spec;
    const { error, stdout, stderr } = spawnSync(program, [...prefix, ...versionArgs], {
      encoding: 'utf8',
      input: '',
    });
    if (error !== undefined) return Promise.resolve({ missing: `no program ${program}` });
    const found: readonly string[] | null = versionPattern.exec(stdout + stderr);
    if (found === null) return Promise.resolve({ missing: `${program} does not tell its version` });
    return Promise.resolve({ version: found[1] });
  }

  compress(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#run(this.#spec.encode, RAW, this.#spec.encode.output ?? CODED, bytes);
  }

  decompress(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#run(this.#spec.decode, this.#spec.encode.output ?? CODED, DECODED, bytes);
  }

  peakMemory(): number | undefined {
    return this.#peak;
  }

  async #run(run: Run, input: string, output: string, bytes: Uint8Array): Promise<Uint8Array> {
    const folder = mkdtempSync(join(tmpdir(), 'lmz-bench-'));
    try {
      writeFileSync(join(folder, input), bytes);
      await this.#spawn(run, folder, output);
      return readFileSync(join(folder, output));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** @throws Error with what the program complained of */
  #spawn({ args, toStdout }: Run, folder: string, output: string): Promise<void> {
    const { program, prefix = [] } = this.#spec;
    const target = toStdout ? openSync(join(folder, output), 'w') : undefined;
    return new Promise<void>((resolve, reject) => {
      const child = spawn(program, [...prefix, ...args], {
        cwd: folder,
        stdio: ['ignore', target ?? 'ignore', 'pipe'],
      });
      let complaint = '';
      const look = (): void => {
        const mark = child.pid === undefined ? undefined : highWaterMark(child.pid);
        if (mark !== undefined) this.#peak = Math.max(this.#peak ?? 0, mark);
      };
      const watch = setInterval(look, WATCH_INTERVAL);
      child.stderr!.on('data', (piece: Buffer) => {
        complaint += piece.toString();
      });
      child.on('error', reject);
      child.on('close', (status) => {
        clearInterval(watch);
        if (status === 0) resolve();
        else reject(new Error(`${this.label} ended with ${status ?? 'a signal'}: ${complaint.trim()}`));
      });
    }).finally(() => {
      if (target !== undefined) closeSync(target);
    });
  }
}
