import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

/** Lowest first; a file imports from its own layer or from lower ones. */
const LAYERS = [
  ['errors.ts', 'bytes.ts', 'digest.ts'],
  ['entropy/'],
  ['mix/'],
  ['container/'],
  ['model/'],
  ['codec/'],
  ['index.ts'],
  ['terminal/'],
  ['train/', 'bench/', 'explain/', 'cli/'],
];
/** Packages that only one place may import, statically or dynamically. */
const EDGES: Partial<Record<string, RegExp>> = {
  'onnxruntime-node': /^(model\/ort\.ts|train\/)/,
  'onnxruntime-web': /^model\/ort\.ts$/,
  'node:fs': /^(cli|train|bench)\/|^mix\/kernel\.ts$|^explain\/page\.ts$/,
  'node:fs/promises': /^(cli|train|bench)\/|^codec\/byte-source\.ts$|^model\/registry\.ts$|^model\/wasm\.ts$/,
  'binary-parser': /^container\//,
  commander: /^(cli|train|bench|terminal)\//,
  'cli-progress': /^terminal\//,
  yauzl: /^train\//,
  tar: /^cli\//,
  pngjs: /^bench\//,
  'lzma-native': /^bench\//,
  '@bokuweb/zstd-wasm': /^bench\//,
};

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  // AssemblyScript, compiled on its own.
  .filter((file) => !file.startsWith('kernel/'));

interface Import {
  specifier: string;
  typeOnly: boolean;
  dynamic: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const statements =
    /(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'|import\s+'([^']+)'/g;
  return [...text.matchAll(statements)].map((match) => ({
    specifier: [match[2], match[3], match[4]].find(Boolean)!,
    typeOnly: Boolean(match[1]),
    dynamic: Boolean(match[3]),
  }));
}

const layerOf = (file: string) =>
  LAYERS.findIndex((layer) =>
    layer.some((part) => file === part || (part.endsWith('/') && file.startsWith(part))),
  );

/** Source files that a file imports at run time. */
function runtimeImports(file: string, dynamic = true): string[] {
  return importsOf(file)
    .filter((found) => found.specifier.startsWith('.') && !found.typeOnly && (dynamic || !found.dynamic))
    .map(({ specifier }) => relative(src, resolve(src, dirname(file), specifier)).replaceAll('\\', '/'));
}

describe('layers', () => {
  test('every file belongs to one', () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
    expect(files.length).toBeGreaterThan(20);
  });

  test('no file imports from a layer above its own', () => {
    const faults = files.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => relative(src, resolve(src, dirname(file), specifier)).replaceAll('\\', '/'))
        .filter((target) => layerOf(target) > layerOf(file))
        .map((target) => `${file} imports ${target}`),
    );
    expect(faults).toEqual([]);
  });

  test('no cycles at run time', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const target of runtimeImports(file)) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('what needs no model loads nothing of models', () => {
    const loaded = new Set<string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const target of runtimeImports(file, false)) load(target);
    };
    for (const file of ['codec/streams.ts', 'codec/info.ts', 'codec/worker.ts', 'cli/main.ts']) load(file);
    expect(loaded.size).toBeGreaterThan(20);
    expect([...loaded].filter((file) => file.startsWith('model/'))).toEqual([]);
  });

  test('the outside world is touched at the edges only', () => {
    const faults = files.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => EDGES[specifier]?.test(file) === false)
        .map(({ specifier }) => `${file} imports ${specifier}`),
    );
    expect(faults).toEqual([]);
  });

  test('programs load trainer, benchmarks and explanations dynamically; the library never does', () => {
    const faults = files
      .filter((file) => !/^(train|bench|explain)\//.test(file))
      .flatMap((file) => runtimeImports(file).map((target) => ({ file, target })))
      .filter(({ file, target }) => /^(train|bench|explain)\//.test(target) && !file.startsWith('cli/'))
      .map(({ file, target }) => `${file} imports ${target}`);
    expect(faults).toEqual([]);
  });
});
