/**
 * The end of a member: the index, which makes random access possible, and the footer, from which it is found
 * (spec/lmz-format.md, section 6).
 *
 * @module
 */
import { Parser } from 'binary-parser';
import { type ByteReader, ByteWriter } from '../bytes.ts';
import { crc32, Xxh64 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import { encodeSection, openSection } from './frame.ts';
import type { MemberHeader } from './header.ts';
import { contentCheckBytes, CRC_BYTES, FOOTER_BYTES, FOOTER_MAGIC, FRAME_TYPE } from './layout.ts';

/** One frame as the index knows it. */
export interface IndexEntry {
  /** Header and payload together, in bytes. */
  frameSize: number;
  /** 0 for frames that carry no content. */
  rawSize: number;
  /** CRC-32 of the frame header: two frames of equal sizes cannot be exchanged unnoticed. */
  headerCrc: number;
}

/** The index, read. */
export interface MemberIndex {
  headerSize: number;
  entries: IndexEntry[];
  /** Check of the whole content: 8 bytes of XXH64 or 32 of SHA-256; the header says which. */
  contentCheck: Uint8Array;
}

/** Two varints and a CRC-32. */
const ENTRY_BYTES_MIN = 2 + CRC_BYTES;

/** A footer, read. */
export interface Footer {
  /** Size of the index section, from its type to its CRC-32. */
  indexSize: number;
  contentSize: number;
}

/**
 * Gathers the index while frames go by, in bounded memory where `keep` is false: only a hash of the entries is held,
 * against which the index of a member that is being read is compared.
 */
export class IndexTally {
  readonly #hash = new Xxh64();
  readonly #entries: ByteWriter | undefined;
  #count = 0;
  #contentSize = 0;

  constructor(keep: boolean) {
    this.#entries = keep ? new ByteWriter() : undefined;
  }

  get contentSize(): number {
    return this.#contentSize;
  }

  add(entry: IndexEntry): void {
    const bytes = encodeEntry(new ByteWriter(), entry).bytes();
    this.#entries?.raw(bytes);
    this.#hash.update(bytes);
    this.#count++;
    this.#contentSize += entry.rawSize;
  }

  /** Index and footer of a member that is being written. */
  finish(headerSize: number, contentCheck: Uint8Array): Uint8Array {
    const body = new ByteWriter().varint(headerSize).varint(this.#count);
    body.raw(this.#entries!.bytes()).raw(contentCheck);
    const index = encodeSection(FRAME_TYPE.index, body.bytes());
    const footer = encodeFooter({ indexSize: index.length, contentSize: this.#contentSize });
    const tail = new Uint8Array(index.length + footer.length);
    tail.set(index);
    tail.set(footer, index.length);
    return tail;
  }

  /** @throws LmzError LMZ_CORRUPT where the index lists other frames than those that went by */
  compare(index: MemberIndex, headerSize: number, offset: number): void {
    const hash = new Xxh64();
    for (const entry of index.entries) hash.update(encodeEntry(new ByteWriter(), entry).bytes());
    const same = index.headerSize === headerSize && index.entries.length === this.#count;
    if (!same || hash.digest() !== this.#hash.digest()) {
      throw new LmzError('LMZ_CORRUPT', 'index: it does not match the frames before it', { offset });
    }
  }
}

function encodeEntry(writer: ByteWriter, entry: IndexEntry): ByteWriter {
  return writer.varint(entry.frameSize).varint(entry.rawSize).u32(entry.headerCrc);
}

/**
 * Reads an index section.
 *
 * @param section   exactly the section, from its type to its CRC-32
 * @param bodySize  the size that it announces
 * @throws LmzError LMZ_CORRUPT
 */
export function decodeIndex(section: Uint8Array, bodySize: number, offset: number): MemberIndex {
  const reader: ByteReader = openSection(section, bodySize, 'index', offset);
  const headerSize = reader.varint('header size');
  const count = reader.varint('frame count');
  // A hostile count is refused before anything is allocated for it.
  if (count * ENTRY_BYTES_MIN > reader.remaining)
    throw reader.fail(`it announces ${count} frames in ${reader.remaining} bytes`);
  const entries: IndexEntry[] = [];
  for (let i = 0; i < count; i++) {
    const frameSize = reader.varint('frame size');
    const rawSize = reader.varint('raw size');
    entries.push({ frameSize, rawSize, headerCrc: reader.u32('header CRC-32') });
  }
  return { headerSize, entries, contentCheck: reader.raw(reader.remaining, 'content check') };
}

/** @throws LmzError LMZ_CORRUPT where the index does not end with the check that the header announces */
export function requireCheckSize(index: MemberIndex, header: MemberHeader, offset: number): void {
  const size = contentCheckBytes(header.contentCheck === 'sha256');
  if (index.contentCheck.length !== size) {
    const found = index.contentCheck.length;
    throw new LmzError('LMZ_CORRUPT', `index: its content check has ${found} bytes, not ${size}`, { offset });
  }
}

/** What {@link footerParser} gives; the package types it as `any`. */
interface FooterFields {
  indexSize: number;
  contentSize: bigint;
  crc: number;
  magic: number;
}

const footerParser = new Parser()
  .endianness('little')
  .uint32('indexSize')
  .uint64('contentSize')
  .uint32('crc')
  .uint32('magic');

function encodeFooter({ indexSize, contentSize }: Footer): Uint8Array {
  const writer = new ByteWriter().u32(indexSize).u64(BigInt(contentSize));
  return writer.u32(crc32(writer.bytes())).u32(FOOTER_MAGIC).bytes();
}

/**
 * Reads a footer.
 *
 * @param bytes   its 20 bytes
 * @param offset  where they begin in the input, for messages
 * @throws LmzError LMZ_CORRUPT
 */
export function decodeFooter(bytes: Uint8Array, offset: number): Footer {
  const { indexSize, contentSize, crc, magic } = footerParser.parse(bytes) as FooterFields;
  const problem = (text: string) => new LmzError('LMZ_CORRUPT', `footer: ${text}`, { offset });
  if (magic !== FOOTER_MAGIC) throw problem('it does not end with its magic');
  if (crc32(bytes.subarray(0, FOOTER_BYTES - 2 * CRC_BYTES)) !== crc)
    throw problem('its CRC-32 does not hold');
  if (contentSize > BigInt(Number.MAX_SAFE_INTEGER))
    throw problem(`its content size is ${contentSize.toString()}`);
  return { indexSize, contentSize: Number(contentSize) };
}
