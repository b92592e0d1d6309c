/**
 * A copy of the repository in which the documents' commands may write what they like, and whose corpora are tiny.
 *
 * @module
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { logCorpus } from '../../src/bench/log-corpus.ts';
import { ROOT } from './documents.ts';

const TEXT = readFileSync(join(ROOT, 'spec/lmz-format.md'));
/** Of the evaluation corpora, what benchmarks read without a look at its hash. */
const CORPORA = {
  calgary: ['book1', 'book2', 'obj2', 'pic'],
  canterbury: ['kennedy.xls', 'plrabn12.txt', 'lcet10.txt'],
  large: ['bible.txt', 'world192.txt'],
  enwik: ['enwik6'],
};
const CORPUS_BYTES = 300;
/** What tools/pictures.mjs looks for: where its picture begins, and a word in its fifth line. */
const ALICE = `A tea party.\n\`You should learn not to make remarks,'\nsaid Alice.\nThe Hatter\nopened his eyes.\n\`Why is a raven\nlike a desk?'\n`;

/** What commands change, or find the repository by: a program that is reached by a link finds where the link leads. */
const COPIED = ['dist', 'tools', 'fixtures', 'README.md'];
/** The rest, that they read. Folders with fewer files are removed sooner. */
const LINKED = ['src', 'models', 'spec', 'typedoc.json', 'tsconfig.json', 'tsconfig.build.json'];

/**
 * Makes the folder: `lmz/` is the copy, with the built code, and `shared/corpora/` is beside it. Inside the repository,
 * where npm finds its programs.
 */
export function scratchCopy(): string {
  mkdirSync(join(ROOT, 'tmp'), { recursive: true });
  const outer = mkdtempSync(join(ROOT, 'tmp/short-'));
  const inner = join(outer, 'lmz');
  const write = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(join(outer, path, '..'), { recursive: true });
    writeFileSync(join(outer, path), content, { mode });
  };
  for (const [set, names] of Object.entries(CORPORA)) {
    for (const [i, name] of names.entries())
      write(`shared/corpora/${set}/${name}`, TEXT.subarray(i * 1000, i * 1000 + CORPUS_BYTES));
  }
  write('shared/corpora/canterbury/alice29.txt', ALICE);
  for (const category of ['prose', 'wiki', 'code', 'multilingual'])
    write(`shared/corpora/train/${category}/a.br`, brotliCompressSync(TEXT.subarray(0, 6000)));
  const filter = (path: string): boolean => !path.endsWith('.d.ts');
  for (const name of COPIED) cpSync(join(ROOT, name), join(inner, name), { recursive: true, filter });
  for (const name of LINKED) symlinkSync(join(ROOT, name), join(inner, name));
  mkdirSync(join(inner, 'bench/results'), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  // What it would build is there.
  write(
    'lmz/package.json',
    JSON.stringify({ ...manifest, scripts: { ...manifest.scripts, build: 'node --version' } }),
  );
  write(
    'bin/lmz',
    `#!/bin/sh\nexec '${process.execPath}' '${join(inner, 'dist/cli/main.js')}' "$@"\n`,
    0o755,
  );
  // What the documents take for granted.
  write('lmz/book.txt', TEXT.subarray(0, 3000));
  write('lmz/logs/a.log', logCorpus(20_000, 1));
  write('lmz/big.log', logCorpus(3000, 2));
  for (const folder of ['my-folder', 'DIR', 'OTHER', 'PROSE'])
    write(`lmz/${folder}/a.txt`, TEXT.subarray(0, 6000));
  write('lmz/WIKI/a.txt', TEXT.subarray(0, 5000));
  cpSync(join(ROOT, 'models/small.onnx'), join(inner, 'model.onnx'));
  mkdirSync(join(inner, 'one-model'));
  for (const name of ['rotary-1M.onnx', 'rotary-1M.curve.json'])
    symlinkSync(join(ROOT, 'bench/models', name), join(inner, 'one-model', name));
  return outer;
}
