/** The examples of README.md and of the docstrings, run; and that nothing of the API lacks one. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as api from '../../src/index.ts';
import { ROOT as root } from './documents.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const library = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(
    (file) => file.endsWith('.ts') && !/^(train|bench|cli|model\/onnx)\//.test(file.replaceAll('\\', '/')),
  )
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

interface Example {
  name: string;
  code: string;
}

/** TypeScript blocks of a text, comment stars taken off. */
function examplesIn(name: string, text: string): Example[] {
  const blocks = text.matchAll(/```ts\n([\s\S]*?)```/g);
  return [...blocks].map((match, i) => ({
    name: `${name} ${i + 1}`,
    code: match[1].replace(/^ *\* ?/gm, ''),
  }));
}

const examples = [
  ...examplesIn('README.md', readme),
  ...library
    .flatMap(({ file, text }) => examplesIn(`src/${file}`, text))
    .filter(({ code }) => /from 'lmz'/.test(code)),
];

describe('documentation', () => {
  // Inside the package, so that `lmz` resolves to it as it would for a user.
  let folder: string;
  beforeAll(() => {
    mkdirSync(join(root, 'tmp'), { recursive: true });
    folder = mkdtempSync(join(root, 'tmp/examples-'));
    copyFileSync(join(root, 'README.md'), join(folder, 'README.md'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  // In the order of the texts: README's first example writes the file that others read.
  test.each(examples)('example $name runs', async ({ name, code }) => {
    const file = join(folder, `${name.replaceAll(/[^a-z0-9]/gi, '-')}.mjs`);
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(file, ts.transpileModule(code, { compilerOptions: options }).outputText);
    const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
    expect(stderr).toBe('');
  });

  test('every function and class of the API has an example', () => {
    const callables = Object.entries(api).filter(([, value]) => typeof value === 'function');
    const all = examples.map(({ code }) => code).join('\n');
    expect(callables.length).toBeGreaterThan(8);
    // A reader is made by openLmz, and shown there.
    const missing = callables
      .map(([name]) => name)
      .filter((name) => name !== 'LmzReader' && !all.includes(name));
    expect(missing).toEqual([]);
  });

  test('every name of the API has a comment', () => {
    const index = library.find(({ file }) => file === 'index.ts')!.text;
    const names = [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap((match) =>
      match[1]
        .split(',')
        .map((name) => name.replace(/type /, '').trim())
        .filter((name) => name !== ''),
    );
    const bare = new Set(names);
    for (const { file, text } of library) {
      for (const node of ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true).statements) {
        const declared = ts.isVariableStatement(node)
          ? node.declarationList.declarations.map(({ name }) => name.getText())
          : [(node as ts.Statement & { name?: ts.Identifier }).name?.text ?? ''];
        if (ts.getJSDocCommentsAndTags(node).length > 0) for (const name of declared) bare.delete(name);
      }
    }
    expect(names.length).toBeGreaterThan(20);
    expect([...bare]).toEqual([]);
  });
});
