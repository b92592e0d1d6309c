/**
 * The process's own streams, handed in so that tests and other programs can stand in for them.
 *
 * @module
 */
import type { Readable, Writable } from 'node:stream';

/** Where a run reads, writes and complains. */
export interface Io {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean };
  /** Show stack traces (LMZ_DEBUG=1). */
  debug: boolean;
}

/**
 * Writes everything, a piece at a time, and leaves the stream open: standard output may take several files.
 * The callback of each write is back-pressure enough, and is where a broken pipe shows.
 */
export async function writeAll(stream: Writable, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
