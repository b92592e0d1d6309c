/**
 * What a lane's text looks like at this point: words, line, brackets, tag, classes of characters. Bytes from 128 up count
 * as letters, so that words of any language in UTF-8 hold together.
 *
 * @module
 */
import { ROLL_FACTOR } from './hash.ts';

const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const TAG_OPEN = 60;
const TAG_CLOSE = 62;
const OPENING = new Set([0x28, 0x5b, 0x7b, 0x3c]); // ( [ { <
const CLOSING = new Set([0x29, 0x5d, 0x7d, 0x3e]); // ) ] } >
const DEPTH_LIMIT = 60;

/** Letters without case; 0 for what is no letter. */
function letterOf(byte: number): number {
  if (byte >= 65 && byte <= 90) return byte + 32;
  return (byte >= 97 && byte <= 122) || byte >= 128 ? byte : 0;
}

function classOf(byte: number): number {
  if (letterOf(byte) !== 0) return 1;
  if (byte >= 48 && byte <= 57) return 2;
  if (byte === SPACE) return 3;
  if (byte === NEWLINE) return 4;
  if (byte === 46 || byte === 44 || byte === 59) return 5; // . , ;
  return OPENING.has(byte) ? 6 : 7;
}

/** 0..6: a coarser class, for selecting weights. */
export function rangeOf(byte: number): number {
  if (byte === SPACE) return 0;
  if (byte === NEWLINE) return 1;
  if (byte < 48) return 2;
  if (byte < 65) return 3;
  if (byte < 97) return 4;
  return byte < 128 ? 5 : 6;
}

/** Class and letter of each byte. */
export const CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));
export const LETTER: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => letterOf(byte));

/** One lane's. */
export class TextState {
  /** Hash of the word so far, 0 outside words; of the two words before it. */
  word = 0;
  word1 = 0;
  word2 = 0;
  /** Letters of the word so far. */
  wordLength = 0;
  /** Classes of the last ten bytes, three bits each. */
  classes = 0;
  /** Open brackets; 1 inside double quotes on this line; hash of the name of the last tag. */
  depth = 0;
  quote = 0;
  tag = 0;
  /** Where this line and the one before it begin, from the lane's start; bytes since. */
  lineStart = 0;
  previousLine = 0;
  column = 0;
  #inTag = false;

  /**
   * Takes in a byte.
   *
   * @param count  bytes of the lane so far, that one included
   */
  see(byte: number, count: number): void {
    const letter = LETTER[byte];
    if (letter !== 0) {
      this.word = Math.imul(this.word + letter + 1, ROLL_FACTOR);
      this.word ^= this.word >>> 17;
      this.wordLength++;
    } else if (this.word !== 0) {
      this.word2 = this.word1;
      this.word1 = this.word;
      this.word = 0;
      this.wordLength = 0;
    }
    this.classes = (this.classes << 3) | CLASS[byte];
    if (OPENING.has(byte)) {
      if (this.depth < DEPTH_LIMIT) this.depth++;
    } else if (CLOSING.has(byte) && this.depth > 0) {
      this.depth--;
    }
    if (byte === QUOTE) this.quote ^= 1;
    else if (byte === NEWLINE) this.quote = 0;
    if (byte === TAG_OPEN) {
      this.#inTag = true;
      this.tag = 0;
    } else if (this.#inTag) {
      if (byte === TAG_CLOSE || byte === SPACE) this.#inTag = false;
      else this.tag = Math.imul(this.tag + byte + 1, ROLL_FACTOR);
    }
    if (byte === NEWLINE) {
      this.previousLine = this.lineStart;
      this.lineStart = count;
    }
    this.column = count - this.lineStart;
  }
}
