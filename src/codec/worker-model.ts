/**
 * The model of a worker thread: loaded only by tasks that use one, since loading models takes longer than coding a small
 * chunk by mixing.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import { loadModel, type Model } from '../model/load.ts';
import { fingerprint, type LaneSession, openSession } from '../model/session.ts';
import type { FingerprintTask, ModelReference, ModelTask, TaskResults } from './task.ts';
import type { OpenModel } from './model-steps.ts';

/** The last model and session: a stream uses one, and a second one would only hold memory. */
let current: { key: string; model: Model; session: LaneSession } | undefined;

async function open(task: Omit<ModelTask, 'control'>): Promise<{ model: Model; session: LaneSession }> {
  const hash = toHex(task.model.hash);
  const key = `${hash} ${task.model.platformBound} ${task.lanes} ${task.engine}`;
  if (current?.key === key) return current;
  const stale = current;
  current = undefined;
  await stale?.session.release();
  const model = reload(task.model, hash);
  const session = await openSession(model, { lanes: task.lanes, engine: task.engine });
  current = { key, model, session };
  return current;
}

/** The main thread has audited the model; only its reading is repeated here. */
function reload(reference: ModelReference, hash: string): Model {
  return loadModel(reference.bytes.slice(), {
    expectedHash: reference.hash,
    platformBound: reference.platformBound,
    trustedHashes: new Set([hash]),
  });
}

/** The model at work. */
export async function openModel(task: Omit<ModelTask, 'control'>): Promise<OpenModel> {
  const { model, session } = await open(task);
  return { contract: model.contract, session };
}

/** What the model computes here. */
export async function fingerprintOf(task: FingerprintTask): Promise<TaskResults['fingerprint']> {
  const { model, session } = await open(task);
  return { fingerprint: await fingerprint(model, task.lanes, task.engine), runtime: session.engine };
}
