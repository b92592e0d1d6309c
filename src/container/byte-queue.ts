/**
 * Bytes that arrived and are not yet consumed.
 *
 * @module
 */

const BLOCK = 1 << 16;

/** A first-in, first-out queue of bytes. It copies: whoever wrote a piece may use its memory again. */
export class ByteQueue {
  /** All blocks but the last are full. */
  #blocks: Uint8Array[] = [];
  /** Where the queue begins in its first block. */
  #start = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      const used = (this.#start + this.#length) % BLOCK;
      if (used === 0) this.#blocks.push(new Uint8Array(BLOCK));
      const part = piece.subarray(at, at + BLOCK - used);
      this.#blocks[this.#blocks.length - 1].set(part, used);
      at += part.length;
      this.#length += part.length;
    }
  }

  /** A copy of the first `size` bytes, which leave the queue. */
  take(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    let filled = 0;
    this.#consume(size, (part) => {
      bytes.set(part, filled);
      filled += part.length;
    });
    return bytes;
  }

  /** The first `size` bytes leave the queue unseen. */
  drop(size: number): void {
    this.#consume(size, () => undefined);
  }

  #consume(size: number, use: (part: Uint8Array) => void): void {
    for (let left = size; left > 0;) {
      const part = this.#blocks[0].subarray(this.#start, Math.min(BLOCK, this.#start + left));
      use(part);
      left -= part.length;
      this.#start += part.length;
      this.#length -= part.length;
      if (this.#start === BLOCK) {
        this.#blocks.shift();
        this.#start = 0;
      }
    }
    // An empty queue starts afresh, so that start + length says where the last block ends.
    if (this.#length === 0) {
      this.#blocks = [];
      this.#start = 0;
    }
  }
}
