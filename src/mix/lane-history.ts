/**
 * What a lane knows at the start of a byte: everything that contexts are computed from.
 *
 * @module
 */
import { RecordDetector } from './records.ts';
import { TextState } from './text-state.ts';

/** The two bytes that followed each context of one and of two bytes the last times; shared by all lanes. */
export class IndirectHistory {
  readonly afterOne = new Uint16Array(256);
  readonly afterTwo = new Uint16Array(65536);

  see(last4: number, byte: number): void {
    const one = last4 & 255;
    const two = last4 & 0xffff;
    this.afterOne[one] = (this.afterOne[one] << 8) | byte;
    this.afterTwo[two] = (this.afterTwo[two] << 8) | byte;
  }
}

/** One lane. */
export class LaneHistory {
  /** The last four bytes, the newest lowest, and the four before them; int32. */
  last4 = 0;
  before4 = 0;
  /** Bytes seen. */
  count = 0;
  readonly text = new TextState();
  readonly records = new RecordDetector();
  readonly indirect: IndirectHistory;
  /** The longest match's next byte plus 1, or 0; its length. */
  expected = 0;
  matchLength = 0;
  /** The byte above, in the line before, and the one right of it; 0 where there is none. */
  above = 0;
  aboveNext = 0;
  readonly #chunk: Uint8Array;
  readonly #start: number;

  constructor(chunk: Uint8Array, start: number, indirect: IndirectHistory) {
    this.#chunk = chunk;
    this.#start = start;
    this.indirect = indirect;
  }

  /** Place of the next byte in the chunk. */
  get at(): number {
    return this.#start + this.count;
  }

  /** The byte `distance` before the next one; 0 before the lane's start. */
  back(distance: number): number {
    return distance <= this.count ? this.#chunk[this.at - distance] : 0;
  }

  /** Takes in the byte that was coded. */
  see(byte: number): void {
    this.indirect.see(this.last4, byte);
    this.before4 = (this.before4 << 8) | (this.last4 >>> 24);
    this.last4 = (this.last4 << 8) | byte;
    this.count++;
    const { text } = this;
    text.see(byte, this.count);
    this.records.see(this.last4, this.count);
    const above = text.previousLine + text.column;
    this.above = this.aboveNext = 0;
    if (above < text.lineStart) {
      this.above = this.#chunk[this.#start + above];
      this.aboveNext = this.#chunk[this.#start + Math.min(this.count - 1, above + 1)];
    }
  }
}
