/** What programs write into the documents is what they would write today. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from './documents.ts';

const node = (args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT });

test('README.md: results, help, error codes (else: npm run readme)', async () => {
  await node(['tools/readme.mjs', '--check']);
});

test('docs/api.md: the docstrings (else: npm run docs)', async () => {
  mkdirSync(join(ROOT, 'tmp'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'tmp/api-'));
  try {
    await node(['node_modules/typedoc/bin/typedoc', '--out', folder]);
    const read = (path: string) => readFileSync(path, 'utf8');
    expect(read(join(ROOT, 'docs/api.md'))).toBe(read(join(folder, 'api.md')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 240_000);
