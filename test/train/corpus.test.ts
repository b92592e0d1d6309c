/** Where training text comes from: files, folders, compressed files, data sets by name. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readCategory } from '../../src/train/corpus.ts';
import { beginning, datasetFiles, type DatasetOptions, type Prefix } from '../../src/train/datasets.ts';
import { categoriesOf, dataFlag } from '../../src/train/flags.ts';
import { FileText } from '../../src/train/text.ts';
import { tinyText } from './tiny.ts';
import { zipOf } from './zip.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lmz-corpus-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('parts of files read as one text, from any place to any other', () => {
  const whole = tinyText(1000, 1);
  const parts = [0, 100, 100, 250, 999].map((offset, i, all) => {
    const end = all[i + 1] ?? whole.length;
    const path = join(folder, String(i));
    writeFileSync(path, Buffer.concat([Buffer.from('xx'), whole.subarray(offset, end), Buffer.from('y')]));
    return { path, offset: 2, length: end - offset };
  });
  const text = new FileText(parts);
  expect(text.length).toBe(whole.length);
  for (const [start, end] of [
    [0, 1000],
    [0, 1],
    [99, 101],
    [90, 900],
    [250, 250],
    [998, 2000],
    [1000, 1000],
  ]) {
    expect(Buffer.from(text.subarray(start, end))).toEqual(Buffer.from(whole.subarray(start, end)));
  }
  text.close();
});

test('more files than are kept open', () => {
  const parts = Array.from({ length: 100 }, (_, i) => {
    const path = join(folder, String(i));
    writeFileSync(path, Uint8Array.of(i));
    return { path, offset: 0, length: 1 };
  });
  const text = new FileText(parts);
  expect([...text.subarray(0, 100)]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  text.close();
});

test('files, folders and compressed files; each keeps its end for validation', async () => {
  const texts = [tinyText(3000, 1), tinyText(2000, 2), tinyText(1000, 3)];
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'sub/a.txt'), texts[0]);
  writeFileSync(join(folder, 'sub/b.txt.br'), brotliCompressSync(texts[1]));
  writeFileSync(join(folder, 'sub/deep/c.gz'), gzipSync(texts[2]));
  const cache = join(folder, 'cache');
  const source = { name: 'x', weight: 1, paths: [join(folder, 'sub')] };
  for (let round = 0; round < 2; round++) {
    const category = await readCategory(source, 0.1, cache);
    expect(category.files).toEqual(
      ['a.txt', 'b.txt.br', 'c.gz'].map((name, i) => ({
        name,
        bytes: texts[i].length,
        sha256: sha256(texts[i]),
      })),
    );
    const kept = texts.map((text) => text.subarray(0, text.length * 0.9));
    expect(sha256(category.training.subarray(0, 1e9))).toBe(sha256(Buffer.concat(kept)));
    const held = texts.map((text) => text.subarray(text.length * 0.9));
    expect(sha256(category.validation.subarray(0, 1e9))).toBe(sha256(Buffer.concat(held)));
  }
  expect(readdirSync(cache).length).toBe(2);
});

test('what cannot be read is refused with its name', async () => {
  const read = (path: string): Promise<unknown> =>
    readCategory({ name: 'x', weight: 1, paths: [path] }, 0.1, join(folder, 'cache'));
  await expect(read(join(folder, 'missing'))).rejects.toMatchObject({ code: 'LMZ_USAGE' });
  writeFileSync(join(folder, 'bad.gz'), 'this is not packed');
  await expect(read(join(folder, 'bad.gz'))).rejects.toMatchObject({ code: 'LMZ_CORRUPT' });
  expect(readdirSync(join(folder, 'cache'))).toEqual([]);
});

test('what --data takes', () => {
  const parse = (...texts: string[]) =>
    categoriesOf(texts.reduce<ReturnType<typeof dataFlag>>((earlier, text) => dataFlag(text, earlier), []));
  expect(parse('a/b.txt', 'c')).toEqual([{ name: 'data', weight: 1, paths: ['a/b.txt', 'c'] }]);
  expect(parse('logs/')).toEqual([{ name: 'logs', weight: 1, paths: ['logs/'] }]);
  expect(parse('book1+book2', 'x/prose.txt.br=2.5', 'k=3:a,b', 'y/prose.txt=1')).toEqual([
    { name: 'prose', weight: 2.5, paths: ['x/prose.txt.br'] },
    { name: 'k', weight: 3, paths: ['a', 'b'] },
    { name: 'prose.txt', weight: 1, paths: ['y/prose.txt'] },
    { name: 'book1+book2', weight: 1, paths: ['book1+book2'] },
  ]);
});

describe('data sets', () => {
  const WHOLE = tinyText(50_000, 5);
  const ZIP = zipOf('enwik9', WHOLE);
  const prefix = (bytes: number): Prefix => ({
    bytes,
    hashes: [1000, bytes].map((to) => ({ bytes: to, sha256: sha256(WHOLE.subarray(0, to)) })),
  });
  let server: Server;
  let url: string;
  /** Bytes after which the server breaks a connection off, once. */
  let breakAfter = Infinity;
  let ranges: (string | undefined)[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const { range } = request.headers;
      ranges.push(range);
      if (request.url !== '/dc/enwik9.zip') {
        response.writeHead(404).end();
        return;
      }
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
      if (from >= ZIP.length) {
        response.writeHead(416, { 'content-range': `bytes */${ZIP.length}` }).end();
        return;
      }
      response.writeHead(range === undefined ? 200 : 206, {
        'content-length': ZIP.length - from,
        ...(range !== undefined && { 'content-range': `bytes ${from}-${ZIP.length - 1}/${ZIP.length}` }),
      });
      const end = Math.min(ZIP.length, from + breakAfter);
      const broken = end < ZIP.length;
      breakAfter = Infinity;
      response.write(ZIP.subarray(from, end), () => {
        if (broken) setTimeout(() => response.destroy(), 50);
        else response.end();
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dc/enwik9.zip`;
  });
  afterAll(() => server.close());
  beforeEach(() => {
    ranges = [];
  });

  const options = (enwik: string, seen: number[] = []): DatasetOptions => ({
    folder: join(folder, 'corpora'),
    enwik,
    progress: (received, total) => {
      expect(total).toBe(ZIP.length);
      seen.push(received);
    },
    log: () => undefined,
  });

  test('downloaded once, cut, compared with its hashes', async () => {
    const seen: number[] = [];
    const path = await beginning('small', prefix(20_000), options(url, seen));
    expect(statSync(path).size).toBe(20_000);
    expect(seen.at(-1)).toBe(ZIP.length);
    // Another beginning of the same file, and the same once more, need no connection.
    await beginning('whole', prefix(50_000), options(url));
    await beginning('small', prefix(20_000), options(url));
    expect(ranges).toEqual([undefined]);
    expect(readdirSync(join(folder, 'corpora')).sort()).toEqual(['enwik9.zip', 'small', 'whole']);
  });

  test('a connection that breaks off is taken up again', async () => {
    breakAfter = 700;
    const first = beginning('small', prefix(20_000), options(url));
    await expect(first).rejects.toMatchObject({ code: 'LMZ_TRUNCATED' });
    const part = join(folder, 'corpora/enwik9.zip.part');
    const had = statSync(part).size;
    expect(had).toBeGreaterThan(0);
    await beginning('small', prefix(20_000), options(url));
    expect(ranges).toEqual([undefined, `bytes=${had}-`]);
  });

  test('a part that is whole already, and one that is too long', async () => {
    mkdirSync(join(folder, 'corpora'));
    writeFileSync(join(folder, 'corpora/enwik9.zip.part'), ZIP);
    await beginning('small', prefix(20_000), options(url));
    rmSync(join(folder, 'corpora'), { recursive: true });
    mkdirSync(join(folder, 'corpora'));
    writeFileSync(join(folder, 'corpora/enwik9.zip.part'), Buffer.concat([ZIP, ZIP]));
    await beginning('small', prefix(20_000), options(url));
  });

  test('wrong content is refused, and a download of it is not kept', async () => {
    const wrong = { bytes: 20_000, hashes: [{ bytes: 20_000, sha256: sha256(WHOLE) }] };
    await expect(beginning('small', wrong, options(url))).rejects.toMatchObject({ code: 'LMZ_CORRUPT' });
    expect(readdirSync(join(folder, 'corpora'))).toEqual([]);
    await expect(beginning('small', prefix(60_000), options(url))).rejects.toMatchObject({
      code: 'LMZ_TRUNCATED',
    });
    const missing = url.replace('enwik9', 'enwik10');
    await expect(beginning('small', prefix(20_000), options(missing))).rejects.toThrow(/404/);
  });

  test.each([
    ['enwik9.zip', ZIP],
    ['enwik9.gz', gzipSync(WHOLE)],
    ['enwik9.br', brotliCompressSync(WHOLE)],
    ['enwik9', WHOLE],
  ])('a local file: %s', async (name, bytes) => {
    const local = join(folder, name);
    writeFileSync(local, bytes);
    const path = await beginning('small', prefix(20_000), options(local));
    expect(statSync(path).size).toBe(20_000);
    expect(existsSync(local)).toBe(true);
  });

  test('no usable zip file', async () => {
    const local = join(folder, 'enwik9.zip');
    writeFileSync(local, ZIP.subarray(0, 1000));
    await expect(beginning('small', prefix(20_000), options(local))).rejects.toMatchObject({
      code: 'LMZ_CORRUPT',
    });
  });

  test('sets of files say what is missing or wrong', async () => {
    await expect(datasetFiles('large', options(url))).rejects.toThrow(/E\.coli/);
    mkdirSync(join(folder, 'corpora/calgary'), { recursive: true });
    writeFileSync(join(folder, 'corpora/calgary/book1'), 'something else');
    await expect(datasetFiles('book1+book2', options(url))).rejects.toMatchObject({ code: 'LMZ_CORRUPT' });
  });
});
