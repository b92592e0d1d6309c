/**
 * One chunk to one frame and back: what a worker thread does (spec/lmz-format.md, sections 5, 7 and 11).
 *
 * @module
 */
import {
  type CodedFrame,
  encodeFrameHeader,
  type LmParameters,
  type MixFrameParameters,
  type StoredFrame,
} from '../container/frame.ts';
import { PREDICTOR } from '../container/layout.ts';
import { xxh64 } from '../digest.ts';
import { ArithmeticDecoder, ArithmeticEncoder, type CodedBits } from '../entropy/coder.ts';
import { LmzError } from '../errors.ts';
import { createKernelDecoder, createKernelEncoder } from '../mix/kernel.ts';
import type { MixParameters } from '../mix/parameters.ts';
import { laneStarts } from './lanes.ts';
import { codeSymbols } from './language-model.ts';
import { codeHighBits } from './masked.ts';
import { decodeBytes, encodeBytes } from './mixing.ts';
import type { OpenModel, Watch } from './model-steps.ts';

/** A frame ready to be written: its header, and its payload in pieces. */
export interface EncodedFrame {
  readonly header: Uint8Array;
  readonly payload: readonly Uint8Array[];
  readonly rawSize: number;
  /** Whether decoding it takes the model. */
  readonly usesModel: boolean;
}

/** A chunk as it is. */
export function encodeStored(chunk: Uint8Array): EncodedFrame {
  const size = chunk.length;
  const frame: StoredFrame = { type: 'stored', rawSize: size, payloadSize: size, checksum: xxh64(chunk) };
  return { header: encodeFrameHeader(frame), payload: [chunk], rawSize: size, usesModel: false };
}

/** Total size of an encoded frame in bytes. */
export function frameSize(frame: EncodedFrame): number {
  return frame.payload.reduce((sum, piece) => sum + piece.length, frame.header.length);
}

/** The frame of fewer bytes; of equals, the first. */
export function smaller(first: EncodedFrame, second: EncodedFrame): EncodedFrame {
  return frameSize(second) < frameSize(first) ? second : first;
}

/** A chunk coded by the model alone; the chunk is not changed. */
export async function encodeLm(chunk: Uint8Array, model: OpenModel, watch?: Watch): Promise<EncodedFrame> {
  const { session, contract } = model;
  const masked = contract.alphabet === 128;
  const symbols = masked ? chunk.map((byte) => byte & 127) : chunk;
  const encoder = new ArithmeticEncoder(chunk.length >> 1);
  await codeSymbols(encoder, session, contract, symbols, watch);
  const coded = encoder.finish();
  const mask = masked ? encodeMask(chunk) : { bytes: new Uint8Array(0), paddedBits: 0 };
  const parameters: LmParameters = {
    predictor: PREDICTOR.lm1,
    lanes: session.lanes,
    paddedBits: coded.paddedBits,
    maskSize: mask.bytes.length,
    maskPaddedBits: mask.paddedBits,
  };
  return codedFrame(chunk, parameters, [coded.bytes, mask.bytes], true);
}

function encodeMask(chunk: Uint8Array): CodedBits {
  const encoder = new ArithmeticEncoder(16);
  codeHighBits(encoder, chunk);
  return encoder.finish();
}

function codedFrame(
  chunk: Uint8Array,
  parameters: LmParameters | MixFrameParameters,
  payload: readonly Uint8Array[],
  usesModel: boolean,
): EncodedFrame {
  const frame: CodedFrame = {
    type: 'coded',
    rawSize: chunk.length,
    payloadSize: payload.reduce((sum, piece) => sum + piece.length, 0),
    checksum: xxh64(chunk),
    predictor: parameters.predictor,
    parameters,
  };
  return { header: encodeFrameHeader(frame), payload, rawSize: chunk.length, usesModel };
}

/**
 * A chunk coded by mixing; the chunk is not changed.
 *
 * @param model  given exactly if `mix.languageModel`; of 256 symbols
 */
export async function encodeMix(
  chunk: Uint8Array,
  lanes: number,
  mix: MixParameters,
  model: OpenModel | undefined,
  watch?: Watch,
): Promise<EncodedFrame> {
  const { bytes, paddedBits } = await mixBits(chunk, lanes, mix, model, watch);
  const parameters: MixFrameParameters = { predictor: PREDICTOR.mix2, lanes, paddedBits, mix };
  return codedFrame(chunk, parameters, [bytes], mix.languageModel);
}

/** The stream of a chunk coded by mixing. */
export async function mixBits(
  chunk: Uint8Array,
  lanes: number,
  mix: MixParameters,
  model: OpenModel | undefined,
  watch?: Watch,
): Promise<CodedBits> {
  const starts = laneStarts(chunk.length, lanes);
  const encoder = createKernelEncoder(chunk, starts, mix, model?.contract.logitBits);
  await encodeBytes(encoder, chunk, starts, model, watch);
  return encoder.finish();
}

/**
 * A coded frame's raw bytes.
 *
 * @param model  given exactly if the frame uses one
 * @throws LmzError LMZ_CORRUPT
 */
export async function decodeCoded(
  frame: CodedFrame,
  payload: Uint8Array,
  model: OpenModel | undefined,
  watch?: Watch,
): Promise<Uint8Array> {
  const parameters = frame.parameters!;
  const chunk = new Uint8Array(frame.rawSize);
  if (parameters.predictor === PREDICTOR.lm1) await decodeLm(chunk, payload, parameters, model!, watch);
  else await decodeMix(chunk, payload, parameters, model, watch);
  requireChecksum(frame, chunk);
  return chunk;
}

async function decodeLm(
  chunk: Uint8Array,
  payload: Uint8Array,
  { maskSize, paddedBits, maskPaddedBits }: LmParameters,
  { session, contract }: OpenModel,
  watch?: Watch,
): Promise<void> {
  if (maskSize > 0 && contract.alphabet !== 128) {
    throw new LmzError('LMZ_CORRUPT', 'the frame has masked bits, which its model has no use for');
  }
  const cut = payload.length - maskSize;
  const decoder = new ArithmeticDecoder({ bytes: payload.subarray(0, cut), paddedBits });
  await codeSymbols(decoder, session, contract, chunk, watch);
  decoder.finish();
  if (contract.alphabet === 128) {
    const mask = new ArithmeticDecoder({ bytes: payload.subarray(cut), paddedBits: maskPaddedBits });
    codeHighBits(mask, chunk);
    mask.finish();
  }
}

async function decodeMix(
  chunk: Uint8Array,
  payload: Uint8Array,
  { lanes, paddedBits, mix }: MixFrameParameters,
  model: OpenModel | undefined,
  watch?: Watch,
): Promise<void> {
  if (model && model.contract.alphabet !== 256) {
    throw new LmzError('LMZ_CORRUPT', 'the frame mixes in a model of 128 symbols');
  }
  const starts = laneStarts(chunk.length, lanes);
  const stream = { bytes: payload, paddedBits };
  const decoder = createKernelDecoder(chunk, starts, mix, stream, model?.contract.logitBits);
  await decodeBytes(decoder, chunk, starts, model, watch);
  decoder.finish();
}

/** @throws LmzError LMZ_CORRUPT */
export function requireChecksum(frame: CodedFrame | StoredFrame, chunk: Uint8Array): void {
  if (xxh64(chunk) !== frame.checksum) {
    throw new LmzError('LMZ_CORRUPT', `the checksum of a ${frame.type} frame does not hold`);
  }
}
