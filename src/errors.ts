/**
 * The one error class for everything that can be wrong with data, models and limits. A caller's own mistakes (a wrong
 * type, a value out of range) are plain TypeError and RangeError with the argument's name.
 *
 * Codes are stable: programs may compare them, and README.md lists them.
 *
 * @module
 */

/** Every code that an {@link LmzError} may carry, with what it means. */
export const ERROR_CODES = {
  LMZ_NOT_LMZ: 'the input does not begin with the magic bytes of an lmz file',
  LMZ_TRUNCATED: 'the input ends before its structure does',
  LMZ_CORRUPT: 'a checksum, length or canonical form does not hold',
  LMZ_UNSUPPORTED: 'intact, but made with a version or feature that this release does not know',
  LMZ_TRAILING_DATA: 'the input goes on after its last member with something that is no member',
  LMZ_MODEL_NOT_FOUND: 'no model of that name, path or hash is known here',
  LMZ_MODEL_MISMATCH: 'the model given is not the one that the file names',
  LMZ_MODEL_INVALID: 'the model file cannot be read, or breaks the ONNX contract of lmz',
  LMZ_MODEL_NOT_EXACT: 'the audit could not prove that the model computes the same bits on every machine',
  LMZ_FINGERPRINT: 'a platform-bound model computes other logits here than where the file was made',
  LMZ_ENGINE: 'the inference engine asked for is missing or failed',
  LMZ_MEMORY_LIMIT: 'more memory would be needed than the limit allows',
  LMZ_OUTPUT_LIMIT: 'decoding would give more output than the limit allows',
  LMZ_WORKER: 'a worker thread ended unexpectedly',
  LMZ_VERIFY: 'a file was decoded again after encoding and came out different',
  LMZ_EXISTS: 'the output file exists already',
  LMZ_TERMINAL: 'compressed data is not read from or written to a terminal',
  LMZ_UNSAFE_NAME: 'an archive entry would be written outside the folder that it is unpacked into',
  LMZ_USAGE: 'the command line makes no sense',
} as const;

/** A stable error code; see {@link ERROR_CODES}. */
export type LmzErrorCode = keyof typeof ERROR_CODES;

/** What {@link LmzError} takes beside its code and message. */
export interface LmzErrorOptions {
  /** Byte offset in the compressed input where the fault was found. */
  offset?: number;
  /** One sentence: what to do about it. */
  hint?: string;
  /** The error behind this one. */
  cause?: unknown;
}

/**
 * An error in the data, the model or a limit.
 *
 * @example
 * ```ts
 * import { decompress, LmzError } from 'lmz';
 * try {
 *   await decompress(new Uint8Array([1, 2, 3]));
 * } catch (error) {
 *   if (error instanceof LmzError) console.log(error.code); // LMZ_NOT_LMZ
 * }
 * ```
 */
export class LmzError extends Error {
  /** Always `LmzError`. */
  override readonly name = 'LmzError';
  /** Stable: programs may compare it. */
  readonly code: LmzErrorCode;
  /** Byte offset in the compressed input, where that is known. */
  readonly offset: number | undefined;
  /** What to do about it, where something can be done. */
  readonly hint: string | undefined;

  constructor(code: LmzErrorCode, message: string, options: LmzErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.offset = options.offset;
    this.hint = options.hint;
  }
}
