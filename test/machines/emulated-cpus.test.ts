import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecurrentConfig } from '../../src/train/recurrent.ts';
import { randomModel } from '../model/recurrent/networks.ts';
import { SLOW } from '../support/runs.ts';
import { TINY } from '../train/tiny.ts';

// Debian's qemu-user. Without it there is nothing to emulate with, which the skipped tests say.
const QEMU = 'qemu-x86_64';
const hasQemu = process.platform === 'linux' && process.arch === 'x64' && canRun(QEMU, ['--version']);
const CPUS = ['Nehalem', 'Haswell'];
const LANES = SLOW ? ['1', '3', '16'] : ['1', '3'];

const script = fileURLToPath(new URL('round-trips.mjs', import.meta.url));
const logitsDigest = fileURLToPath(new URL('../../fixtures/logits-digest.mjs', import.meta.url));
const references = fileURLToPath(new URL('references.mjs', import.meta.url));
const models = new URL('../../models/', import.meta.url);
const kernelLogits = fileURLToPath(new URL('kernel-logits.mjs', import.meta.url));
/** With and without padding of every size. */
const NETWORKS: readonly RecurrentConfig[] = [
  TINY,
  { ...TINY, units: 64, width: 32, hidden: 32 },
  { ...TINY, cell: 'minimal', units: 33, width: 9, hidden: 0 },
];
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/models/${name}.onnx`, import.meta.url));

interface Report {
  text: string;
  results: Record<string, { encoded: string; decoded: string }>;
}

function canRun(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function run(cpu: string | undefined, args: string[]): string {
  const [command, all] = cpu ? [QEMU, ['-cpu', cpu, process.execPath, ...args]] : [process.execPath, args];
  return execFileSync(command, all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

describe.skipIf(!hasQemu)('other processors (qemu-user)', () => {
  let folder: string;
  let native: Report;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lmz-emulated-'));
    native = JSON.parse(run(undefined, [script, folder, ...LANES])) as Report;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('the native run decodes its own files', () => {
    expect(Object.keys(native.results)).toHaveLength(9 * LANES.length);
    for (const { decoded } of Object.values(native.results)) expect(decoded).toBe(native.text);
  });

  test.each(CPUS)(
    '%s writes the same bytes, and decodes the files of this machine',
    (cpu) => {
      expect(JSON.parse(run(cpu, [script, folder, ...LANES]))).toEqual(native);
    },
    300_000,
  );

  test.each(CPUS)(
    '%s computes the stored reference logits of every model of models/',
    (cpu) => {
      const stored: Record<string, { logitsSha256: string; lastLogits: number[] }> = {};
      for (const file of readdirSync(models).filter((name) => name.endsWith('.reference.json'))) {
        const content = JSON.parse(readFileSync(new URL(file, models), 'utf8')) as (typeof stored)[string];
        const { logitsSha256, lastLogits } = content;
        stored[file.replace(/\.reference\.json$/, '')] = { logitsSha256, lastLogits };
      }
      expect(JSON.parse(run(cpu, [references, ...Object.keys(stored)]))).toEqual(stored);
    },
    600_000,
  );

  test.each(CPUS)(
    '%s: the kernel gives the same logits',
    (cpu) => {
      const paths = NETWORKS.map((config, i) => {
        const path = join(folder, `network-${i}.onnx`);
        writeFileSync(path, randomModel(config, 11));
        return path;
      });
      const args = [kernelLogits, '2', ...paths];
      expect(run(cpu, args)).toBe(run(undefined, args));
    },
    120_000,
  );

  test('Haswell really is another machine: int8 weights that saturate give other logits there', () => {
    const args = [logitsDigest, fixture('inexact-int8-saturates'), '1', '8'];
    expect(run('Haswell', args)).not.toBe(run(undefined, args));
  }, 60_000);

  test('Nehalem really is another machine: an ordinary float network gives other logits there', () => {
    const args = [logitsDigest, fixture('platform-bound-float'), '1', '24'];
    expect(run('Nehalem', args)).not.toBe(run(undefined, args));
  }, 60_000);
});
