/**
 * The training text: files by category, each cut into a training part and a validation part at its end. Files are read
 * as streams; compressed ones are unpacked once into a cache.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { LmzError } from '../errors.ts';
import { FileText, type Text } from './text.ts';

/** A kind of text, all its files together. */
export interface Category {
  readonly name: string;
  /** Its share of the lanes. */
  readonly weight: number;
  readonly training: Text;
  readonly validation: Text;
  /** What was read: for model cards. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** Where to find a category; paths are files or folders. */
export interface CategorySource {
  readonly name: string;
  readonly weight: number;
  readonly paths: readonly string[];
}

/** Size and hash of what went through. */
export interface Measured {
  readonly bytes: number;
  readonly sha256: string;
}

/** Counts and hashes a stream. */
export async function measure(source: Readable): Promise<Measured> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of source as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    hash.update(piece);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** What undoes the compression that a name tells. */
export function unpacker(path: string): Transform | undefined {
  if (path.endsWith('.br')) return createBrotliDecompress();
  return path.endsWith('.gz') ? createGunzip() : undefined;
}

/** Writes a file under another name first, so that whatever has the final name is whole. */
export async function writeWhole(path: string, write: (part: string) => Promise<void>): Promise<void> {
  const part = `${path}.part`;
  try {
    await write(part);
    renameSync(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

async function filesBelow(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const below = (await readdir(path)).sort().map((entry) => filesBelow(join(path, entry)));
  return (await Promise.all(below)).flat();
}

/** The path of a file's text: its own, or that of the unpacked copy in the cache, named by the packed file's hash. */
async function unpacked(path: string, cache: string): Promise<string> {
  const transform = unpacker(path);
  if (transform === undefined) return path;
  const { sha256 } = await measure(createReadStream(path));
  const copy = join(cache, `${sha256.slice(0, 16)}-${basename(path).replace(/\.\w+$/, '')}`);
  if (existsSync(copy)) return copy;
  mkdirSync(cache, { recursive: true });
  try {
    await writeWhole(copy, (part) => pipeline(createReadStream(path), transform, createWriteStream(part)));
  } catch (error) {
    throw new LmzError('LMZ_CORRUPT', `${path} cannot be unpacked`, { cause: error });
  }
  return copy;
}

/**
 * Finds and measures the files of one category.
 *
 * @param held - the share of every file, at its end, that is kept for validation.
 * @param cache - the folder of unpacked files.
 * @throws LmzError `LMZ_USAGE` where a path cannot be read
 */
export async function readCategory(source: CategorySource, held: number, cache: string): Promise<Category> {
  const found: { path: string; name: string; bytes: number; sha256: string }[] = [];
  for (const given of source.paths) {
    try {
      for (const packed of await filesBelow(given)) {
        const path = await unpacked(packed, cache);
        found.push({ path, name: basename(packed), ...(await measure(createReadStream(path))) });
      }
    } catch (error) {
      if (error instanceof LmzError) throw error;
      const { message } = error as Error;
      throw new LmzError('LMZ_USAGE', `--data ${given} cannot be read: ${message}`, { cause: error });
    }
  }
  const heldOf = (bytes: number): number => Math.floor(bytes * held);
  return {
    name: source.name,
    weight: source.weight,
    training: new FileText(
      found.map(({ path, bytes }) => ({ path, offset: 0, length: bytes - heldOf(bytes) })),
    ),
    validation: new FileText(
      found.map(({ path, bytes }) => ({
        path,
        offset: bytes - heldOf(bytes),
        length: heldOf(bytes),
      })),
    ),
    files: found.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
  };
}
