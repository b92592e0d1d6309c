/**
 * The data-parallel engine: every worker thread computes some of the lanes, gradients are averaged. The same training
 * step on more cores: only rounding differs from one engine with all lanes.
 *
 * Numbers travel in shared memory, not in messages: those were several megabytes of copies and garbage a step.
 *
 * @module
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { LmzError } from '../errors.ts';
import type { Engine, Parameters, Segment, SegmentResult, StepResult } from './engine.ts';
import type { WorkerCall, WorkerReply, WorkerSetup } from './engine-worker.ts';
import type { Network, SegmentShape } from './network.ts';
import type { NetworkConfig } from './networks.ts';

// Threads run built code, also where tests or tsx start from the sources.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/train/engine-worker.js' : './engine-worker.js',
  import.meta.url,
);

const sharedFloats = (length: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * length));

/** Arrays of some lengths, by name. */
function arraysOf(
  make: (length: number) => Float32Array,
  lengths: readonly (readonly [name: string, length: number])[],
): Record<string, Float32Array> {
  return Object.fromEntries(lengths.map(([name, length]) => [name, make(length)]));
}

function parameterLengths({ parameters }: Network): [string, number][] {
  return parameters.map(({ name, dims }) => [name, dims.reduce((product, dim) => product * dim, 1)]);
}

function stateLengths({ states }: Network, { lanes }: SegmentShape): [string, number][] {
  return states.map(({ name, width }) => [name, lanes * width]);
}

/** `to` = the mean of arrays of the same length. */
function meanOf(parts: readonly Float32Array[], to: Float32Array): void {
  const factor = 1 / parts.length;
  const [first, ...others] = parts;
  for (let i = 0; i < to.length; i++) to[i] = factor * first[i];
  for (const part of others) for (let i = 0; i < to.length; i++) to[i] += factor * part[i];
}

/** A thread, and the memory shared with it. */
class Share {
  readonly segment: Segment;
  readonly result: WorkerSetup['result'];
  readonly #worker: Worker;

  /** @param shape - of this thread's lanes */
  constructor(network: Network, shape: SegmentShape, parameters: Parameters) {
    const positions = shape.lanes * shape.steps;
    const embedded = positions * network.embedding.width;
    const states = stateLengths(network, shape);
    this.segment = {
      embedded: sharedFloats(embedded),
      targets: new Int32Array(new SharedArrayBuffer(4 * positions)),
      states: arraysOf(sharedFloats, states),
    };
    this.result = {
      states: arraysOf(sharedFloats, states),
      gradients: arraysOf(sharedFloats, parameterLengths(network)),
      embeddedGradient: sharedFloats(embedded),
    };
    const config = network.config as NetworkConfig;
    const { segment, result } = this;
    const setup: WorkerSetup = { config, shape, parameters, segment, result };
    this.#worker = new Worker(WORKER, { workerData: setup });
  }

  /**
   * Calls the thread's engine.
   *
   * @returns the loss; all else is in {@link result}
   */
  async call(method: WorkerCall): Promise<number> {
    this.#worker.postMessage(method);
    const [reply] = (await once(this.#worker, 'message')) as [WorkerReply];
    if ('error' in reply) {
      throw new LmzError('LMZ_WORKER', 'a training thread failed', { cause: reply.error });
    }
    return reply.loss;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Talks to threads that have a share of the lanes each. */
class ParallelEngine implements Engine {
  readonly #shape: SegmentShape;
  readonly #parameters: Parameters;
  readonly #shares: readonly Share[];
  readonly #joined: Omit<StepResult, 'loss'>;

  constructor(network: Network, shape: SegmentShape, threads: number) {
    this.#shape = shape;
    const plain = (length: number): Float32Array => new Float32Array(length);
    const parameters = parameterLengths(network);
    this.#parameters = arraysOf(sharedFloats, parameters);
    this.#joined = {
      states: arraysOf(plain, stateLengths(network, shape)),
      gradients: arraysOf(plain, parameters),
      embeddedGradient: plain(shape.lanes * shape.steps * network.embedding.width),
    };
    const part = { ...shape, lanes: shape.lanes / threads };
    this.#shares = Array.from({ length: threads }, () => new Share(network, part, this.#parameters));
  }

  /**
   * Calls `copy` with what belongs to a share's lanes at one time: its place in the whole and in the share.
   *
   * @param width - numbers of one lane at one time
   */
  #forLaneRuns(
    share: number,
    width: number,
    copy: (whole: number, part: number, length: number) => void,
  ): void {
    const { lanes, steps } = this.#shape;
    const length = (lanes / this.#shares.length) * width;
    for (let t = 0; t < steps; t++) copy(t * lanes * width + share * length, t * length, length);
  }

  #spread(parameters: Parameters, { embedded, targets, states }: Segment): void {
    for (const [name, values] of Object.entries(parameters)) this.#parameters[name].set(values);
    const width = embedded.length / targets.length;
    for (const [i, { segment }] of this.#shares.entries()) {
      this.#forLaneRuns(i, width, (from, to, length) => {
        segment.embedded.set(embedded.subarray(from, from + length), to);
      });
      this.#forLaneRuns(i, 1, (from, to, length) => {
        segment.targets.set(targets.subarray(from, from + length), to);
      });
      for (const [name, part] of Object.entries(segment.states)) {
        part.set(states[name].subarray(i * part.length, (i + 1) * part.length));
      }
    }
  }

  /** Each share's loss is a mean over its own lanes. */
  async #callAll(method: WorkerCall): Promise<SegmentResult> {
    const losses = await Promise.all(this.#shares.map((share) => share.call(method)));
    const { states } = this.#joined;
    for (const [i, { result }] of this.#shares.entries()) {
      for (const [name, part] of Object.entries(result.states)) states[name].set(part, i * part.length);
    }
    return { loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length, states };
  }

  async evaluate(parameters: Parameters, segment: Segment): Promise<SegmentResult> {
    this.#spread(parameters, segment);
    return this.#callAll('evaluate');
  }

  async step(parameters: Parameters, segment: Segment): Promise<StepResult> {
    this.#spread(parameters, segment);
    const result = await this.#callAll('step');
    const { gradients, embeddedGradient } = this.#joined;
    for (const [name, mean] of Object.entries(gradients)) {
      meanOf(
        this.#shares.map((share) => share.result.gradients[name]),
        mean,
      );
    }
    const factor = 1 / this.#shares.length;
    const width = embeddedGradient.length / segment.targets.length;
    for (const [i, { result: part }] of this.#shares.entries()) {
      this.#forLaneRuns(i, width, (to, from, length) => {
        for (let k = 0; k < length; k++) embeddedGradient[to + k] = factor * part.embeddedGradient[from + k];
      });
    }
    return { ...result, gradients, embeddedGradient };
  }

  async release(): Promise<void> {
    await Promise.all(this.#shares.map((share) => share.terminate()));
  }
}

/**
 * Starts the threads.
 *
 * @param threads - must divide the number of lanes.
 * @throws RangeError where it does not.
 */
export function createParallelEngine(network: Network, shape: SegmentShape, threads: number): Engine {
  if (shape.lanes % threads !== 0) {
    throw new RangeError(`${shape.lanes} lanes cannot be shared by ${threads} threads`);
  }
  return new ParallelEngine(network, shape, threads);
}
