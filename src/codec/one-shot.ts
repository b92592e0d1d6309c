/**
 * Whole inputs in memory: {@link compress} and {@link decompress}.
 *
 * @module
 */
import { decodeContent } from './decoder.ts';
import { encodeContent } from './encoder.ts';
import { Operation } from './operation.ts';
import {
  type DecodeOptions,
  type EncodeOptions,
  resolveDecodeOptions,
  resolveEncodeOptions,
} from './options.ts';

/**
 * Compresses bytes, or a string as UTF-8. Gives the same bytes as {@link lmzEncode} with the same options.
 *
 * @throws TypeError or RangeError for bad arguments, LmzError for anything else
 * @example
 * ```ts
 * import { compress, decompress } from 'lmz';
 * const packed = await compress('one fish, two fish');
 * console.log(new TextDecoder().decode(await decompress(packed)));
 * ```
 */
export async function compress(data: Uint8Array | string, options: EncodeOptions = {}): Promise<Uint8Array> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  requireBytes('data', bytes);
  const resolved = resolveEncodeOptions(options);
  return collect(options, (operation) => encodeContent([bytes], resolved, operation));
}

/**
 * Decompresses an lmz file.
 *
 * @throws TypeError or RangeError for bad arguments, LmzError for anything else
 * @example
 * ```ts
 * import { compress, decompress } from 'lmz';
 * const bytes = await decompress(await compress('red fish'), { outputLimit: 1e6 });
 * ```
 */
export async function decompress(data: Uint8Array, options: DecodeOptions = {}): Promise<Uint8Array> {
  requireBytes('data', data);
  const resolved = resolveDecodeOptions(options);
  return collect(options, (operation) => decodeContent([data], resolved, operation));
}

function requireBytes(name: string, value: unknown): void {
  if (!(value instanceof Uint8Array))
    throw new TypeError(`${name} expected a Uint8Array, got ${typeof value}`);
}

async function collect(
  options: { signal?: AbortSignal },
  coding: (operation: Operation) => AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  const operation = new Operation({ signal: options.signal });
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of coding(operation)) pieces.push(piece);
    return concatenate(pieces);
  } finally {
    operation.close(false);
    // Whatever is still under way after a failure must not go on.
    operation.abort(new Error('the operation has ended'));
  }
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
