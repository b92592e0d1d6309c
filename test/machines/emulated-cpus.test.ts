import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecurrentConfig } from '../../src/train/recurrent.ts';
import { randomModel } from '../model/recurrent/networks.ts';
import { TINY } from '../train/tiny.ts';
import { loadModel } from '../../src/model/load.ts';
import { makeReference, type Reference } from '../../src/train/reference.ts';
import { exportTransformer } from '../../src/train/transformer-export.ts';
import { SLOW } from '../support/runs.ts';
import { randomTransformer, TINY_TRANSFORMER } from '../support/transformers.ts';

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
  }, 600_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('the native run decodes its own files', () => {
    expect(Object.keys(native.results)).toHaveLength(10 * LANES.length);
    for (const { decoded } of Object.values(native.results)) expect(decoded).toBe(native.text);
  });

  test.each(CPUS)(
    '%s writes the same bytes, and decodes the files of this machine',
    (cpu) => {
      expect(JSON.parse(run(cpu, [script, folder, ...LANES]))).toEqual(native);
    },
    1_200_000,
  );

  test.each(CPUS)(
    '%s computes the reference logits of the models of models/ and of two Transformers',
    async (cpu) => {
      const paths = readdirSync(models)
        .filter((name) => name.endsWith('.reference.json'))
        .map((name) => fileURLToPath(new URL(name.replace(/\.reference\.json$/, ''), models)));
      for (const positions of ['sinusoidal', 'rotary'] as const)
        paths.push(await writeTransformer(positions));
      const stored = paths.map((path) => {
        const content = JSON.parse(readFileSync(`${path}.reference.json`, 'utf8')) as Reference;
        const { logitsSha256, lastLogits } = content;
        return [path, { logitsSha256, lastLogits }];
      });
      expect(JSON.parse(run(cpu, [references, ...paths]))).toEqual(Object.fromEntries(stored));
    },
    1_800_000,
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
    600_000,
  );

  /** A random Transformer of the thesis' width with its reference, made byte by byte on this machine. */
  async function writeTransformer(positions: 'sinusoidal' | 'rotary'): Promise<string> {
    const config = { ...TINY_TRANSFORMER, width: 64, heads: 8, widening: 4, context: 128, positions };
    const file = exportTransformer(randomTransformer(config, 11, 0.2), { 'lmz.name': positions });
    const tokens = Array.from({ length: 200 }, (_, i) => (i * 167 + (i >> 3) * 13) & 255);
    const path = join(folder, positions);
    writeFileSync(`${path}.onnx`, file);
    writeFileSync(`${path}.reference.json`, JSON.stringify(await makeReference(loadModel(file), tokens)));
    return path;
  }

  test('Haswell really is another machine: int8 weights that saturate give other logits there', () => {
    const args = [logitsDigest, fixture('inexact-int8-saturates'), '1', '8'];
    expect(run('Haswell', args)).not.toBe(run(undefined, args));
  }, 300_000);

  test('Nehalem really is another machine: an ordinary float network gives other logits there', () => {
    const args = [logitsDigest, fixture('platform-bound-float'), '1', '24'];
    expect(run('Nehalem', args)).not.toBe(run(undefined, args));
  }, 300_000);
});
