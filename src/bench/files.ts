/**
 * What is compressed: data sets by name, files and folders.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { usageError } from '../terminal/command.ts';
import { datasetFiles, type DatasetOptions, ENWIK, FILE_SETS, isDataset } from '../train/datasets.ts';
import { imageSet, soundSet } from './synthetic.ts';

/** One input. */
export interface BenchFile {
  /** The data set's name, as it was asked for. */
  readonly dataset: string;
  /** The file's name within it. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Not part of its data set's sum. */
  readonly extra?: true;
}

/** Where data sets are, and where files that are made go. */
export interface FileOptions extends DatasetOptions {
  readonly made: string;
}

/** The classic Calgary corpus has 14 files; these four came later and are in no published sum. */
const LATER_CALGARY = ['paper3', 'paper4', 'paper5', 'paper6'];
const BOOKS = 'calgary-books';
const IMAGE_PATCHES = 256;
const SOUND_SAMPLES = 262_144;
const SEED = 1;

/** Data sets that are made here: name of the file, content. */
const MADE: Readonly<Record<string, readonly [string, () => Uint8Array]>> = {
  image: ['patches.grey', () => imageSet(IMAGE_PATCHES, SEED)],
  audio: ['strings.pcm', () => soundSet(SOUND_SAMPLES, SEED)],
};

/** All names of data sets. */
export const DATASETS: readonly string[] = [
  ...Object.keys(ENWIK).reverse(),
  ...Object.keys(FILE_SETS),
  BOOKS,
  ...Object.keys(MADE),
];

function describe(dataset: string, path: string, name = basename(path)): BenchFile {
  const content = readFileSync(path);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const extra = dataset === 'calgary' && LATER_CALGARY.includes(name);
  return { dataset, name, path, bytes: content.length, sha256, ...(extra && { extra }) };
}

/** Writes a file where it is not there already with this content. */
function make(folder: string, name: string, content: Uint8Array): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  if (!existsSync(path) || !readFileSync(path).equals(content)) writeFileSync(path, content);
  return path;
}

/** The set's folder, or the one above: enwik's beginnings may lie in a folder of their own. */
function withFolder(name: string, options: FileOptions): FileOptions {
  const own = join(options.folder, 'enwik');
  return Object.hasOwn(ENWIK, name) && existsSync(join(own, name)) ? { ...options, folder: own } : options;
}

/** The files below a path, sorted, as pairs of name and path. */
function filesBelow(path: string, name: string): [string, string][] {
  if (!statSync(path).isDirectory()) return [[name, path]];
  return readdirSync(path)
    .sort()
    .flatMap((entry) => filesBelow(join(path, entry), name === '' ? entry : `${name}/${entry}`));
}

/**
 * The files of a data set: one of {@link DATASETS}, `SET/FILE` for one file of a set (its extension may be left out),
 * or the path of a file or folder.
 *
 * @throws LmzError `LMZ_USAGE` where there is no such thing, `LMZ_CORRUPT` where a data set is not what it should be
 */
export async function benchFiles(name: string, options: FileOptions): Promise<BenchFile[]> {
  if (name === BOOKS) {
    const paths = await datasetFiles('book1+book2', options);
    const books = Buffer.concat(paths.map((path) => readFileSync(path)));
    return [describe(name, make(options.made, 'book1+book2', books))];
  }
  if (Object.hasOwn(MADE, name)) {
    const [file, content] = MADE[name];
    return [describe(name, make(options.made, file, content()))];
  }
  if (isDataset(name)) {
    const paths = await datasetFiles(name, withFolder(name, options));
    return paths.map((path) => describe(name, path)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  const parts: readonly string[] | null = /^([^/]+)\/([^/]+)$/.exec(name);
  if (parts !== null && Object.hasOwn(FILE_SETS, parts[1]) && !existsSync(name)) {
    const paths = await datasetFiles(parts[1], options);
    const found = paths.find((path) => [basename(path), basename(path).split('.')[0]].includes(parts[2]));
    if (found === undefined)
      throw usageError(`the data set ${parts[1]} has no file ${parts[2]}`, 'lmz bench');
    return [describe(name, found)];
  }
  if (!existsSync(name)) {
    throw usageError(
      `${name} is no data set, file or folder; data sets are ${DATASETS.join(', ')}`,
      'lmz bench',
    );
  }
  const folder = statSync(name).isDirectory();
  return filesBelow(name, folder ? '' : basename(name)).map(([file, path]) => describe(name, path, file));
}
