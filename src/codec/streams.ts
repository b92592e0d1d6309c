/**
 * The Node streams: {@link lmzEncode} and {@link lmzDecode}.
 *
 * @module
 */
import type { Transform } from 'node:stream';
import { decodeContent } from './decoder.ts';
import { encodeContent } from './encoder.ts';
import { Operation } from './operation.ts';
import {
  type DecodeOptions,
  type EncodeOptions,
  type Progress,
  resolveDecodeOptions,
  resolveEncodeOptions,
} from './options.ts';
import { toTransform } from './stage.ts';

type Pieces = AsyncIterable<Uint8Array>;
type Coding = (source: Pieces, operation: Operation) => AsyncGenerator<Uint8Array, void, undefined>;

/**
 * A stream that compresses what is written to it into one member of an lmz file. Emits `progress` ({@link Progress}).
 *
 * @throws TypeError or RangeError at once for bad options; the stream fails with an LmzError for anything else
 * @example
 * ```ts
 * import { createReadStream, createWriteStream } from 'node:fs';
 * import { pipeline } from 'node:stream/promises';
 * import { lmzEncode } from 'lmz';
 * await pipeline(createReadStream('README.md'), lmzEncode(), createWriteStream('README.md.lmz'));
 * ```
 */
export function lmzEncode(options: EncodeOptions = {}): Transform {
  const resolved = resolveEncodeOptions(options);
  return toStream(options, (source, operation) => encodeContent(source, resolved, operation));
}

/**
 * A stream that decompresses an lmz file. Bytes come out only after their frame's checksum has held. Emits `progress`
 * ({@link Progress}).
 *
 * @throws TypeError or RangeError at once for bad options; the stream fails with an LmzError for anything else
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs';
 * import { text } from 'node:stream/consumers';
 * import { lmzDecode } from 'lmz';
 * console.log((await text(createReadStream('README.md.lmz').pipe(lmzDecode()))).length);
 * ```
 */
export function lmzDecode(options: DecodeOptions = {}): Transform {
  const resolved = resolveDecodeOptions(options);
  return toStream(options, (source, operation) => decodeContent(source, resolved, operation));
}

function toStream(options: { signal?: AbortSignal; totalSize?: number }, coding: Coding): Transform {
  const operation = new Operation({
    totalSize: options.totalSize,
    onProgress: (progress: Progress) => stream.emit('progress', progress),
  });
  const { signal } = options;
  const stream = toTransform(
    async function* (source) {
      let completed = false;
      try {
        for await (const piece of coding(source, operation)) {
          operation.countOut(piece.length);
          yield piece;
        }
        completed = true;
      } finally {
        operation.close(completed);
      }
    },
    ({ errored }) => {
      signal?.removeEventListener('abort', destroy);
      operation.abort(errored ?? new Error('the stream was destroyed'));
    },
  );
  const destroy = () => {
    const reason: unknown = signal?.reason;
    stream.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  };
  if (signal?.aborted) destroy();
  else signal?.addEventListener('abort', destroy, { once: true });
  return stream;
}
