/**
 * The thread that computes logits ahead of the coder (logits-stage.ts).
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { toHex } from '../bytes.ts';
import { LmzError } from '../errors.ts';
import { loadModel } from '../model/load.ts';
import type { ModelContract } from '../model/contract.ts';
import { type LaneSession, openSession } from '../model/session.ts';
import {
  BATCH_STEPS,
  type OpenRequest,
  RING_STEPS,
  type RingControl,
  type RunRequest,
  SHARED,
  type StageReply,
  type StageRequest,
} from './logits-ring.ts';

let session: LaneSession | undefined;
let contract: ModelContract | undefined;

const port = parentPort!;
const reply = (message: StageReply): void => {
  port.postMessage(message);
};

async function open({ model: reference, lanes }: OpenRequest): Promise<void> {
  try {
    // Whoever opens this stage has the model audited.
    const model = loadModel(reference.bytes.slice(), {
      expectedHash: reference.hash,
      platformBound: reference.platformBound,
      trustedHashes: new Set([toHex(reference.hash)]),
    });
    session = await openSession(model, { lanes, engine: 'kernel' });
    contract = model.contract;
    reply({ kind: 'opened', alphabet: contract.alphabet });
  } catch (error) {
    // Anything else ends the thread, which the other side sees.
    if (!(error instanceof LmzError)) throw error;
    const { code, message, offset, hint } = error;
    reply({ kind: 'failed', failure: { code, message, offset, hint } });
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

function run({ symbols, starts, ring, control }: RunRequest): void {
  if (session?.runNow === undefined || contract === undefined) throw new Error('run before open');
  const { lanes } = session;
  const { alphabet, start, context } = contract;
  const steps = starts[1];
  const stepSize = lanes * alphabet;
  const tokens = new Int32Array(lanes).fill(start);
  session.reset();
  for (let step = 0; step < steps;) {
    if (!waitForRoom(control, step)) return;
    const end = Math.min(steps, step + BATCH_STEPS);
    for (; step < end; step++) {
      if (context > 0 && step > 0 && step % context === 0) {
        session.reset();
        tokens.fill(start);
      }
      ring.set(session.runNow(tokens), (step % RING_STEPS) * stepSize);
      for (let lane = 0; lane < lanes; lane++) {
        const at = starts[lane] + step;
        tokens[lane] = at < starts[lane + 1] ? symbols[at] : start;
      }
    }
    Atomics.store(control, SHARED.written, step);
    if (Atomics.exchange(control, SHARED.starved, 0) !== 0) reply({ kind: 'written' });
  }
}

port.on('message', (request: StageRequest) => {
  if (request.kind === 'open') void open(request);
  else run(request);
});
