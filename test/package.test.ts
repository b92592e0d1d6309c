import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './documentation/documents.ts';
import { NETWORK_COMMANDS } from './documentation/short-forms.ts';

/** What `npm pack --json` says of the package. */
interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly integrity: string;
  readonly files: readonly { readonly path: string }[];
}

/** Runs a command as a user does: nothing of this project's test run in its environment. */
async function shell(command: string, cwd: string, extra: Record<string, string> = {}): Promise<string> {
  const clean = Object.entries(process.env).filter(([key]) => !/^npm_|^NODE_ENV$/.test(key));
  const run = promisify(execFile)('bash', ['-c', command], {
    cwd,
    env: { ...Object.fromEntries(clean), ...extra },
  });
  run.child.stdin!.end();
  return (await run).stdout;
}

/** A registry that has the package; for all others it sends to the one that npm uses here. */
async function startRegistry(packed: Packed, folder: string): Promise<Server> {
  const { name, version, filename, integrity } = packed;
  const others = (await shell('npm config get registry', folder)).trim().replace(/\/$/, '');
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as object;
  const server = createServer(({ url, headers }, response) => {
    if (url === `/${filename}`) {
      response.end(readFileSync(join(folder, filename)));
    } else if (url === `/${name}`) {
      const dist = { tarball: `http://${headers.host!}/${filename}`, integrity };
      const versions = { [version]: { ...manifest, dist } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else {
      response.writeHead(302, { location: `${others}${url!}` }).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('the package', () => {
  let folder: string;
  let files: string[];
  let registry: Server;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lmz-package-'));
    const json = await shell(`npm pack --json --pack-destination '${folder}'`, ROOT);
    const [packed] = JSON.parse(json) as [Packed];
    files = packed.files.map(({ path }) => path);
    registry = await startRegistry(packed, folder);
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"name":"empty","private":true,"type":"module"}');
    const { port } = registry.address() as AddressInfo;
    const env = {
      npm_config_registry: `http://127.0.0.1:${port}/`,
      // What onnxruntime-node's script would download is no part of the package.
      ONNXRUNTIME_NODE_INSTALL: 'skip',
    };
    for (const command of NETWORK_COMMANDS) await shell(command, project, env);
  }, 300_000);
  afterAll(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('was installed by the commands of README.md', () => {
    expect(NETWORK_COMMANDS).toEqual(expect.arrayContaining(['npm install lmz', 'npx lmz']));
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'project/package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies).sort()).toEqual(['lmz', 'onnxruntime-web']);
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

  test('round-trips in an empty project: library, types and command', () => {
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
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const types = join(ROOT, 'node_modules/@types');
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
