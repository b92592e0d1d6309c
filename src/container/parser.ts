/**
 * Reads members front to back, from input that arrives in any pieces (spec/lmz-format.md, section 1.2). The parser is a
 * generator that asks for bytes and yields structures in the order of the specification; {@link ContainerParser} feeds
 * it.
 *
 * @module
 */
import { ByteReader, VARINT_MAX, VARINT_MAX_BYTES } from '../bytes.ts';
import { LmzError } from '../errors.ts';
import { ByteQueue } from './byte-queue.ts';
import { decodeFrameHeader, type Frame, sectionBodyMax, sectionCrc, usesModel } from './frame.ts';
import {
  decodeHeader,
  HEADER_PREFIX_BYTES,
  headerSize,
  isMagicPrefix,
  type MemberHeader,
  notLmz,
} from './header.ts';
import { CRC_BYTES, FOOTER_BYTES, FRAME_TYPE, HEADER_MAGIC } from './layout.ts';
import { decodeFooter, decodeIndex, IndexTally, type MemberIndex, requireCheckSize } from './tail.ts';

/** A member begins. */
export interface HeaderItem {
  kind: 'header';
  header: MemberHeader;
  offset: number;
  size: number;
}

/** A frame, its payload wholly read (or passed over, where payloads were not asked for). */
export interface FrameItem {
  kind: 'frame';
  frame: Frame;
  /** A copy of its own; `undefined` for skippable frames and where payloads are not asked for. */
  payload: Uint8Array | undefined;
  offset: number;
  headerSize: number;
}

/** A member ended; index and footer agree with the frames that went by. The content check is the caller's. */
export interface EndItem {
  kind: 'end';
  index: MemberIndex;
  contentSize: number;
  /** Of index and footer. */
  size: number;
  /** Offset of the first byte after the footer. */
  offset: number;
}

export type ContainerItem = HeaderItem | FrameItem | EndItem;

/** Hooks that refuse before anything large is read. */
export interface ParserOptions {
  /** Hand out payloads; false passes over them (for listing). */
  payloads: boolean;
  /** Called with every frame before its payload is read; throws to refuse it. */
  admit?: (frame: Frame, offset: number) => void;
  /** Called before an index body of this many bytes is read; throws to refuse it. */
  admitIndex?: (size: number, offset: number) => void;
}

type Request = { take: number; what: string } | { skip: number; what: string } | { peekEnd: true };
type Steps<T> = Generator<Request | ContainerItem, T, Uint8Array | boolean | undefined>;

/** Names the request for a member's magic, where an early end has a meaning of its own. */
const MAGIC = 'member header, at its magic bytes';

/** Where the generator stands; shared with the feeder, for messages. */
interface Position {
  offset: number;
}

function* take(size: number, what: string): Steps<Uint8Array> {
  return (yield { take: size, what }) as Uint8Array;
}

/** A varint byte by byte, with the bytes kept: they are under the section's CRC-32. */
function* takeVarint(what: string, max: number, at: Position): Steps<{ value: number; bytes: Uint8Array }> {
  const base = at.offset;
  const bytes: number[] = [];
  do bytes.push((yield* take(1, what))[0]);
  while (bytes[bytes.length - 1] >= 128 && bytes.length < VARINT_MAX_BYTES);
  const all = Uint8Array.from(bytes);
  return { value: new ByteReader(all, what, base).varint('size', max), bytes: all };
}

function* parseMembers(options: ParserOptions, at: Position): Steps<void> {
  do yield* parseMember(options, at);
  while (!((yield { peekEnd: true }) as boolean));
}

function* parseMember(options: ParserOptions, at: Position): Steps<void> {
  const start = at.offset;
  const header = yield* parseHeader(at);
  const size = at.offset - start;
  yield { kind: 'header', header, offset: start, size };
  const tally = new IndexTally(false);
  for (let frames = 0; ; frames++) {
    const offset = at.offset;
    const type = (yield* take(1, 'frame'))[0];
    const isIndex = type === FRAME_TYPE.index;
    const what = isIndex ? 'index' : 'frame header';
    const { value: bodySize, bytes } = yield* takeVarint(what, sectionBodyMax(type), at);
    if (isIndex) options.admitIndex?.(bodySize, offset);
    const rest = yield* take(bodySize + CRC_BYTES, what);
    const section = new Uint8Array(1 + bytes.length + rest.length);
    section[0] = type;
    section.set(bytes, 1);
    section.set(rest, 1 + bytes.length);
    if (isIndex) {
      if (header.embedded && frames === 0)
        throw misplaced('the model that the header announces is missing', offset);
      yield* parseTail(section, bodySize, header, size, tally, offset, at);
      return;
    }
    const frame = decodeFrameHeader(section, bodySize, offset);
    checkPlace(frame, header, frames, offset);
    if (section.length + frame.payloadSize > VARINT_MAX)
      throw misplaced('its size is past what an index can hold', offset);
    options.admit?.(frame, offset);
    tally.add({
      frameSize: section.length + frame.payloadSize,
      rawSize: frame.rawSize,
      headerCrc: sectionCrc(section),
    });
    let payload: Uint8Array | undefined;
    if (options.payloads && frame.type !== 'skippable')
      payload = yield* take(frame.payloadSize, `${frame.type} frame`);
    else yield { skip: frame.payloadSize, what: `${frame.type} frame` };
    yield { kind: 'frame', frame, payload, offset, headerSize: section.length };
  }
}

function* parseHeader(at: Position): Steps<MemberHeader> {
  const offset = at.offset;
  let bytes = yield* take(HEADER_MAGIC.length, MAGIC);
  if (!isMagicPrefix(bytes)) throw notAMember(offset);
  const grow = function* (size: number): Steps<void> {
    const more = yield* take(size - bytes.length, 'member header');
    const grown = new Uint8Array(size);
    grown.set(bytes);
    grown.set(more, bytes.length);
    bytes = grown;
  };
  yield* grow(HEADER_PREFIX_BYTES);
  let size = headerSize(bytes, offset);
  if (size === undefined) {
    yield* grow(HEADER_PREFIX_BYTES + 1);
    size = headerSize(bytes, offset)!;
  }
  yield* grow(size);
  return decodeHeader(bytes, offset);
}

function* parseTail(
  section: Uint8Array,
  bodySize: number,
  header: MemberHeader,
  size: number,
  tally: IndexTally,
  offset: number,
  at: Position,
): Steps<void> {
  const index = decodeIndex(section, bodySize, offset);
  requireCheckSize(index, header, offset);
  tally.compare(index, size, offset);
  const footerAt = at.offset;
  const footer = decodeFooter(yield* take(FOOTER_BYTES, 'footer'), footerAt);
  if (footer.indexSize !== section.length || footer.contentSize !== tally.contentSize) {
    throw new LmzError('LMZ_CORRUPT', 'footer: its sizes are not those of the member', { offset: footerAt });
  }
  yield { kind: 'end', index, contentSize: footer.contentSize, offset: at.offset, size: at.offset - offset };
}

/**
 * Rules on a frame that depend on the header and on its place (section 5).
 *
 * @param frames  number of frames before it in its member
 * @throws LmzError LMZ_CORRUPT
 */
export function checkPlace(frame: Frame, header: MemberHeader, frames: number, offset: number): void {
  if ((frame.type === 'model') !== (header.embedded && frames === 0)) {
    throw misplaced(
      frame.type === 'model'
        ? 'a model stands where none belongs'
        : 'the model that the header announces is missing',
      offset,
    );
  }
  if (frame.rawSize > header.chunkSize) {
    throw misplaced(
      `its raw size ${frame.rawSize} is past the chunk size ${header.chunkSize} of the header`,
      offset,
    );
  }
  if (frame.type !== 'coded' || !usesModel(frame)) return;
  if (header.modelHash === undefined) throw misplaced('it needs a model and the header names none', offset);
  const lanes = frame.parameters?.lanes;
  if (header.platform && header.platform.lanes !== lanes) {
    throw misplaced(`it has ${lanes} lanes where the header binds ${header.platform.lanes}`, offset);
  }
}

function misplaced(problem: string, offset: number): LmzError {
  return new LmzError('LMZ_CORRUPT', `frame header: ${problem}`, { offset });
}

/** Whatever follows a complete member and does not begin like another one is trailing data, not a broken file. */
function notAMember(offset: number): LmzError {
  if (offset === 0) return notLmz(offset);
  return new LmzError(
    'LMZ_TRAILING_DATA',
    'after its last member the input goes on with something that is no member',
    {
      offset,
      hint: 'Everything before it is intact; cut the file there to be rid of this message.',
    },
  );
}

/** Feeds {@link parseMembers} with pieces of any size and yields what it finds. */
export class ContainerParser {
  readonly #at: Position = { offset: 0 };
  readonly #steps: Steps<void>;
  readonly #queue = new ByteQueue();
  #request: Request | undefined;

  constructor(options: ParserOptions) {
    this.#steps = parseMembers(options, this.#at);
  }

  /** Items that `piece` completes. The piece is copied. */
  *push(piece: Uint8Array): Generator<ContainerItem, void, undefined> {
    this.#queue.push(piece);
    yield* this.#run(false);
  }

  /**
   * The input has ended.
   *
   * @throws LmzError LMZ_TRUNCATED where a structure has not
   */
  *end(): Generator<ContainerItem, void, undefined> {
    yield* this.#run(true);
  }

  *#run(ended: boolean): Generator<ContainerItem, void, undefined> {
    for (;;) {
      let answer: Uint8Array | boolean | undefined;
      if (this.#request) {
        answer = this.#answer(this.#request, ended);
        if (answer === undefined) return;
        this.#request = undefined;
      }
      const step = this.#steps.next(answer);
      if (step.done) return;
      if ('kind' in step.value) yield step.value;
      else this.#request = step.value;
    }
  }

  /** What the generator asked for, or `undefined` where more input must come first. */
  #answer(request: Request, ended: boolean): Uint8Array | boolean | undefined {
    const queue = this.#queue;
    if ('peekEnd' in request) return queue.length > 0 ? false : ended ? true : undefined;
    if ('take' in request) {
      if (queue.length >= request.take) {
        this.#at.offset += request.take;
        return queue.take(request.take);
      }
    } else {
      // Passed over as it comes: nothing is kept.
      const size = Math.min(request.skip, queue.length);
      queue.drop(size);
      this.#at.offset += size;
      request.skip -= size;
      if (request.skip === 0) return true;
    }
    if (!ended) return undefined;
    const end = this.#at.offset + queue.length;
    if (end === 0)
      throw new LmzError('LMZ_TRUNCATED', 'the input is empty; an lmz file is not', { offset: 0 });
    // A short rest that does not even begin like a member is no truncated member.
    if (request.what === MAGIC && !isMagicPrefix(queue.take(queue.length))) throw notAMember(this.#at.offset);
    throw new LmzError('LMZ_TRUNCATED', `the input ends inside a ${request.what}, after ${end} bytes`, {
      offset: end,
    });
  }
}
