/**
 * The thread that computes logits ahead of the coder (logits-stage.ts), or as soon as a decoder lets it (speculation.ts).
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { LmzError } from '../errors.ts';
import { openSession } from '../model/session.ts';
import {
  BATCH_STEPS,
  type OpenRequest,
  RING_STEPS,
  type RingControl,
  type RunRequest,
  SHARED,
  type SpeculateRequest,
  type StageReply,
  type StageRequest,
} from './logits-ring.ts';
import { loadReference } from './model-reference.ts';
import { ModelSteps, type OpenModel } from './model-steps.ts';
import { speculate } from './speculation.ts';
import { failureOf } from './task.ts';

let model: OpenModel | undefined;

const port = parentPort!;
const reply = (message: StageReply): void => {
  port.postMessage(message);
};

async function open({ model: reference, lanes }: OpenRequest): Promise<void> {
  try {
    const loaded = loadReference(reference);
    const { contract } = loaded;
    model = { session: await openSession(loaded, { lanes, engine: 'kernel' }), contract };
    reply({ kind: 'opened', alphabet: contract.alphabet });
  } catch (error) {
    // Anything else ends the thread, which the other side sees.
    if (!(error instanceof LmzError)) throw error;
    reply({ kind: 'failed', failure: failureOf(error) });
  }
}

/** Waits until the ring has room for a batch after `written` steps; false where nobody wants it any more. */
function waitForRoom(control: RingControl, written: number): boolean {
  for (;;) {
    const read = Atomics.load(control, SHARED.read);
    if (Atomics.load(control, SHARED.cancelled) !== 0) return false;
    if (written + BATCH_STEPS <= read + RING_STEPS) return true;
    Atomics.wait(control, SHARED.read, read);
  }
}

/** Tells the coder's thread, if it waits for that, that there is something new in the shared memory. */
function tellWritten(control: RingControl): void {
  if (Atomics.load(control, SHARED.starved) === 0) return;
  Atomics.store(control, SHARED.starved, 0);
  reply({ kind: 'written' });
}

function follow(request: SpeculateRequest): void {
  const parts = model?.session.parts;
  if (parts === undefined) throw new Error('a model that cannot take a step back');
  speculate(parts, request, () => {
    tellWritten(request.control);
  });
}

function run({ symbols, starts, ring, control }: RunRequest): void {
  if (model === undefined) throw new Error('run before open');
  const steps = starts[1];
  const stepSize = model.session.lanes * model.contract.alphabet;
  const input = new ModelSteps(model, symbols, starts, true);
  for (let step = 0; step < steps;) {
    if (!waitForRoom(control, step)) return;
    for (const end = Math.min(steps, step + BATCH_STEPS); step < end; step++) {
      // The kernel answers at once.
      void input.go(step);
      ring.set(input.logits, (step % RING_STEPS) * stepSize);
    }
    Atomics.store(control, SHARED.written, step);
    tellWritten(control);
  }
}

port.on('message', (request: StageRequest) => {
  if (request.kind === 'open') void open(request);
  else if (request.kind === 'run') run(request);
  else follow(request);
});
