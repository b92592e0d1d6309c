/**
 * Chooses the engine.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { createOrtEngine } from './engine-ort.ts';
import { createParallelEngine } from './engine-parallel.ts';
import { createTfjsEngine, loadTensorflow } from './engine-tfjs.ts';
import type { Network, SegmentShape } from './network.ts';

/** The engines, by name. */
export const ENGINES = ['ort', 'tfjs'] as const;

/** An engine that is ready. */
export interface OpenEngine {
  readonly engine: Engine;
  /** What computes, for people. */
  readonly description: string;
}

/** Threads that can share the lanes evenly, not more than wanted. */
export function evenThreads(lanes: number, wanted: number): number {
  let threads = Math.max(1, Math.min(wanted, lanes));
  while (lanes % threads !== 0) threads--;
  return threads;
}

/**
 * @param threads - at most so many, for onnxruntime
 * @throws LmzError `LMZ_ENGINE` where it cannot be loaded, `LMZ_USAGE` where there is none of that name
 */
export async function openEngine(
  name: string,
  network: Network,
  shape: SegmentShape,
  threads: number,
): Promise<OpenEngine> {
  if (name === 'tfjs') {
    const { tf, description } = await loadTensorflow();
    return { engine: createTfjsEngine(tf, network, shape), description };
  }
  if (name !== 'ort')
    throw new LmzError('LMZ_USAGE', `there is no engine "${name}"; there are: ${ENGINES.join(', ')}`);
  const count = evenThreads(shape.lanes, threads);
  const engine =
    count > 1 ? createParallelEngine(network, shape, count) : await createOrtEngine(network, shape);
  return { engine, description: `onnxruntime-node, ${count} ${count === 1 ? 'thread' : 'threads'}` };
}
