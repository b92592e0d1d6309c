import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { compress, decompress, loadModel, openLmz, readInfo } from '../../src/index.ts';
import { crc32 } from '../../src/digest.ts';
import { randomBytes } from '../mix/samples.ts';
import { fixtureModel, MODEL_FOLDER } from '../support/models.ts';
import { endOf, outcome } from '../support/outcome.ts';
import { decodeByIndex, decodeByStream } from '../support/routes.ts';
import { regionsOf, sectionsOf, u32 } from '../support/sections.ts';

const order1 = fixtureModel('good-order1-256');
const ascii = fixtureModel('good-ascii-128');
const bound = fixtureModel('platform-bound-float');
const content = new TextEncoder().encode('In which a model is chosen, and chosen well. ');

/** Codes of all routes. */
async function codes(file: Uint8Array, options: Parameters<typeof decompress>[1]) {
  const { error } = await decodeByStream([file], options);
  return [
    await outcome(() => decompress(file, options)),
    endOf(error),
    await outcome(() => decodeByIndex(file, options)),
  ];
}
const all = (code: string) => [code, code, code];

const folder = mkdtempSync(join(tmpdir(), 'lmz-models-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  delete process.env['LMZ_MODEL_PATH'];
});

describe('the model of a file', () => {
  it('is needed: without it, LMZ_MODEL_NOT_FOUND', async () => {
    const file = await compress(content, { mode: 'lm', model: order1 });
    expect(await codes(file, {})).toEqual(all('LMZ_MODEL_NOT_FOUND'));
  });

  it('is that one and no other: LMZ_MODEL_MISMATCH', async () => {
    const file = await compress(content, { mode: 'lm', model: order1 });
    expect(await codes(file, { model: ascii })).toEqual(all('LMZ_MODEL_MISMATCH'));
    expect(await codes(file, { model: loadModel(ascii) })).toEqual(all('LMZ_MODEL_MISMATCH'));
    const changed = order1.slice();
    changed[changed.length >> 1] ^= 1;
    expect(await codes(file, { model: changed })).toEqual(all('LMZ_MODEL_MISMATCH'));
    // The built-in model, by its name.
    expect(await codes(file, { model: 'order2' })).toEqual(all('LMZ_MODEL_MISMATCH'));
  });

  it('that is given but not there is LMZ_MODEL_NOT_FOUND', async () => {
    const file = await compress(content, { mode: 'lm', model: order1 });
    for (const model of ['no-such-model', '/nonexistent/model.onnx', '0'.repeat(64)]) {
      expect(await codes(file, { model })).toEqual(all('LMZ_MODEL_NOT_FOUND'));
      expect(await outcome(() => compress(content, { model }))).toBe('LMZ_MODEL_NOT_FOUND');
    }
  });

  it('may be given as bytes, loaded, by path, or by name or hash in LMZ_MODEL_PATH', async () => {
    const path = join(folder, 'little.onnx');
    cpSync(`${MODEL_FOLDER}good-order1-256.onnx`, path);
    process.env['LMZ_MODEL_PATH'] = `/nonexistent:${folder}`;
    const hash = Buffer.from(loadModel(order1).hash).toString('hex');
    const file = await compress(content, { mode: 'lm', model: order1 });
    for (const model of [order1, loadModel(order1), path, 'little', hash]) {
      expect(await compress(content, { mode: 'lm', model })).toEqual(file);
      expect(await decompress(file, { model })).toEqual(content);
    }
  });

  it('is found by its hash in LMZ_MODEL_PATH, whatever its name and whatever other model was given', async () => {
    cpSync(`${MODEL_FOLDER}good-ascii-128.onnx`, join(folder, 'renamed.onnx'));
    const file = await compress(content, { mode: 'lm', model: ascii });
    expect(await codes(file, {})).toEqual(all('LMZ_MODEL_NOT_FOUND'));
    process.env['LMZ_MODEL_PATH'] = folder;
    expect(await codes(file, {})).toEqual(all('ok'));
    expect(await codes(file, { model: order1 })).toEqual(all('ok'));
  });

  it('is not needed where nothing is coded', async () => {
    const noise = randomBytes(9000);
    const file = await compress(noise, { model: order1, mode: 'auto' });
    const info = await readInfo(file);
    expect(info.members[0].modelHash).toBeUndefined();
    expect(info.members[0].frames.map(({ type }) => type)).toEqual(['stored']);
    expect(await codes(file, {})).toEqual(all('ok'));
    // Of several chunks, a later one might have used it: the header is written before that is known.
    const several = await compress(noise, { model: order1, chunkSize: 4096 });
    const [{ modelHash, frames }] = (await readInfo(several)).members;
    expect(modelHash).toBe(Buffer.from(loadModel(order1).hash).toString('hex'));
    expect(frames.map(({ type }) => type)).toEqual(['stored', 'stored', 'stored']);
    expect(await codes(several, {})).toEqual(all('ok'));
    expect(await decompress(await compress('', { model: order1 }))).toEqual(new Uint8Array(0));
  });

  it.each(['bad-not-onnx', 'bad-truncated', 'bad-missing-metadata', 'bad-external-data', 'bad-subgraph'])(
    'is refused when encoding if it is %s: LMZ_MODEL_INVALID',
    async (name) => {
      expect(await outcome(() => compress(content, { mode: 'lm', model: fixtureModel(name) }))).toBe(
        'LMZ_MODEL_INVALID',
      );
    },
  );

  it.each(['inexact-exp', 'inexact-accumulation', 'inexact-int8-saturates'])(
    'is refused when encoding if it is %s: LMZ_MODEL_NOT_EXACT',
    async (name) => {
      expect(await outcome(() => compress(content, { mode: 'lm', model: fixtureModel(name) }))).toBe(
        'LMZ_MODEL_NOT_EXACT',
      );
    },
  );
});

describe('an embedded model', () => {
  it('decodes without anything, and whatever other model is given', async () => {
    const file = await compress(content, { mode: 'lm', model: order1, embedModel: true });
    expect((await readInfo(file)).members[0].embeddedModel).toBe(true);
    expect(await codes(file, {})).toEqual(all('ok'));
    expect(await codes(file, { model: ascii })).toEqual(all('ok'));
    expect(await decompress(file)).toEqual(content);
  });

  it('whose hash is not the one of the header is LMZ_MODEL_MISMATCH, even if the right one is given', async () => {
    const file = await compress(content, { mode: 'lm', model: order1, embedModel: true });
    const { start, end } = regionsOf(file).find(
      ({ section, field }) => section === 'model' && field === 'payload',
    )!;
    const changed = file.slice();
    changed[(start + end) >> 1] ^= 1;
    expect(await codes(changed, {})).toEqual(all('LMZ_MODEL_MISMATCH'));
    expect(await codes(changed, { model: order1 })).toEqual(all('LMZ_MODEL_MISMATCH'));
  });

  it('serves random access, read once for several reads', async () => {
    const file = await compress(content, { mode: 'lm', model: order1, embedModel: true, chunkSize: 10 });
    const reader = await openLmz(file);
    const parts = await Promise.all([0, 10, 20, 30].map((offset) => reader.read(offset, 10)));
    expect(parts.map((part) => new TextDecoder().decode(part)).join('')).toBe(
      new TextDecoder().decode(content.subarray(0, 40)),
    );
    await reader.close();
  });
});

describe('a model that is not exact', () => {
  const options = { mode: 'lm', model: bound, platformBound: true } as const;

  it('is refused unless platformBound is said', async () => {
    // Its logits are float32, which the contract of exact models does not know.
    expect(await outcome(() => compress(content, { mode: 'lm', model: bound }))).toBe('LMZ_MODEL_INVALID');
    const inexact = fixtureModel('inexact-exp');
    expect(await outcome(() => compress(content, { mode: 'lm', model: inexact }))).toBe(
      'LMZ_MODEL_NOT_EXACT',
    );
  });

  it('is refused unless platformBound is said, even where it comes loaded', async () => {
    const model = loadModel(bound, { platformBound: true });
    const inexact = loadModel(fixtureModel('inexact-exp'), { platformBound: true });
    expect(await outcome(() => compress(content, { mode: 'lm', model }))).toBe('LMZ_MODEL_INVALID');
    expect(await outcome(() => compress(content, { mode: 'lm', model: inexact }))).toBe(
      'LMZ_MODEL_NOT_EXACT',
    );
    expect(await outcome(() => compress(content, { mode: 'lm', model, platformBound: true }))).toBe('ok');
  });

  it('goes there and back with platformBound, by every route, and says so', async () => {
    for (const lanes of [1, 3]) {
      const file = await compress(content, { ...options, lanes, chunkSize: 20 });
      expect(await decompress(file, { model: bound, platformBound: true })).toEqual(content);
      expect(await codes(file, { model: bound, platformBound: true })).toEqual(all('ok'));
      // The file says that it is bound, and its owner gave the model: nothing more has to be said.
      expect(await codes(file, { model: bound })).toEqual(all('ok'));
      const { platformBound } = (await readInfo(file)).members[0];
      expect(platformBound?.lanes).toBe(lanes);
      expect(platformBound?.runtime).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ /);
    }
  });

  it('binds nothing where the model is exact after all', async () => {
    const file = await compress(content, { mode: 'lm', model: order1, platformBound: true });
    expect(file).toEqual(await compress(content, { mode: 'lm', model: order1 }));
  });

  it('with another fingerprint is LMZ_FINGERPRINT', async () => {
    const file = await compress(content, options);
    const [header] = sectionsOf(file);
    const { start } = regionsOf(file).find(({ section, field }) => section === 'header' && field === 'body')!;
    for (const bit of [0, 255]) {
      const changed = file.slice();
      // After flags, chunk size (4 bytes: 4 MiB), model hash and lanes.
      changed[start + 1 + 4 + 32 + 1 + (bit >> 3)] ^= 1 << (bit & 7);
      changed.set(u32(crc32(changed.subarray(0, header.length - 4))), header.length - 4);
      expect((await readInfo(changed)).members[0].platformBound).toBeDefined();
      expect(await codes(changed, { model: bound, platformBound: true })).toEqual(all('LMZ_FINGERPRINT'));
    }
  });

  it('in the file itself is trusted only where that is said', async () => {
    const file = await compress(content, { ...options, embedModel: true });
    expect(await codes(file, {})).toEqual(all('LMZ_MODEL_NOT_EXACT'));
    expect(await codes(file, { model: bound })).toEqual(all('LMZ_MODEL_NOT_EXACT'));
    expect(await codes(file, { platformBound: true })).toEqual(all('ok'));
  });
});

describe('engines', () => {
  it.each([
    'good-order1-256',
    'good-ascii-128',
    'good-recurrent-float32',
    'good-recurrent-int8',
    'good-sequence',
    'good-context',
    'good-hash',
    'good-accumulation',
  ])('node and web write the same bytes and read each other (%s)', async (name) => {
    const model = fixtureModel(name);
    for (const lanes of [1, 3]) {
      const base = { mode: 'lm', model, lanes, chunkSize: 40 } as const;
      const node = await compress(content, { ...base, engine: 'node' });
      const web = await compress(content, { ...base, engine: 'web' });
      expect(web).toEqual(node);
      expect(await compress(content, { ...base, engine: 'auto' })).toEqual(node);
      expect(await decompress(node, { model, engine: 'web' })).toEqual(content);
      expect(await decompress(web, { model, engine: 'node' })).toEqual(content);
    }
  });
});
