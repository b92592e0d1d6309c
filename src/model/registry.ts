/**
 * Where models are found: the package's own `models/` folder, then the folders of the environment variable
 * LMZ_MODEL_PATH; by file name, by the `lmz.name` in the file, by SHA-256, or by a path.
 *
 * @module
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, delimiter, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { equalBytes, toHex } from '../bytes.ts';
import { readMetadata } from './contract.ts';
import { sha256 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import { parseModelProto } from './onnx/parse.ts';

/** The built-in model that is used where none is named. */
export const DEFAULT_MODEL = 'default';
const EXTENSION = '.onnx';

/** A model file. */
export interface ModelFile {
  /** The file's name without `.onnx`. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** SHA-256 of the file. */
  readonly hash: Uint8Array;
  /** The `lmz.name` inside; undefined where there is none, or no readable model. */
  readonly innerName: string | undefined;
}

/** A model file that was read. */
export interface FoundModel extends ModelFile {
  /** Its content. */
  readonly bytes: Uint8Array;
}

/** Files seen before, by path: hashing 24 MB takes longer than opening it. */
const known = new Map<string, { size: number; mtime: number; file: ModelFile }>();

/** Folders that are searched, in order. The same from `src/model/` and `dist/model/`. */
export function modelFolders(env: Readonly<Record<string, string | undefined>> = process.env): string[] {
  const builtIn = fileURLToPath(new URL('../../models/', import.meta.url));
  const others = (env['LMZ_MODEL_PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [builtIn, ...others].map((folder) => resolve(folder));
}

function innerNameOf(bytes: Uint8Array): string | undefined {
  try {
    return readMetadata(parseModelProto(bytes)).get('lmz.name');
  } catch (error) {
    // A broken file in a folder must not hide the others.
    if (error instanceof LmzError) return undefined;
    throw error;
  }
}

/** A file's bytes, without another copy of them. */
async function readBytes(path: string): Promise<Uint8Array> {
  const { buffer, byteOffset, length } = await readFile(path);
  return new Uint8Array(buffer, byteOffset, length);
}

/** What bytes say of the model that they are. */
function factsOf(path: string, bytes: Uint8Array): ModelFile {
  const name = basename(path).replace(/\.onnx$/, '');
  return { name, path, size: bytes.length, hash: sha256(bytes), innerName: innerNameOf(bytes) };
}

async function describe(path: string): Promise<ModelFile> {
  const { size, mtimeMs: mtime } = await stat(path);
  const seen = known.get(path);
  if (seen?.size === size && seen.mtime === mtime) return seen.file;
  const file = factsOf(path, await readBytes(path));
  known.set(path, { size, mtime, file });
  return file;
}

async function onnxFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith(EXTENSION))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    // A folder that is not there has no models.
    return [];
  }
}

/**
 * All models in the folders, in the order in which they are found.
 *
 * @param folders  default: the package's own `models/`, then those that LMZ_MODEL_PATH names
 * @example
 * ```ts
 * import { listModels } from 'lmz';
 * for (const { name, size } of await listModels()) console.log(name, size);
 * ```
 */
export async function listModels(folders: readonly string[] = modelFolders()): Promise<ModelFile[]> {
  const files: ModelFile[] = [];
  for (const folder of folders) {
    for (const path of await onnxFiles(folder)) files.push(await describe(path));
  }
  return files;
}

async function readModel(path: string): Promise<FoundModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(path);
  } catch (cause) {
    throw new LmzError(
      'LMZ_MODEL_NOT_FOUND',
      `the model ${path} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  // The hash of the bytes that are handed out, whatever happened to the file in between.
  return { ...factsOf(path, bytes), bytes };
}

function notFound(what: string, folders: readonly string[]): LmzError {
  return new LmzError('LMZ_MODEL_NOT_FOUND', `no model ${what} in ${folders.join(', ')}`, {
    hint: 'Give the path of the .onnx file, or name its folder in LMZ_MODEL_PATH.',
  });
}

async function findHash(hash: Uint8Array, folders: readonly string[]): Promise<FoundModel> {
  for (const folder of folders) {
    for (const path of await onnxFiles(folder)) {
      if (equalBytes((await describe(path)).hash, hash)) return readModel(path);
    }
  }
  throw notFound(`with the SHA-256 ${toHex(hash)}`, folders);
}

/**
 * Finds a model and reads it, without checking it: `loadModel` does that.
 *
 * @param which  a path (with a separator, or ending in `.onnx`), a name (of the file, or `lmz.name`), or a SHA-256 as 32
 *   bytes or 64 hexadecimal digits
 * @example
 * ```ts
 * import { DEFAULT_MODEL, resolveModel } from 'lmz';
 * const { path } = await resolveModel(DEFAULT_MODEL);
 * ```
 * @throws LmzError LMZ_MODEL_NOT_FOUND, with the places that were searched
 */
export async function resolveModel(
  which: string | Uint8Array,
  folders: readonly string[] = modelFolders(),
): Promise<FoundModel> {
  if (typeof which !== 'string') {
    if (which.length !== 32) throw new RangeError(`"which" expected a hash of 32 bytes, got ${which.length}`);
    return findHash(which, folders);
  }
  if (which === '') throw new RangeError('"which" expected a name, path or hash, got an empty string');
  if (/^[0-9a-f]{64}$/i.test(which)) return findHash(new Uint8Array(Buffer.from(which, 'hex')), folders);
  if (which.includes('/') || which.includes(sep) || which.endsWith(EXTENSION))
    return readModel(resolve(which));
  for (const folder of folders) {
    const path = join(folder, which + EXTENSION);
    if ((await onnxFiles(folder)).includes(path)) return readModel(path);
  }
  for (const file of await listModels(folders)) {
    if (file.innerName === which) return readModel(file.path);
  }
  throw notFound(`called "${which}"`, folders);
}
