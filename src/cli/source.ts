/**
 * What a name on the command line stands for: standard input, a file or a folder; and whether it may be worked on.
 *
 * @module
 */
import { createReadStream, fstatSync, lstatSync, statSync, unlinkSync, type Stats } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Io } from '../terminal/io.ts';
import { Skip } from './reporter.ts';

/** An input of a run. */
export interface Source {
  kind: 'stdin' | 'file' | 'folder';
  /** As given on the command line. */
  path: string;
  /** Of the file that is read, links followed. */
  stat: Stats | undefined;
  /** Bytes, where they are known before reading. */
  size: number | undefined;
}

/** Which inputs a run takes. */
export interface SourceRules {
  folders: boolean;
  /** The source will be removed, so that what is removed must be all of it (as xz without `-k`). */
  remove: boolean;
  force: boolean;
  /** Devices and pipes by name: only where no file name is derived from theirs. */
  special: boolean;
}

/**
 * Looks at a name.
 *
 * @throws {@link Skip} where it is to be left alone
 */
export function inspectSource(path: string, io: Io, rules: SourceRules): Source {
  if (path === '-') return { kind: 'stdin', path, stat: undefined, size: stdinSize(io) };
  const careful = rules.remove && !rules.force;
  if (careful && lstatSync(path).isSymbolicLink())
    throw new Skip('is a symbolic link; skipped (-f follows it)');
  const stat = statSync(path);
  if (stat.isDirectory()) {
    if (!rules.folders) throw new Skip('is a folder; skipped');
    return { kind: 'folder', path, stat, size: undefined };
  }
  if (!stat.isFile()) {
    if (!rules.special) throw new Skip('is not a regular file; skipped (-c reads it)');
    return { kind: 'file', path, stat: undefined, size: undefined };
  }
  if (careful && (stat.mode & 0o7000) !== 0)
    throw new Skip('has the setuid, setgid or sticky bit set; skipped');
  if (careful && stat.nlink > 1) throw new Skip(`has ${stat.nlink - 1} more hard link(s); skipped`);
  return { kind: 'file', path, stat, size: stat.size };
}

/** The bytes of a source that is no folder. */
export function openSource(source: Source, io: Io): Readable {
  return source.kind === 'stdin' ? io.stdin : createReadStream(source.path, { highWaterMark: 1 << 18 });
}

/**
 * Says what would make a copy of the source incomplete: it changed after it had been inspected.
 *
 * @returns undefined where it is still as it was, or cannot be known
 */
export function changeOf(source: Source): string | undefined {
  if (source.kind !== 'file' || source.stat === undefined) return undefined;
  const now = statSync(source.path, { throwIfNoEntry: false });
  return now !== undefined && sameFile(source.stat, now) ? undefined : 'changed while it was read';
}

/**
 * Removes a file whose copy is safe, unless the name stands for something else by now.
 *
 * @throws {@link Skip} where it does
 */
export function removeSource(source: Source): void {
  if (changeOf(source) !== undefined) throw new Skip('changed while it was read; not removed');
  unlinkSync(source.path);
}

function sameFile(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/** `lmz < file` knows its size as well as `lmz file` does. */
function stdinSize(io: Io): number | undefined {
  if (io.stdin !== process.stdin) return undefined;
  try {
    const stat = fstatSync(0);
    return stat.isFile() ? stat.size : undefined;
  } catch {
    return undefined;
  }
}
