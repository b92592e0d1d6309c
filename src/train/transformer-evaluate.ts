/**
 * Bits per byte in the thesis' protocol, independent chunks of the context's length: of an exported model, and of the float
 * network that it was rounded from. Measurement only; the coding path has its own integer arithmetic.
 *
 * @module
 */
import { loadModel } from '../model/load.ts';
import { openSession } from '../model/session.ts';
import type { Parameters } from './engine.ts';
import type { Category } from './corpus.ts';
import { createOrtEngine } from './engine-ort.ts';
import type { Weights } from './networks.ts';
import { emptyBatch, LaneReader } from './stream.ts';
import { RowSums } from './tables.ts';
import { type TransformerConfig, transformerNetwork } from './transformer.ts';

/** Bytes of a lane in one call; see codec/language-model.ts. */
const TIME = 64;
/** Bytes of each category's validation text are measured at most: sequences take a quarter of a millisecond a byte. */
const MEASURED = 65_536;

/** How an exported model is run. */
export interface ChunkOptions {
  /** Bytes of a lane in one call. */
  readonly time: number;
  /** Chunks side by side. */
  readonly lanes: number;
}

/** The mean bits per byte of an exported model over all whole chunks of a text. */
export async function evaluateChunks(
  file: Uint8Array,
  text: Uint8Array,
  { time, lanes }: ChunkOptions,
): Promise<number> {
  const model = loadModel(file);
  const { start, logitBits, alphabet, context } = model.contract;
  const session = await openSession(model, { lanes });
  const rounds = Math.floor(text.length / context / lanes);
  const unit = 2 ** -logitBits;
  let bits = 0;
  for (let round = 0; round < rounds; round++) {
    session.reset();
    for (let at = 0; at < context; at += time) {
      const count = Math.min(time, context - at);
      const place = (lane: number, t: number): number => (round * lanes + lane) * context + at + t;
      const tokens = Int32Array.from({ length: lanes * count }, (_, i) => {
        const t = i % count;
        return at + t === 0 ? start : text[place(Math.floor(i / count), t) - 1];
      });
      const logits = await session.run(tokens, count);
      for (let i = 0; i < lanes * count; i++) {
        const from = i * alphabet;
        const target = from + text[place(Math.floor(i / count), i % count)];
        let sum = 0;
        for (let k = 0; k < alphabet; k++) sum += 2 ** ((logits[from + k] - logits[target]) * unit);
        bits += Math.log2(sum);
      }
    }
  }
  await session.release();
  return bits / (rounds * lanes * context);
}

/** The same of the float network. */
export async function floatBits(
  config: TransformerConfig,
  parameters: Parameters,
  tables: Float32Array,
  text: Uint8Array,
): Promise<number> {
  const network = transformerNetwork(config);
  const shape = { lanes: 1, steps: config.context };
  const engine = await createOrtEngine(network, shape);
  const batch = emptyBatch(network.embedding, shape);
  const reader = new LaneReader(network.embedding);
  const sums = RowSums.of(tables.subarray(0, 256 * config.width), config.width);
  const embedded = new Float32Array(config.context * config.width);
  const chunks = Math.floor(text.length / config.context);
  let nats = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    reader.restart();
    reader.read(text, chunk * config.context, batch, 0, shape);
    sums.gather(batch.rows, embedded);
    const states = { position: Float32Array.of(0) };
    nats += (await engine.evaluate(parameters, { embedded, targets: batch.targets, states })).loss;
  }
  await engine.release();
  return nats / chunks / Math.LN2;
}

/** So many whole contexts, evenly spread over each category's validation text; not of texts shorter than one. */
function contextsOf(categories: readonly Category[], context: number, limit: number): [string, Uint8Array][] {
  return categories.flatMap(({ name, validation }): [string, Uint8Array][] => {
    const count = Math.floor(Math.min(validation.length, limit, MEASURED) / context);
    if (count === 0) return [];
    const text = new Uint8Array(count * context);
    for (let i = 0; i < count; i++) {
      const from = Math.floor((i * validation.length) / count);
      text.set(validation.subarray(from, from + context), i * context);
    }
    return [[name, text]];
  });
}

/**
 * Bits per byte of an exported model on validation texts, every context from a fresh start.
 *
 * @param limit - at most so many bytes of each
 */
export async function measureContexts(
  file: Uint8Array,
  categories: readonly Category[],
  limit: number,
): Promise<Record<string, number>> {
  const { context } = loadModel(file).contract;
  const bits: Record<string, number> = {};
  for (const [name, text] of contextsOf(categories, context, limit)) {
    bits[name] = await evaluateChunks(file, text, { time: Math.min(TIME, context), lanes: 1 });
  }
  return bits;
}

/** The same of the float network. */
export async function measureFloatContexts(
  { config, parameters, tables }: Weights,
  categories: readonly Category[],
  limit: number,
): Promise<Record<string, number>> {
  const sizes = config as unknown as TransformerConfig;
  const bits: Record<string, number> = {};
  for (const [name, text] of contextsOf(categories, sizes.context, limit)) {
    bits[name] = await floatBits(sizes, parameters, tables, text);
  }
  return bits;
}
