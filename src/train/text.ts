/**
 * Text to train on, read piece by piece where it is needed: training on a gigabyte takes no gigabyte of memory.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LmzError } from '../errors.ts';

/** Bytes that can be read in pieces; a `Uint8Array` is one. */
export interface Text {
  readonly length: number;
  /** As of `Uint8Array`: what lies beyond the end is left out. */
  subarray(start: number, end: number): Uint8Array;
}

/** A run of bytes of a file. */
export interface FilePart {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Files that are kept open; a folder may hold thousands. */
const OPEN_FILES = 32;

/** Parts of files, one after another. */
export class FileText implements Text {
  readonly length: number;
  readonly #parts: readonly FilePart[];
  /** Where each part begins. */
  readonly #starts: Float64Array;
  /** Descriptors by path, the one used last at the end. */
  readonly #open = new Map<string, number>();

  constructor(parts: readonly FilePart[]) {
    this.#parts = parts.filter(({ length }) => length > 0);
    let length = 0;
    this.#starts = Float64Array.from(this.#parts, (part) => (length += part.length) - part.length);
    this.length = length;
  }

  subarray(start: number, end: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, this.length) - start));
    let filled = 0;
    for (let i = this.#partAt(start); filled < bytes.length; i++) {
      const { path, offset, length } = this.#parts[i];
      const skip = start + filled - this.#starts[i];
      const wanted = Math.min(length - skip, bytes.length - filled);
      const file = this.#descriptor(path);
      for (let done = 0; done < wanted;) {
        const count = readSync(file, bytes, filled + done, wanted - done, offset + skip + done);
        if (count === 0) throw new LmzError('LMZ_TRUNCATED', `${path} has become shorter during training`);
        done += count;
      }
      filled += wanted;
    }
    return bytes;
  }

  /** Closes the files; they are opened again when needed. */
  close(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }

  /** The part that holds a byte, by bisection. */
  #partAt(position: number): number {
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #descriptor(path: string): number {
    const file = this.#open.get(path) ?? openSync(path, 'r');
    this.#open.delete(path);
    this.#open.set(path, file);
    if (this.#open.size > OPEN_FILES) {
      const [oldest, descriptor] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      closeSync(descriptor);
    }
    return file;
  }
}
