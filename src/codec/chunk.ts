/**
 * One chunk to one frame and back: what a worker thread does (spec/lmz-format.md, sections 5 and 7).
 *
 * @module
 */
import { type CodedFrame, encodeFrameHeader, type StoredFrame } from '../container/frame.ts';
import { PREDICTOR } from '../container/layout.ts';
import { xxh64 } from '../digest.ts';
import { ArithmeticDecoder, ArithmeticEncoder, type CodedBits } from '../entropy/coder.ts';
import { LmzError } from '../errors.ts';
import type { ModelContract } from '../model/contract.ts';
import type { LaneSession } from '../model/session.ts';
import { codeSymbols, type Watch } from './language-model.ts';
import { codeHighBits } from './masked.ts';

/** A frame ready to be written: its header, and its payload in pieces. */
export interface EncodedFrame {
  readonly header: Uint8Array;
  readonly payload: readonly Uint8Array[];
  readonly rawSize: number;
}

/** A chunk as it is. */
export function encodeStored(chunk: Uint8Array): EncodedFrame {
  const size = chunk.length;
  const frame: StoredFrame = { type: 'stored', rawSize: size, payloadSize: size, checksum: xxh64(chunk) };
  return { header: encodeFrameHeader(frame), payload: [chunk], rawSize: size };
}

/** Total size of an encoded frame in bytes. */
export function frameSize(frame: EncodedFrame): number {
  return frame.payload.reduce((sum, piece) => sum + piece.length, frame.header.length);
}

/** A chunk coded by the model; the chunk is not changed. */
export async function encodeCoded(
  chunk: Uint8Array,
  session: LaneSession,
  contract: ModelContract,
  watch?: Watch,
): Promise<EncodedFrame> {
  const masked = contract.alphabet === 128;
  const symbols = masked ? chunk.map((byte) => byte & 127) : chunk;
  const encoder = new ArithmeticEncoder(chunk.length >> 1);
  await codeSymbols(encoder, session, contract, symbols, watch);
  const coded = encoder.finish();
  const mask = masked ? encodeMask(chunk) : { bytes: new Uint8Array(0), paddedBits: 0 };
  const frame: CodedFrame = {
    type: 'coded',
    rawSize: chunk.length,
    payloadSize: coded.bytes.length + mask.bytes.length,
    checksum: xxh64(chunk),
    predictor: PREDICTOR.lm1,
    parameters: {
      lanes: session.lanes,
      paddedBits: coded.paddedBits,
      maskSize: mask.bytes.length,
      maskPaddedBits: mask.paddedBits,
    },
  };
  return { header: encodeFrameHeader(frame), payload: [coded.bytes, mask.bytes], rawSize: chunk.length };
}

function encodeMask(chunk: Uint8Array): CodedBits {
  const encoder = new ArithmeticEncoder(16);
  codeHighBits(encoder, chunk);
  return encoder.finish();
}

/**
 * A coded frame's raw bytes.
 *
 * @throws LmzError LMZ_CORRUPT
 */
export async function decodeCoded(
  frame: CodedFrame,
  payload: Uint8Array,
  session: LaneSession,
  contract: ModelContract,
  watch?: Watch,
): Promise<Uint8Array> {
  const { maskSize, paddedBits, maskPaddedBits } = frame.parameters!;
  if (maskSize > 0 && contract.alphabet !== 128) {
    throw new LmzError('LMZ_CORRUPT', 'the frame has masked bits, which its model has no use for');
  }
  const cut = payload.length - maskSize;
  const chunk = new Uint8Array(frame.rawSize);
  const decoder = new ArithmeticDecoder({ bytes: payload.subarray(0, cut), paddedBits });
  await codeSymbols(decoder, session, contract, chunk, watch);
  decoder.finish();
  if (contract.alphabet === 128) {
    const mask = new ArithmeticDecoder({ bytes: payload.subarray(cut), paddedBits: maskPaddedBits });
    codeHighBits(mask, chunk);
    mask.finish();
  }
  requireChecksum(frame, chunk);
  return chunk;
}

/** @throws LmzError LMZ_CORRUPT */
export function requireChecksum(frame: CodedFrame | StoredFrame, chunk: Uint8Array): void {
  if (xxh64(chunk) !== frame.checksum) {
    throw new LmzError('LMZ_CORRUPT', `the checksum of a ${frame.type} frame does not hold`);
  }
}
