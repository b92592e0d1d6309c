/**
 * Every route from bytes to bytes through the public API: whole arrays, streams fed with pieces of any size, and random
 * access. A test that holds for one route should hold for all.
 *
 * @module
 */
import type { Transform } from 'node:stream';
import { type DecodeOptions, type EncodeOptions, lmzDecode, lmzEncode, openLmz } from '../../src/index.ts';

/** What a stream gave before it ended, and the error that it ended with. */
export interface StreamEnd {
  output: Uint8Array;
  error: unknown;
}

/** Bytes cut at the given places (any numbers: they are taken modulo the size, and sorted). */
export function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    pieces.push(bytes.subarray(from, place));
    from = place;
  }
  return pieces;
}

/** Bytes one by one. */
export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
}

/** Writes pieces, collects what comes out by `data` events, and waits for the stream's close. */
export async function through(stream: Transform, pieces: readonly Uint8Array[]): Promise<StreamEnd> {
  const output: Uint8Array[] = [];
  let error: unknown;
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.on('data', (piece: Uint8Array) => output.push(piece));
  stream.on('error', (reason) => (error = reason));
  for (const piece of pieces) {
    if (stream.destroyed) break;
    if (!stream.write(piece))
      await new Promise<void>((resolve) => {
        const go = () => {
          stream.off('drain', go).off('close', go);
          resolve();
        };
        stream.on('drain', go).on('close', go);
      });
  }
  if (!stream.destroyed) stream.end();
  await closed;
  return { output: new Uint8Array(Buffer.concat(output)), error };
}

/** Compresses by stream; throws the stream's error. */
export async function encodeByStream(
  pieces: readonly Uint8Array[],
  options: EncodeOptions = {},
): Promise<Uint8Array> {
  const { output, error } = await through(lmzEncode(options), pieces);
  if (error !== undefined) throw error as Error;
  return output;
}

/** Decompresses by stream; hands back the stream's error beside what came before it. */
export function decodeByStream(
  pieces: readonly Uint8Array[],
  options: DecodeOptions = {},
): Promise<StreamEnd> {
  return through(lmzDecode(options), pieces);
}

/** The whole content by random access. */
export async function decodeByIndex(file: Uint8Array, options: DecodeOptions = {}): Promise<Uint8Array> {
  const reader = await openLmz(file, options);
  try {
    return await reader.read(0, reader.size);
  } finally {
    await reader.close();
  }
}
