/**
 * Checkpoint files: a JSON header and named arrays, written so that a crash leaves the old file or the new one.
 *
 *     "lmzckpt1"  u32 header length  header  zero bytes up to a multiple of 8  arrays, each likewise padded
 *
 * @module
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LmzError } from '../errors.ts';

const MAGIC = 'lmzckpt1';
const ALIGNMENT = 8;

/** Named float arrays and whatever else the trainer must remember. */
export interface Checkpoint<T> {
  readonly meta: T;
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

interface Header<T> {
  meta: T;
  arrays: { name: string; length: number }[];
}

const padding = (length: number): number => (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done);
}

/** Writes the file, replacing an older one at once. */
export function writeCheckpoint<T>(path: string, { meta, arrays }: Checkpoint<T>): void {
  const list = Object.entries(arrays).map(([name, { length }]) => ({ name, length }));
  const header = Buffer.from(JSON.stringify({ meta, arrays: list } satisfies Header<T>));
  const start = Buffer.alloc(MAGIC.length + 4);
  start.write(MAGIC, 'latin1');
  start.writeUInt32LE(header.length, MAGIC.length);
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(`${path}.part`, 'w');
  try {
    writeAll(file, start);
    writeAll(file, header);
    writeAll(file, Buffer.alloc(padding(start.length + header.length)));
    for (const array of Object.values(arrays)) {
      writeAll(file, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      writeAll(file, Buffer.alloc(padding(array.byteLength)));
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
}

/**
 * @throws LmzError `LMZ_CORRUPT` where the file is no whole checkpoint.
 */
export function readCheckpoint<T>(path: string): Checkpoint<T> {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new LmzError('LMZ_CORRUPT', `${path} is no checkpoint`);
  }
  const headerLength = bytes.readUInt32LE(MAGIC.length);
  let at = MAGIC.length + 4;
  const header = JSON.parse(bytes.toString('utf8', at, at + headerLength)) as Header<T>;
  at += headerLength;
  at += padding(at);
  const arrays: Record<string, Float32Array> = {};
  for (const { name, length } of header.arrays) {
    if (at + 4 * length > bytes.length) throw new LmzError('LMZ_CORRUPT', `${path} ends within ${name}`);
    const array = new Float32Array(length);
    new Uint8Array(array.buffer).set(bytes.subarray(at, at + 4 * length));
    arrays[name] = array;
    at += 4 * length + padding(4 * length);
  }
  return { meta: header.meta, arrays };
}
