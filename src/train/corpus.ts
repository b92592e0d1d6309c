/**
 * The training text: files by category, each cut into a training part and a validation part at its end.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

/** A kind of text, all its files together. */
export interface Category {
  readonly name: string;
  /** Its share of the lanes. */
  readonly weight: number;
  readonly training: Uint8Array;
  readonly validation: Uint8Array;
  /** What was read: for model cards. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** Where to find a category: `name=weight:path,path...`; paths are files or folders. */
export interface CategorySource {
  readonly name: string;
  readonly weight: number;
  readonly paths: readonly string[];
}

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((entry) => filesBelow(join(path, entry)));
}

/** A file's content, decompressed where its name says so; decompressed text is kept in `cache`. */
function readText(path: string, cache: string | undefined): Buffer {
  const compressed = /\.(br|gz)$/.exec(path);
  if (compressed === null) return readFileSync(path);
  const packed = readFileSync(path);
  const key = createHash('sha256').update(packed).digest('hex').slice(0, 16);
  const cached = cache === undefined ? undefined : join(cache, `${key}-${basename(path, compressed[0])}`);
  if (cached !== undefined) {
    try {
      return readFileSync(cached);
    } catch {
      // Not there yet.
    }
  }
  const text = compressed[1] === 'br' ? brotliDecompressSync(packed) : gunzipSync(packed);
  if (cache !== undefined && cached !== undefined) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(`${cached}.part`, text);
    renameSync(`${cached}.part`, cached);
  }
  return text;
}

/**
 * Reads one category.
 *
 * @param held - the share of every file, at its end, that is kept for validation.
 * @param cache - a folder for decompressed files.
 */
export function readCategory(source: CategorySource, held: number, cache?: string): Category {
  const training: Uint8Array[] = [];
  const validation: Uint8Array[] = [];
  const files = source.paths.flatMap(filesBelow).map((path) => {
    const text = readText(path, cache);
    const cut = text.length - Math.floor(text.length * held);
    training.push(text.subarray(0, cut));
    validation.push(text.subarray(cut));
    return {
      name: basename(path),
      bytes: text.length,
      sha256: createHash('sha256').update(text).digest('hex'),
    };
  });
  return {
    name: source.name,
    weight: source.weight,
    training: Buffer.concat(training),
    validation: Buffer.concat(validation),
    files,
  };
}
