import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { compress, lmzDecode, lmzEncode, type Progress } from '../../src/index.ts';
import { fixtureModel } from '../support/models.ts';
import { concat, sectionsOf } from '../support/sections.ts';

const KIB = 1024;
const PIECE = 16 * KIB;

/** An endless source (up to `limit` pieces) that counts what was taken from it. */
function counted(piece: (number: number) => Uint8Array, limit: number) {
  const state = { pieces: 0, bytes: 0 };
  const source = new Readable({
    highWaterMark: 1,
    read() {
      if (state.pieces === limit) {
        this.push(null);
        return;
      }
      const next = piece(state.pieces++);
      state.bytes += next.length;
      this.push(next);
    },
  });
  return { source, state };
}

/** Waits until a number has not changed for a while. */
async function settled(value: () => number, quiet = 150): Promise<number> {
  for (let last = NaN, since = performance.now(); performance.now() - since < quiet;) {
    if (value() !== last) {
      last = value();
      since = performance.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return value();
}

describe('a consumer that does not read', () => {
  it.each([1, 2, 4])('stops an encoder after a few chunks (%i threads)', async (threads) => {
    const chunkSize = 64 * KIB;
    const total = 400 * PIECE;
    const { source, state } = counted(() => new Uint8Array(PIECE), 400);
    const stream = source.pipe(lmzEncode({ mode: 'stored', chunkSize, threads }));
    const taken = await settled(() => state.bytes);
    // One chunk buffered for the reader, threads + 1 in work, one being filled, and a few pieces on the way.
    expect(taken).toBeLessThanOrEqual((threads + 3) * chunkSize + 6 * PIECE);
    expect(taken).toBeGreaterThan(0);

    // One read lets it go on, for as much as was read.
    stream.read();
    const more = await settled(() => state.bytes);
    expect(more - taken).toBeLessThanOrEqual(3 * chunkSize);

    let size = 0;
    for await (const piece of stream) size += (piece as Uint8Array).length;
    expect(state.bytes).toBe(total);
    expect(size).toBeGreaterThan(total - 2 * chunkSize);
  });

  it('stops a decoder of stored frames', async () => {
    const chunkSize = 64 * KIB;
    const file = await compress(new Uint8Array(100 * chunkSize), { mode: 'stored', chunkSize });
    const { source, state } = counted(
      (number) => file.subarray(number * PIECE, (number + 1) * PIECE),
      Math.ceil(file.length / PIECE),
    );
    const stream = source.pipe(lmzDecode({ threads: 2 }));
    const taken = await settled(() => state.bytes);
    expect(taken).toBeLessThanOrEqual(5 * chunkSize + 6 * PIECE);
    let size = 0;
    for await (const piece of stream) size += (piece as Uint8Array).length;
    expect(size).toBe(100 * chunkSize);
  });

  it.each([1, 2])('stops a decoder whose input expands a thousandfold (%i threads)', async (threads) => {
    const model = fixtureModel('good-order1-256');
    // 64 KiB of zeros in a few dozen bytes, 2000 times: 128 MiB of content in a file of about 100 KB.
    const sections = sectionsOf(
      await compress(new Uint8Array(64 * KIB), { mode: 'lm', model, chunkSize: 64 * KIB, lanes: 256 }),
    );
    const [header, frame] = sections;
    expect(frame.length).toBeLessThan(64);
    const stream = lmzDecode({ model, threads });
    const progress: Progress[] = [];
    stream.on('progress', (event: Progress) => progress.push(event));
    const before = process.memoryUsage();
    const pieces = [
      header,
      ...Array.from({ length: 100 }, () => concat(...Array.from({ length: 20 }, () => frame))),
    ];
    const { source, state } = counted((number) => pieces[number], pieces.length);
    source.pipe(stream);
    await settled(() => state.pieces, 800);
    const after = process.memoryUsage();
    // The input is tiny, so what the two streams' buffers hold waits; the content is not decoded ahead of the reader.
    const most = Math.ceil((2 * 16 * KIB) / pieces[1].length) + 4;
    expect(state.pieces).toBeLessThanOrEqual(most);
    expect(most).toBeLessThan(pieces.length);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(8 << 20);
    expect(stream.readableLength).toBeLessThanOrEqual(64 * KIB);

    stream.read();
    await settled(() => state.pieces, 400);
    expect(state.pieces).toBeLessThanOrEqual(most);
    stream.destroy();
    source.destroy();
  });

  it('gets a frame as soon as it is there, before the input ends', async () => {
    const sections = sectionsOf(await compress('one fish, two fish', { mode: 'stored', chunkSize: 9 }));
    const stream = lmzDecode();
    const next = () =>
      new Promise<string>((resolve) =>
        stream.once('data', (piece: Uint8Array) => {
          resolve(new TextDecoder().decode(piece));
        }),
      );
    const first = next();
    stream.write(sections[0]);
    stream.write(sections[1]);
    expect(await first).toBe('one fish,');
    const second = next();
    stream.write(sections[2]);
    expect(await second).toBe(' two fish');
    stream.destroy();
  });

  it('gets the frame of a full chunk, from the second one on before more is written', async () => {
    const options = { mode: 'stored', chunkSize: 9 } as const;
    const [header, first, second] = sectionsOf(await compress('one fish, two fish', options));
    const stream = lmzEncode(options);
    let got: Uint8Array = new Uint8Array(0);
    const all = new Promise<void>((resolve) =>
      stream.on('data', (piece: Uint8Array) => {
        got = concat(got, piece);
        if (got.length >= header.length + first.length + second.length) resolve();
      }),
    );
    stream.write('one fish, two fish');
    await all;
    expect(got).toEqual(concat(header, first, second));
    stream.destroy();
  });
});

describe('progress', () => {
  it('ends with all of the input and all of the output, in both directions', async () => {
    const model = fixtureModel('good-order1-256');
    const content = new TextEncoder().encode('Nothing is left out. '.repeat(30));
    for (const mode of ['stored', 'lm', 'auto'] as const) {
      const last = async (stream: ReturnType<typeof lmzEncode>, input: Uint8Array) => {
        const events: Progress[] = [];
        stream.on('progress', (event: Progress) => events.push(event));
        stream.end(input);
        const output = concat(...((await stream.toArray()) as Uint8Array[]));
        for (const [i, event] of events.entries()) {
          if (i === 0) continue;
          expect(event.bytesIn).toBeGreaterThanOrEqual(events[i - 1].bytesIn);
          expect(event.bytesOut).toBeGreaterThanOrEqual(events[i - 1].bytesOut);
        }
        return { output, event: events.at(-1) };
      };
      const options = { model, mode, chunkSize: 100, totalSize: content.length };
      const { output: file, event: encoded } = await last(lmzEncode(options), content);
      expect(encoded).toEqual({ bytesIn: content.length, bytesOut: file.length, total: content.length });
      const { event: decoded } = await last(lmzDecode({ model, totalSize: file.length }), file);
      expect(decoded).toEqual({ bytesIn: file.length, bytesOut: content.length, total: file.length });
    }
  });
});
