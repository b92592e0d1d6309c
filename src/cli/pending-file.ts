/**
 * Output files that are all or nothing: written under a temporary name in the folder of the final one, then given
 * that name in one step. Until then whatever stands under the final name stays as it is.
 *
 * @module
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LmzError } from '../errors.ts';
import { fileTime } from './file-times.ts';
import { ActionError, isSystemError } from './reporter.ts';
import type { Scratch } from './scratch.ts';

/** What {@link PendingFile.create} needs to know. */
export interface PendingFileOptions {
  /** Replace a file that has the final name. */
  force: boolean;
  /** Force the content to the disk before it gets its name: the source is about to be removed. */
  sync: boolean;
  /** The file whose mode, times and owner the new one takes over. */
  like: Stats | undefined;
  scratch: Scratch;
}

/** A file that does not have its name yet. */
export class PendingFile {
  readonly path: string;
  /** Where the bytes are until {@link PendingFile.commit}. */
  readonly temporary: string;
  readonly #handle: FileHandle;
  readonly #options: PendingFileOptions;

  private constructor(path: string, temporary: string, handle: FileHandle, options: PendingFileOptions) {
    this.path = path;
    this.temporary = temporary;
    this.#handle = handle;
    this.#options = options;
  }

  /**
   * Opens the temporary file. Where it will take over a mode, only its owner can read it until then.
   *
   * @throws {@link LmzError} LMZ_EXISTS before any work is done, where the final name is taken
   */
  static async create(path: string, options: PendingFileOptions): Promise<PendingFile> {
    refuseTaken(path, options.force);
    const temporary = options.scratch.reserve(dirname(path));
    try {
      // Synchronous creation, then a handle: see Scratch.reserve.
      closeSync(openSync(temporary, 'wx', options.like === undefined ? 0o666 : 0o600));
      return new PendingFile(path, temporary, await open(temporary, 'r+'), options);
    } catch (error) {
      options.scratch.release(temporary);
      throw new ActionError(`cannot create ${path}`, error);
    }
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async write(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        at += await this.#handle.write(chunk, at).then(
          ({ bytesWritten }) => bytesWritten,
          (error: unknown) => {
            throw new ActionError(`cannot write ${this.path}`, error);
          },
        );
      }
    }
  }

  /**
   * Gives the file its metadata and its name.
   *
   * @throws {@link LmzError} LMZ_EXISTS where somebody else has taken the name meanwhile
   */
  async commit(): Promise<void> {
    const { force, like, scratch, sync } = this.#options;
    if (like !== undefined) await takeOverMetadata(this.#handle, like);
    if (sync) await this.#handle.sync();
    await this.#handle.close();
    if (force) renameSync(this.temporary, this.path);
    else renameExclusively(this.temporary, this.path);
    scratch.release(this.temporary);
    if (sync) syncFolder(dirname(this.path));
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    this.#options.scratch.remove(this.temporary);
  }
}

/**
 * @throws {@link LmzError} LMZ_EXISTS where `path` names something that may not be replaced
 */
export function refuseTaken(path: string, force: boolean): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) throw new LmzError('LMZ_EXISTS', `${path} exists already and is a folder`);
  if (force && (found.isFile() || found.isSymbolicLink())) return;
  if (force) throw new LmzError('LMZ_EXISTS', `${path} exists already and is no regular file`);
  throw exists(path);
}

function exists(path: string): LmzError {
  return new LmzError('LMZ_EXISTS', `${path} exists already`, {
    hint: '-f overwrites it; -o chooses another name.',
  });
}

/** A rename that fails where the new name is taken. POSIX has none, but a hard link is made only where there is none. */
function renameExclusively(from: string, to: string): void {
  try {
    linkSync(from, to);
    unlinkSync(from);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'EEXIST') throw exists(to);
    // FAT and some network file systems have no hard links: take the name with an empty file, then replace that.
    if (!['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(error.code)) throw error;
    closeSync(openSync(to, 'wx'));
    renameSync(from, to);
  }
}

/**
 * Owner, permissions and times of `like`, as xz does it: what cannot be kept is narrowed, never widened. A group that
 * cannot be given away gets no more rights than everybody; setuid, setgid and sticky bits go.
 */
async function takeOverMetadata(handle: FileHandle, like: Stats): Promise<void> {
  let mode = like.mode & 0o777;
  const now = await handle.stat();
  if (now.uid !== like.uid || now.gid !== like.gid) {
    const done = await handle.chown(like.uid, like.gid).then(
      () => true,
      () =>
        handle.chown(now.uid, like.gid).then(
          () => true,
          () => false,
        ),
    );
    if (!done) {
      const both = ((mode & 0o070) >> 3) & (mode & 0o007);
      mode = (mode & 0o700) | (both << 3) | both;
    }
  }
  await handle.chmod(mode);
  await handle.utimes(fileTime(like.atimeMs / 1000), fileTime(like.mtimeMs / 1000));
}

/** Makes a new name durable. Not every system can do that to a folder; the content is safe in any case. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    return;
  }
}
