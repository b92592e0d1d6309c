/**
 * Bytes that arrived and are not yet consumed.
 *
 * @module
 */

/** Pieces below this size are copied together, so that input byte by byte costs a byte each, not an object each. */
const SMALL_PIECE = 4096;
const BLOCK = 1 << 16;

/** A first-in, first-out queue of bytes that holds large pieces by reference. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  #length = 0;
  #block = new Uint8Array(0);
  /** Bytes of the block in use; the block is the last piece exactly while this is not 0. */
  #used = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#length += piece.length;
    if (piece.length >= SMALL_PIECE) {
      this.#pieces.push(piece);
      this.#used = 0;
      return;
    }
    if (this.#used === 0 || this.#used + piece.length > BLOCK) {
      this.#block = new Uint8Array(BLOCK);
      this.#pieces.push(this.#block.subarray(0, 0));
      this.#used = 0;
    }
    this.#block.set(piece, this.#used);
    this.#used += piece.length;
    const last = this.#pieces[this.#pieces.length - 1];
    this.#pieces[this.#pieces.length - 1] = this.#block.subarray(last.byteOffset, this.#used);
  }

  /** A copy of the first `size` bytes, which leave the queue. */
  take(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const part = this.#pieces[0].subarray(0, size - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#shift(part.length);
    }
    this.#length -= size;
    return bytes;
  }

  /** The first `size` bytes leave the queue unseen. */
  drop(size: number): void {
    for (let left = size; left > 0;) {
      const part = Math.min(left, this.#pieces[0].length);
      this.#shift(part);
      left -= part;
    }
    this.#length -= size;
  }

  #shift(size: number): void {
    const piece = this.#pieces[0];
    if (size < piece.length) {
      this.#pieces[0] = piece.subarray(size);
      return;
    }
    this.#pieces.shift();
    if (this.#pieces.length === 0) this.#used = 0;
  }
}
