/**
 * The member header (spec/lmz-format.md, section 4).
 *
 * @module
 */
import { ByteReader, ByteWriter, equalBytes, VARINT_MAX_BYTES } from '../bytes.ts';
import { type ContentCheck, crc32 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import {
  CHUNK_SIZE_MAX,
  CRC_BYTES,
  FINGERPRINT_BYTES,
  FORMAT_VERSION,
  HASH_BYTES,
  HEADER_BODY_MAX,
  HEADER_FLAG,
  HEADER_FLAGS_KNOWN,
  HEADER_MAGIC,
  LANES_MAX,
  RUNTIME_ID_MAX,
} from './layout.ts';

/** What pins a member to the platform that made it, where its model is not exact. */
export interface PlatformBinding {
  /** Lanes of every session: the batch shape is part of what decides a float's last bits. */
  lanes: number;
  /** SHA-256 of the logits on the fixed probe of section 8.2. */
  fingerprint: Uint8Array;
  /** Runtime, version and platform, for messages: "onnxruntime-node 1.30.0 linux-x64". */
  runtime: string;
}

export interface MemberHeader {
  /** Largest raw size of a frame; what a decoder must have memory for. */
  chunkSize: number;
  contentCheck: ContentCheck;
  /** SHA-256 of the ONNX file that coded frames use; absent where no frame needs a model. */
  modelHash: Uint8Array | undefined;
  /** The model's file follows as the first frame. */
  embedded: boolean;
  platform: PlatformBinding | undefined;
}

/** The header's bytes, its CRC-32 included. */
export function encodeHeader(header: MemberHeader): Uint8Array {
  const { modelHash, platform } = header;
  const flags =
    (header.contentCheck === 'sha256' ? HEADER_FLAG.sha256 : 0) |
    (modelHash ? HEADER_FLAG.model : 0) |
    (header.embedded ? HEADER_FLAG.embedded : 0) |
    (platform ? HEADER_FLAG.platformBound : 0);
  const body = new ByteWriter().u8(flags).varint(header.chunkSize);
  if (modelHash) body.raw(modelHash);
  if (platform) {
    const runtime = new TextEncoder().encode(platform.runtime);
    body.varint(platform.lanes).raw(platform.fingerprint).varint(runtime.length).raw(runtime);
  }
  const writer = new ByteWriter().raw(HEADER_MAGIC).u8(FORMAT_VERSION).varint(body.length).raw(body.bytes());
  return writer.u32(crc32(writer.bytes())).bytes();
}

/** Bytes that {@link headerSize} must see: magic, version and the longest varint. */
export const HEADER_PREFIX_BYTES = HEADER_MAGIC.length + 1 + 1;

/**
 * Size of the whole header, from its first bytes; `undefined` where the size field goes on past them.
 *
 * @param prefix  at least {@link HEADER_PREFIX_BYTES}
 * @param offset  where the header begins in the input, for messages
 * @throws LmzError LMZ_CORRUPT for an impossible size
 */
export function headerSize(prefix: Uint8Array, offset: number): number | undefined {
  const at = HEADER_MAGIC.length + 1;
  for (let i = at; i < prefix.length; i++) {
    if (prefix[i] < 128) {
      const size = new ByteReader(prefix.subarray(at), 'member header', offset + at).varint(
        'size',
        HEADER_BODY_MAX,
      );
      return i + 1 + size + CRC_BYTES;
    }
    if (i - at + 1 >= VARINT_MAX_BYTES) break;
  }
  if (prefix.length - at >= 2) {
    throw new LmzError('LMZ_CORRUPT', `member header: its size is past ${HEADER_BODY_MAX}`, {
      offset: offset + at,
    });
  }
  return undefined;
}

/** Whether `bytes`, which may be fewer than the magic has, begin like a member. */
export function isMagicPrefix(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, HEADER_MAGIC.length);
  return equalBytes(bytes.subarray(0, length), HEADER_MAGIC.subarray(0, length));
}

/** The error for input that does not begin with the magic. */
export function notLmz(offset: number): LmzError {
  return new LmzError(
    'LMZ_NOT_LMZ',
    'this is not an lmz file: its first bytes are not the magic of the format',
    {
      offset,
      hint: 'Was the file changed by a transfer in text mode, or made by another compressor?',
    },
  );
}

/**
 * Reads a whole header. The CRC comes before any meaning: a bad one is corruption, a good one with an unknown version
 * or flag is a file of a later release.
 *
 * @param bytes   exactly the header
 * @param offset  where it begins in the input, for messages
 * @throws LmzError LMZ_NOT_LMZ, LMZ_CORRUPT, LMZ_UNSUPPORTED
 */
export function decodeHeader(bytes: Uint8Array, offset: number): MemberHeader {
  if (bytes.length < HEADER_MAGIC.length || !isMagicPrefix(bytes)) throw notLmz(offset);
  const crcAt = bytes.length - CRC_BYTES;
  const stored = new ByteReader(bytes.subarray(crcAt), 'member header', offset + crcAt).u32('CRC-32');
  if (crc32(bytes.subarray(0, crcAt)) !== stored) {
    throw new LmzError('LMZ_CORRUPT', 'member header: its CRC-32 does not hold', { offset });
  }
  const version = bytes[HEADER_MAGIC.length];
  if (version !== FORMAT_VERSION) {
    throw new LmzError(
      'LMZ_UNSUPPORTED',
      `format version ${version} is unknown; this release reads ${FORMAT_VERSION}`,
      {
        offset: offset + HEADER_MAGIC.length,
        hint: 'A newer release of lmz reads it.',
      },
    );
  }
  const at = HEADER_MAGIC.length + 1;
  const reader = new ByteReader(bytes.subarray(at, crcAt), 'member header', offset + at);
  reader.varint('size', HEADER_BODY_MAX);
  const flags = reader.u8('flags');
  if ((flags & ~HEADER_FLAGS_KNOWN) !== 0) {
    throw new LmzError(
      'LMZ_UNSUPPORTED',
      `header flags 0x${flags.toString(16)} have bits that are reserved`,
      {
        offset: offset + at + 1,
        hint: 'A newer release of lmz reads it.',
      },
    );
  }
  const hasModel = (flags & HEADER_FLAG.model) !== 0;
  const embedded = (flags & HEADER_FLAG.embedded) !== 0;
  const bound = (flags & HEADER_FLAG.platformBound) !== 0;
  if ((embedded || bound) && !hasModel) throw reader.fail('it embeds or binds a model but names none');
  const chunkSize = reader.varint('chunk size', CHUNK_SIZE_MAX);
  if (chunkSize === 0) throw reader.fail('its chunk size is 0');
  const modelHash = hasModel ? reader.raw(HASH_BYTES, 'model hash') : undefined;
  const platform = bound ? decodePlatform(reader) : undefined;
  reader.end();
  const contentCheck = (flags & HEADER_FLAG.sha256) !== 0 ? 'sha256' : 'xxh64';
  return { chunkSize, contentCheck, modelHash, embedded, platform };
}

function decodePlatform(reader: ByteReader): PlatformBinding {
  const lanes = reader.varint('lanes', LANES_MAX);
  if (lanes === 0) throw reader.fail('it binds 0 lanes');
  const fingerprint = reader.raw(FINGERPRINT_BYTES, 'fingerprint');
  const bytes = reader.raw(reader.varint('runtime length', RUNTIME_ID_MAX), 'runtime');
  // Printable ASCII only: the text goes to terminals.
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e))
    throw reader.fail('its runtime is not printable ASCII');
  return { lanes, fingerprint, runtime: new TextDecoder().decode(bytes) };
}
