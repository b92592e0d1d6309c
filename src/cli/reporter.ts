/**
 * What people read on standard error, and the exit status that follows from it.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { Io } from '../terminal/io.ts';

/** System errors in plain words; anything else keeps the system's own. */
const SYSTEM_ERRORS: Record<string, string> = {
  EACCES: 'permission denied',
  EBUSY: 'busy: something else uses it',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  EEXIST: 'exists already',
  EIO: 'the device reports an input/output error',
  EISDIR: 'is a folder',
  ELOOP: 'too many symbolic links on the way',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or folder',
  ENOMEM: 'not enough memory',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is not a folder',
  ENOTEMPTY: 'the folder is not empty',
  ENXIO: 'no such device',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ETXTBSY: 'the program is running',
};

/** A file is left alone for a reason that is no fault: a warning, exit status 2. */
export class Skip extends Error {
  override readonly name = 'Skip';
}

/** Something could not be done for a reason that the cause tells: `cannot create x.lmz: permission denied (EACCES)`. */
export class ActionError extends Error {
  override readonly name = 'ActionError';

  constructor(action: string, cause: unknown) {
    super(action, { cause });
  }
}

/** Prints errors, warnings and notes, and remembers the worst. */
export class Reporter {
  readonly #io: Io;
  readonly #quiet: number;
  #status: 0 | 1 | 2 = 0;

  constructor(io: Io, quiet = 0) {
    this.#io = io;
    this.#quiet = quiet;
  }

  /** As with xz: 0 all well, 1 an error, 2 a warning and no error. */
  get status(): 0 | 1 | 2 {
    return this.#status;
  }

  /** Reports whatever was thrown while `file` was worked on; a {@link Skip} becomes a warning. */
  error(file: string | undefined, error: unknown): void {
    if (error instanceof Skip) {
      this.warning(file, error.message);
      return;
    }
    this.#status = 1;
    if (this.#quiet >= 2) return;
    this.line(file, describe(error));
    const hint = hintOf(error);
    if (hint !== undefined) this.#io.stderr.write(`  hint: ${hint}\n`);
    if (this.#io.debug && error instanceof Error) this.#io.stderr.write(`${error.stack ?? ''}\n`);
  }

  warning(file: string | undefined, text: string): void {
    if (this.#status === 0) this.#status = 2;
    if (this.#quiet === 0) this.line(file, text);
  }

  /** One line, in the form of all lines. */
  line(file: string | undefined, text: string): void {
    this.#io.stderr.write(file === undefined ? `lmz: ${text}\n` : `lmz: ${printable(file)}: ${text}\n`);
  }
}

/** An error in one line, with its code. */
export function describe(error: unknown): string {
  if (error instanceof LmzError) {
    const place = error.offset === undefined ? '' : `, at byte ${error.offset}`;
    return printable(`${error.message} (${error.code}${place})`);
  }
  if (error instanceof ActionError) return printable(`${error.message}: ${describe(error.cause)}`);
  if (isSystemError(error)) return `${SYSTEM_ERRORS[error.code] ?? error.message} (${error.code})`;
  const message = error instanceof Error ? error.message : String(error);
  return printable(`internal error: ${message}`);
}

/** Names come from anywhere: a control character in one must not reach the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** An error of the operating system, by its code. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** The reader of our output has gone (`| head`); nobody is left to complain to. */
export function isBrokenPipe(error: unknown): boolean {
  const cause = error instanceof ActionError ? error.cause : error;
  return isSystemError(cause) && cause.code === 'EPIPE';
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof LmzError) return error.hint === undefined ? undefined : printable(error.hint);
  if (error instanceof ActionError) return hintOf(error.cause);
  if (isSystemError(error)) return undefined;
  return 'This is a fault of lmz, not of your file. LMZ_DEBUG=1 shows where; please report it.';
}
