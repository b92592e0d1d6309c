/**
 * One training run: network, engine, data and optimiser together, step by step. No clocks and no files here: the
 * same run from the same state gives the same numbers.
 *
 * @module
 */
import { ADAM, AdamParameter, squaredNorm } from './adam.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Category } from './corpus.ts';
import type { Engine, Parameters } from './engine.ts';
import type { Network, SegmentShape } from './network.ts';
import { Random } from './random.ts';
import { rateAt, type Schedule } from './schedule.ts';
import { type Batch, BatchStream, emptyBatch, type Sampling, type StreamState } from './stream.ts';
import { createTables, type Tables } from './tables.ts';
import { validateCategory } from './validation.ts';

/** What a run is made with; unchanged when it is resumed, except for the schedule. */
export interface TrainerOptions {
  readonly shape: SegmentShape;
  /** Bytes that a lane reads in one piece. */
  readonly blockSize: number;
  readonly seed: number;
  /** Blocks in random order, where nothing is said. */
  readonly sampling?: Sampling;
  /** Gradients are scaled down to this norm. */
  readonly clipNorm: number;
  /** The tables' learning rate in units of the others'. */
  readonly tableRate: number;
}

/** Whether a run with these options reads on where one with those stopped. */
export function readsOn(
  before: TrainerOptions,
  { shape, blockSize, seed, sampling }: TrainerOptions,
): boolean {
  const { lanes, steps } = before.shape;
  return (
    lanes === shape.lanes &&
    steps === shape.steps &&
    before.blockSize === blockSize &&
    before.seed === seed &&
    before.sampling === sampling
  );
}

/** What a checkpoint remembers beside arrays. */
export interface TrainerMeta {
  readonly network: Readonly<Record<string, unknown>>;
  readonly options: TrainerOptions;
  readonly schedule: Schedule;
  readonly step: number;
  readonly bytes: number;
  /** What the model that it began with had been trained on; absent where it began with random weights. */
  readonly before?: number;
  readonly stream: StreamState;
  readonly movingLoss: number;
  /** The training text, as far as it can be recognised; checkpoints of old do not have it. */
  readonly data?: readonly { readonly name: string; readonly weight: number; readonly bytes: number }[];
}

/** What a step tells. */
export interface StepReport {
  /** Bits per byte of this step's segment. */
  readonly bits: number;
  /** The gradients' norm before it was limited. */
  readonly norm: number;
  readonly rate: number;
}

/** Weight of a new step in the moving average of the loss: about the last 500 steps count. */
const MOVING = 1 / 500;

/** Trains one network. */
export class Trainer {
  readonly network: Network;
  readonly options: TrainerOptions;
  schedule: Schedule;
  readonly tables: Tables;
  readonly #engine: Engine;
  readonly #categories: readonly Category[];
  readonly #stream: BatchStream;
  readonly #batch: Batch;
  readonly #embedded: Float32Array;
  readonly #parameters: Record<string, AdamParameter> = {};
  readonly #states: Record<string, Float32Array> = {};
  #step = 0;
  #bytes = 0;
  #before: number | undefined;
  #movingLoss = NaN;

  /**
   * @param from - a checkpoint of the same network. Where its batches were other ones, the text is begun anew, with empty
   *   states; where they were not, the categories must be the same.
   */
  constructor(
    network: Network,
    engine: Engine,
    categories: readonly Category[],
    options: TrainerOptions,
    schedule: Schedule,
    from?: Checkpoint<TrainerMeta>,
  ) {
    this.network = network;
    this.options = options;
    this.schedule = schedule;
    this.#engine = engine;
    this.#categories = categories;
    const { shape, blockSize, seed, sampling } = options;
    const random = new Random(seed);
    for (const { name, dims, initial } of network.parameters) {
      const size = dims.reduce((product, dim) => product * dim, 1);
      const weights = Float32Array.from({ length: size }, (_, i) => initial(random, i));
      this.#parameters[name] = new AdamParameter(weights);
    }
    this.tables = createTables(network.embedding, random, shape.lanes * shape.steps);
    for (const { name, width } of network.states) this.#states[name] = new Float32Array(shape.lanes * width);
    this.#batch = emptyBatch(network.embedding, shape);
    this.#embedded = new Float32Array(shape.lanes * shape.steps * network.embedding.width);
    const reading = from !== undefined && readsOn(from.meta.options, options);
    this.#stream = new BatchStream(
      categories,
      network.embedding,
      shape,
      blockSize,
      seed,
      reading ? from.meta.stream : undefined,
      sampling,
    );
    if (from !== undefined) {
      for (const [name, array] of Object.entries(this.#arrays)) {
        if (!reading && name.startsWith('state.')) continue;
        const saved = from.arrays[name] as Float32Array | undefined;
        if (saved?.length !== array.length)
          throw new RangeError(`the checkpoint has no ${name} of this size`);
        array.set(saved);
      }
      this.#step = from.meta.step;
      this.#bytes = from.meta.bytes;
      this.#before = from.meta.before;
      this.#movingLoss = from.meta.movingLoss;
    }
  }

  /**
   * Starts from the weights of a model instead of random ones.
   *
   * @param before - bytes that the model has been trained on, for whoever wants to know of the new one's
   * @throws RangeError where it is another network.
   */
  initialize(parameters: Parameters, tables: Float32Array, before: number): void {
    for (const [name, { weights }] of Object.entries(this.#parameters)) {
      if (parameters[name].length !== weights.length)
        throw new RangeError(`${name} has another size in the model`);
      weights.set(parameters[name]);
    }
    if (tables.length !== this.tables.rows.length)
      throw new RangeError('the tables have another size in the model');
    this.tables.rows.set(tables);
    this.#before = before;
  }

  /** Steps made so far. */
  get steps(): number {
    return this.#step;
  }

  /** Bytes trained on so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bits per byte of the last steps, a moving average. */
  get movingLoss(): number {
    return this.#movingLoss;
  }

  /** The dense parameters. */
  get parameters(): Parameters {
    return Object.fromEntries(Object.entries(this.#parameters).map(([name, { weights }]) => [name, weights]));
  }

  get #arrays(): Record<string, Float32Array> {
    const arrays: Record<string, Float32Array> = {};
    for (const [name, { weights, first, second }] of Object.entries(this.#parameters)) {
      arrays[`weights.${name}`] = weights;
      arrays[`first.${name}`] = first;
      arrays[`second.${name}`] = second;
    }
    for (const [name, array] of Object.entries(this.tables.arrays)) {
      arrays[`${name}.tables`] = array as Float32Array;
    }
    for (const [name, array] of Object.entries(this.#states)) arrays[`state.${name}`] = array;
    return arrays;
  }

  /** All that is needed to go on. The arrays are the trainer's own, not copies. */
  checkpoint(): Checkpoint<TrainerMeta> {
    return {
      meta: {
        network: this.network.config,
        options: this.options,
        schedule: this.schedule,
        step: this.#step,
        bytes: this.#bytes,
        ...(this.#before !== undefined && { before: this.#before }),
        stream: this.#stream.state,
        movingLoss: this.#movingLoss,
        data: this.#categories.map(({ name, weight, training }) => ({
          name,
          weight,
          bytes: training.length,
        })),
      },
      arrays: this.#arrays,
    };
  }

  /** Trains on the next segment of every lane. */
  async step(): Promise<StepReport> {
    const { shape, clipNorm, tableRate } = this.options;
    this.#stream.next(this.#batch);
    const { rows, targets, restarted } = this.#batch;
    for (const { name, width } of this.network.states) {
      for (const lane of restarted) this.#states[name].fill(0, lane * width, (lane + 1) * width);
    }
    this.tables.gather(rows, this.#embedded);
    const result = await this.#engine.step(this.parameters, {
      embedded: this.#embedded,
      targets,
      states: this.#states,
    });

    let squares = this.tables.accumulate(rows, result.embeddedGradient);
    for (const gradient of Object.values(result.gradients)) squares += squaredNorm(gradient);
    const norm = Math.sqrt(squares);
    const scale = norm > clipNorm ? clipNorm / norm : 1;
    const rate = rateAt(this.schedule, this.#step, this.#bytes);
    this.#step++;
    for (const [name, parameter] of Object.entries(this.#parameters)) {
      parameter.update(result.gradients[name], rate, scale, this.#step, ADAM);
    }
    this.tables.update(rate * tableRate, scale, ADAM);
    for (const [name, state] of Object.entries(this.#states)) state.set(result.states[name]);

    this.#bytes += shape.lanes * shape.steps;
    const bits = result.loss / Math.LN2;
    // The first steps average evenly, so that the start does not linger.
    const weight = Math.max(MOVING, 1 / this.#step);
    this.#movingLoss = this.#step === 1 ? bits : this.#movingLoss + weight * (bits - this.#movingLoss);
    return { bits, norm, rate };
  }

  /** Bits per byte of every category's validation text, or of about `limit` bytes of each; not of empty ones. */
  async validate(limit = Infinity, signal?: AbortSignal): Promise<Record<string, number>> {
    const bits: Record<string, number> = {};
    for (const { name, validation } of this.#categories) {
      if (validation.length === 0) continue;
      const setup = {
        network: this.network,
        engine: this.#engine,
        shape: this.options.shape,
        tables: this.tables,
      };
      bits[name] = await validateCategory(setup, this.parameters, validation, limit, signal);
    }
    return bits;
  }
}
