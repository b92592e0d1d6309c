/**
 * The data-parallel engine: every worker thread computes some of the lanes, gradients are averaged. The same training
 * step on more cores: only rounding differs from one engine with all lanes.
 *
 * @module
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { LmzError } from '../errors.ts';
import type { Engine, Parameters, Segment, SegmentResult, StepResult } from './engine.ts';
import type { WorkerCall, WorkerSetup } from './engine-worker.ts';
import type { Network, SegmentShape } from './network.ts';
import type { NetworkConfig } from './networks.ts';

// Threads run built code, also where tests or tsx start from the sources.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/train/engine-worker.js' : './engine-worker.js',
  import.meta.url,
);

type Reply = { readonly result: StepResult } | { readonly error: unknown };

/** Calls `copy` with every run that belongs to some of the lanes: its place in the whole and in the part. */
function forLaneRuns(
  { lanes, steps }: SegmentShape,
  part: number,
  partLanes: number,
  width: number,
  copy: (whole: number, part: number, length: number) => void,
): void {
  for (let t = 0; t < steps; t++) {
    copy((t * lanes + part * partLanes) * width, t * partLanes * width, partLanes * width);
  }
}

/** Talks to worker threads that have a share of the lanes each. */
class ParallelEngine implements Engine {
  readonly #network: Network;
  readonly #shape: SegmentShape;
  readonly #workers: readonly Worker[];

  constructor(network: Network, shape: SegmentShape, workers: readonly Worker[]) {
    this.#network = network;
    this.#shape = shape;
    this.#workers = workers;
  }

  get #partLanes(): number {
    return this.#shape.lanes / this.#workers.length;
  }

  #segmentOf(segment: Segment, part: number): Segment {
    const { width } = this.#network.embedding;
    const count = this.#partLanes * this.#shape.steps;
    const embedded = new Float32Array(count * width);
    const targets = new Int32Array(count);
    forLaneRuns(this.#shape, part, this.#partLanes, width, (from, to, length) => {
      embedded.set(segment.embedded.subarray(from, from + length), to);
    });
    forLaneRuns(this.#shape, part, this.#partLanes, 1, (from, to, length) => {
      targets.set(segment.targets.subarray(from, from + length), to);
    });
    const states = this.#network.states.map(({ name, width: size }) => {
      const length = this.#partLanes * size;
      return [name, segment.states[name].slice(part * length, (part + 1) * length)] as const;
    });
    return { embedded, targets, states: Object.fromEntries(states) };
  }

  async #callAll(
    method: WorkerCall['method'],
    parameters: Parameters,
    segment: Segment,
  ): Promise<StepResult[]> {
    const replies = this.#workers.map(async (worker, part) => {
      worker.postMessage({
        method,
        parameters,
        segment: this.#segmentOf(segment, part),
      } satisfies WorkerCall);
      const [reply] = (await once(worker, 'message')) as [Reply];
      if ('error' in reply) {
        throw new LmzError('LMZ_WORKER', 'a training thread failed', { cause: reply.error });
      }
      return reply.result;
    });
    return Promise.all(replies);
  }

  #join(results: readonly SegmentResult[]): SegmentResult {
    const states = this.#network.states.map(({ name, width }) => {
      const state = new Float32Array(this.#shape.lanes * width);
      results.forEach((result, part) => {
        state.set(result.states[name], part * this.#partLanes * width);
      });
      return [name, state] as const;
    });
    const loss = results.reduce((sum, result) => sum + result.loss, 0) / results.length;
    return { loss, states: Object.fromEntries(states) };
  }

  async evaluate(parameters: Parameters, segment: Segment): Promise<SegmentResult> {
    return this.#join(await this.#callAll('evaluate', parameters, segment));
  }

  async step(parameters: Parameters, segment: Segment): Promise<StepResult> {
    const results = await this.#callAll('step', parameters, segment);
    // Each part's loss is a mean over its own lanes.
    const share = 1 / results.length;
    const gradients = this.#network.parameters.map(({ name }) => {
      const mean = new Float32Array(parameters[name].length);
      for (const { gradients: part } of results) {
        const values = part[name];
        for (let i = 0; i < mean.length; i++) mean[i] += share * values[i];
      }
      return [name, mean] as const;
    });
    const embeddedGradient = new Float32Array(segment.embedded.length);
    results.forEach((result, part) => {
      const { width } = this.#network.embedding;
      forLaneRuns(this.#shape, part, this.#partLanes, width, (to, from, length) => {
        for (let i = 0; i < length; i++) embeddedGradient[to + i] = share * result.embeddedGradient[from + i];
      });
    });
    return { ...this.#join(results), gradients: Object.fromEntries(gradients), embeddedGradient };
  }

  async release(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
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
  const setup: WorkerSetup = {
    config: network.config as NetworkConfig,
    shape: { ...shape, lanes: shape.lanes / threads },
  };
  const workers = Array.from({ length: threads }, () => new Worker(WORKER, { workerData: setup }));
  return new ParallelEngine(network, shape, workers);
}
