/**
 * Downloads one large file: interrupted, it goes on where it was.
 *
 * @module
 */
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { pipeline } from 'node:stream/promises';
import { LmzError } from '../errors.ts';

/** Called while bytes arrive; `total` is undefined where the server does not say. */
export type DownloadProgress = (received: number, total: number | undefined) => void;

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

/** The whole size that `Content-Range: bytes 5-9/10` or `bytes *\/10` tells. */
function totalOf(response: Response): number | undefined {
  const match = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  return match === null ? undefined : Number(match[1]);
}

/**
 * Gets `url` into the file `path`; what has arrived so far is in `path.part`.
 *
 * @throws LmzError `LMZ_TRUNCATED` where the connection ends early, `LMZ_USAGE` where the server refuses
 */
export async function download(url: string, path: string, progress: DownloadProgress): Promise<void> {
  const part = `${path}.part`;
  const had = sizeOf(part);
  let response: Response;
  try {
    // "identity": a body that the server packs on the way cannot be continued in its middle.
    response = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(had > 0 && { range: `bytes=${had}-` }) },
    });
  } catch (error) {
    throw new LmzError('LMZ_USAGE', `${url} cannot be reached`, {
      cause: error,
      hint: 'Name a local copy with --enwik FILE.',
    });
  }
  if (response.status === 416) {
    await response.body?.cancel();
    if (totalOf(response) !== had) {
      // Not a beginning of what the server has: start again.
      await rm(part);
      await download(url, path, progress);
      return;
    }
    renameSync(part, path);
    return;
  }
  if (!response.ok || response.body === null) {
    throw new LmzError('LMZ_USAGE', `${url}: the server answers ${response.status} ${response.statusText}`);
  }
  const resumed = response.status === 206;
  const length = Number(response.headers.get('content-length') ?? NaN);
  let received = resumed ? had : 0;
  const whole = resumed ? totalOf(response) : Number.isNaN(length) ? undefined : length;
  const counter = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      received += piece.length;
      progress(received, whole);
      done(null, piece);
    },
  });
  try {
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    await pipeline(body, counter, createWriteStream(part, { flags: resumed ? 'a' : 'w' }));
  } catch (error) {
    throw new LmzError('LMZ_TRUNCATED', `the download of ${url} broke off after ${received} bytes`, {
      cause: error,
      hint: 'The same command goes on where it was.',
    });
  }
  if (whole !== undefined && received !== whole) {
    throw new LmzError('LMZ_TRUNCATED', `${url}: ${received} of ${whole} bytes arrived`, {
      hint: 'The same command goes on where it was.',
    });
  }
  renameSync(part, path);
}
