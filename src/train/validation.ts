/**
 * Bits per byte of texts that training never sees, by the float network.
 *
 * @module
 */
import type { Engine, Parameters } from './engine.ts';
import type { Network, SegmentShape } from './network.ts';
import { emptyBatch, LaneReader } from './stream.ts';
import type { RowSums } from './tables.ts';

/** What computes. */
export interface ValidationSetup {
  readonly network: Network;
  readonly engine: Engine;
  readonly shape: SegmentShape;
  readonly tables: RowSums;
}

/**
 * The text is cut into as many parts as the engine has lanes, each coded from a fresh start.
 *
 * @param limit - about as many bytes are used, evenly spread over the text.
 */
export async function validateCategory(
  { network, engine, shape, tables }: ValidationSetup,
  parameters: Parameters,
  text: Uint8Array,
  limit: number,
): Promise<number> {
  const part = Math.floor(text.length / shape.lanes);
  const segments = Math.floor(Math.min(part, limit / shape.lanes) / shape.steps);
  const batch = emptyBatch(network.embedding, shape);
  const readers = Array.from({ length: shape.lanes }, () => new LaneReader(network.embedding));
  const embedded = new Float32Array(shape.lanes * shape.steps * network.embedding.width);
  let states: Record<string, Float32Array> = Object.fromEntries(
    network.states.map(({ name, width }) => [name, new Float32Array(shape.lanes * width)]),
  );
  let nats = 0;
  for (let segment = 0; segment < segments; segment++) {
    readers.forEach((reader, lane) => {
      reader.read(text, lane * part + segment * shape.steps, batch, lane, shape);
    });
    tables.gather(batch.rows, embedded);
    const result = await engine.evaluate(parameters, { embedded, targets: batch.targets, states });
    nats += result.loss;
    states = result.states;
  }
  return nats / segments / Math.LN2;
}
