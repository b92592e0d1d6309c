/**
 * A tar becomes a folder, all of it or nothing. It grows under a temporary name beside the final one; every name is
 * checked before it is used; links are made last, when nothing can be written through them any more.
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { LmzError } from '../errors.ts';
import { linkStaysInside, safeParts, unsafe } from './entry-name.ts';
import { fileTime } from './file-times.ts';
import { ActionError, isSystemError } from './reporter.ts';
import type { Scratch } from './scratch.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** What {@link PendingFolder.create} needs to know. */
export interface PendingFolderOptions {
  /** Replace a folder or file that has the final name. */
  force: boolean;
  /** Force every file to the disk: the archive is about to be removed. */
  sync: boolean;
  scratch: Scratch;
}

interface Deferred {
  parts: string[];
  entry: TarEntry;
}

/** A folder that does not have its name yet. */
export class PendingFolder {
  readonly path: string;
  readonly #temporary: string;
  /** The mode that the umask gives. */
  readonly #mode: number;
  readonly #options: PendingFolderOptions;
  readonly #files = new Set<string>();
  readonly #folders = new Map<string, Deferred>();
  readonly #links: Deferred[] = [];

  private constructor(path: string, temporary: string, mode: number, options: PendingFolderOptions) {
    this.path = path;
    this.#temporary = temporary;
    this.#mode = mode;
    this.#options = options;
  }

  /** @throws {@link LmzError} LMZ_EXISTS before any work is done, where the final name is taken */
  static create(path: string, options: PendingFolderOptions): PendingFolder {
    if (!options.force) refuseExisting(path);
    const temporary = options.scratch.reserve(dirname(path));
    try {
      mkdirSync(temporary);
      // Nobody else looks in before it is complete; only a folder that becomes the final one gets its mode back.
      const { mode } = lstatSync(temporary);
      chmodSync(temporary, 0o700);
      return new PendingFolder(path, temporary, mode & 0o777, options);
    } catch (error) {
      options.scratch.release(temporary);
      throw new ActionError(`cannot create ${path}`, error);
    }
  }

  /**
   * Unpacks.
   *
   * @throws {@link LmzError} LMZ_UNSAFE_NAME, LMZ_CORRUPT or LMZ_UNSUPPORTED
   */
  async write(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const entry of readTar(chunks)) {
      const parts = safeParts(entry.path);
      if (entry.type === 'device') throw unsafe(`the entry "${entry.path}" is a device or pipe`);
      if (entry.type === 'unknown') {
        throw new LmzError(
          'LMZ_UNSUPPORTED',
          `the entry "${entry.path}" is of a kind that lmz does not know`,
        );
      }
      if (parts.length === 0 && entry.type !== 'folder')
        throw unsafe(`the entry "${entry.path}" names no file`);
      if (entry.type === 'folder') this.#folder(parts, entry);
      else if (entry.type === 'file') await this.#file(parts, entry);
      else this.#links.push({ parts, entry });
    }
    this.#makeLinks();
  }

  /**
   * Gives the folder its metadata and its name. A single folder at the top of the archive becomes the final one;
   * several entries go together into it.
   *
   * @throws {@link LmzError} LMZ_EXISTS where somebody else has taken the name meanwhile
   */
  commit(): void {
    const { force, scratch } = this.#options;
    const root = join(this.#temporary, ...this.#root());
    // A folder without write permission cannot be moved, so the root's own comes after the move.
    const deepestFirst = [...this.#folders.values()].sort((a, b) => b.parts.length - a.parts.length);
    for (const { parts, entry } of deepestFirst) {
      const folder = join(this.#temporary, ...parts);
      if (folder !== root) applyMetadata(folder, entry);
    }
    const own = this.#folders.get(this.#root().join('/'));
    if (force) this.#replace(root);
    else {
      refuseExisting(this.path);
      renameSync(root, this.path);
    }
    if (own !== undefined) applyMetadata(this.path, own.entry);
    else if (root === this.#temporary) chmodSync(this.path, this.#mode);
    if (existsSync(this.#temporary)) rmdirSync(this.#temporary);
    scratch.release(this.#temporary);
  }

  discard(): void {
    this.#options.scratch.remove(this.#temporary);
  }

  #folder(parts: string[], entry: TarEntry): void {
    this.#makeFolders(parts, entry);
    this.#folders.set(parts.join('/'), { parts, entry });
  }

  async #file(parts: string[], entry: TarEntry): Promise<void> {
    this.#makeFolders(parts.slice(0, -1), entry);
    const descriptor = guarded(entry, () => openSync(join(this.#temporary, ...parts), 'wx', 0o600));
    try {
      for await (const piece of entry.body) {
        for (let at = 0; at < piece.length;) at += guarded(entry, () => writeSync(descriptor, piece, at));
      }
      fchmodSync(descriptor, entry.mode & 0o777);
      futimesSync(descriptor, fileTime(entry.mtime), fileTime(entry.mtime));
      if (this.#options.sync) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    this.#files.add(parts.join('/'));
  }

  /** No link exists yet, so every part is a real folder, or a file of this archive, which is refused. */
  #makeFolders(parts: string[], entry: TarEntry): void {
    guarded(entry, () => mkdirSync(join(this.#temporary, ...parts), { recursive: true }));
  }

  #makeLinks(): void {
    for (const { parts, entry } of this.#links) this.#makeFolders(parts.slice(0, -1), entry);
    const hard = this.#links.filter(({ entry }) => entry.type === 'hardlink');
    for (const { parts, entry } of hard) {
      const target = safeParts(entry.linkpath);
      if (!this.#files.has(target.join('/'))) {
        throw unsafe(
          `the hard link "${entry.path}" leads to "${entry.linkpath}", which is no file of the archive`,
        );
      }
      guarded(entry, () => {
        linkSync(join(this.#temporary, ...target), join(this.#temporary, ...parts));
      });
    }
    // Checked with all of them known and none made: what a link may reach depends on what is at the top.
    const symbolic = this.#links.filter(({ entry }) => entry.type === 'symlink');
    const rootDepth = symbolic.some(({ parts }) => parts.length === 1) ? 0 : this.#root().length;
    for (const { parts, entry } of symbolic) {
      if (!linkStaysInside(parts, entry.linkpath, rootDepth)) {
        throw unsafe(`the symbolic link "${entry.path}" leads outside, to "${entry.linkpath}"`);
      }
    }
    for (const { parts, entry } of symbolic) {
      guarded(entry, () => {
        const link = join(this.#temporary, ...parts);
        symlinkSync(entry.linkpath, link);
        lutimesSync(link, fileTime(entry.mtime), fileTime(entry.mtime));
      });
    }
  }

  /** The folder at the top, where it is the only thing there. */
  #root(): string[] {
    const names = readdirSync(this.#temporary);
    const [first = ''] = names;
    if (names.length !== 1) return [];
    return lstatSync(join(this.#temporary, first)).isDirectory() ? [first] : [];
  }

  /** A rename does not replace a folder that is not empty, so the old one steps aside, and back if that fails. */
  #replace(root: string): void {
    const { scratch } = this.#options;
    const aside = scratch.reserve(dirname(this.path));
    const exists = lstatSync(this.path, { throwIfNoEntry: false }) !== undefined;
    if (exists) renameSync(this.path, aside);
    try {
      renameSync(root, this.path);
    } catch (error) {
      scratch.release(aside);
      if (exists) renameSync(aside, this.path);
      throw error;
    }
    scratch.remove(aside);
  }
}

function refuseExisting(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw new LmzError('LMZ_EXISTS', `${path} exists already`, {
    hint: '-f replaces it as a whole; -o chooses another name.',
  });
}

/** setuid, setgid and sticky bits go: an archive may come from anybody. */
function applyMetadata(folder: string, entry: TarEntry): void {
  utimesSync(folder, fileTime(entry.mtime), fileTime(entry.mtime));
  chmodSync(folder, entry.mode & 0o777);
}

/** In a fresh folder only the archive itself can be in its own way. */
function guarded<T>(entry: TarEntry, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (isSystemError(error) && ['EEXIST', 'ENOTDIR', 'EISDIR'].includes(error.code)) {
      throw unsafe(`the entry "${entry.path}" takes a name that another entry has`);
    }
    throw new ActionError(`cannot unpack ${entry.path}`, error);
  }
}
