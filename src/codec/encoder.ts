/**
 * Content to one member of an lmz file, as an async generator over pieces: the one implementation behind streams and
 * one-shots.
 *
 * @module
 */
import { encodeFrameHeader, sectionCrc } from '../container/frame.ts';
import { encodeHeader, type PlatformBinding } from '../container/header.ts';
import { IndexTally } from '../container/tail.ts';
import { ContentDigest } from '../digest.ts';
import { LmzError } from '../errors.ts';
import { type MixParameters, mixMemory } from '../mix/parameters.ts';
import { encodeStored, type EncodedFrame, frameSize } from './chunk.ts';
import { inOrder, type Job } from './in-order.ts';
import { looksIncompressible } from './incompressible.ts';
import { levelOf } from './levels.ts';
import { jobLimit, tableBitsWithin } from './limits.ts';
import type { ChosenModel } from './model-choice.ts';
import type { Operation } from './operation.ts';
import type { ResolvedEncodeOptions } from './options.ts';
import { prepareThread, runTask } from './pool.ts';
import type { EncodeTask, FingerprintTask, ModelReference } from './task.ts';

const LM_ALONE = { predictor: 'lm' } as const;

/** The model as the encoder needs it: nothing before the first chunk that may use it, unless it must be named at once. */
class EncoderModel {
  readonly #options: ResolvedEncodeOptions;
  readonly #operation: Operation;
  #choice: Promise<ChosenModel> | undefined;
  #opened: Promise<{ reference: ModelReference; alphabet: number }> | undefined;
  /** Bytes of its states for a chunk; 0 before it is open. */
  stateMemory = 0;

  constructor(options: ResolvedEncodeOptions, operation: Operation) {
    this.#options = options;
    this.#operation = operation;
  }

  /** Its file and hash. */
  choice(): Promise<ChosenModel> {
    return (this.#choice ??= import('./model-choice.ts').then(({ chooseModel }) =>
      chooseModel(this.#options.model),
    ));
  }

  open(): Promise<{ reference: ModelReference; alphabet: number }> {
    return (this.#opened ??= this.#open());
  }

  async #open(): Promise<{ reference: ModelReference; alphabet: number }> {
    const { platformBound, lanes, memoryLimit, threads } = this.#options;
    const thread = prepareThread(threads, this.#operation);
    const { openChosen } = await import('./model-choice.ts');
    const { stateBytesOf, toReference } = await import('./model-reference.ts');
    const model = openChosen(await this.choice(), platformBound);
    this.stateMemory = lanes * stateBytesOf(model);
    if (this.stateMemory > memoryLimit) {
      throw new LmzError(
        'LMZ_MEMORY_LIMIT',
        `the model's states need ${this.stateMemory} bytes of memory in ${lanes} lanes, past the limit of ${memoryLimit}`,
        { hint: 'Raise the limit (option memoryLimit, or -M), or use fewer lanes.' },
      );
    }
    const reference = toReference(model);
    // One copy of the file is enough, unless it is to be written.
    const { hash, bytes } = reference;
    if (!this.#options.embedModel) this.#choice = Promise.resolve({ hash, bytes, loaded: undefined });
    await thread;
    return { reference, alphabet: model.contract.alphabet };
  }
}

/** Whether the options let a model take part. */
function mayUseModel({ mode, level }: ResolvedEncodeOptions): boolean {
  return mode === 'lm' || (mode === 'auto' && levelOf(level).model);
}

/**
 * Encodes `source` as one member.
 *
 * @throws LmzError LMZ_MODEL_NOT_FOUND, LMZ_MODEL_INVALID, LMZ_MODEL_NOT_EXACT, LMZ_ENGINE, LMZ_WORKER, LMZ_MEMORY_LIMIT
 */
export async function* encodeContent(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ResolvedEncodeOptions,
  operation: Operation,
): AsyncGenerator<Uint8Array, void, undefined> {
  const model = mayUseModel(options) ? new EncoderModel(options, operation) : undefined;
  // A model that cannot be found is complained about before the first byte is asked for.
  if (options.model !== undefined) await model?.choice();
  const member = new MemberWriter(options, operation);
  if (!model) yield* member.open(undefined);
  else if (options.mode === 'lm') yield* member.open(model);

  const digest = new ContentDigest(options.contentCheck);
  const memory =
    2 * options.chunkSize + (mixes(options) ? mixMemory(mixWithin(options, true, 0), options.lanes) : 0);
  const most = () => jobLimit(options.threads, options.memoryLimit, memory + (model?.stateMemory ?? 0));
  const jobs = frameJobs(chunksOf(source, options.chunkSize, digest), model, options, operation);
  let first: EncodedFrame | undefined;
  for await (const frame of inOrder(jobs, most)) {
    if (!member.isOpen) {
      // The header names a model unless the content is a single chunk that came out without.
      if (!first && !frame.usesModel) {
        first = frame;
        continue;
      }
      yield* member.open(model);
      if (first) yield* member.frame(first);
    }
    yield* member.frame(frame);
  }
  // A stream that is destroyed ends its source too; what came so far must not look like a whole.
  operation.signal.throwIfAborted();
  if (!member.isOpen) {
    yield* member.open(undefined);
    if (first) yield* member.frame(first);
  }
  yield member.end(digest);
}

/** The parts of a member, in their order. */
class MemberWriter {
  readonly #options: ResolvedEncodeOptions;
  readonly #operation: Operation;
  readonly #tally = new IndexTally(true);
  #headerSize = 0;

  constructor(options: ResolvedEncodeOptions, operation: Operation) {
    this.#options = options;
    this.#operation = operation;
  }

  get isOpen(): boolean {
    return this.#headerSize > 0;
  }

  /** The header, and the model frame where it is to be embedded. */
  async *open(model: EncoderModel | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const { chunkSize, contentCheck, platformBound, embedModel } = this.#options;
    const choice = await model?.choice();
    const platform = model && platformBound ? await this.#bindPlatform(model) : undefined;
    const embedded = choice !== undefined && embedModel;
    const header = encodeHeader({ chunkSize, contentCheck, modelHash: choice?.hash, embedded, platform });
    this.#headerSize = header.length;
    yield header;
    if (!embedded) return;
    const { bytes } = choice;
    const frameHeader = encodeFrameHeader({ type: 'model', rawSize: 0, payloadSize: bytes.length });
    this.#add(frameHeader, frameHeader.length + bytes.length, 0);
    yield frameHeader;
    yield bytes;
  }

  *frame(frame: EncodedFrame): Generator<Uint8Array, void, undefined> {
    this.#add(frame.header, frameSize(frame), frame.rawSize);
    yield frame.header;
    for (const piece of frame.payload) if (piece.length > 0) yield piece;
  }

  /** Index and footer. */
  end(digest: ContentDigest): Uint8Array {
    return this.#tally.finish(this.#headerSize, digest.digest());
  }

  #add(header: Uint8Array, size: number, rawSize: number): void {
    this.#tally.add({ frameSize: size, rawSize, headerCrc: sectionCrc(header) });
  }

  /** Binds the member to this machine where the model is not exact; an exact one needs no binding. */
  async #bindPlatform(model: EncoderModel): Promise<PlatformBinding | undefined> {
    const { lanes, engine, threads } = this.#options;
    const { reference } = await model.open();
    if (!reference.platformBound) return undefined;
    const task = { kind: 'fingerprint', model: reference, lanes, engine } as const;
    const { fingerprint, runtime } = await runTask<FingerprintTask>(threads, task, this.#operation);
    return { lanes, fingerprint, runtime };
  }
}

function mixes({ mode }: ResolvedEncodeOptions): boolean {
  return mode === 'auto' || mode === 'mix';
}

/**
 * Mixing with the largest tables that the level has and that leave room for so many bytes.
 *
 * @param ofSeveral  whether the content has several chunks
 * @throws LmzError LMZ_MEMORY_LIMIT
 */
function mixWithin(options: ResolvedEncodeOptions, ofSeveral: boolean, room: number): MixParameters {
  const { level, lanes, memoryLimit } = options;
  const { contexts, tableBits, tableBitsOfSeveral } = levelOf(level);
  const most = ofSeveral ? tableBitsOfSeveral : tableBits;
  const languageModel = mayUseModel(options);
  const parameters = { profile: 'text', contexts, tableBits: most, languageModel } as const;
  return { ...parameters, tableBits: tableBitsWithin(memoryLimit, parameters, lanes, room) };
}

/** A piece of the content. */
interface Chunk {
  readonly bytes: Uint8Array;
  /** Whether it is one of several. */
  readonly ofSeveral: boolean;
}

/** Content in chunks of exactly `size` bytes, and a last one of the rest. */
async function* chunksOf(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
  digest: ContentDigest,
): AsyncGenerator<Chunk, void, undefined> {
  let chunk = new Uint8Array(0);
  let filled = 0;
  let ofSeveral = false;
  const take = (): Chunk => {
    const bytes = filled < size ? chunk.slice(0, filled) : chunk;
    chunk = new Uint8Array(0);
    filled = 0;
    return { bytes, ofSeveral };
  };
  for await (const piece of source) {
    digest.update(piece);
    for (let at = 0; at < piece.length;) {
      // The first waits for the byte after it, which tells whether there are others; those do not wait.
      if (filled === size) {
        ofSeveral = true;
        yield take();
      }
      const part = piece.subarray(at, at + size - filled);
      if (filled + part.length > chunk.length) chunk = grow(chunk, filled, filled + part.length, size);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === size && ofSeveral) yield take();
    }
  }
  if (filled > 0) yield take();
}

/** Doubles, so that a small input does not cost a whole chunk's memory. */
function grow(chunk: Uint8Array, filled: number, needed: number, max: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.min(max, Math.max(needed, 2 * chunk.length)));
  grown.set(chunk.subarray(0, filled));
  return grown;
}

async function* frameJobs(
  chunks: AsyncIterable<Chunk>,
  model: EncoderModel | undefined,
  options: ResolvedEncodeOptions,
  operation: Operation,
): AsyncGenerator<Job<EncodedFrame>, void, undefined> {
  const { mode, lanes, engine, threads } = options;
  const codingOf = ({ bytes, ofSeveral }: Chunk, alphabet: number | undefined): EncodeTask['coding'] => {
    // A model of 128 symbols has nothing to say of whole bytes: it codes alone.
    if (mode === 'lm' || alphabet === 128) return LM_ALONE;
    // As a decoder counts: content, payload, which is no larger, and the model's states are there too.
    const { contexts, tableBits } = mixWithin(
      options,
      ofSeveral,
      2 * bytes.length + (model?.stateMemory ?? 0),
    );
    return { predictor: 'mix', contexts, tableBits };
  };
  for await (const chunk of chunks) {
    operation.signal.throwIfAborted();
    if (mode === 'stored' || (mode !== 'lm' && looksIncompressible(chunk.bytes))) {
      operation.countIn(chunk.bytes.length);
      yield { result: Promise.resolve(encodeStored(chunk.bytes)) };
      continue;
    }
    const opened = await model?.open();
    const task = {
      kind: 'encode',
      chunk: chunk.bytes,
      coding: codingOf(chunk, opened?.alphabet),
      model: opened?.reference,
      lanes,
      engine,
      threads,
      mayStore: mode !== 'lm',
    } as const;
    yield { result: runTask<EncodeTask>(threads, task, operation) };
  }
}
