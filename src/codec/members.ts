/**
 * Finding members and frames from the end of a file, without reading what is between (spec/lmz-format.md, section 1.3).
 *
 * @module
 */
import { ByteReader } from '../bytes.ts';
import { decodeFrameHeader, type Frame, sectionBodyMax, sectionCrc } from '../container/frame.ts';
import { decodeHeader, type MemberHeader } from '../container/header.ts';
import { CRC_BYTES, FOOTER_BYTES, FRAME_BODY_MAX, FRAME_TYPE, HEADER_BODY_MAX } from '../container/layout.ts';
import { checkPlace, ContainerParser } from '../container/parser.ts';
import {
  decodeFooter,
  decodeIndex,
  type IndexEntry,
  type MemberIndex,
  requireCheckSize,
} from '../container/tail.ts';
import { LmzError } from '../errors.ts';
import { indexMemory, requireMemory } from './limits.ts';
import type { ByteSource } from './byte-source.ts';

/** A member and where it stands. */
export interface LocatedMember {
  readonly header: MemberHeader;
  readonly index: MemberIndex;
  /** Offset of its header in the file, and of the end of its footer. */
  readonly start: number;
  readonly end: number;
  readonly contentSize: number;
}

/** A frame header and where its payload stands. */
export interface LocatedFrame {
  readonly frame: Frame;
  readonly offset: number;
  readonly payloadOffset: number;
}

const READ_PIECE = 1 << 18;
/** Magic, version, size and CRC-32 around a header's body. */
const HEADER_MAX = HEADER_BODY_MAX + 32;

/**
 * All members, in order.
 *
 * @param memoryLimit  in bytes, for the indexes
 * @throws LmzError as reading the file front to back would
 */
export async function locateMembers(source: ByteSource, memoryLimit = Infinity): Promise<LocatedMember[]> {
  const members: LocatedMember[] = [];
  try {
    for (let end = source.size; end > 0 || members.length === 0; end = members[0].start) {
      members.unshift(await locateMember(source, end, memoryLimit));
    }
    return members;
  } catch (error) {
    if (!(error instanceof LmzError)) throw error;
    // From the end, a truncated file, a damaged one and one with trailing data look alike; from the front they do not.
    await scan(source);
    throw error;
  }
}

async function locateMember(source: ByteSource, end: number, memoryLimit: number): Promise<LocatedMember> {
  const footerAt = end - FOOTER_BYTES;
  if (footerAt < 0) throw corrupt('the file is shorter than a footer', 0);
  const footer = decodeFooter(await source.read(footerAt, FOOTER_BYTES), footerAt);
  const indexAt = footerAt - footer.indexSize;
  if (indexAt < 0) throw corrupt('footer: its index would begin before the file', footerAt);
  const { section, bodySize } = splitSection(await source.read(indexAt, footer.indexSize), indexAt);
  if (section[0] !== FRAME_TYPE.index || section.length !== footer.indexSize) {
    throw corrupt('footer: what it points to is no index', footerAt);
  }
  requireMemory(indexMemory(bodySize), memoryLimit, 'the index', indexAt);
  const index = decodeIndex(section, bodySize, indexAt);
  const framesSize = index.entries.reduce((sum, entry) => sum + entry.frameSize, 0);
  const start = indexAt - framesSize - index.headerSize;
  if (start < 0 || index.headerSize > HEADER_MAX)
    throw corrupt('index: its sizes do not fit into the file', indexAt);
  const header = decodeHeader(await source.read(start, index.headerSize), start);
  requireCheckSize(index, header, indexAt);
  if (header.embedded && index.entries.length === 0)
    throw corrupt('index: the model that the header announces is missing', indexAt);
  if (index.entries.some(({ rawSize }) => rawSize > header.chunkSize))
    throw corrupt('index: a raw size is past the chunk size', indexAt);
  const contentSize = index.entries.reduce((sum, entry) => sum + entry.rawSize, 0);
  if (contentSize !== footer.contentSize)
    throw corrupt('footer: its content size is not that of its frames', footerAt);
  return { header, index, start, end, contentSize };
}

/** Cuts a section at the end that its own size announces. */
function splitSection(bytes: Uint8Array, offset: number): { section: Uint8Array; bodySize: number } {
  const reader = new ByteReader(bytes, 'section', offset);
  const bodySize = reader.varint('size', sectionBodyMax(reader.u8('type')));
  const size = bytes.length - reader.remaining + bodySize + CRC_BYTES;
  if (size > bytes.length) throw reader.fail('it is larger than its place');
  return { section: bytes.subarray(0, size), bodySize };
}

/**
 * Reads the header of a member's frame and holds it against the index.
 *
 * @param number  of the frame in its member
 * @throws LmzError LMZ_CORRUPT, LMZ_UNSUPPORTED
 */
export async function locateFrame(
  source: ByteSource,
  member: LocatedMember,
  number: number,
  offset: number,
): Promise<LocatedFrame> {
  const entry: IndexEntry = member.index.entries[number];
  const most = Math.min(entry.frameSize, FRAME_BODY_MAX + 16);
  const { section, bodySize } = splitSection(await source.read(offset, most), offset);
  const frame = decodeFrameHeader(section, bodySize, offset);
  checkPlace(frame, member.header, number, offset);
  const size = section.length + frame.payloadSize;
  if (
    size !== entry.frameSize ||
    frame.rawSize !== entry.rawSize ||
    sectionCrc(section) !== entry.headerCrc
  ) {
    throw corrupt('frame header: it is not the one that the index lists', offset);
  }
  return { frame, offset, payloadOffset: offset + section.length };
}

/** Offset of each frame of a member, in order. */
export function* frameOffsets(member: LocatedMember): Generator<number, void, undefined> {
  let offset = member.start + member.index.headerSize;
  for (const entry of member.index.entries) {
    yield offset;
    offset += entry.frameSize;
  }
}

/** Reads the structure front to back, payloads passed over, for the error that this gives. */
async function scan(source: ByteSource): Promise<void> {
  const parser = new ContainerParser({ payloads: false });
  for (let at = 0; at < source.size; at += READ_PIECE) {
    Array.from(parser.push(await source.read(at, Math.min(READ_PIECE, source.size - at))));
  }
  Array.from(parser.end());
}

function corrupt(message: string, offset: number): LmzError {
  return new LmzError('LMZ_CORRUPT', message, { offset });
}
