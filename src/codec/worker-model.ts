/**
 * The model of a worker thread: loaded only by tasks that use one, since loading models takes longer than coding a small
 * chunk by mixing.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import type { ModelContract } from '../model/contract.ts';
import { fingerprint, type LaneSession, openSession } from '../model/session.ts';
import { LogitsStage } from './logits-stage.ts';
import { loadReference } from './model-reference.ts';
import type { OpenModel } from './model-steps.ts';
import type { SpareThread } from './spare-thread.ts';
import type { FingerprintTask, ModelTask, TaskResults } from './task.ts';

interface Current {
  readonly key: string;
  /** Not the model itself, which would keep its file in memory. */
  readonly contract: ModelContract;
  readonly session: LaneSession;
  /** The model on a thread of its own, once a chunk has asked for it. */
  stage?: Promise<LogitsStage>;
}

/** The last model and session: a stream uses one, and a second one would only hold memory. */
let current: Current | undefined;

async function open(task: Omit<ModelTask, 'control'>): Promise<Current> {
  const hash = toHex(task.model.hash);
  const key = `${hash} ${task.model.platformBound} ${task.lanes} ${task.engine}`;
  if (current?.key === key) return current;
  const stale = current;
  current = undefined;
  await stale?.session.release();
  await (await stale?.stage)?.close();
  const model = loadReference(task.model);
  const session = await openSession(model, { lanes: task.lanes, engine: task.engine });
  current = { key, contract: model.contract, session };
  return current;
}

/**
 * The model at work.
 *
 * @param spare  a thread that it may take
 */
export async function openModel(task: Omit<ModelTask, 'control'>, spare: SpareThread): Promise<OpenModel> {
  const opened = await open(task);
  const { contract, session } = opened;
  // Only the kernel answers at once, and only it may run on a thread that can be ended at any time.
  if (!session.runNow) return { contract, session };
  const { model: reference, lanes } = task;
  const stage = (): Promise<LogitsStage> => {
    const known = opened.stage ?? LogitsStage.open({ model: reference, lanes });
    opened.stage = known;
    // What failed is tried again.
    known.catch(() => delete opened.stage);
    return known;
  };
  return { contract, session, stage, spare };
}

/** What the model computes here. */
export async function fingerprintOf(task: FingerprintTask): Promise<TaskResults['fingerprint']> {
  const { session } = await open(task);
  const model = loadReference(task.model);
  return { fingerprint: await fingerprint(model, task.lanes, task.engine), runtime: session.engine };
}
