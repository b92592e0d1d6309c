/**
 * What is explained: content, and the frames that code it, of an lmz file or of a file that is compressed for the purpose.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import { openSource, type ByteSource } from '../codec/byte-source.ts';
import { levelOf } from '../codec/levels.ts';
import { frameOffsets, type LocatedMember, locateFrame, locateMembers } from '../codec/members.ts';
import { chooseByHash, chooseModel, openChosen } from '../codec/model-choice.ts';
import { type EncodeOptions, resolveEncodeOptions } from '../codec/options.ts';
import { openLmz } from '../codec/reader.ts';
import { lmzEncode } from '../codec/streams.ts';
import type { ContentFrame } from '../container/frame.ts';
import { isMagicPrefix } from '../container/header.ts';
import { HEADER_MAGIC, PREDICTOR } from '../container/layout.ts';
import { sha256 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import { type MixParameters, profileOf, tableBitsFor } from '../mix/parameters.ts';
import type { Model } from '../model/load.ts';
import type { MeasureTask } from './measure.ts';

/** Which part of the content. */
export interface Range {
  readonly offset: number;
  /** At most so many bytes. */
  readonly length: number;
}

/** A frame with content. */
export interface ContentChunk {
  /** Where its content begins in the whole content, and its size. */
  readonly start: number;
  readonly size: number;
  /** Bytes of the whole frame, and of its payload. */
  readonly frameSize: number;
  readonly payloadSize: number;
  readonly frame: ContentFrame;
  readonly member: LocatedMember;
}

/** An lmz file, whole or in the making. */
export class Content {
  /** Whether the file given is an lmz file. */
  readonly archived: boolean;
  /** Bytes of the whole content. */
  readonly size: number;
  /** The frames that hold the range, in order. */
  readonly chunks: readonly ContentChunk[];
  readonly #archive: ByteSource;
  /** Content bytes; of an lmz file, decoded and verified. */
  readonly #read: (offset: number, length: number) => Promise<Uint8Array>;
  readonly #options: EncodeOptions;
  readonly #models = new Map<string, Model>();

  /** @internal */
  constructor(
    from: Pick<Content, 'archived' | 'size' | 'chunks'>,
    archive: ByteSource,
    read: (offset: number, length: number) => Promise<Uint8Array>,
    options: EncodeOptions,
  ) {
    this.archived = from.archived;
    this.size = from.size;
    this.chunks = from.chunks;
    this.#archive = archive;
    this.#read = read;
    this.#options = options;
  }

  /** The model of a chunk's member; of one that names none, the one given by the options. */
  async modelOf({ member }: ContentChunk): Promise<Model> {
    const { header } = member;
    const { model: given, platformBound = false } = this.#options;
    const key = header.modelHash === undefined ? '' : toHex(header.modelHash);
    const known = this.#models.get(key);
    if (known) return known;
    const choice = header.embedded
      ? await this.#embedded(member)
      : header.modelHash
        ? await chooseByHash(header.modelHash, given)
        : await chooseModel(given);
    const model = openChosen(choice, platformBound || header.platform !== undefined);
    this.#models.set(key, model);
    return model;
  }

  async #embedded(member: LocatedMember) {
    const { frame, payloadOffset } = await locateFrame(
      this.#archive,
      member,
      0,
      member.start + member.index.headerSize,
    );
    const bytes = await this.#archive.read(payloadOffset, frame.payloadSize);
    return { bytes, hash: sha256(bytes), loaded: undefined };
  }

  /** A chunk's bytes, as far as `end` reaches into it, as a task for the measurement. */
  async taskOf(chunk: ContentChunk, end: number): Promise<MeasureTask> {
    const { start, size, frame } = chunk;
    const parameters = frame.type === 'coded' ? frame.parameters : undefined;
    if (frame.type === 'coded' && !parameters) {
      throw new LmzError('LMZ_UNSUPPORTED', `predictor ${frame.predictor} is unknown to this release`);
    }
    const lanes = parameters?.lanes ?? 1;
    // Lanes go through a chunk side by side: nothing can be left off at its end.
    const length = lanes > 1 ? size : Math.min(size, end - start);
    const bytes = await this.#read(start, length);
    if (parameters?.predictor === PREDICTOR.mix2) {
      const { mix } = parameters;
      return { bytes, size, lanes, coding: mix.languageModel ? 'lm+mix' : 'mix', mix };
    }
    const mix = this.#usualMix(bytes, size);
    return { bytes, size, lanes, coding: parameters ? 'lm' : 'stored', mix };
  }

  /** How the options' level would mix a chunk. */
  #usualMix(bytes: Uint8Array, size: number): MixParameters {
    const { contexts, tableBits } = levelOf(resolveEncodeOptions(this.#options).level);
    return {
      profile: profileOf(bytes),
      contexts,
      tableBits: tableBitsFor(size, tableBits),
      languageModel: false,
    };
  }

  async close(): Promise<void> {
    await this.#archive.close();
  }
}

/**
 * Opens an lmz file, or compresses the part of another that is asked for, from the beginning of the chunk that it begins in.
 *
 * @param onBytes  called with the number of bytes compressed so far, and of all that will be
 * @throws LmzError as reading an lmz file or compressing does
 */
export async function openContent(
  path: string,
  range: Range,
  options: EncodeOptions,
  onBytes: (done: number, total: number) => void,
): Promise<Content> {
  const source = await openSource(path);
  try {
    const magic = await source.read(0, Math.min(source.size, HEADER_MAGIC.length));
    const archived = magic.length === HEADER_MAGIC.length && isMagicPrefix(magic);
    if (archived) return await openArchived(source, path, range, options);
    const { chunkSize } = resolveEncodeOptions(options);
    const { size } = source;
    const start = Math.min(size, range.offset - (range.offset % chunkSize));
    const bytes = await source.read(start, Math.min(size, range.offset + range.length) - start);
    const encoder = lmzEncode(options);
    encoder.on('progress', ({ bytesIn }: { bytesIn: number }) => {
      onBytes(bytesIn, bytes.length);
    });
    encoder.end(bytes);
    const archive = await openSource(new Uint8Array(Buffer.concat(await encoder.toArray())));
    const chunks = await locateChunks(archive, start, range);
    const read = (offset: number, length: number) =>
      Promise.resolve(bytes.subarray(offset - start, offset - start + length));
    await source.close();
    return new Content({ archived, size, chunks }, archive, read, options);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openArchived(
  archive: ByteSource,
  path: string,
  range: Range,
  options: EncodeOptions,
): Promise<Content> {
  const chunks = await locateChunks(archive, 0, range);
  const { model, engine, threads, memoryLimit, platformBound } = options;
  const given = { model, engine, threads, memoryLimit, platformBound };
  const reader = await openLmz(
    path,
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  );
  const { size } = reader;
  const read = (offset: number, length: number) => reader.read(offset, length);
  const closing: ByteSource = {
    ...archive,
    close: async () => {
      await reader.close();
      await archive.close();
    },
  };
  return new Content({ archived: true, size, chunks }, closing, read, options);
}

/** @param base  where the first member's content begins in the whole */
async function locateChunks(archive: ByteSource, base: number, range: Range): Promise<ContentChunk[]> {
  const chunks: ContentChunk[] = [];
  const end = range.offset + range.length;
  let start = base;
  for (const member of await locateMembers(archive)) {
    let number = 0;
    for (const offset of frameOffsets(member)) {
      const { rawSize, frameSize } = member.index.entries[number];
      if (rawSize > 0 && start < end && start + rawSize > range.offset) {
        const { frame } = await locateFrame(archive, member, number, offset);
        const { payloadSize } = frame;
        chunks.push({ start, size: rawSize, frameSize, payloadSize, frame: frame as ContentFrame, member });
      }
      start += rawSize;
      number++;
    }
  }
  return chunks;
}
