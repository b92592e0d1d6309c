/**
 * The worker thread of the parallel engine: an engine for some of the lanes, driven by messages. Numbers are read from
 * shared memory and written to it.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Parameters, Segment, StepResult } from './engine.ts';
import { createOrtEngine } from './engine-ort.ts';
import type { SegmentShape } from './network.ts';
import { createNetwork, type NetworkConfig } from './networks.ts';

/** What the thread is started with. All arrays are of shared memory. */
export interface WorkerSetup {
  readonly config: NetworkConfig;
  readonly shape: SegmentShape;
  readonly parameters: Parameters;
  readonly segment: Segment;
  /** Where the thread writes what it computes. */
  readonly result: Omit<StepResult, 'loss'>;
}

/** The engine's method to call. */
export type WorkerCall = 'step' | 'evaluate';

/** What comes back. */
export type WorkerReply = { readonly loss: number } | { readonly error: unknown };

const port = parentPort;
if (port === null) throw new TypeError('engine-worker runs as a worker thread only');
const { config, shape, parameters, segment, result } = workerData as WorkerSetup;
const engine = createOrtEngine(createNetwork(config), shape);

function copyAll(from: Parameters, to: Parameters): void {
  for (const [name, values] of Object.entries(from)) to[name].set(values);
}

const copyOf = (arrays: Parameters): Parameters =>
  Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, new Float32Array(values)]));

// onnxruntime takes no shared memory.
const own = {
  parameters: copyOf(parameters),
  segment: {
    embedded: new Float32Array(segment.embedded),
    targets: new Int32Array(segment.targets),
    states: copyOf(segment.states),
  },
};

async function call(method: WorkerCall): Promise<number> {
  copyAll(parameters, own.parameters);
  copyAll(segment.states, own.segment.states);
  own.segment.embedded.set(segment.embedded);
  own.segment.targets.set(segment.targets);
  const computed = await (await engine)[method](own.parameters, own.segment);
  copyAll(computed.states, result.states);
  if ('gradients' in computed) {
    const { gradients, embeddedGradient } = computed as StepResult;
    copyAll(gradients, result.gradients);
    result.embeddedGradient.set(embeddedGradient);
  }
  return computed.loss;
}

port.on('message', (method: WorkerCall) => {
  call(method).then(
    (loss) => {
      port.postMessage({ loss } satisfies WorkerReply);
    },
    (error: unknown) => {
      port.postMessage({ error } satisfies WorkerReply);
    },
  );
});
