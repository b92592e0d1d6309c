import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeHeader,
  END_OF_ARCHIVE,
  FOLDER_MARK,
  padding,
  parsePaxRecords,
} from '../../src/cli/tar-format.ts';
import { readTar, type TarEntry } from '../../src/cli/tar-reader.ts';
import { entryBlocks, pax, tar } from './tar-builder.ts';

type Plain = Omit<TarEntry, 'body'> & { content: string };

async function read(bytes: Uint8Array, pieceSize = 1 << 16): Promise<Plain[]> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceSize) {
      await Promise.resolve();
      yield bytes.subarray(at, at + pieceSize);
    }
  }
  const entries: Plain[] = [];
  for await (const { body, ...entry } of readTar(pieces())) {
    const content: Buffer[] = [];
    for await (const piece of body) content.push(piece);
    entries.push({ ...entry, content: Buffer.concat(content).toString() });
  }
  return entries;
}

test('names of any length and script, times before 1970 and large sizes survive', async () => {
  const name = fc.stringMatching(/^[a-zäß\u{4e2d}\u{1f600}\n= ]{1,120}$/u);
  const entry = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    mtimeNs: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }),
    content: fc.string({ maxLength: 1500 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 4 }),
      fc.integer({ min: 1, max: 2000 }),
      async (entries, split) => {
        const blocks = entries.flatMap(({ content, ...rest }) => {
          const size = Buffer.byteLength(content);
          return [encodeHeader({ ...rest, type: 'File', size }), Buffer.from(content), padding(size)];
        });
        const found = await read(Buffer.concat([FOLDER_MARK, ...blocks, END_OF_ARCHIVE]), split);
        expect(found.map(({ path, mode, content }) => ({ path, mode, content }))).toEqual(
          entries.map(({ path, mode, content }) => ({ path, mode, content })),
        );
        for (const [index, { mtime }] of found.entries()) {
          expect(mtime).toBeCloseTo(Number(entries[index].mtimeNs) / 1e9, 3);
        }
      },
    ),
    { numRuns: process.env.SLOW === undefined ? 60 : 2000 },
  );
});

test('the size of a file of 10 GB is written and read', () => {
  const size = 10 * 2 ** 30;
  const blocks = encodeHeader({ path: 'huge', type: 'File', mode: 0o644, mtimeNs: 0n, size });
  expect(parsePaxRecords(blocks.subarray(512, 512 + blocks.indexOf(0, 512) - 512))?.get('size')).toBe(
    String(size),
  );
});

test('GNU long names and links are understood', async () => {
  const path = `${'long/'.repeat(40)}name`;
  const link = `${'far/'.repeat(40)}away`;
  const bytes = Buffer.concat([
    entryBlocks({ name: '././@LongLink', type: 'K', body: `${link}\0` }),
    entryBlocks({ name: '././@LongLink', type: 'L', body: `${path}\0` }),
    entryBlocks({ name: 'cut off', type: '2', link: 'cut off' }),
    Buffer.alloc(1024),
  ]);
  expect(await read(bytes)).toMatchObject([{ path, linkpath: link, type: 'symlink' }]);
});

test.each([
  ['nothing', Buffer.alloc(0), /is empty/],
  ['no tar', Buffer.alloc(1024, 'x'), /checksum does not hold, at its byte 0/],
  ['a cut body', tar([{ name: 'a', body: 'x'.repeat(2000) }]).subarray(0, 1024), /ends within a file/],
  ['a cut header', tar([{ name: 'a' }]).subarray(0, 100), /ends within a block/],
  ['a cut extension', pax({ path: 'x'.repeat(600) }).subarray(0, 1024), /ends within/],
  ['a dangling extension', pax({ path: 'x' }), /ends within an entry/],
  ['a bad pax record', entryBlocks({ name: 'x', type: 'x', body: '99 path=x\n' }), /cannot be read/],
  [
    'a huge extension',
    entryBlocks({ name: 'x', type: 'x', body: 'x'.repeat(2 ** 21) }),
    /extension of 2097152/,
  ],
  ['an impossible size', Buffer.concat([pax({ size: '-5' }), tar([{ name: 'a' }])]), /impossible size/],
])('refuses %s', async (_what, bytes, message) => {
  await expect(read(bytes)).rejects.toMatchObject({
    code: 'LMZ_CORRUPT',
    message: expect.stringMatching(message) as string,
  });
});

test('refuses sparse files, whose content is not what it seems', async () => {
  const bytes = Buffer.concat([pax({ 'GNU.sparse.major': '1' }), tar([{ name: 'a', body: 'x' }])]);
  await expect(read(bytes)).rejects.toMatchObject({ code: 'LMZ_UNSUPPORTED' });
});
