/**
 * The worker thread: models and sessions are kept from task to task; results and errors travel as plain data.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import { LmzError } from '../errors.ts';
import { loadModel, type Model } from '../model/load.ts';
import { fingerprint, type LaneSession, openSession } from '../model/session.ts';
import { decodeCoded, encodeCoded, encodeStored, frameSize } from './chunk.ts';
import {
  CONTROL,
  type ModelReference,
  type ModelTask,
  type Task,
  type TaskOutcome,
  type TaskResults,
} from './task.ts';

/** The last model and session: a stream uses one, and a second one would only hold memory. */
let current: { key: string; model: Model; session: LaneSession } | undefined;

async function open(task: ModelTask): Promise<{ model: Model; session: LaneSession }> {
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

/** Ends a task that the main thread has given up. */
function requireWanted(task: Task): void {
  if (Atomics.load(task.control, CONTROL.cancelled) !== 0) throw new Cancelled();
}

class Cancelled extends Error {}

async function perform(task: Task): Promise<TaskResults[Task['kind']]> {
  if (task.kind === 'fingerprint') {
    const { model, session } = await open(task);
    return { fingerprint: await fingerprint(model, task.lanes, task.engine), runtime: session.engine };
  }
  const { model, session } = await open(task);
  const { control } = task;
  const wanted = () => {
    requireWanted(task);
  };
  if (task.kind === 'encode') {
    const coded = await encodeCoded(task.chunk, session, model.contract, {
      requireWanted: wanted,
      onSymbols: (count) => Atomics.add(control, CONTROL.bytesIn, count),
    });
    if (!task.mayStore) return coded;
    const stored = encodeStored(task.chunk);
    return frameSize(coded) < frameSize(stored) ? coded : stored;
  }
  // Input bytes of a decoder are compressed ones: a share of the payload for every symbol.
  let symbols = 0;
  let bytes = 0;
  const onSymbols = (count: number) => {
    symbols += count;
    const done = Math.floor((symbols / task.frame.rawSize) * task.payload.length);
    Atomics.add(control, CONTROL.bytesIn, done - bytes);
    bytes = done;
  };
  return decodeCoded(task.frame, task.payload, session, model.contract, { requireWanted: wanted, onSymbols });
}

/** Entry point for the pool. */
export default async function run(task: Task): Promise<TaskOutcome> {
  const { control } = task;
  Atomics.add(control, CONTROL.busy, 1);
  try {
    requireWanted(task);
    return { result: await perform(task) };
  } catch (error) {
    if (error instanceof Cancelled) return { cancelled: true };
    if (!(error instanceof LmzError)) throw error;
    const { code, message, offset, hint } = error;
    return { failure: { code, message, offset, hint } };
  } finally {
    Atomics.sub(control, CONTROL.busy, 1);
    Atomics.notify(control, CONTROL.busy);
  }
}
