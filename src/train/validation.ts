/**
 * Bits per byte of texts that training never sees, by the float network.
 *
 * @module
 */
import type { Engine, Parameters } from './engine.ts';
import type { Network, SegmentShape } from './network.ts';
import { emptyBatch, LaneReader } from './stream.ts';
import type { RowSums } from './tables.ts';
import type { Text } from './text.ts';

/** What computes. */
export interface ValidationSetup {
  readonly network: Network;
  readonly engine: Engine;
  readonly shape: SegmentShape;
  readonly tables: RowSums;
}

/** A text that is too short for one segment of every lane, repeated until it is not. */
function longEnough(text: Text, length: number): Text {
  if (text.length >= length) return text;
  const bytes = text.subarray(0, text.length);
  return Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length]);
}

/**
 * The text is cut into as many parts as the engine has lanes, each coded from a fresh start.
 *
 * @param limit - about as many bytes are used, evenly spread over the text.
 * @param signal - ends it early; what it returns then means nothing.
 * @returns NaN for no text
 */
export async function validateCategory(
  { network, engine, shape, tables }: ValidationSetup,
  parameters: Parameters,
  whole: Text,
  limit: number,
  signal?: AbortSignal,
): Promise<number> {
  if (whole.length === 0) return NaN;
  const text = longEnough(whole, shape.lanes * shape.steps);
  const part = Math.floor(text.length / shape.lanes);
  const segments = Math.max(1, Math.floor(Math.min(part, limit / shape.lanes) / shape.steps));
  const used = segments * shape.steps;
  const parts = Array.from({ length: shape.lanes }, (_, lane) =>
    text.subarray(lane * part, lane * part + used),
  );
  const batch = emptyBatch(network.embedding, shape);
  const readers = Array.from({ length: shape.lanes }, () => new LaneReader(network.embedding));
  const embedded = new Float32Array(shape.lanes * shape.steps * network.embedding.width);
  let states: Record<string, Float32Array> = Object.fromEntries(
    network.states.map(({ name, width }) => [name, new Float32Array(shape.lanes * width)]),
  );
  let nats = 0;
  for (let segment = 0; segment < segments && signal?.aborted !== true; segment++) {
    readers.forEach((reader, lane) => {
      reader.read(parts[lane], segment * shape.steps, batch, lane, shape);
    });
    tables.gather(batch.rows, embedded);
    const result = await engine.evaluate(parameters, { embedded, targets: batch.targets, states });
    nats += result.loss;
    states = result.states;
  }
  return nats / segments / Math.LN2;
}
