/**
 * The worker thread: results and errors travel as plain data.
 *
 * @module
 */
import { usesModel } from '../container/frame.ts';
import { LmzError } from '../errors.ts';
import { decodeCoded, encodeLm, encodeStored, type EncodedFrame, smaller } from './chunk.ts';
import type { OpenModel, Watch } from './model-steps.ts';
import { encodeMixed } from './mix-choice.ts';
import { SpareThread } from './spare-thread.ts';
import {
  CONTROL,
  type DecodeTask,
  type EncodeTask,
  failureOf,
  type ModelTask,
  type Task,
  type TaskOutcome,
  type TaskResults,
} from './task.ts';

/** Ends a task that the main thread has given up. */
function requireWanted(task: Task): void {
  if (Atomics.load(task.control, CONTROL.cancelled) !== 0) throw new Cancelled();
}

class Cancelled extends Error {}

async function openModel(task: Omit<ModelTask, 'control'>, spare: SpareThread): Promise<OpenModel> {
  return (await import('./worker-model.ts')).openModel(task, spare);
}

async function perform(task: Task): Promise<TaskResults[Task['kind']]> {
  if (task.kind === 'prepare') {
    await import('./worker-model.ts');
    return undefined;
  }
  if (task.kind === 'fingerprint') return (await import('./worker-model.ts')).fingerprintOf(task);
  return task.kind === 'encode' ? encode(task) : decode(task);
}

async function encode(task: EncodeTask): Promise<EncodedFrame> {
  const { chunk, lanes, engine, coding, model: reference } = task;
  const watch: Watch = {
    requireWanted: () => {
      requireWanted(task);
    },
    onSymbols: (count) => Atomics.add(task.control, CONTROL.bytesIn, count),
  };
  const spare = new SpareThread(task.control, task.threads);
  const model = reference && (await openModel({ model: reference, lanes, engine }, spare));
  const coded =
    coding.predictor === 'lm'
      ? await encodeLm(chunk, model!, watch)
      : await encodeMixed(chunk, lanes, coding, model, watch);
  return task.mayStore ? smaller(encodeStored(chunk), coded) : coded;
}

async function decode(task: DecodeTask): Promise<Uint8Array> {
  const { frame, payload, engine, model: reference } = task;
  const { lanes } = frame.parameters!;
  const spare = new SpareThread(task.control, task.threads);
  const model = usesModel(frame) ? await openModel({ model: reference!, lanes, engine }, spare) : undefined;
  // Input bytes of a decoder are compressed ones: a share of the payload for every symbol.
  let symbols = 0;
  let bytes = 0;
  const onSymbols = (count: number) => {
    symbols += count;
    const done = Math.floor((symbols / frame.rawSize) * payload.length);
    Atomics.add(task.control, CONTROL.bytesIn, done - bytes);
    bytes = done;
  };
  const wanted = () => {
    requireWanted(task);
  };
  return decodeCoded(frame, payload, model, { requireWanted: wanted, onSymbols });
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
    return { failure: failureOf(error) };
  } finally {
    Atomics.sub(control, CONTROL.busy, 1);
    Atomics.notify(control, CONTROL.busy);
  }
}
