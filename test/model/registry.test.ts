import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { sha256 } from '../../src/digest.ts';
import { listModels, modelFolders, resolveModel } from '../../src/model/registry.ts';
import { codedAsync, summary } from './errors.ts';
import { tableModel } from './models.ts';

let root: string;
let folders: string[];
const first = tableModel({ 'lmz.name': 'The First' });
const second = tableModel({ 'lmz.name': 'second-inside' });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lmz-models-'));
  folders = ['a', 'b', 'missing'].map((name) => join(root, name));
  for (const folder of folders.slice(0, 2)) await mkdir(folder);
  await writeFile(join(folders[0], 'one.onnx'), first);
  await writeFile(join(folders[0], 'broken.onnx'), 'no model');
  await writeFile(join(folders[0], 'notes.txt'), 'no model');
  await writeFile(join(folders[1], 'two.onnx'), second);
  await writeFile(join(folders[1], 'one.onnx'), second);
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

describe('resolveModel', () => {
  it.each<[string, string, string]>([
    ['a name, in the first folder that has it', 'one', 'a/one.onnx'],
    ['a name in a later folder', 'two', 'b/two.onnx'],
    ['the name inside', 'The First', 'a/one.onnx'],
    ['the name inside of several', 'second-inside', 'b/one.onnx'],
    ['a hash in hexadecimal', toHex(sha256(second)), 'b/one.onnx'],
    ['a hash in capitals', toHex(sha256(first)).toUpperCase(), 'a/one.onnx'],
  ])('finds %s', async (_, which, path) => {
    const found = await resolveModel(which, folders);
    expect(found.path).toBe(join(root, path));
    expect(toHex(found.hash)).toBe(toHex(sha256(found.bytes)));
    expect(found.size).toBe(found.bytes.length);
  });

  it('finds a hash in bytes, and a path without any folder', async () => {
    expect((await resolveModel(sha256(first), folders)).name).toBe('one');
    expect((await resolveModel(join(root, 'b', 'two.onnx'), [])).innerName).toBe('second-inside');
    expect((await resolveModel(join(root, 'a', 'broken.onnx'), [])).innerName).toBeUndefined();
  });

  it('sees a file that changed', async () => {
    const path = join(root, 'changing.onnx');
    await writeFile(path, first);
    expect(toHex((await resolveModel(path)).hash)).toBe(toHex(sha256(first)));
    await writeFile(path, second);
    expect(toHex((await resolveModel(path)).hash)).toBe(toHex(sha256(second)));
  });

  it('says where it looked', async () => {
    const hash = 'ab'.repeat(32);
    expect(summary(await codedAsync(() => resolveModel('three', folders)))).toBe(
      `LMZ_MODEL_NOT_FOUND: no model called "three" in ${folders.join(', ')}`,
    );
    expect(summary(await codedAsync(() => resolveModel(hash, folders)))).toBe(
      `LMZ_MODEL_NOT_FOUND: no model with the SHA-256 ${hash} in ${folders.join(', ')}`,
    );
    expect(summary(await codedAsync(() => resolveModel('./nowhere.onnx')))).toContain(
      `LMZ_MODEL_NOT_FOUND: the model ${resolve('nowhere.onnx')} cannot be read`,
    );
    await expect(resolveModel('')).rejects.toThrow(RangeError);
    await expect(resolveModel(new Uint8Array(31))).rejects.toThrow(RangeError);
  });
});

describe('folders', () => {
  it("are the package's own, then those of the environment", () => {
    expect(modelFolders({})).toEqual([resolve('models')]);
    expect(modelFolders({ LMZ_MODEL_PATH: ['/x', '', '/y'].join(delimiter) })).toEqual([
      resolve('models'),
      '/x',
      '/y',
    ]);
  });

  it('are listed with names and hashes', async () => {
    const files = await listModels(folders);
    expect(files.map(({ name, innerName }) => [name, innerName])).toEqual([
      ['broken', undefined],
      ['one', 'The First'],
      ['one', 'second-inside'],
      ['two', 'second-inside'],
    ]);
  });
});
