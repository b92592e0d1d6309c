/**
 * A folder becomes a tar: the same folder always the same bytes. Names are sorted by their UTF-8 bytes, whatever the
 * locale; owners are left out; permissions, times (to the nanosecond), symbolic and hard links are kept.
 *
 * @module
 */
import { lstatSync, readdirSync, readlinkSync, rmdirSync, unlinkSync, type BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { LmzError } from '../errors.ts';
import { linkStaysInside, safeParts } from './entry-name.ts';
import { ActionError } from './reporter.ts';
import { END_OF_ARCHIVE, FOLDER_MARK, encodeHeader, padding, type EntryHeader } from './tar-format.ts';

const READ_SIZE = 1 << 18;

interface PackEntry {
  absolute: string;
  stat: BigIntStats;
  header: EntryHeader;
}

/** A folder, walked but not yet read. */
export class PackedFolder {
  /** What the archive will not, or only half, keep. More may come while it is read. */
  readonly warnings: string[] = [];
  readonly #entries: PackEntry[] = [];
  /** Hard links: the first name of a file holds its content. */
  readonly #firstNames = new Map<string, string>();
  readonly #skip: ReadonlySet<string>;

  /**
   * @param folder - its own name becomes the first part of every entry's
   * @param skip - absolute paths to leave out: the archive itself may lie inside
   * @throws {@link LmzError} LMZ_UNSAFE_NAME where a name could not be unpacked again
   */
  constructor(folder: string, skip: readonly string[] = []) {
    this.#skip = new Set(skip.map((path) => resolve(path)));
    const absolute = resolve(folder);
    const top = basename(absolute);
    if (top === '')
      throw new LmzError('LMZ_UNSAFE_NAME', 'the root of a file system has no name to archive it under');
    this.#walk(absolute, top);
  }

  /** Bytes of the archive, but for the rare extended headers. */
  get size(): number {
    const bodies = this.#entries.map(({ header }) => 512 + header.size + padding(header.size).length);
    return bodies.reduce((sum, size) => sum + size, FOLDER_MARK.length + END_OF_ARCHIVE.length);
  }

  /** The archive's bytes. */
  async *chunks(): AsyncGenerator<Buffer> {
    yield FOLDER_MARK;
    for (const entry of this.#entries) {
      yield encodeHeader(entry.header);
      if (entry.header.size === 0) continue;
      yield* this.#content(entry);
      yield padding(entry.header.size);
    }
    yield END_OF_ARCHIVE;
  }

  /**
   * Removes exactly what went into the archive. What was changed or added since stays, and so do its folders.
   *
   * @returns how many names were kept
   */
  remove(): number {
    let kept = 0;
    for (const { absolute, stat, header } of this.#entries.toReversed()) {
      try {
        const now = lstatSync(absolute, { bigint: true });
        if (now.dev !== stat.dev || now.ino !== stat.ino) kept++;
        else if (header.type === 'Directory') rmdirSync(absolute);
        else if (now.size !== stat.size || now.mtimeNs !== stat.mtimeNs) kept++;
        else unlinkSync(absolute);
      } catch {
        kept++;
      }
    }
    return kept;
  }

  #walk(absolute: string, path: string): void {
    if (this.#skip.has(absolute)) return;
    // The folder on the command line may be a link to one; what is inside is taken as it is.
    const isTop = this.#entries.length === 0;
    const stat = lstatSync(isTop ? join(absolute, '.') : absolute, { bigint: true });
    const base = { path, mode: Number(stat.mode & 0o7777n), mtimeNs: stat.mtimeNs, size: 0 };
    const parts = safeParts(path);
    if (stat.isDirectory()) {
      this.#add(absolute, stat, { ...base, path: `${path}/`, type: 'Directory' });
      for (const name of sortedNames(absolute)) this.#walk(join(absolute, name), `${path}/${name}`);
    } else if (stat.isSymbolicLink()) {
      const linkpath = readlinkSync(absolute);
      if (!linkStaysInside(parts, linkpath, 1)) {
        this.warnings.push(
          `the link ${path} leads outside (${linkpath}); kept, but lmz -d will not unpack it`,
        );
      }
      this.#add(absolute, stat, { ...base, type: 'SymbolicLink', linkpath });
    } else if (stat.isFile()) {
      this.#addFile(absolute, stat, base);
    } else {
      this.warnings.push(`${path} is a socket, pipe or device; left out`);
    }
  }

  #addFile(absolute: string, stat: BigIntStats, base: Omit<EntryHeader, 'type'>): void {
    const identity = `${stat.dev}:${stat.ino}`;
    const first = this.#firstNames.get(identity);
    if (first !== undefined) {
      this.#add(absolute, stat, { ...base, type: 'Link', linkpath: first });
      return;
    }
    if (stat.nlink > 1n) this.#firstNames.set(identity, base.path);
    this.#add(absolute, stat, { ...base, type: 'File', size: Number(stat.size) });
  }

  #add(absolute: string, stat: BigIntStats, header: EntryHeader): void {
    this.#entries.push({ absolute, stat, header });
  }

  /** Exactly as many bytes as the header has promised. */
  async *#content({ absolute, stat, header }: PackEntry): AsyncGenerator<Buffer> {
    const handle = await open(absolute, 'r').catch((error: unknown) => {
      throw new ActionError(`cannot read ${header.path}`, error);
    });
    try {
      for (let left = header.size; left > 0;) {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(Math.min(READ_SIZE, left)));
        if (bytesRead === 0) throw new Error(`${header.path} became shorter while it was read`);
        left -= bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
      const now = await handle.stat({ bigint: true });
      if (now.size !== stat.size || now.mtimeNs !== stat.mtimeNs) {
        this.warnings.push(`${header.path} changed while it was read`);
      }
    } finally {
      await handle.close();
    }
  }
}

/** @throws {@link LmzError} LMZ_UNSAFE_NAME where a name is not UTF-8, which JavaScript cannot say back exactly */
function sortedNames(folder: string): string[] {
  const names = readdirSync(folder, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b));
  return names.map((bytes) => {
    const name = bytes.toString('utf8');
    if (Buffer.from(name).equals(bytes)) return name;
    throw new LmzError('LMZ_UNSAFE_NAME', `${join(folder, name)} has a name that is not UTF-8`, {
      hint: 'GNU tar keeps any name: tar -cf - FOLDER | lmz > FOLDER.tar.lmz',
    });
  });
}
