/**
 * Frame headers (spec/lmz-format.md, section 5): type, body size, body, CRC-32; the payload follows.
 *
 * @module
 */
import { ByteReader, ByteWriter } from '../bytes.ts';
import { crc32 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import type { ContextSet, MixParameters } from '../mix/parameters.ts';
import { TABLE_BITS_MAX, TABLE_BITS_MIN } from '../mix/slots.ts';
import {
  CHUNK_SIZE_MAX,
  CRC_BYTES,
  FRAME_BODY_MAX,
  FRAME_TYPE,
  INDEX_BODY_MAX,
  LANES_MAX,
  MODEL_SIZE_MAX,
  PREDICTOR,
  SKIPPABLE_FIRST,
  SKIPPABLE_LAST,
} from './layout.ts';

/** Parameters of predictor 1, the language model alone (section 5.1.1). */
export interface LmParameters {
  predictor: typeof PREDICTOR.lm1;
  lanes: number;
  /** Zero bits that fill the last byte of the symbols' stream. */
  paddedBits: number;
  /** Bytes of the masked-MSB section, which follows the symbols in the payload; 0 where there is none. */
  maskSize: number;
  maskPaddedBits: number;
}

/** Parameters of predictor 2, mixing with or without a language model (section 5.1.2). */
export interface MixFrameParameters {
  predictor: typeof PREDICTOR.mix2;
  lanes: number;
  /** Zero bits that fill the payload's last byte. */
  paddedBits: number;
  mix: MixParameters;
}

/** A chunk, coded by a predictor. */
export interface CodedFrame {
  type: 'coded';
  rawSize: number;
  payloadSize: number;
  /** XXH64 of the raw bytes. */
  checksum: bigint;
  predictor: number;
  /** `undefined` for a predictor that this release does not know: the frame can be listed but not decoded. */
  parameters: LmParameters | MixFrameParameters | undefined;
}

/** A chunk as it is. */
export interface StoredFrame {
  type: 'stored';
  rawSize: number;
  payloadSize: number;
  checksum: bigint;
}

/** The ONNX file of the model. */
export interface ModelFrame {
  type: 'model';
  rawSize: 0;
  payloadSize: number;
}

/** Anything else that somebody put there; decoders pass over it. */
export interface SkippableFrame {
  type: 'skippable';
  rawSize: 0;
  payloadSize: number;
  /** 0..15. */
  kind: number;
}

export type ContentFrame = CodedFrame | StoredFrame;
export type Frame = ContentFrame | ModelFrame | SkippableFrame;

const LM_PADDING_RESERVED = 0xc0;
const MIX_PADDING_RESERVED = 0xf8;
/** The byte `mixing`: two flags, and two bits of the set of contexts. */
const MIXING = { model: 1, binary: 2, contextsShift: 2, contextsMask: 3, reserved: 0xf0 } as const;
const CONTEXT_SETS: readonly ContextSet[] = ['standard', 'fast', 'best'];

/** Whether decoding a frame takes the member's model. */
export function usesModel(frame: Frame): boolean {
  if (frame.type !== 'coded' || !frame.parameters) return false;
  const { parameters } = frame;
  return parameters.predictor === PREDICTOR.lm1 || parameters.mix.languageModel;
}

/** A frame header's bytes, its CRC-32 included. */
export function encodeFrameHeader(frame: Frame): Uint8Array {
  const body = new ByteWriter();
  let type: number;
  switch (frame.type) {
    case 'coded': {
      type = FRAME_TYPE.coded;
      const { parameters } = frame;
      if (parameters?.predictor !== frame.predictor) throw new RangeError(`no predictor ${frame.predictor}`);
      body.varint(frame.rawSize).varint(frame.payloadSize).u64(frame.checksum).varint(frame.predictor);
      body.varint(parameters.lanes);
      if (parameters.predictor === PREDICTOR.lm1) {
        body.u8(parameters.paddedBits | (parameters.maskPaddedBits << 3)).varint(parameters.maskSize);
      } else {
        body.u8(parameters.paddedBits).u8(encodeMixing(parameters.mix)).u8(parameters.mix.tableBits);
      }
      break;
    }
    case 'stored':
      type = FRAME_TYPE.stored;
      body.varint(frame.rawSize).u64(frame.checksum);
      break;
    case 'model':
      type = FRAME_TYPE.model;
      body.varint(frame.payloadSize);
      break;
    case 'skippable':
      type = SKIPPABLE_FIRST + frame.kind;
      body.varint(frame.payloadSize);
      break;
  }
  return encodeSection(type, body.bytes());
}

/** Type, size, body and CRC-32: the shape that frame headers and the index share. */
export function encodeSection(type: number, body: Uint8Array): Uint8Array {
  const head = new ByteWriter().u8(type).varint(body.length).bytes();
  const section = new Uint8Array(head.length + body.length + CRC_BYTES);
  section.set(head);
  section.set(body, head.length);
  const crc = crc32(section.subarray(0, head.length + body.length));
  new DataView(section.buffer).setUint32(head.length + body.length, crc, true);
  return section;
}

/** The CRC-32 at the end of a section. */
export function sectionCrc(section: Uint8Array): number {
  return new ByteReader(section.subarray(section.length - CRC_BYTES), 'section', 0).u32('CRC-32');
}

/** Largest body that a section of this type may announce. */
export function sectionBodyMax(type: number): number {
  return type === FRAME_TYPE.index ? INDEX_BODY_MAX : FRAME_BODY_MAX;
}

/**
 * Checks a whole section's CRC-32.
 *
 * @returns a reader of its body
 * @throws LmzError LMZ_CORRUPT
 */
export function openSection(section: Uint8Array, bodySize: number, what: string, offset: number): ByteReader {
  const crcAt = section.length - CRC_BYTES;
  if (crc32(section.subarray(0, crcAt)) !== sectionCrc(section)) {
    throw new LmzError('LMZ_CORRUPT', `${what}: its CRC-32 does not hold`, { offset });
  }
  const bodyAt = crcAt - bodySize;
  return new ByteReader(section.subarray(bodyAt, crcAt), what, offset + bodyAt);
}

/**
 * Reads a frame header.
 *
 * @param section   exactly the header, from its type to its CRC-32
 * @param bodySize  the size that it announces
 * @param offset    where it begins in the input, for messages
 * @throws LmzError LMZ_CORRUPT, LMZ_UNSUPPORTED
 */
export function decodeFrameHeader(section: Uint8Array, bodySize: number, offset: number): Frame {
  const reader = openSection(section, bodySize, 'frame header', offset);
  const type = section[0];
  const frame = decodeBody(type, reader, offset);
  reader.end();
  return frame;
}

function decodeBody(type: number, reader: ByteReader, offset: number): Frame {
  if (type === FRAME_TYPE.coded) return decodeCoded(reader, offset);
  if (type === FRAME_TYPE.stored) {
    const rawSize = decodeRawSize(reader);
    return { type: 'stored', rawSize, payloadSize: rawSize, checksum: reader.u64('checksum') };
  }
  if (type === FRAME_TYPE.model) {
    return { type: 'model', rawSize: 0, payloadSize: reader.varint('model size', MODEL_SIZE_MAX) };
  }
  if (type >= SKIPPABLE_FIRST && type <= SKIPPABLE_LAST) {
    return {
      type: 'skippable',
      rawSize: 0,
      payloadSize: reader.varint('size'),
      kind: type - SKIPPABLE_FIRST,
    };
  }
  // Front to back an index ends the frames; only an index that lists one among them leads here.
  if (type === FRAME_TYPE.index) throw reader.fail('an index stands in its place');
  throw new LmzError('LMZ_UNSUPPORTED', `frame type 0x${type.toString(16)} is unknown`, {
    offset,
    hint: 'A newer release of lmz reads it.',
  });
}

function decodeRawSize(reader: ByteReader): number {
  const rawSize = reader.varint('raw size', CHUNK_SIZE_MAX);
  if (rawSize === 0) throw reader.fail('its raw size is 0');
  return rawSize;
}

/** Three bytes a symbol is the worst that a 24-bit CDF can do; a mask is smaller than its chunk. A frame of predictor 2 that
 * is larger than its chunk is never written. */
function payloadSizeMax(rawSize: number): number {
  return 4 * rawSize + 16;
}

function decodeCoded(reader: ByteReader, offset: number): CodedFrame {
  const rawSize = decodeRawSize(reader);
  const payloadSize = reader.varint('payload size', payloadSizeMax(rawSize));
  const checksum = reader.u64('checksum');
  const predictor = reader.varint('predictor');
  const parameters = decodeParameters(predictor, reader, payloadSize, offset);
  return { type: 'coded', rawSize, payloadSize, checksum, predictor, parameters };
}

function decodeParameters(
  predictor: number,
  reader: ByteReader,
  payloadSize: number,
  offset: number,
): CodedFrame['parameters'] {
  if (predictor === PREDICTOR.lm1) return decodeLm(reader, payloadSize, offset);
  if (predictor === PREDICTOR.mix2) return decodeMix(reader, payloadSize, offset);
  reader.raw(reader.remaining, 'parameters');
  return undefined;
}

function decodeLanes(reader: ByteReader): number {
  const lanes = reader.varint('lanes', LANES_MAX);
  if (lanes === 0) throw reader.fail('its lanes are 0');
  return lanes;
}

function decodeLm(reader: ByteReader, payloadSize: number, offset: number): LmParameters {
  const lanes = decodeLanes(reader);
  const padding = reader.u8('padding');
  if ((padding & LM_PADDING_RESERVED) !== 0)
    throw unsupported('reserved bits of its padding are set', offset);
  const maskSize = reader.varint('mask size', payloadSize);
  const maskPaddedBits = padding >> 3;
  const paddedBits = padding & 7;
  if (maskSize === 0 && maskPaddedBits !== 0) throw reader.fail('it pads a mask that it does not have');
  if (maskSize === payloadSize && paddedBits !== 0)
    throw reader.fail('it pads symbols that it does not have');
  return { predictor: PREDICTOR.lm1, lanes, paddedBits, maskSize, maskPaddedBits };
}

function encodeMixing({ languageModel, profile, contexts }: MixParameters): number {
  const flags = (languageModel ? MIXING.model : 0) | (profile === 'binary' ? MIXING.binary : 0);
  return flags | (CONTEXT_SETS.indexOf(contexts) << MIXING.contextsShift);
}

function decodeMix(reader: ByteReader, payloadSize: number, offset: number): MixFrameParameters {
  const lanes = decodeLanes(reader);
  const paddedBits = reader.u8('padding');
  if ((paddedBits & MIX_PADDING_RESERVED) !== 0)
    throw unsupported('reserved bits of its padding are set', offset);
  if (payloadSize === 0 && paddedBits !== 0) throw reader.fail('it pads a stream that it does not have');
  const mixing = reader.u8('mixing');
  const contexts = CONTEXT_SETS.at((mixing >> MIXING.contextsShift) & MIXING.contextsMask);
  if ((mixing & MIXING.reserved) !== 0 || contexts === undefined)
    throw unsupported('reserved bits of its mixing are set', offset);
  const tableBits = reader.u8('table bits');
  if (tableBits < TABLE_BITS_MIN || tableBits > TABLE_BITS_MAX)
    throw reader.fail(`its table bits are ${tableBits}, not ${TABLE_BITS_MIN} to ${TABLE_BITS_MAX}`);
  const mix: MixParameters = {
    profile: (mixing & MIXING.binary) !== 0 ? 'binary' : 'text',
    contexts,
    tableBits,
    languageModel: (mixing & MIXING.model) !== 0,
  };
  return { predictor: PREDICTOR.mix2, lanes, paddedBits, mix };
}

function unsupported(problem: string, offset: number): LmzError {
  return new LmzError('LMZ_UNSUPPORTED', `frame header: ${problem}`, { offset });
}
