/** Runs of the best set: src/mix/run-map.ts, four contexts at a time. */
import { adapt4 } from './adaptive';
import { stretch4 } from './logistic';
import {
  CONTEXTS_MAX,
  EXPECT_ONE,
  EXPECT_ZERO,
  HASHES_AT,
  RUN_EXPECTED_AT,
  RUN_LENGTH_AT,
  RUN_OF_AT,
  RUN_WORDS_AT,
  RUN_WORD_AT,
  RUN_WORD_OF_AT,
  runTableAt,
} from './memory';
import { load4, store4To } from './scattered';

/** Bytes of the words of one context. */
const CONTEXT_BYTES: u32 = 128;
const LENGTHS: u32 = 16;
const LENGTH_LIMIT: u32 = 255;

/** log2 of the runs of a context; four times the number of contexts. */
let bits: u32 = 0;
let end: u32 = 0;

export function resetRuns(contexts: u32, runBits: u32): void {
  bits = runBits;
  end = contexts << 2;
  const words = CONTEXTS_MAX * CONTEXT_BYTES;
  for (let i: u32 = 0; i < words; i += 8) {
    store<u32>(RUN_WORDS_AT + i, EXPECT_ZERO);
    store<u32>(RUN_WORDS_AT + i, EXPECT_ONE, 4);
  }
  // What fills up the last four contexts expects nothing.
  memory.fill(RUN_EXPECTED_AT, 0, CONTEXTS_MAX * 4);
}

/** Finds the runs of the hashes. */
export function beginRuns(): void {
  const right = 32 - bits;
  for (let i: u32 = 0; i < end; i += 4) {
    const at = runTableAt + (((i << bits) >> 2) + (load<u32>(HASHES_AT + i) >> right) << 1);
    const run = <u32>load<u16>(at);
    const length = run >> 8;
    store<u32>(RUN_OF_AT + i, at);
    store<u32>(RUN_EXPECTED_AT + i, length > 0 ? (run & 255) + 256 : 0);
    store<u32>(RUN_LENGTH_AT + i, RUN_WORDS_AT + (i << 5) + (min(length, LENGTHS - 1) << 3));
  }
}

/** An input for each context, from `input` on, and zeros up to a multiple of four. */
@inline
export function predictRuns(input: u32, partial: u32, shift: u32): void {
  const one = i32x4.splat(1);
  const known = i32x4.splat(partial);
  // Of words of the length 0 nobody reads: they stand in for a run that is none or is over.
  const nobody = i32x4.splat(RUN_WORDS_AT);
  for (let i: u32 = 0; i < end; i += 16) {
    const expected = v128.load(RUN_EXPECTED_AT + i);
    const goesOn = i32x4.eq(i32x4.shr_u(expected, shift + 1), known);
    const bit = v128.and(i32x4.shr_u(expected, shift), one);
    const own = i32x4.add(v128.load(RUN_LENGTH_AT + i), i32x4.shl(bit, 2));
    const at = v128.bitselect(own, nobody, goesOn);
    const words = load4(
      i32x4.extract_lane(at, 0),
      i32x4.extract_lane(at, 1),
      i32x4.extract_lane(at, 2),
      i32x4.extract_lane(at, 3),
    );
    v128.store(RUN_WORD_OF_AT + i, at);
    v128.store(RUN_WORD_AT + i, words);
    v128.store(input + i, v128.and(stretch4(i32x4.shr_u(words, 20)), goesOn));
  }
}

/** Learns the bit. */
@inline
export function learnRuns(bit: u32): void {
  for (let i: u32 = 0; i < end; i += 16) {
    store4To(RUN_WORD_OF_AT + i, adapt4(v128.load(RUN_WORD_AT + i), bit));
  }
}

/** Takes in the byte that came. */
export function endRuns(byte: u32): void {
  for (let i: u32 = 0; i < end; i += 4) {
    const at = load<u32>(RUN_OF_AT + i);
    const run = <u32>load<u16>(at);
    const length = (run & 255) === byte ? min(LENGTH_LIMIT, (run >> 8) + 1) : 1;
    store<u16>(at, byte | (length << 8));
  }
}
