/**
 * The texts of the literature, by name: enwik9 and its beginnings (http://mattmahoney.net/dc/textdata.html), the Calgary
 * corpus, the Large Canterbury corpus. What is found or downloaded is compared with its known hash.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline as chain, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { LmzError } from '../errors.ts';
import { measure, unpacker, writeWhole } from './corpus.ts';
import { download, type DownloadProgress } from './download.ts';

/** The beginning of a file that is downloaded. */
export interface Prefix {
  readonly bytes: number;
  /** Hashes of the whole or of beginnings: those that are known. */
  readonly hashes: readonly { readonly bytes: number; readonly sha256: string }[];
}

const ENWIK6 = {
  bytes: 1e6,
  sha256: '369b688978f649681136198fb96db14c1616756260c55fb4b65e9bc049552cad',
};
const ENWIK8 = {
  bytes: 1e8,
  sha256: '2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8',
};
const ENWIK9 = {
  bytes: 1e9,
  sha256: '159b85351e5f76e60cbe32e04c677847a9ecba3adc79addab6f4c6c7aa3744bc',
};

/** enwik9 and its beginnings; of enwik7 only the first tenth has a hash that is known here. */
export const ENWIK: Readonly<Record<string, Prefix>> = {
  enwik6: { bytes: 1e6, hashes: [ENWIK6] },
  enwik7: { bytes: 1e7, hashes: [ENWIK6] },
  enwik8: { bytes: 1e8, hashes: [ENWIK6, ENWIK8] },
  enwik9: { bytes: 1e9, hashes: [ENWIK6, ENWIK8, ENWIK9] },
};
export const ENWIK_URL = 'http://mattmahoney.net/dc/enwik9.zip';

/** A set of files in a folder of the same name. */
interface FileSet {
  readonly folder: string;
  /** SHA-256 by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly url: string;
}

const BOOKS = {
  book1: '9ffa47cd93bccd732f20e0c304203cfbc1b8a91bedac536e2d8f6051003d9951',
  book2: 'c8538730cf2ce6a243acf3eb299c43d619b5c695d892f4884df796c13081fdf8',
};
const CALGARY_URL = 'http://corpus.canterbury.ac.nz/resources/calgary.tar.gz';

/** Sets of files, by name. */
export const FILE_SETS: Readonly<Record<string, FileSet>> = {
  calgary: {
    folder: 'calgary',
    files: {
      ...BOOKS,
      bib: '0f1a13936e358191533aca4a32ff42906d1b7f641f3afb0a90458b2410419fcf',
      geo: '913ff6f45610599020c02f543a0d5a1f46cf772412e25a568b683d23db8c447d',
      news: '7f0482f9774681429eb7021050c17966f6acf19450e170de6611e1ed953d42e8',
      obj1: '8c06109caffd7e794516e4ed10095b0238ea8df63ed66840907cd4dd23e2cf72',
      obj2: '8b3e7f028bfefaebdd48a791060a1ab11d1ffd9bf27e0d63b15e58dda0deb984',
      paper1: '8d9c42d9fa58b5bce1a8b5fae3cc27c9eb7cc7a032bc12a633d44e816497e143',
      paper2: 'dc4b9cf68094c632a920f4e76d0a0a8b9617b624c36928ca46a5d29798c5bbbe',
      paper3: 'c3e1ba94849992147cf68531311cf6512c9032b88f548d3e2d62cb659aef19d8',
      paper4: 'aeecc3ff5b2e497e35fbd2d2190627fff4818dabf7aee9734ac090c21b04739b',
      paper5: '7a4b1ee6aa419ca362a9bbae383287fe8fee4324c9d6aefa7e94b6d845452ee8',
      paper6: '8f38dd101a4e0c0e4acefec93d5da8198db593557e9e0019140e2dff24b1b080',
      pic: '0ec3a75089bb52342813496b17e51377bc9eba3cb519a444d67025354841d650',
      progc: '151377a9d6aa9b7e872000269707a15e2b038c826340628e6f4d8b4db9ec3c19',
      progl: '9388db0cfb71ffbe5687d381819a5ff69cdd992d6931e0cf81a310a1caed0ba0',
      progp: 'd0cd70ab5f7381a8584b25fa73b3608571a17ee1042cc5c546f63b904614d1bc',
      trans: '117a00c6af3e1c57f20013a8f1b468158f70634f685a348bedb7e4069cdd576a',
    },
    url: CALGARY_URL,
  },
  'book1+book2': { folder: 'calgary', files: BOOKS, url: CALGARY_URL },
  canterbury: {
    folder: 'canterbury',
    files: {
      'alice29.txt': '7467306ee0feed4971260f3c87421154a05be571d944e9cb021a5713700c38f0',
      'asyoulik.txt': 'eaa3526fe53859f34ecdf255712f9ecf0b2c903451d4755b2edaa2e2599cb0fc',
      'cp.html': 'e0cd21cef5b6c4069461e949be100080c3ce887de6f1dd8626c480528efaaf61',
      'fields.c': '85d73e354cc50cec76cb5a50537cf8dc035f8cbb8480f9e1cbe2f7d6c23393c7',
      'grammar.lsp': '1b0805dfc0ae706b35aac2bb4e15f02485efd24dda5dbd29de7b2f84d1a88c15',
      'kennedy.xls': '9af47239ca29dfe20e633f80bbbb9a4cc9783d0803d7b2b5626f42e4c3790420',
      'lcet10.txt': '5314ba1dbb03f471df88bec6cd120a938ef60d0fd3511c5c1dce61bf7463245f',
      'plrabn12.txt': '07e2e0b461af78c7c647cb53dab39de560198e16f799b4516eccf0fbd69f764c',
      ptt5: '0ec3a75089bb52342813496b17e51377bc9eba3cb519a444d67025354841d650',
      sum: 'ee5733cd76ecc2f9d8ff156adc3c02a7a851051dcf43a2d56ff4ee4ff606bdb3',
      'xargs.1': 'c58aeb5d2d1e12751d47e7412b45784405fc30a5671b03d480fa05776e183619',
    },
    url: 'http://corpus.canterbury.ac.nz/resources/cantrbry.tar.gz',
  },
  large: {
    folder: 'large',
    files: {
      'E.coli': '9125dfd87315961ef4286f3856098069e050cc3a2abe65735fe43e69d1996f40',
      'bible.txt': '4e0a7e8dff7d9c82dbded57305c0ca3cdd3c4ca014db27121782fe9710f4723f',
      'world192.txt': '1aebdc97d29904b25791da9aa32be90b69d7da6dc0ac9b95512ed27ed40d2112',
    },
    url: 'http://corpus.canterbury.ac.nz/resources/large.tar.gz',
  },
};

/** Where data sets are and how they get there. */
export interface DatasetOptions {
  /** The folder of data sets, downloaded or put there. */
  readonly folder: string;
  /** enwik9 as a file (`.zip`, `.gz`, `.br` or as it is), or the address of its zip. */
  readonly enwik: string;
  readonly progress: DownloadProgress;
  readonly log: (line: string) => void;
}

/** Whether this is the name of a data set. */
export function isDataset(name: string): boolean {
  return Object.hasOwn(ENWIK, name) || Object.hasOwn(FILE_SETS, name);
}

/**
 * The files of a data set.
 *
 * @throws LmzError `LMZ_USAGE` where they are neither here nor to be had, `LMZ_CORRUPT` where one is not what it should be
 */
export async function datasetFiles(name: string, options: DatasetOptions): Promise<string[]> {
  if (Object.hasOwn(ENWIK, name)) return [await beginning(name, ENWIK[name], options)];
  const { folder, files, url } = FILE_SETS[name];
  const paths: string[] = [];
  for (const [file, sha256] of Object.entries(files)) {
    const path = join(options.folder, folder, file);
    if (!existsSync(path)) {
      throw new LmzError('LMZ_USAGE', `the data set ${name} is not complete: no file ${path}`, {
        hint: `Unpack ${url} there, or name the folder above with --corpora.`,
      });
    }
    if ((await measure(createReadStream(path))).sha256 !== sha256) {
      throw new LmzError('LMZ_CORRUPT', `${path} is not the file of the data set ${name}: its hash differs`);
    }
    paths.push(path);
  }
  return paths;
}

/**
 * A beginning of a large file, as a file of its own: found in the folder, or cut from what is given or downloaded.
 */
export async function beginning(name: string, prefix: Prefix, options: DatasetOptions): Promise<string> {
  const { folder, enwik, log } = options;
  const path = join(folder, name);
  if (existsSync(path) && statSync(path).size === prefix.bytes) {
    await check(path, prefix);
    return path;
  }
  mkdirSync(folder, { recursive: true });
  let source = enwik;
  if (/^https?:\/\//.test(enwik)) {
    source = join(folder, new URL(enwik).pathname.split('/').at(-1)!);
    if (!existsSync(source)) {
      log(`downloading ${enwik}`);
      await download(enwik, source, options.progress);
    }
  }
  log(`cutting ${name} from ${source}`);
  await writeWhole(path, async (part) => {
    await pipeline(head(await openWhole(source), prefix.bytes), createWriteStream(part));
    try {
      await check(part, prefix);
    } catch (error) {
      // A download that is wrong would be wrong again.
      if (source !== enwik) await rm(source);
      throw error;
    }
  });
  return path;
}

/** The unpacked content of a file. */
async function openWhole(path: string): Promise<Readable> {
  if (!existsSync(path)) throw new LmzError('LMZ_USAGE', `--enwik ${path}: no such file`);
  if (path.endsWith('.zip')) return openZip(path);
  const transform = unpacker(path);
  const raw = createReadStream(path);
  // Whoever reads sees the errors; leaving early ends both streams.
  return transform === undefined ? raw : chain(raw, transform, () => undefined);
}

/** The content of a zip file's first entry. */
async function openZip(path: string): Promise<Readable> {
  try {
    const zip = await yauzl.openPromise(path, { lazyEntries: true });
    const entry = await new Promise<yauzl.Entry>((resolve, reject) => {
      zip.once('entry', resolve);
      zip.once('error', reject);
      zip.once('end', () => {
        reject(new RangeError('it has no entries'));
      });
      zip.readEntry();
    });
    const stream = await zip.openReadStreamPromise(entry);
    stream.once('close', () => {
      zip.close();
    });
    return stream;
  } catch (error) {
    throw new LmzError('LMZ_CORRUPT', `${path} is no usable zip file: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The first bytes of a stream. */
async function* head(source: Readable, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of source as AsyncIterable<Uint8Array>) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    // Leaving the loop ends the source.
    if (left === 0) return;
  }
}

/** @throws LmzError `LMZ_CORRUPT` where size or hashes are wrong */
async function check(path: string, { bytes, hashes }: Prefix): Promise<void> {
  const { size } = statSync(path);
  if (size !== bytes) throw new LmzError('LMZ_TRUNCATED', `${path} has ${size} bytes, not ${bytes}`);
  const hash = createHash('sha256');
  let done = 0;
  for (const { bytes: to, sha256 } of hashes) {
    for await (const piece of createReadStream(path, { start: done, end: to - 1 }))
      hash.update(piece as Buffer);
    done = to;
    if (hash.copy().digest('hex') !== sha256) {
      throw new LmzError(
        'LMZ_CORRUPT',
        `${path} is not what it should be: the hash of its first ${to} bytes differs`,
      );
    }
  }
}
