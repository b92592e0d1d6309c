import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compress, decompress, lmzDecode, lmzEncode } from '../../src/index.ts';

/** The evaluation corpora are not part of the repository; they lie beside it where it is developed. */
const corpora = fileURLToPath(new URL('../../../shared/corpora/', import.meta.url));
const FOLDERS = ['calgary', 'canterbury', 'large', 'enwik'];
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Small files by default; every file with CORPORA=all, which takes about a quarter of an hour. */
const ALL = process.env['CORPORA'] === 'all';
const SAMPLE = [
  'calgary/obj1',
  'calgary/paper5',
  'canterbury/grammar.lsp',
  'canterbury/xargs.1',
  'canterbury/cp.html',
];
/** One lane, the default, where that is quick; many lanes elsewhere. */
const ONE_LANE_MAX = 200_000;

const files = ALL
  ? FOLDERS.filter((folder) => existsSync(join(corpora, folder))).flatMap((folder) =>
      readdirSync(join(corpora, folder)).map((name) => `${folder}/${name}`),
    )
  : SAMPLE;

describe.skipIf(!existsSync(corpora))('corpora (../shared/corpora)', () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'lmz-corpora-'));
  });
  afterAll(() => {
    rmSync(scratch, { recursive: true });
  });

  test.each(files)(
    '%s comes back by stream, one-shot and command line, from the same bytes',
    async (name) => {
      const path = join(corpora, name);
      const data = new Uint8Array(readFileSync(path));
      const lanes = data.length > ONE_LANE_MAX ? 64 : 1;
      const packed = await compress(data, { lanes });
      expect(Buffer.compare(await decompress(packed), data)).toBe(0);

      const streamed = await buffer(createReadStream(path).pipe(lmzEncode({ lanes })));
      expect(Buffer.compare(streamed, packed)).toBe(0);
      const file = join(scratch, 'file.lmz');
      writeFileSync(file, streamed);
      expect(Buffer.compare(await buffer(createReadStream(file).pipe(lmzDecode())), data)).toBe(0);

      const own = join(scratch, 'own');
      execFileSync(process.execPath, [cli, '-qf', '--lanes', String(lanes), '-o', own, path]);
      expect(Buffer.compare(readFileSync(own), packed)).toBe(0);
      execFileSync(process.execPath, [cli, '-dqf', '-o', `${own}.back`, own]);
      expect(Buffer.compare(readFileSync(`${own}.back`), data)).toBe(0);
    },
    1_200_000,
  );
});
