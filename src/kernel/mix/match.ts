/**
 * The match models: src/mix/match-model.ts. Both work on the current lane between `beginMatches` and `learnMatches`. The
 * fast set of contexts does without the long one.
 */
import { adapt } from './adaptive';
import { ROLL_FACTOR } from './hash';
import { Lane } from './lane';
import {
  EXPECT_ONE,
  EXPECT_ZERO,
  MATCH_WORDS_AT,
  STRETCH_AT,
  chunkAt,
  chunkEnd,
  laneStartsAt,
  matchBits,
  matchTablesAt,
} from './memory';

const SHORT: u32 = 6;
const LONG: u32 = 14;
const VERIFY_LIMIT: u32 = 400;
const LENGTH_LIMIT: u32 = 65535;
const COUNT_LIMIT: u32 = 1023;

/** The bytes expected; -1 without a match, or after one of its bits was wrong. */
let shortExpected: i32 = -1;
let longExpected: i32 = -1;
/** Buckets of the lengths, as addresses of words; and the words used for this bit, 0 where there is none. */
let shortBucket: u32 = 0;
let longBucket: u32 = 0;
let shortWord: u32 = 0;
let longWord: u32 = 0;

export function resetMatches(): void {
  for (let i: u32 = 0; i < 256; i++) {
    store<u32>(MATCH_WORDS_AT + (i << 2), (i & 1) === 0 ? EXPECT_ZERO : EXPECT_ONE);
  }
}

@inline
export function bitLength(v: u32): u32 {
  return 32 - clz(v);
}

@inline
function bucketOf(words: u32, length: u32): u32 {
  return words + (min<u32>(31, length < 16 ? length : bitLength(length) * 2 + 6) << 3);
}

/** Where the match found at a place of the chunk begins to differ, looking back; 0 where it is too short. */
function verify(place: u32, at: u32, known: u32, minimum: u32): u32 {
  let lane = laneStartsAt;
  while (load<u32>(lane + 4) < place) lane += 4;
  const limit = min(VERIFY_LIMIT, min(known, place - load<u32>(lane)));
  const there = chunkAt + place - 1;
  let length: u32 = 0;
  while (length < limit && load<u8>(there - length) === load<u8>(at - 1 - length)) length++;
  return length >= minimum ? length : 0;
}

/** Before a byte of a lane is coded: moves or finds the matches, and tells the lane of the longest. */
export function beginMatches(h: Lane, fast: bool): void {
  const known = h.count;
  const at = h.start + known;
  if (known > 0) {
    const last: u32 = load<u8>(at - 1);
    if (h.shortLength > 0 && load<u8>(h.shortAt) === last) {
      h.shortAt++;
      if (h.shortLength < LENGTH_LIMIT) h.shortLength++;
      if (h.shortAt >= chunkEnd) h.shortLength = 0;
    } else {
      h.shortLength = 0;
    }
    if (h.longLength > 0 && load<u8>(h.longAt) === last) {
      h.longAt++;
      if (h.longLength < LENGTH_LIMIT) h.longLength++;
      if (h.longAt >= chunkEnd) h.longLength = 0;
    } else {
      h.longLength = 0;
    }
    if (known >= SHORT) {
      const place = at - chunkAt;
      let hash: u32 = 0;
      for (let i: u32 = 1; i <= SHORT; i++) hash = (hash + load<u8>(at - i) + 1) * ROLL_FACTOR;
      const shortEntry = matchTablesAt + (hash >> (32 - matchBits) << 2);
      if (h.shortLength === 0) {
        const found = load<u32>(shortEntry);
        if (found !== 0) {
          h.shortLength = verify(found, at, known, SHORT);
          h.shortAt = chunkAt + found;
        }
      }
      store<u32>(shortEntry, place);
      if (!fast && known >= LONG) {
        for (let i: u32 = SHORT + 1; i <= LONG; i++) hash = (hash + load<u8>(at - i) + 1) * ROLL_FACTOR;
        const longEntry = matchTablesAt + (4 << matchBits) + (hash >> (32 - matchBits) << 2);
        if (h.longLength === 0) {
          const found = load<u32>(longEntry);
          if (found !== 0) {
            h.longLength = verify(found, at, known, LONG);
            h.longAt = chunkAt + found;
          }
        }
        store<u32>(longEntry, place);
      }
    }
  }
  const shortLength = h.shortLength;
  const longLength = h.longLength;
  shortExpected = shortLength > 0 ? <i32>load<u8>(h.shortAt) : -1;
  longExpected = longLength > 0 ? <i32>load<u8>(h.longAt) : -1;
  shortBucket = bucketOf(MATCH_WORDS_AT, shortLength);
  longBucket = bucketOf(MATCH_WORDS_AT + 512, longLength);
  if (longLength > 0 && longLength >= shortLength) {
    h.matchLength = longLength;
    h.expected = longExpected + 1;
  } else {
    h.matchLength = shortLength;
    h.expected = shortExpected + 1;
  }
}

@inline
function predict(word: u32, input: u32): void {
  const p = load<u32>(word) >> 20;
  store<f32>(input, load<f32>(STRETCH_AT + (p << 2)));
  store<f32>(input, <f32>(<i32>p - 2048) * <f32>(1.0 / 1024.0), 4);
}

/** The four inputs from `input` on; with the fast set the last two are zeros. */
export function predictMatches(input: u32, partial: u32, shift: u32): void {
  shortWord = 0;
  longWord = 0;
  v128.store(input, i32x4.splat(0));
  if (shortExpected >= 0) {
    if ((shortExpected + 256) >> (shift + 1) !== partial) {
      shortExpected = -1;
    } else {
      shortWord = shortBucket + (((shortExpected >> shift) & 1) << 2);
      predict(shortWord, input);
    }
  }
  if (longExpected >= 0) {
    if ((longExpected + 256) >> (shift + 1) !== partial) {
      longExpected = -1;
    } else {
      longWord = longBucket + (((longExpected >> shift) & 1) << 2);
      predict(longWord, input + 8);
    }
  }
}

/** Learns the bit. */
@inline
export function learnMatches(bit: u32): void {
  if (shortWord !== 0) adapt(shortWord, bit, COUNT_LIMIT, 0);
  if (longWord !== 0) adapt(longWord, bit, COUNT_LIMIT, 0);
}
