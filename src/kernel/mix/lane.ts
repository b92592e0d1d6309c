/** What a lane knows: src/mix/lane-history.ts, text-state.ts and records.ts. */
import { ROLL_FACTOR } from './hash';
import { AFTER_ONE_AT, AFTER_TWO_AT, CLASS_AT, LANES_AT, LETTER_AT, chunkAt } from './memory';

const SPACE: u32 = 32;
const NEWLINE: u32 = 10;
const DEPTH_LIMIT: u32 = 60;
const ROW_MIN: u32 = 32;
const ROW_LIMIT: u32 = 4096;
const FADE_MASK: u32 = 8191;
/** Place of a lane's tables behind its fields, and its size with them. */
const VOTES: u32 = 256;
const LAST_BYTE: u32 = VOTES + ROW_LIMIT * 2;
const LAST_GROUP: u32 = LAST_BYTE + 1024;
export const LANE_BYTES: u32 = LAST_GROUP + 4096 * 4;

/** One lane. */
@unmanaged
export class Lane {
  last4: u32;
  before4: u32;
  count: u32;
  /** Address of the lane's first byte. */
  start: u32;
  above: u32;
  aboveNext: u32;
  expected: u32;
  matchLength: u32;
  /** Text. */
  word: u32;
  word1: u32;
  word2: u32;
  wordLength: u32;
  classes: u32;
  depth: u32;
  quote: u32;
  tag: u32;
  inTag: u32;
  lineStart: u32;
  previousLine: u32;
  column: u32;
  /** Records. */
  record: u32;
  row: u32;
  /** The two match models' cursors: address of the next byte, length. */
  shortAt: u32;
  shortLength: u32;
  longAt: u32;
  longLength: u32;
}

@inline
export function laneOf(index: u32): Lane {
  return changetype<Lane>(<usize>(LANES_AT + index * LANE_BYTES));
}

export function beginLane(index: u32, start: u32): void {
  const h = laneOf(index);
  h.start = chunkAt + start;
  h.record = 4;
}

/** The byte `distance` before the next one; 0 before the lane's start. */
@inline
export function back(h: Lane, distance: u32): u32 {
  return distance <= h.count ? load<u8>(h.start + h.count - distance) : 0;
}

/** 0..6: a coarse class. */
export function rangeOf(byte: u32): u32 {
  if (byte === SPACE) return 0;
  if (byte === NEWLINE) return 1;
  if (byte < 48) return 2;
  if (byte < 65) return 3;
  if (byte < 97) return 4;
  return byte < 128 ? 5 : 6;
}

/** Takes in the byte that was coded. */
export function see(h: Lane, byte: u32): void {
  const one = AFTER_ONE_AT + ((h.last4 & 255) << 1);
  const two = AFTER_TWO_AT + ((h.last4 & 0xffff) << 1);
  store<u16>(one, (load<u16>(one) << 8) | <u16>byte);
  store<u16>(two, (load<u16>(two) << 8) | <u16>byte);
  h.before4 = (h.before4 << 8) | (h.last4 >> 24);
  h.last4 = (h.last4 << 8) | byte;
  h.count++;
  seeText(h, byte);
  seeRecords(h);
  const above = h.previousLine + h.column;
  if (above < h.lineStart) {
    h.above = load<u8>(h.start + above);
    h.aboveNext = load<u8>(h.start + min(h.count - 1, above + 1));
  } else {
    h.above = 0;
    h.aboveNext = 0;
  }
}

@inline
function seeText(h: Lane, byte: u32): void {
  const letter: u32 = load<u8>(LETTER_AT + byte);
  if (letter !== 0) {
    const word = (h.word + letter + 1) * ROLL_FACTOR;
    h.word = word ^ (word >> 17);
    h.wordLength++;
  } else if (h.word !== 0) {
    h.word2 = h.word1;
    h.word1 = h.word;
    h.word = 0;
    h.wordLength = 0;
  }
  h.classes = (h.classes << 3) | load<u8>(CLASS_AT + byte);
  if (byte === 0x28 || byte === 0x5b || byte === 0x7b || byte === 0x3c) {
    if (h.depth < DEPTH_LIMIT) h.depth++;
  } else if (byte === 0x29 || byte === 0x5d || byte === 0x7d || byte === 0x3e) {
    if (h.depth > 0) h.depth--;
  }
  if (byte === 34) h.quote ^= 1;
  else if (byte === NEWLINE) h.quote = 0;
  if (byte === 0x3c) {
    h.inTag = 1;
    h.tag = 0;
  } else if (h.inTag) {
    if (byte === 0x3e || byte === SPACE) h.inTag = 0;
    else h.tag = (h.tag + byte + 1) * ROLL_FACTOR;
  }
  if (byte === NEWLINE) {
    h.previousLine = h.lineStart;
    h.lineStart = h.count;
  }
  h.column = h.count - h.lineStart;
}

@inline
function seeRecords(h: Lane): void {
  const base = <u32>changetype<usize>(h);
  const last4 = h.last4;
  const count = h.count;
  const byte = last4 & 255;
  const seenAt = base + LAST_BYTE + (byte << 2);
  const apart = count - load<u32>(seenAt);
  store<u32>(seenAt, count);
  if (byte !== ((last4 >> 8) & 255) && apart >= 2 && apart < ROW_MIN && vote(base, apart, h.record)) {
    h.record = apart;
  }
  if ((((last4 >> 8) ^ last4) & 0xffffff) !== 0) {
    const groupAt = base + LAST_GROUP + ((last4 * 0x9e3779b1) >> 20 << 2);
    const groupsApart = count - load<u32>(groupAt);
    store<u32>(groupAt, count);
    if (groupsApart >= ROW_MIN && groupsApart < ROW_LIMIT && vote(base, groupsApart, h.row)) {
      h.row = groupsApart;
    }
  }
  if ((count & FADE_MASK) === 0) {
    for (let at = base + VOTES; at < base + LAST_BYTE; at += 2) {
      const votes = load<u16>(at);
      store<u16>(at, votes - (votes >> 1));
    }
  }
}

/** Whether a distance is now clearly ahead of the current one. */
function vote(base: u32, distance: u32, current: u32): bool {
  const at = base + VOTES + (distance << 1);
  const mine: u32 = <u32>load<u16>(at) + 1;
  store<u16>(at, <u16>mine);
  return distance !== current && mine > 4 + ((<u32>load<u16>(base + VOTES + (current << 1)) * 5) >> 2);
}
