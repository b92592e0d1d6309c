/**
 * Batches: lanes side by side, each reading blocks of one category's text in random order. A block begins as a file
 * does for the codec: with empty state and contexts and the start token.
 *
 * @module
 */
import { BYTE_ROWS } from '../model/recurrent/network.ts';
import { ContextHasher } from './contexts.ts';
import type { Category } from './corpus.ts';
import type { EmbeddingSpec, SegmentShape } from './network.ts';
import { Random } from './random.ts';

/** The token that is fed before the first byte of a text. */
export const START_TOKEN = 10;

/** Inputs of one training step; rows are ordered by time, then by lane. */
export interface Batch {
  /** Rows of all tables together (the byte's first), [steps * lanes, tables + 1]. */
  readonly rows: Int32Array;
  /** The bytes to predict, [steps * lanes]. */
  readonly targets: Int32Array;
  /** Lanes that start a new text: their states are cleared before the step. */
  readonly restarted: number[];
}

/** An empty batch of the right sizes, to be filled again and again. */
export function emptyBatch(embedding: EmbeddingSpec, shape: SegmentShape): Batch {
  const total = shape.lanes * shape.steps;
  return {
    rows: new Int32Array(total * (embedding.kinds.length + 1)),
    targets: new Int32Array(total),
    restarted: [],
  };
}

/** Turns the text of one lane into table rows and targets. */
export class LaneReader {
  readonly #hasher: ContextHasher;
  readonly #first: Int32Array;
  readonly #tables: number;
  #last = START_TOKEN;

  constructor(embedding: EmbeddingSpec) {
    this.#hasher = new ContextHasher(embedding.kinds, embedding.rows);
    this.#tables = embedding.kinds.length;
    this.#first = new Int32Array(this.#tables);
    let next = BYTE_ROWS;
    embedding.rows.forEach((rows, table) => {
      this.#first[table] = next;
      next += rows;
    });
  }

  /** Starts a new text. */
  restart(): void {
    this.#hasher.reset();
    this.#last = START_TOKEN;
  }

  /** Continues within a text as if all before had been read. Contexts need only the last words. */
  continueAfter(before: Uint8Array): void {
    this.restart();
    this.#hasher.push(START_TOKEN);
    for (let i = 0; i + 1 < before.length; i++) this.#hasher.push(before[i]);
    // The newest byte is pushed when it is fed.
    if (before.length > 0) this.#last = before[before.length - 1]!;
    else this.#hasher.reset();
  }

  /** Writes one lane of a batch: `text[from..from + steps]` are the targets. */
  read(text: Uint8Array, from: number, batch: Batch, lane: number, shape: SegmentShape): void {
    const stride = this.#tables + 1;
    for (let t = 0; t < shape.steps; t++) {
      const at = t * shape.lanes + lane;
      const token = this.#last;
      this.#hasher.push(token);
      batch.rows[at * stride] = token;
      this.#hasher.indices(batch.rows, at * stride + 1);
      for (let table = 0; table < this.#tables; table++)
        batch.rows[at * stride + 1 + table] += this.#first[table];
      const target = text[from + t];
      batch.targets[at] = target;
      this.#last = target;
    }
  }
}

/** Lanes for each category, in proportion to the weights (largest remainders get the rest). */
export function shareLanes(weights: readonly number[], lanes: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (weight / total) * lanes);
  const shares = exact.map(Math.floor);
  const order = exact.map((_, i) => i).sort((a, b) => exact[b] - shares[b] - (exact[a] - shares[a]) || a - b);
  const left = lanes - shares.reduce((sum, share) => sum + share, 0);
  for (const i of order.slice(0, left)) shares[i]++;
  return shares;
}

/**
 * How lanes choose what to read: every block once an epoch, in random order, or blocks that begin at any byte, drawn
 * independently.
 */
export type Sampling = 'blocks' | 'random';

/** Where a stream is; JSON. */
export interface StreamState {
  /** Blocks that each category has handed out. */
  readonly taken: number[];
  /** Each lane's block (its index, or its first byte where sampling is random) and the offset in it. */
  readonly lanes: { readonly block: number; readonly offset: number }[];
}

/** Endless batches of training text. */
export class BatchStream {
  readonly #categories: readonly Category[];
  readonly #shape: SegmentShape;
  readonly #blockSize: number;
  readonly #seed: number;
  readonly #sampling: Sampling;
  readonly #laneCategory: number[];
  readonly #readers: LaneReader[];
  readonly #orders: ({ epoch: number; order: Uint32Array } | undefined)[] = [];
  #taken: number[];
  #lanes: { block: number; offset: number }[];
  /** Each lane's block, as far as it has been read. */
  readonly #blocks: Uint8Array[];

  /**
   * @param blockSize - bytes that a lane reads in one piece; a multiple of the steps.
   * @param state - of an earlier stream with the same other arguments, to continue it.
   */
  constructor(
    categories: readonly Category[],
    embedding: EmbeddingSpec,
    shape: SegmentShape,
    blockSize: number,
    seed: number,
    state?: StreamState,
    sampling: Sampling = 'blocks',
  ) {
    if (blockSize % shape.steps !== 0)
      throw new RangeError(`block size ${blockSize} is no multiple of ${shape.steps}`);
    for (const { name, training } of categories) {
      if (training.length < blockSize)
        throw new RangeError(`category ${name} is smaller than a block (${blockSize})`);
    }
    this.#categories = categories;
    this.#shape = shape;
    this.#blockSize = blockSize;
    this.#seed = seed;
    this.#sampling = sampling;
    const shares = shareLanes(
      categories.map(({ weight }) => weight),
      shape.lanes,
    );
    this.#laneCategory = shares.flatMap((share, category) => new Array<number>(share).fill(category));
    this.#readers = this.#laneCategory.map(() => new LaneReader(embedding));
    this.#taken = state === undefined ? categories.map(() => 0) : [...state.taken];
    if (state === undefined) {
      // Lanes start at different places of their blocks, so that they do not all begin new blocks together.
      const segments = blockSize / shape.steps;
      this.#lanes = this.#laneCategory.map((category, lane) => ({
        block: this.#nextBlock(category),
        offset: Math.floor((lane * segments) / shape.lanes) * shape.steps,
      }));
    } else {
      this.#lanes = state.lanes.map((lane) => ({ ...lane }));
    }
    this.#blocks = this.#lanes.map((_, lane) => this.#readBlock(lane));
    this.#lanes.forEach(({ offset }, lane) => {
      this.#readers[lane].continueAfter(this.#blocks[lane].subarray(0, offset));
    });
  }

  get state(): StreamState {
    return { taken: [...this.#taken], lanes: this.#lanes.map((lane) => ({ ...lane })) };
  }

  #readBlock(lane: number): Uint8Array {
    const { block } = this.#lanes[lane];
    const start = this.#sampling === 'random' ? block : block * this.#blockSize;
    return this.#categories[this.#laneCategory[lane]].training.subarray(start, start + this.#blockSize);
  }

  #nextBlock(category: number): number {
    const { length } = this.#categories[category].training;
    const taken = this.#taken[category]++;
    if (this.#sampling === 'random') {
      // Seeded by its number, so that the position in the stream is all that has to be remembered.
      const random = new Random(
        (this.#seed * 1_000_003 + category * 1009) ^ Math.imul(taken + 1, 0x9e37_79b1),
      );
      return Math.floor(random.uniform() * (length - this.#blockSize + 1));
    }
    const blocks = Math.floor(length / this.#blockSize);
    const epoch = Math.floor(taken / blocks);
    let known = this.#orders[category];
    if (known?.epoch !== epoch) {
      const order = new Random(this.#seed * 1_000_003 + category * 1009 + epoch).permutation(blocks);
      known = { epoch, order };
      this.#orders[category] = known;
    }
    return known.order[taken % blocks];
  }

  /** Fills the batch with the next segment of every lane. */
  next(batch: Batch): void {
    batch.restarted.length = 0;
    this.#lanes.forEach((position, lane) => {
      const category = this.#laneCategory[lane];
      if (position.offset === this.#blockSize) {
        position.block = this.#nextBlock(category);
        position.offset = 0;
        this.#blocks[lane] = this.#readBlock(lane);
      }
      if (position.offset === 0) {
        this.#readers[lane].restart();
        batch.restarted.push(lane);
      }
      this.#readers[lane].read(this.#blocks[lane], position.offset, batch, lane, this.#shape);
      position.offset += this.#shape.steps;
    });
  }
}
