/**
 * The model of a worker thread: loaded only by tasks that use one, since loading models takes longer than coding a small
 * chunk by mixing.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import { loadModel, type Model } from '../model/load.ts';
import { fingerprint, type LaneSession, openSession } from '../model/session.ts';
import { LogitsStage } from './logits-stage.ts';
import type { FingerprintTask, ModelReference, ModelTask, TaskResults } from './task.ts';
import type { OpenModel } from './model-steps.ts';

interface Current {
  readonly key: string;
  readonly model: Model;
  readonly session: LaneSession;
  /** The model on a thread of its own; null where it cannot be. */
  stage?: LogitsStage | null;
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
  await stale?.stage?.close();
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

/**
 * The model at work.
 *
 * @param staged  also on a thread of its own, where it is of the kernel's family
 */
export async function openModel(task: Omit<ModelTask, 'control'>, staged: boolean): Promise<OpenModel> {
  const opened = await open(task);
  const { model, session } = opened;
  if (staged) opened.stage ??= await openStage(task, session);
  return { contract: model.contract, session, stage: (staged && opened.stage) || undefined };
}

async function openStage(
  { model, lanes }: Omit<ModelTask, 'control'>,
  session: LaneSession,
): Promise<LogitsStage | null> {
  // Only the kernel answers at once, and only it may run on a thread that can be ended at any time.
  return session.runNow ? LogitsStage.open({ model, lanes }) : null;
}

/** What the model computes here. */
export async function fingerprintOf(task: FingerprintTask): Promise<TaskResults['fingerprint']> {
  const { model, session } = await open(task);
  return { fingerprint: await fingerprint(model, task.lanes, task.engine), runtime: session.engine };
}
