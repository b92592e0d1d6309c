/**
 * An lmz file to its content, as an async generator over pieces: the one implementation behind streams and one-shots.
 *
 * @module
 */
import { equalBytes, toHex } from '../bytes.ts';
import { type CodedFrame, type ContentFrame, type Frame, usesModel } from '../container/frame.ts';
import type { MemberHeader } from '../container/header.ts';
import { type ContainerItem, ContainerParser, type EndItem } from '../container/parser.ts';
import { ContentDigest, sha256 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import { requireChecksum } from './chunk.ts';
import { inOrder, type Job } from './in-order.ts';
import type { ChosenModel } from './model-choice.ts';
import { FrameAdmission, frameMemory, indexMemory, requireMemory } from './limits.ts';
import type { Operation } from './operation.ts';
import type { ResolvedDecodeOptions } from './options.ts';
import { prepareThread, runTask } from './pool.ts';
import type { DecodeTask, FingerprintTask, ModelReference } from './task.ts';

/** Content is handed out in pieces of this size, so that readers see steady back-pressure. */
const PIECE = 1 << 16;

interface OpenedModel {
  readonly reference: ModelReference;
  /** Of a lane's states. */
  readonly stateBytes: number;
}

/** Decodes the frames of one member, and finds its model when the first one needs it. */
export class FrameDecoder {
  readonly #header: MemberHeader;
  readonly #options: ResolvedDecodeOptions;
  readonly #operation: Operation;
  readonly #admission: FrameAdmission;
  #embedded: ChosenModel | undefined;
  #model: Promise<OpenedModel> | undefined;

  /** @param admission  is told of frames with their model's states, which no frame's header tells */
  constructor(
    header: MemberHeader,
    options: ResolvedDecodeOptions,
    operation: Operation,
    admission: FrameAdmission,
  ) {
    this.#header = header;
    this.#options = options;
    this.#operation = operation;
    this.#admission = admission;
  }

  /**
   * Takes the model that the file carries.
   *
   * @throws LmzError LMZ_MODEL_MISMATCH where it is not the one that the header names
   */
  embed(bytes: Uint8Array, offset: number): void {
    const hash = sha256(bytes);
    if (!equalBytes(hash, this.#header.modelHash!)) {
      throw new LmzError(
        'LMZ_MODEL_MISMATCH',
        `the embedded model has the SHA-256 ${toHex(hash)}, not the header's`,
        {
          offset,
        },
      );
    }
    this.#embedded = { bytes, hash, loaded: undefined };
  }

  /**
   * A content frame's raw bytes, its checksum verified.
   *
   * @param offset  of the frame, for messages
   */
  async decode(frame: ContentFrame, payload: Uint8Array, offset: number): Promise<Uint8Array> {
    try {
      if (frame.type === 'coded') return await this.#decodeCoded(frame, payload, offset);
      requireChecksum(frame, payload);
      return payload;
    } catch (error) {
      if (!(error instanceof LmzError) || error.offset !== undefined) throw error;
      throw new LmzError(error.code, error.message, {
        offset,
        cause: error,
        ...(error.hint !== undefined && { hint: error.hint }),
      });
    }
  }

  async #decodeCoded(frame: CodedFrame, payload: Uint8Array, offset: number): Promise<Uint8Array> {
    if (!frame.parameters) {
      throw new LmzError('LMZ_UNSUPPORTED', `predictor ${frame.predictor} is unknown to this release`, {
        hint: 'A newer release of lmz reads it.',
      });
    }
    const model = usesModel(frame) ? await (this.#model ??= this.#openModel()) : undefined;
    const { engine, threads } = this.#options;
    const need = frameMemory(frame, model?.stateBytes);
    this.#admission.admit(need, "a coded frame with its model's states", offset);
    const task = { kind: 'decode', frame, payload, threads, model: model?.reference, engine } as const;
    return runTask<DecodeTask>(threads, task, this.#operation);
  }

  async #openModel(): Promise<OpenedModel> {
    const { modelHash, platform } = this.#header;
    const { model: given, platformBound } = this.#options;
    if (platform && this.#embedded && !platformBound) {
      throw new LmzError('LMZ_MODEL_NOT_EXACT', 'the file carries a model that is not exact', {
        hint: 'If you trust whoever made the file, allow it: option platformBound, or --platform-bound.',
      });
    }
    const thread = prepareThread(this.#options.threads, this.#operation);
    // Loaded here: files without a model are decoded sooner.
    const { chooseByHash, openChosen } = await import('./model-choice.ts');
    const { stateBytesOf, toReference } = await import('./model-reference.ts');
    const choice = this.#embedded ?? (await chooseByHash(modelHash!, given));
    const model = openChosen(choice, platform !== undefined);
    const reference = toReference(model);
    await thread;
    if (platform) await this.#requireFingerprint(reference);
    return { reference, stateBytes: stateBytesOf(model) };
  }

  /** @throws LmzError LMZ_FINGERPRINT where the model computes something else here */
  async #requireFingerprint(model: ModelReference): Promise<void> {
    const { lanes, fingerprint, runtime } = this.#header.platform!;
    const { engine, threads } = this.#options;
    const task = { kind: 'fingerprint', model, lanes, engine } as const;
    const here = await runTask<FingerprintTask>(threads, task, this.#operation);
    if (!equalBytes(here.fingerprint, fingerprint)) {
      throw new LmzError(
        'LMZ_FINGERPRINT',
        `the file is bound to the platform that made it (${runtime}); on this one (${here.runtime}) its model computes other predictions`,
        { hint: 'Decode it on a machine and a runtime like those.' },
      );
    }
  }
}

/** A frame under way, or the end of a member. */
type Output = { content: Uint8Array; digest: ContentDigest } | { end: EndItem; digest: ContentDigest };

/**
 * Decodes all members of `source`.
 *
 * @throws LmzError of any family
 */
export async function* decodeContent(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ResolvedDecodeOptions,
  operation: Operation,
): AsyncGenerator<Uint8Array, void, undefined> {
  const limits = new DecodeLimits(options);
  for await (const output of inOrder(
    frameJobs(source, limits, options, operation),
    () => limits.frames.jobs,
  )) {
    if ('end' in output) {
      if (!equalBytes(output.digest.digest(), output.end.index.contentCheck)) {
        throw new LmzError('LMZ_CORRUPT', "the check of the member's whole content does not hold", {
          offset: output.end.offset,
        });
      }
      continue;
    }
    const { content, digest } = output;
    digest.update(content);
    for (let at = 0; at < content.length; at += PIECE) yield content.subarray(at, at + PIECE);
  }
  operation.signal.throwIfAborted();
}

async function* frameJobs(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limits: DecodeLimits,
  options: ResolvedDecodeOptions,
  operation: Operation,
): AsyncGenerator<Job<Output>, void, undefined> {
  const parser = new ContainerParser({
    payloads: true,
    admit: (frame, offset) => {
      limits.admit(frame, offset);
    },
    admitIndex: (bodySize, offset) => {
      limits.admitIndex(bodySize, offset);
    },
  });
  let decoder: FrameDecoder | undefined;
  let digest = new ContentDigest('xxh64');
  const jobOf = (item: ContainerItem): Job<Output> | undefined => {
    if (item.kind === 'header') {
      decoder = new FrameDecoder(item.header, options, operation, limits.frames);
      digest = new ContentDigest(item.header.contentCheck);
      operation.countIn(item.size);
      return undefined;
    }
    const memberDigest = digest;
    if (item.kind === 'end') {
      operation.countIn(item.size);
      return { result: Promise.resolve({ end: item, digest: memberDigest }) };
    }
    const { frame, payload, offset } = item;
    // Coded payloads are counted while they are decoded, all else as soon as it is read.
    operation.countIn(frame.type === 'coded' ? item.headerSize : item.headerSize + frame.payloadSize);
    if (frame.type === 'skippable') return undefined;
    if (frame.type === 'model') {
      decoder!.embed(payload!, offset);
      return undefined;
    }
    const content = decoder!.decode(frame, payload!, offset);
    return { result: content.then((bytes) => ({ content: bytes, digest: memberDigest })) };
  };
  const jobsOf = function* (items: Iterable<ContainerItem>) {
    for (const item of items) {
      operation.signal.throwIfAborted();
      const job = jobOf(item);
      if (job) yield job;
    }
  };
  for await (const piece of source) yield* jobsOf(parser.push(piece));
  operation.signal.throwIfAborted();
  yield* jobsOf(parser.end());
}

/** What the caller allows. */
class DecodeLimits {
  readonly #options: ResolvedDecodeOptions;
  readonly frames: FrameAdmission;
  #output = 0;

  constructor(options: ResolvedDecodeOptions) {
    this.#options = options;
    this.frames = new FrameAdmission(options);
  }

  /** @throws LmzError LMZ_MEMORY_LIMIT, LMZ_OUTPUT_LIMIT */
  admit(frame: Frame, offset: number): void {
    if (frame.type === 'skippable') return;
    const { outputLimit } = this.#options;
    this.frames.admit(frameMemory(frame), `a ${frame.type} frame`, offset);
    this.#output += frame.rawSize;
    if (this.#output > outputLimit) {
      throw new LmzError('LMZ_OUTPUT_LIMIT', `the content goes past the limit of ${outputLimit} bytes`, {
        offset,
      });
    }
  }

  /** @throws LmzError LMZ_MEMORY_LIMIT */
  admitIndex(bodySize: number, offset: number): void {
    requireMemory(indexMemory(bodySize), this.#options.memoryLimit, 'the index', offset);
  }
}
