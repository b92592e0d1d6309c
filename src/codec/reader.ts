/**
 * Random access by the index: {@link openLmz}.
 *
 * @module
 */
import { type ContentFrame, usesModel } from '../container/frame.ts';
import { LmzError } from '../errors.ts';
import { type ByteSource, openSource } from './byte-source.ts';
import { FrameDecoder } from './decoder.ts';
import { inOrder, type Job } from './in-order.ts';
import { FrameAdmission, frameMemory, requireMemory } from './limits.ts';
import {
  frameOffsets,
  type LocatedFrame,
  type LocatedMember,
  locateFrame,
  locateMembers,
} from './members.ts';
import { Operation } from './operation.ts';
import { type DecodeOptions, type ResolvedDecodeOptions, resolveDecodeOptions } from './options.ts';

/** One frame with content, and where that stands in the whole content. */
interface Segment {
  readonly member: LocatedMember;
  readonly decoder: FrameDecoder;
  /** Number in its member, and offset in the file. */
  readonly number: number;
  readonly offset: number;
  /** Offset in the content, and size there. */
  readonly start: number;
  readonly size: number;
}

/** A segment, decoded. */
interface Chunk {
  readonly segment: Segment;
  readonly content: Uint8Array;
}

/** An open lmz file; see {@link openLmz}. */
export class LmzReader {
  /** Size of the content in bytes. */
  readonly size: number;
  readonly #source: ByteSource;
  readonly #segments: readonly Segment[];
  /** What the sizes tell of memory, and what frame headers and models add. */
  readonly #frames: FrameAdmission;
  readonly #options: ResolvedDecodeOptions;
  readonly #operation: Operation;
  readonly #embedded = new Map<LocatedMember, Promise<void>>();
  /** The chunk decoded last: small reads one after another decode it once. */
  #last: Chunk | undefined;

  /** @internal */
  constructor(source: ByteSource, members: readonly LocatedMember[], options: ResolvedDecodeOptions) {
    this.#source = source;
    this.#options = options;
    this.#operation = new Operation({ signal: options.signal });
    const entries = members.flatMap(({ index }) => index.entries);
    this.#frames = new FrameAdmission(
      options,
      2 * entries.reduce((most, { rawSize }) => Math.max(most, rawSize), 1),
    );
    const segments: Segment[] = [];
    let start = 0;
    for (const member of members) {
      const decoder = new FrameDecoder(member.header, options, this.#operation, this.#frames);
      let number = 0;
      for (const offset of frameOffsets(member)) {
        const size = member.index.entries[number].rawSize;
        if (size > 0) segments.push({ member, decoder, number, offset, start, size });
        start += size;
        number++;
      }
    }
    this.#segments = segments;
    this.size = start;
  }

  /**
   * Content bytes `offset .. offset + length`, fewer where the content ends before. Only the chunks that hold them are
   * decoded, and their checksums verified.
   *
   * @throws RangeError for a negative or fractional argument; LmzError as `decompress` does
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    requireIndex('offset', offset);
    requireIndex('length', length);
    this.#operation.signal.throwIfAborted();
    const end = Math.min(this.size, offset + length);
    if (end <= offset) return new Uint8Array(0);
    if (end - offset > this.#options.outputLimit) {
      throw new LmzError(
        'LMZ_OUTPUT_LIMIT',
        `${end - offset} bytes are past the limit of ${this.#options.outputLimit}`,
      );
    }
    const parts: Uint8Array[] = [];
    for await (const { segment, content } of inOrder(this.#jobs(offset, end), () => this.#frames.jobs)) {
      const from = Math.max(0, offset - segment.start);
      const part = content.subarray(from, Math.min(segment.size, end - segment.start));
      parts.push(part);
    }
    this.#operation.signal.throwIfAborted();
    return new Uint8Array(Buffer.concat(parts));
  }

  /** Stops what is under way and closes the file. */
  async close(): Promise<void> {
    this.#operation.abort(new Error('the reader was closed'));
    this.#operation.close(false);
    this.#last = undefined;
    await this.#source.close();
  }

  async *#jobs(offset: number, end: number): AsyncGenerator<Job<Chunk>> {
    for (let at = this.#find(offset); at < this.#segments.length && this.#segments[at].start < end; at++) {
      const segment = this.#segments[at];
      if (this.#last?.segment === segment) {
        yield { result: Promise.resolve(this.#last) };
        continue;
      }
      // The header first: how many frames may be decoded at once depends on the memory that each needs.
      const { member, number, offset: frameAt } = segment;
      const located = await locateFrame(this.#source, member, number, frameAt);
      this.#frames.admit(frameMemory(located.frame), `a ${located.frame.type} frame`, frameAt);
      yield { result: this.#decode(segment, located) };
    }
  }

  /** The segment that holds the content's byte `offset`. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#segments[middle].start <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  async #decode(segment: Segment, located: LocatedFrame): Promise<Chunk> {
    const { member, offset } = segment;
    const frame = located.frame as ContentFrame;
    if (usesModel(frame) && member.header.embedded) await this.#embed(segment);
    const payload = await this.#source.read(located.payloadOffset, frame.payloadSize);
    const content = await segment.decoder.decode(frame, payload, offset);
    this.#last = { segment, content };
    return this.#last;
  }

  /** Reads the member's embedded model, once. */
  #embed({ member, decoder }: Segment): Promise<void> {
    let done = this.#embedded.get(member);
    if (!done) {
      done = (async () => {
        const offset = member.start + member.index.headerSize;
        const { frame, payloadOffset } = await locateFrame(this.#source, member, 0, offset);
        requireMemory(frame.payloadSize, this.#options.memoryLimit, 'the model', offset);
        decoder.embed(await this.#source.read(payloadOffset, frame.payloadSize), offset);
      })();
      this.#embedded.set(member, done);
    }
    return done;
  }
}

/**
 * Opens an lmz file for random access. Close the reader when done.
 *
 * @param source  a path, or the file's bytes
 * @throws LmzError where the structure is broken
 * @example
 * ```ts
 * import { compress, openLmz } from 'lmz';
 * const reader = await openLmz(await compress('one fish, two fish', { chunkSize: 5 }));
 * console.log(new TextDecoder().decode(await reader.read(10, 3))); // two
 * await reader.close();
 * ```
 */
export async function openLmz(source: string | Uint8Array, options: DecodeOptions = {}): Promise<LmzReader> {
  const resolved = resolveDecodeOptions(options);
  resolved.signal?.throwIfAborted();
  const bytes = await openSource(source);
  try {
    return new LmzReader(bytes, await locateMembers(bytes, resolved.memoryLimit), resolved);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

function requireIndex(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} expected 0 or more, got ${value}`);
}
