/**
 * Guesses the length of records (2 to 31 bytes) and of rows (32 to 4095 bytes: tables, images) from the distances
 * between equal bytes and between equal groups of four.
 *
 * @module
 */

/** Distances below this are records', above rows'. */
const ROW_MIN = 32;
const ROW_LIMIT = 4096;
const GROUP_HASH_BITS = 12;
/** Votes are halved every so many bytes, less one. */
const FADE_MASK = 8191;

/** One lane's. */
export class RecordDetector {
  /** Length of a record; 4 until something better is seen. */
  record = 4;
  /** Length of a row; 0 as long as none is seen. */
  row = 0;
  readonly #votes = new Uint16Array(ROW_LIMIT);
  readonly #lastByte = new Uint32Array(256);
  readonly #lastGroup = new Uint32Array(1 << GROUP_HASH_BITS);

  /**
   * Takes in a byte.
   *
   * @param last4  the last four bytes, the newest lowest
   * @param count  bytes of the lane so far, that one included
   */
  see(last4: number, count: number): void {
    const byte = last4 & 255;
    const apart = count - this.#lastByte[byte];
    this.#lastByte[byte] = count;
    if (byte !== ((last4 >>> 8) & 255) && apart >= 2 && apart < ROW_MIN && this.#vote(apart, this.record)) {
      this.record = apart;
    }
    // A group of one and the same byte says nothing of rows.
    if ((((last4 >>> 8) ^ last4) & 0xffffff) !== 0) {
      const slot = Math.imul(last4, 0x9e3779b1) >>> (32 - GROUP_HASH_BITS);
      const groupsApart = count - this.#lastGroup[slot];
      this.#lastGroup[slot] = count;
      if (groupsApart >= ROW_MIN && groupsApart < ROW_LIMIT && this.#vote(groupsApart, this.row)) {
        this.row = groupsApart;
      }
    }
    if ((count & FADE_MASK) === 0) {
      for (let i = 0; i < ROW_LIMIT; i++) this.#votes[i] -= this.#votes[i] >> 1;
    }
  }

  /** Whether a distance is now clearly ahead of the current one. */
  #vote(distance: number, current: number): boolean {
    const votes = this.#votes;
    const mine = ++votes[distance];
    return distance !== current && mine > 4 + ((votes[current] * 5) >> 2);
  }
}
