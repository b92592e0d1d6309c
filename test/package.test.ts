import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface PackedFile {
  path: string;
}

/** npm as a user runs it: nothing of this project's test run in its environment. */
function npm(args: string[], cwd: string): string {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_|^NODE_ENV$/.test(key)),
  );
  return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('the package', () => {
  let folder: string;
  let files: string[];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lmz-package-'));
    const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root)) as [
      { filename: string; files: PackedFile[] },
    ];
    files = packed.files.map(({ path }) => path);
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"name":"empty","private":true,"type":"module"}');
    npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, packed.filename)], project);
  }, 300_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('holds only what a user needs', () => {
    const expected =
      /^(dist\/[\w/.-]+\.(js|d\.ts)|dist\/kernel\/\w+\.wasm|models\/[\w.-]+\.(onnx|md)|spec\/lmz-format\.md|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;
    expect(files.filter((file) => !expected.test(file))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/index.js',
        'dist/index.d.ts',
        'dist/codec/worker.js',
        'dist/cli/main.js',
        'dist/train/command.js',
        'dist/bench/command.js',
      ]),
    );
    expect(files.some((file) => file.endsWith('.onnx'))).toBe(true);
  });

  test('round-trips in an empty project, install scripts skipped: library, types and command', () => {
    const project = join(folder, 'project');
    writeFileSync(
      join(project, 'use.mjs'),
      `import { compress, decompress } from 'lmz';
       const text = 'one fish, two fish, red fish, blue fish\\n'.repeat(50);
       const packed = await compress(text);
       console.log(packed.length < text.length, new TextDecoder().decode(await decompress(packed)) === text);`,
    );
    expect(execFileSync(process.execPath, ['use.mjs'], { cwd: project, encoding: 'utf8' })).toBe(
      'true true\n',
    );

    const lmz = join(project, 'node_modules/.bin/lmz');
    writeFileSync(join(project, 'a.txt'), 'a text of some length, a text of some length\n');
    execFileSync(lmz, ['-q', 'a.txt'], { cwd: project });
    expect(execFileSync(lmz, ['-dc', 'a.txt.lmz'], { cwd: project, encoding: 'utf8' })).toBe(
      readFileSync(join(project, 'a.txt'), 'utf8'),
    );

    // The declarations must stand on their own: a consumer with strict settings and Node's types.
    writeFileSync(
      join(project, 'use.ts'),
      `import { type EncodeOptions, lmzEncode, openLmz } from 'lmz';
       const options: EncodeOptions = { lanes: 4 };
       lmzEncode(options).on('progress', () => undefined);
       const reader = await openLmz(new Uint8Array(0));
       const size: number = reader.size;
       export { size };`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const types = join(root, 'node_modules/@types');
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      'node',
      '--typeRoots',
      types,
    ];
    execFileSync(process.execPath, [tsc, ...flags, 'use.ts'], { cwd: project, stdio: 'inherit' });
  }, 120_000);
});
