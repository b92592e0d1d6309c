/**
 * The integer recurrent network: the family of the default model. Its arithmetic is in graph.ts, as the exact ONNX graph
 * that the exporter writes, and in reference.ts, as plain loops; here are its numbers.
 *
 * Fixed-point grids: a value v is held as the integer v * 2^bits.
 *
 * @module
 */

/** Fixed-point grids of the integer network. */
export const GRIDS = {
  /** The state, within +-2^15. */
  state: 15,
  /** The state as matrix products read it, within +-2^9: any 128 columns of 8-bit weights stay below 2^24. */
  stateRead: 9,
  /** Gates, 0..2^7: a gate times a difference of states stays below 2^24. */
  gate: 7,
  /** Sums that lead to gates, candidate and hidden layer. */
  sum: 12,
  /** The hidden layer, 0..2^9. */
  hidden: 9,
  /** Sums that lead to logits, in bits. */
  logitSum: 9,
} as const;

/** Logits are in units of 2^-5 bits. */
export const LOGIT_BITS = 5;
/** Symbols that the network predicts. */
export const ALPHABET = 256;
/** The state's part of a candidate is limited to +-16, so that a reset gate times it stays below 2^24. */
export const STATE_SUM_LIMIT = 2 ** (GRIDS.sum + 4);
export const STATE_LIMIT = 2 ** GRIDS.state;

/** Rows of the embedding table of single bytes, the first of all tables. */
export const BYTE_ROWS = 256;
/** How many last bytes contexts see. */
export const CONTEXT_BYTES = 6;
/** Entries of a context vector: the last bytes (newest first), the word so far, the word before. */
export const CONTEXT_SIZE = CONTEXT_BYTES + 2;
/** Word hashes are below this prime (2^31 - 1). */
export const WORD_MODULUS = 2_147_483_647;
/** A word's hash is `(hash * WORD_FACTOR + letter) mod WORD_MODULUS`: below 2^51 before the remainder. */
export const WORD_FACTOR = 911_269;

/**
 * What a byte adds to a word: 0 ends it; letters count without case, and all bytes of multi-byte UTF-8 are letters.
 */
export const LETTER_VALUES: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return byte;
  const folded = byte | 0x20;
  return folded >= 0x61 && folded <= 0x7a ? folded : 0;
});

/** Integer weights [inputs, columns], row-major: a sum over column j, times `scales[j]` and floored, is on j's grid. */
export interface ScaledMatrix {
  readonly inputs: number;
  readonly columns: number;
  readonly data: Int8Array;
  /** Powers of two. */
  readonly scales: Float32Array;
}

/** A network. Columns of sums come in the order: update gate, candidate, reset gate, hidden, logits. */
export interface RecurrentNetwork {
  /** 3 with the reset gate, else 2: blocks of columns that lead to the new state. */
  readonly gates: 2 | 3;
  readonly units: number;
  /** Width of the table rows. */
  readonly width: number;
  /** Size of the layer between state and logits; 0 for none. */
  readonly hidden: number;
  /** Hashes of contexts: [CONTEXT_SIZE, tables], row-major. */
  readonly coefficients: BigInt64Array;
  /** Rows of each context's table. */
  readonly rows: readonly number[];
  /** The byte's table and all contexts' tables, [BYTE_ROWS + sum of rows, width]. */
  readonly tables: Int8Array;
  /** From the summed rows to all sums. */
  readonly fromInput: ScaledMatrix;
  /** From the old state to the sums of gates and candidate. */
  readonly fromState: ScaledMatrix;
  /** From the new state to the sums of hidden layer and logits. */
  readonly fromNewState: ScaledMatrix;
  /** From the hidden layer to the logits' sums; absent without one. */
  readonly fromHidden?: ScaledMatrix;
  /** Integers, one for each column of `fromInput`, on its sum's grid. */
  readonly bias: Float32Array;
}

/** The network's matrices, by their names in the file. */
export const MATRICES = ['fromInput', 'fromState', 'fromNewState', 'fromHidden'] as const;
export type MatrixName = (typeof MATRICES)[number];
