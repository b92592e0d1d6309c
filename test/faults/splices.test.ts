import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompress, readInfo } from '../../src/index.ts';
import { endOf, outcome } from '../support/outcome.ts';
import { decodeByIndex, decodeByStream, split } from '../support/routes.ts';
import { runs } from '../support/runs.ts';
import { makeSamples } from '../support/samples.ts';
import { concat, sectionsOf } from '../support/sections.ts';

const samples = (await makeSamples()).filter(({ name }) => name !== 'embedded');
const options = { model: samples.find(({ name }) => name === 'coded')!.options.model!, threads: 1 };

/** Members that may stand in a file after all cutting and pasting, by their bytes. */
const members = samples
  .filter(({ name }) => name !== 'two members' && name !== 'masked')
  .map(({ file, content }) => ({ file, content }));

/** The content of bytes that are nothing but whole members of the samples; `undefined` for all else. */
function contentOf(bytes: Uint8Array): Uint8Array | undefined {
  const contents: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const found = members.find(
      ({ file }) => Buffer.compare(bytes.subarray(at, at + file.length), file) === 0,
    );
    if (!found) return undefined;
    contents.push(found.content);
    at += found.file.length;
  }
  return contents.length > 0 ? concat(...contents) : undefined;
}

/**
 * No damage makes an intact structure that means something else: neither a later version or type (UNSUPPORTED), nor
 * another model.
 */
const DAMAGE = ['LMZ_NOT_LMZ', 'LMZ_TRUNCATED', 'LMZ_CORRUPT', 'LMZ_TRAILING_DATA'];

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

async function check(bytes: Uint8Array, cuts: readonly number[]): Promise<void> {
  const content = contentOf(bytes);
  let decoded: Uint8Array | undefined;
  const code = await outcome(async () => (decoded = await decompress(bytes, options)));
  const streamed = await decodeByStream(split(bytes, cuts), options);
  const streamCode = endOf(streamed.error);
  expect(streamCode).toBe(code);
  let random: Uint8Array | undefined;
  const randomCode = await outcome(async () => (random = await decodeByIndex(bytes, options)));
  if (content) {
    expect(code).toBe('ok');
    expect(decoded).toEqual(content);
    expect(streamed.output).toEqual(content);
    expect(random).toEqual(content);
  } else {
    expect(DAMAGE).toContain(code);
    // Random access does not read the whole content, nor check it: see the last test of this file.
    const onlyTheWhole = messageOf(await decompress(bytes, options).catch((error: unknown) => error));
    if (!onlyTheWhole.includes("member's whole content")) expect(DAMAGE).toContain(randomCode);
    // Frames' payloads are not its business, everything else is.
    expect([...DAMAGE, 'ok']).toContain(await outcome(() => readInfo(bytes)));
  }
}

describe('cut and pasted files', () => {
  const parts = members.flatMap(({ file }) => sectionsOf(file));
  const cuts = fc.array(fc.nat(600), { maxLength: 4 });

  it('of sections in any order decode only where they are whole members', async () => {
    const piece = fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...parts) },
      { weight: 1, arbitrary: fc.constantFrom(...members.map(({ file }) => file)) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), cuts, async (pieces, reads) => {
        await check(concat(...pieces), reads);
      }),
      runs(150),
    );
  });

  it('with sections lost, doubled or exchanged decode only where they are whole members', async () => {
    const edit = fc.record({
      kind: fc.constantFrom('delete', 'double', 'exchange', 'move'),
      from: fc.nat(100),
      to: fc.nat(100),
    });
    const start = fc.array(fc.constantFrom(...members), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        start,
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        cuts,
        async (files, edits, reads) => {
          const list = files.flatMap(({ file }) => sectionsOf(file));
          for (const { kind, from, to } of edits) {
            if (list.length === 0) break;
            const [a, b] = [from % list.length, to % list.length];
            if (kind === 'delete') list.splice(a, 1);
            else if (kind === 'double') list.splice(b, 0, list[a]);
            else if (kind === 'exchange') [list[a], list[b]] = [list[b], list[a]];
            else list.splice(b, 0, ...list.splice(a, 1));
          }
          if (list.length > 0) await check(concat(...list), reads);
        },
      ),
      runs(150),
    );
  });

  it('with bytes lost, added or overwritten anywhere decode only where they are whole members', async () => {
    const edit = fc.record({
      at: fc.nat(600),
      remove: fc.oneof(fc.constant(0), fc.nat(30)),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.tuple(fc.nat(8), fc.constantFrom(0, 255)).map(([size, byte]) => new Uint8Array(size).fill(byte)),
        fc.constantFrom(...parts),
      ),
    });
    const start = fc.array(fc.constantFrom(...members), { minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(
        start,
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        cuts,
        async (files, edits, reads) => {
          let bytes = concat(...files.map(({ file }) => file));
          for (const { at, remove, insert } of edits) {
            const from = at % (bytes.length + 1);
            bytes = concat(bytes.subarray(0, from), insert, bytes.subarray(from + remove));
          }
          if (bytes.length > 0) await check(bytes, reads);
        },
      ),
      runs(150),
    );
  });

  it('of random bytes are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), cuts, async (bytes, reads) => {
        await check(bytes, reads);
      }),
      runs(50),
    );
  });

  // Nothing ties a frame to its place: the index knows sizes only. To be fixed in the format or left as it is.
  it('with two frames of one size exchanged are found by random access', async () => {
    const { file } = samples.find(({ name }) => name === 'stored in chunks')!;
    const [header, first, second, ...rest] = sectionsOf(file);
    const exchanged = concat(header, second, first, ...rest);
    expect(await outcome(() => decompress(exchanged))).toBe('LMZ_CORRUPT');
    expect(await outcome(() => decodeByIndex(exchanged))).toBe('LMZ_CORRUPT');
  });
});
