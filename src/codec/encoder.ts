/**
 * Content to one member of an lmz file, as an async generator over pieces: the one implementation behind streams and
 * one-shots.
 *
 * @module
 */
import { encodeFrameHeader, sectionCrc } from '../container/frame.ts';
import { encodeHeader, type MemberHeader, type PlatformBinding } from '../container/header.ts';
import { IndexTally } from '../container/tail.ts';
import { ContentDigest } from '../digest.ts';
import { encodeStored, type EncodedFrame, frameSize } from './chunk.ts';
import { inOrder, type Job } from './in-order.ts';
import { looksIncompressible } from './incompressible.ts';
import { type ChosenModel, chooseModel, openChosen, toReference } from './model-choice.ts';
import type { Operation } from './operation.ts';
import type { ResolvedEncodeOptions } from './options.ts';
import { runTask } from './pool.ts';
import type { EncodeTask, FingerprintTask, ModelReference } from './task.ts';

/** The model as the encoder needs it: its hash at once, the rest when the first chunk is to be coded. */
class EncoderModel {
  readonly #choice: ChosenModel;
  readonly #platformBound: boolean;
  #reference: ModelReference | undefined;

  constructor(choice: ChosenModel, platformBound: boolean) {
    this.#choice = choice;
    this.#platformBound = platformBound;
  }

  get hash(): Uint8Array {
    return this.#choice.hash;
  }

  get bytes(): Uint8Array {
    return this.#choice.bytes;
  }

  reference(): ModelReference {
    return (this.#reference ??= toReference(openChosen(this.#choice, this.#platformBound)));
  }
}

/**
 * Encodes `source` as one member.
 *
 * @throws LmzError LMZ_MODEL_NOT_FOUND, LMZ_MODEL_INVALID, LMZ_MODEL_NOT_EXACT, LMZ_ENGINE, LMZ_WORKER
 */
export async function* encodeContent(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ResolvedEncodeOptions,
  operation: Operation,
): AsyncGenerator<Uint8Array, void, undefined> {
  const model =
    options.mode === 'stored'
      ? undefined
      : new EncoderModel(await chooseModel(options.model), options.platformBound);
  const platform = model && options.platformBound ? await bindPlatform(model, options, operation) : undefined;
  const embedded = model !== undefined && options.embedModel;
  const header = encodeHeader(memberHeader(options, model, embedded, platform));
  yield header;

  const tally = new IndexTally(true);
  if (embedded) {
    const { bytes } = model;
    const frameHeader = encodeFrameHeader({ type: 'model', rawSize: 0, payloadSize: bytes.length });
    tally.add({
      frameSize: frameHeader.length + bytes.length,
      rawSize: 0,
      headerCrc: sectionCrc(frameHeader),
    });
    yield frameHeader;
    yield bytes;
  }
  const digest = new ContentDigest(options.contentCheck);
  const jobs = frameJobs(chunksOf(source, options.chunkSize, digest), model, options, operation);
  for await (const frame of inOrder(jobs, () => options.threads + 1)) {
    tally.add({ frameSize: frameSize(frame), rawSize: frame.rawSize, headerCrc: sectionCrc(frame.header) });
    yield frame.header;
    for (const piece of frame.payload) if (piece.length > 0) yield piece;
  }
  // A stream that is destroyed ends its source too; what came so far must not look like a whole.
  operation.signal.throwIfAborted();
  yield tally.finish(header.length, digest.digest());
}

function memberHeader(
  options: ResolvedEncodeOptions,
  model: EncoderModel | undefined,
  embedded: boolean,
  platform: PlatformBinding | undefined,
): MemberHeader {
  const { chunkSize, contentCheck } = options;
  return { chunkSize, contentCheck, modelHash: model?.hash, embedded, platform };
}

/** Binds the member to this machine where the model is not exact; an exact one needs no binding. */
async function bindPlatform(
  model: EncoderModel,
  { lanes, engine, threads }: ResolvedEncodeOptions,
  operation: Operation,
): Promise<PlatformBinding | undefined> {
  const reference = model.reference();
  if (!reference.platformBound) return undefined;
  const task = { kind: 'fingerprint', model: reference, lanes, engine } as const;
  const { fingerprint, runtime } = await runTask<FingerprintTask>(threads, task, operation);
  return { lanes, fingerprint, runtime };
}

/** Content in arrays of exactly `size` bytes, and a last one of the rest. */
async function* chunksOf(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
  digest: ContentDigest,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Uint8Array(0);
  let filled = 0;
  for await (const piece of source) {
    digest.update(piece);
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + size - filled);
      if (filled + part.length > chunk.length) chunk = grow(chunk, filled, filled + part.length, size);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === size) {
        yield chunk;
        chunk = new Uint8Array(0);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.slice(0, filled);
}

/** Doubles, so that a small input does not cost a whole chunk's memory. */
function grow(chunk: Uint8Array, filled: number, needed: number, max: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.min(max, Math.max(needed, 2 * chunk.length)));
  grown.set(chunk.subarray(0, filled));
  return grown;
}

async function* frameJobs(
  chunks: AsyncIterable<Uint8Array>,
  model: EncoderModel | undefined,
  options: ResolvedEncodeOptions,
  operation: Operation,
): AsyncGenerator<Job<EncodedFrame>, void, undefined> {
  const { mode, lanes, engine, threads } = options;
  for await (const chunk of chunks) {
    operation.signal.throwIfAborted();
    if (!model || (mode === 'auto' && looksIncompressible(chunk))) {
      operation.countIn(chunk.length);
      yield { result: Promise.resolve(encodeStored(chunk)) };
    } else {
      const reference = model.reference();
      const task = {
        kind: 'encode',
        chunk,
        model: reference,
        lanes,
        engine,
        mayStore: mode === 'auto',
      } as const;
      yield { result: runTask<EncodeTask>(threads, task, operation) };
    }
  }
}
