/**
 * Where output goes. A sink takes all chunks of one output; committing makes it visible, discarding leaves no trace.
 *
 * @module
 */
import { createWriteStream, realpathSync, statSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { sep } from 'node:path';
import { LmzError } from '../errors.ts';
import { writeAll, type Io } from '../terminal/io.ts';
import { ActionError, isSystemError } from './reporter.ts';

/** One output. {@link PendingFile} and {@link PendingFolder} are the ones that can be taken back. */
export interface Sink {
  write(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  commit(): void | Promise<void>;
  discard(): void | Promise<void>;
}

/** Standard output: what is written is written. */
export function stdoutSink(io: Io): Sink {
  return {
    async write(chunks) {
      try {
        await writeAll(io.stdout, chunks);
      } catch (error) {
        // What produces the chunks may fail as well, and says so itself.
        throw isSystemError(error) ? new ActionError('cannot write the output', error) : error;
      }
    },
    commit: () => undefined,
    discard: () => undefined,
  };
}

/** `-o /dev/null` or a named pipe: written directly, for nothing there can be renamed or overwritten. */
export function specialSink(path: string): Sink {
  return {
    async write(chunks) {
      const stream = createWriteStream(path, { flags: 'r+' });
      const closed = finished(stream);
      try {
        await Promise.race([writeAll(stream, chunks), closed]);
        stream.end();
        await closed;
      } catch (error) {
        stream.destroy();
        closed.catch(() => undefined);
        throw new ActionError(`cannot write ${path}`, error);
      }
    },
    commit: () => undefined,
    discard: () => undefined,
  };
}

/** Whether a name stands for a character device or a pipe. */
export function isSpecial(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.isCharacterDevice() || stat.isFIFO());
}

/** @throws {@link LmzError} LMZ_TERMINAL where compressed bytes would go to a screen */
export function refuseTerminalOutput(io: Io, force: boolean): void {
  if (force || io.stdout.isTTY !== true) return;
  throw new LmzError('LMZ_TERMINAL', 'compressed data is not written to a terminal', {
    hint: 'Name a file, redirect the output, or use -f; see lmz --help.',
  });
}

/** @throws {@link LmzError} LMZ_TERMINAL where compressed bytes would come from a keyboard */
export function refuseTerminalInput(io: Io, force: boolean): void {
  if (force || io.stdin.isTTY !== true) return;
  throw new LmzError('LMZ_TERMINAL', 'compressed data is not read from a terminal', {
    hint: 'Name a file, redirect the input, or use -f; see lmz --help.',
  });
}

/** @throws {@link LmzError} LMZ_USAGE where `-o -f` would put the output in the place of what it is made from */
export function refuseSelf(input: string, output: string): void {
  const a = statSync(input, { throwIfNoEntry: false });
  const b = statSync(output, { throwIfNoEntry: false });
  if (a === undefined || b === undefined) return;
  const inside = (outer: string, inner: string): boolean => `${inner}${sep}`.startsWith(`${outer}${sep}`);
  const replaced = realpathSync(output);
  if ((a.dev === b.dev && a.ino === b.ino) || (b.isDirectory() && inside(replaced, realpathSync(input)))) {
    throw new LmzError('LMZ_USAGE', `the output ${output} would replace its own source`);
  }
  if (b.isDirectory() && inside(replaced, process.cwd())) {
    throw new LmzError('LMZ_USAGE', `the output ${output} would replace the folder that lmz runs in`);
  }
}
