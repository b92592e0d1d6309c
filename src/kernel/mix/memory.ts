/**
 * Where everything lies in the kernel's memory. Tables come from the driver, once; areas up to LANES_AT have the same
 * place for every chunk, and cost nothing until they are touched; the rest is laid out for each chunk.
 *
 * Memory that was never used is zero, so all areas are kept in a form in which zero means "as at the beginning" where
 * they are large: probabilities and knots are stored with the bits of their first value flipped.
 */

// Tables, copied by the driver (sizes in bytes).
/** Uint8Array(512): the history after history s and bit y at 2 s + y. */
export const NEXT_AT: u32 = 0x400;
/** Uint8Array(256): bits counted by a history. */
export const WEIGHT_AT: u32 = 0x600;
/** Uint8Array(256) each: class and letter of a byte. */
export const CLASS_AT: u32 = 0x700;
export const LETTER_AT: u32 = 0x800;
/** Int32Array(1024): rates of adaptive probabilities. */
export const RATE_AT: u32 = 0x1000;
/** Int32Array(256): powers of two. */
export const POWER_AT: u32 = 0x2000;
/** Float32Array(33): what a probability map's knots begin with. */
export const KNOT_AT: u32 = 0x2400;
/** Uint16Array(33): the same of coarse maps. */
export const COARSE_KNOT_AT: u32 = 0x2600;
/**
 * Of a chunk, also from the driver: Uint32Array(256), what histories mean at first; Float32Array(INPUTS_MAX), the first
 * layer's first weights; 2 x Float32Array(8), the second layer's.
 */
export const START_AT: u32 = 0x2800;
export const START_INPUTS_AT: u32 = 0x3100;
export const START_OUTPUTS_AT: u32 = 0x3300;
/** Float32Array(4096) and Float32Array(4097). */
export const STRETCH_AT: u32 = 0x4000;
export const SQUASH_AT: u32 = 0x8000;
/** Int32Array(4096): logarithms. */
export const LOG_AT: u32 = 0xd000;

// Scratch of a byte and of a bit.
/** A slot for contexts that are none. */
export const NOBODY_AT: u32 = 0x3000;
/** float32 inputs of the first layer; float32[8] outputs. */
export const INPUTS_AT: u32 = 0x11000;
/** uint32 for each context: hash, address of the slot, word of the meaning, its address. */
export const HASHES_AT: u32 = 0x11200;
export const SLOTS_AT: u32 = 0x11300;
export const WORDS_AT: u32 = 0x11400;
export const WORD_OF_AT: u32 = 0x11480;
/** float32[8] and float32[4]: probabilities of the first and second layer's mixers; float32[8]: outputs of the first. */
export const FIRST_AT: u32 = 0x11500;
export const SECOND_AT: u32 = 0x11520;
export const OUTPUTS_AT: u32 = 0x11540;
/** Of two groups of four probability maps: knots below, knots above, addresses of both. */
export const MAP_SCRATCH_AT: u32 = 0x11600;
/** Of two coarse maps: addresses of the rows of the bit to come, of the knots that learn, and those' first values. */
export const COARSE_SCRATCH_AT: u32 = 0x11700;
/** uint32 for each context's run: its address; the byte that it expects + 256, or 0; of the words of its length; of that in use. */
export const RUN_OF_AT: u32 = 0x11800;
export const RUN_EXPECTED_AT: u32 = 0x11880;
export const RUN_LENGTH_AT: u32 = 0x11900;
export const RUN_WORD_OF_AT: u32 = 0x11980;
/** And the word in use. */
export const RUN_WORD_AT: u32 = 0x11a00;
/** Int32Array(256): the language model's logits; Uint32Array(257): their cumulative frequencies. */
export const LOGITS_AT: u32 = 0x12000;
export const CDF_AT: u32 = 0x12400;
/** Words of adaptive probabilities of the match models: 2 x 64. First words, also of runs, where a 0 or a 1 is expected. */
export const MATCH_WORDS_AT: u32 = 0x12c00;
export const EXPECT_ZERO: u32 = 1096 << 20;
export const EXPECT_ONE: u32 = 3000 << 20;

// Statistics.
export const CONTEXTS_MAX: u32 = 32;
export const INPUTS_MAX: u32 = 112;
/** Words of adaptive probabilities: 256 for each context. */
export const MEANINGS_AT: u32 = 0x13000;
/** Uint16Array(256) and Uint16Array(65536): what followed. */
export const AFTER_ONE_AT: u32 = MEANINGS_AT + CONTEXTS_MAX * 1024;
export const AFTER_TWO_AT: u32 = AFTER_ONE_AT + 512;
/** Words of adaptive probabilities of runs: 2 x 16 for each context. */
export const RUN_WORDS_AT: u32 = 0x3c000;
/** Direct probabilities of orders 1 to 3. */
export const DIRECT_ONE_AT: u32 = 0x40000;
export const DIRECT_TWO_AT: u32 = DIRECT_ONE_AT + 65536 * 4;
export const DIRECT_THREE_AT: u32 = DIRECT_TWO_AT + (1 << 22);
/** Weights of the second layer, then of the first. */
export const LAYER2_AT: u32 = DIRECT_THREE_AT + (1 << 22);
/** float32 for each weight vector of the first layer: its updates. */
export const UPDATES_AT: u32 = LAYER2_AT + 0x4000;
export const LAYER1_AT: u32 = UPDATES_AT + 0x8000;
/** Largest number of weight vectors of the first layer. */
export const VECTORS_MAX: u32 = 4608;
/**
 * Probability maps, rows of 33 knots: orders 1 and 2, each row followed by the language model's in the same context when
 * there is one; order 3; word; the language model's by the bits so far and by the match.
 */
export const ROW_BYTES: u32 = 33 * 4;
const MAP_BYTES: u32 = 65536 * ROW_BYTES;
export const MAP_ONE_AT: u32 = (LAYER1_AT + VECTORS_MAX * INPUTS_MAX * 4 + 63) & ~63;
export const MAP_TWO_AT: u32 = MAP_ONE_AT + 2 * MAP_BYTES;
export const MAP_THREE_AT: u32 = MAP_TWO_AT + 2 * MAP_BYTES;
export const MAP_WORD_AT: u32 = MAP_THREE_AT + MAP_BYTES;
/** In the place of the maps of order 3 and of the word, rows of 33 coarse knots: orders 1 and 2, of the fast set. */
export const COARSE_ROW_BYTES: u32 = 33 * 2;
export const COARSE_ONE_AT: u32 = MAP_THREE_AT;
export const COARSE_TWO_AT: u32 = COARSE_ONE_AT + 65536 * COARSE_ROW_BYTES;
export const MODEL_MAP_AT: u32 = MAP_WORD_AT + MAP_BYTES;
export const MODEL_MATCH_MAP_AT: u32 = MODEL_MAP_AT + 256 * ROW_BYTES;
const MAPS_END: u32 = MODEL_MATCH_MAP_AT + 16 * 256 * 3 * ROW_BYTES;
/** Uint32Array(6401): the weight of a symbol by its logit's distance from the likeliest one's. */
export const WEIGHTS_AT: u32 = (MAPS_END + 63) & ~63;
/** Here the lanes begin. */
export const LANES_AT: u32 = (WEIGHTS_AT + 6401 * 4 + 4095) & ~4095;

/** Chunks from this size on come to most pages of the maps. */
const SPREAD_MIN: u32 = 1 << 18;

// Laid out for each chunk.
export let laneStartsAt: u32 = 0;
export let slotTableAt: u32 = 0;
export let slotMask: u32 = 0;
export let matchTablesAt: u32 = 0;
export let matchBits: u32 = 0;
export let runTableAt: u32 = 0;
export let chunkAt: u32 = 0;
export let chunkEnd: u32 = 0;
export let streamAt: u32 = 0;

/** Whether memory, and the language model's maps, may hold other than zeros. */
let used: bool = false;
let modelUsed: bool = false;

/** Makes sure that memory reaches up to `end`; false when it cannot. */
export function reach(end: u64): bool {
  const have: u64 = (<u64>memory.size()) << 16;
  if (end <= have) return true;
  if (end > (<u64>0xffff) << 16) return false;
  return memory.grow(<i32>((end - have + 0xffff) >> 16)) >= 0;
}

/** Zeroes what the chunk before left behind, and lays out the next. False when memory does not suffice. */
export function layOut(
  laneBytes: u32,
  lanes: u32,
  tableBits: u32,
  matchTableBits: u32,
  runBytes: u32,
  chunkBytes: u32,
  streamBytes: u32,
  languageModel: bool,
): bool {
  const tables: u64 = (<u64>LANES_AT + <u64>laneBytes * lanes + 4 * (lanes + 1) + 4095) & ~4095;
  const matches: u64 = tables + ((<u64>1) << tableBits);
  const runs: u64 = matches + ((<u64>8) << matchTableBits);
  const chunk: u64 = runs + runBytes;
  // Vectors are read and written a little past the ends.
  const stream: u64 = (chunk + chunkBytes + 79) & ~15;
  if (!reach(stream + streamBytes + 256)) return false;
  if (used) {
    memory.fill(AFTER_ONE_AT, 0, LAYER2_AT - AFTER_ONE_AT);
    memory.fill(LANES_AT, 0, <u32>tables - LANES_AT);
  }
  // What is zero already is filled too, where all of it will be used: a page that is read first and written then is mapped
  // twice, and the second time every core that runs a thread of the process is interrupted.
  memory.fill(<u32>tables, 0, <u32>(chunk - tables));
  if (chunkBytes >= SPREAD_MIN) {
    memory.fill(MAP_ONE_AT, 0, MAPS_END - MAP_ONE_AT);
  } else if (used) {
    memory.fill(MAP_THREE_AT, 0, 2 * MAP_BYTES);
    const pair = modelUsed ? 2 * MAP_BYTES : MAP_BYTES;
    memory.fill(MAP_ONE_AT, 0, pair);
    memory.fill(MAP_TWO_AT, 0, pair);
    if (modelUsed) memory.fill(MODEL_MAP_AT, 0, MAPS_END - MODEL_MAP_AT);
  }
  used = true;
  modelUsed = languageModel;
  laneStartsAt = LANES_AT + laneBytes * lanes;
  slotTableAt = <u32>tables;
  slotMask = (1 << tableBits) - 64;
  matchTablesAt = <u32>matches;
  matchBits = matchTableBits;
  runTableAt = <u32>runs;
  chunkAt = <u32>chunk;
  chunkEnd = <u32>chunk + chunkBytes;
  streamAt = <u32>stream;
  return true;
}
