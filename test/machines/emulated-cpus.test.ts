import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecurrentConfig } from '../../src/train/recurrent.ts';
import { randomModel } from '../model/recurrent/networks.ts';
import { TINY } from '../train/tiny.ts';
import { exportTransformer } from '../../src/train/transformer-export.ts';
import { HAS_QEMU, QEMU } from '../support/programs.ts';
import { SLOW } from '../support/runs.ts';
import { randomTransformer, TINY_TRANSFORMER } from '../support/transformers.ts';

const CPUS = ['Nehalem', 'Haswell'];
/** Of round-trips.mjs: the text's size, and lanes for every case; else each has a number of its own. */
const ROUND_TRIPS = SLOW ? ['600', '1', '3', '16'] : ['300'];
/** Of the references' tokens: that this machine computes the references themselves is for test/models. */
const TOKENS = SLOW ? '1000000' : '64';
/** Models that have another's operators and are slower: what they add is only size. */
const LARGE = ['default'];

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

/** What a script prints under an emulated processor, or on this one. */
async function run(cpu: string | undefined, args: string[]): Promise<string> {
  const [command, all] = cpu ? [QEMU, ['-cpu', cpu, process.execPath, ...args]] : [process.execPath, args];
  return (await promisify(execFile)(command, all)).stdout;
}

async function here(args: string[]): Promise<{ args: string[]; printed: string }> {
  return { args, printed: await run(undefined, args) };
}

describe.skipIf(!HAS_QEMU)('other processors (qemu-user)', () => {
  let folder: string;
  let native: Report;
  /** Arguments of the scripts that compute logits, and what they print on this machine. */
  let ofModels: { args: string[]; printed: string };
  let ofKernel: { args: string[]; printed: string };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lmz-emulated-'));
    native = JSON.parse(await run(undefined, [script, folder, ...ROUND_TRIPS])) as Report;
    // Models with references beside them: those of models/, and two Transformers with tokens alone.
    const referenced = readdirSync(models)
      .flatMap((name) => /^(.*)\.reference\.json$/.exec(name)?.[1] ?? [])
      .filter((name) => SLOW || !LARGE.includes(name))
      .map((name) => fileURLToPath(new URL(name, models)));
    for (const positions of ['sinusoidal', 'rotary'] as const) referenced.push(writeTransformer(positions));
    ofModels = await here([references, TOKENS, ...referenced]);
    const networks = NETWORKS.map((config, i) => {
      const path = join(folder, `network-${i}.onnx`);
      writeFileSync(path, randomModel(config, 11));
      return path;
    });
    const transformers = ['sinusoidal', 'rotary'].map((positions) => join(folder, `${positions}.onnx`));
    ofKernel = await here([kernelLogits, '2', ...networks, ...transformers]);
  }, 120_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('the native run decodes its own files', () => {
    expect(Object.keys(native.results)).toHaveLength(10 * Math.max(1, ROUND_TRIPS.length - 1));
    for (const { decoded } of Object.values(native.results)) expect(decoded).toBe(native.text);
  });

  test.concurrent.each(CPUS)(
    '%s writes the same bytes, and decodes the files of this machine',
    async (cpu) => {
      expect(JSON.parse(await run(cpu, [script, folder, ...ROUND_TRIPS]))).toEqual(native);
    },
    300_000,
  );

  test.concurrent.each(CPUS)(
    '%s computes the same logits of the models of models/ and of two Transformers',
    async (cpu) => {
      expect(await run(cpu, ofModels.args)).toBe(ofModels.printed);
    },
    600_000,
  );

  test.concurrent.each(CPUS)(
    '%s: the kernels give the same logits',
    async (cpu) => {
      expect(await run(cpu, ofKernel.args)).toBe(ofKernel.printed);
    },
    120_000,
  );

  /** A random Transformer of the thesis' width, and tokens for it. */
  function writeTransformer(positions: 'sinusoidal' | 'rotary'): string {
    const config = { ...TINY_TRANSFORMER, width: 64, heads: 8, widening: 4, context: 128, positions };
    const path = join(folder, positions);
    writeFileSync(
      `${path}.onnx`,
      exportTransformer(randomTransformer(config, 11, 0.2), { 'lmz.name': positions }),
    );
    const tokens = Array.from({ length: 200 }, (_, i) => (i * 167 + (i >> 3) * 13) & 255);
    writeFileSync(`${path}.reference.json`, JSON.stringify({ tokens }));
    return path;
  }

  test.concurrent.each([
    ['Haswell', 'int8 weights that saturate give', 'inexact-int8-saturates', '8'],
    ['Nehalem', 'an ordinary float network gives', 'platform-bound-float', '24'],
  ])(
    '%s really is another machine: %s other logits there',
    async (cpu, _what, model, steps) => {
      const { args, printed } = await here([logitsDigest, fixture(model), '1', steps]);
      expect(await run(cpu, args)).not.toBe(printed);
    },
    60_000,
  );
});
