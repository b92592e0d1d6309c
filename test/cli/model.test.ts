import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { lmz, test } from './harness.ts';

const ORDER2 = fileURLToPath(new URL('../../models/order2.onnx', import.meta.url));

test('info tells what the built-in model is', async ({ dir }) => {
  const { status, stdout, stderr } = await lmz(['model', 'info', 'order2', '--json'], { cwd: dir });
  const sha256 = createHash('sha256')
    .update(await readFile(ORDER2))
    .digest('hex');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout.toString())).toMatchObject({ name: 'order2', sha256, alphabet: 256, contract: 1 });
  const table = await lmz(['model', 'info', ORDER2], { cwd: dir });
  expect(table.stdout.toString()).toMatch(new RegExp(`^sha256 +${sha256}$`, 'm'));
});

test('audit proves it exact', async ({ dir }) => {
  const { status, stdout } = await lmz(['model', 'audit', 'order2'], { cwd: dir });
  expect(status).toBe(0);
  expect(stdout.toString()).toContain('exact; all ');
  const json = await lmz(['model', 'audit', '--json', 'order2'], { cwd: dir });
  expect(JSON.parse(json.stdout.toString())).toMatchObject({ exact: true });
});

test('what is no model is refused, for people and for programs', async ({ dir }) => {
  await writeFile(join(dir, 'x.onnx'), 'this is no model');
  const people = await lmz(['model', 'audit', 'x.onnx'], { cwd: dir });
  expect(people).toMatchObject({ status: 1, stdout: Buffer.alloc(0) });
  expect(people.stderr).toMatch(/^lmz: x\.onnx: .*\(LMZ_MODEL_INVALID/);
  const programs = await lmz(['model', 'audit', 'x.onnx', '--json'], { cwd: dir });
  expect(programs.status).toBe(1);
  expect(JSON.parse(programs.stdout.toString())).toMatchObject({
    exact: false,
    error: { code: 'LMZ_MODEL_INVALID' },
  });
});
