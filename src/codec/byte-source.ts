/**
 * Random access to a file's or an array's bytes: the codec's only use of the file system.
 *
 * @module
 */
import { open } from 'node:fs/promises';

/** Bytes that can be read anywhere. */
export interface ByteSource {
  readonly size: number;
  /** Exactly the bytes `offset .. offset + length`, which must exist. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @throws the file system's errors where the file cannot be opened */
export async function openSource(source: string | Uint8Array): Promise<ByteSource> {
  if (source instanceof Uint8Array) return bytesSource(source);
  if (typeof source !== 'string')
    throw new TypeError(`source expected a path or a Uint8Array, got ${typeof source}`);
  const file = await open(source, 'r');
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new Error(`${source} has become shorter while it was read`);
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}
