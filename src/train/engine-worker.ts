/**
 * The worker thread of the parallel engine: an engine for some of the lanes, driven by messages.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Parameters, Segment } from './engine.ts';
import { createOrtEngine } from './engine-ort.ts';
import type { SegmentShape } from './network.ts';
import { createNetwork, type NetworkConfig } from './networks.ts';

/** What the thread is started with. */
export interface WorkerSetup {
  readonly config: NetworkConfig;
  readonly shape: SegmentShape;
}

/** One call of an engine's method. */
export interface WorkerCall {
  readonly method: 'step' | 'evaluate';
  readonly parameters: Parameters;
  readonly segment: Segment;
}

const port = parentPort;
if (port === null) throw new TypeError('engine-worker runs as a worker thread only');
const { config, shape } = workerData as WorkerSetup;
const engine = createOrtEngine(createNetwork(config), shape);

port.on('message', ({ method, parameters, segment }: WorkerCall) => {
  void (async () => {
    try {
      port.postMessage({ result: await (await engine)[method](parameters, segment) });
    } catch (error) {
      port.postMessage({ error });
    }
  })();
});
