/**
 * Bytes through predictor 2: prediction and arithmetic coder in one, so that a kernel can hold the whole loop.
 *
 * What differs between the directions is the coder inside; whoever drives them writes one loop for both.
 *
 * @module
 */
import { CdfBuilder } from '../entropy/cdf.ts';
import { ArithmeticDecoder, ArithmeticEncoder, type CodedBits, type EntropyCoder } from '../entropy/coder.ts';
import { MixPredictor } from './mix-predictor.ts';
import type { MixParameters } from './parameters.ts';
import { codeByte } from './predictor.ts';

const MODEL_ALPHABET = 256;

/** Codes a chunk's bytes, lanes in lock-step: byte t of every lane before byte t + 1 of any. */
export interface ByteCoder {
  /**
   * Codes the next byte of a lane.
   *
   * @param byte    encoder: the byte; decoder: ignored
   * @param logits  the language model's 256 integer logits for it, from `offset` on, if the parameters say that there is
   *   one; each within +-2^30
   * @returns the byte
   */
  code(lane: number, byte: number, logits?: Int32Array, offset?: number): number;
}

/** A {@link ByteCoder} that writes. */
export interface MixEncoder extends ByteCoder {
  /** The coded bits. To be called once, at the end. */
  finish(): CodedBits;
}

/** A {@link ByteCoder} that reads. */
export interface MixDecoder extends ByteCoder {
  /**
   * Requires, after the last byte, that the stream is the one that the encoder ends with.
   *
   * @throws LmzError LMZ_CORRUPT
   */
  finish(): void;
}

/** The plain implementation of both directions. */
class ReferenceCoder<Coder extends EntropyCoder> {
  protected readonly coder: Coder;
  readonly #predictor: MixPredictor;
  readonly #builder: CdfBuilder | undefined;

  constructor(coder: Coder, predictor: MixPredictor, builder: CdfBuilder | undefined) {
    this.coder = coder;
    this.#predictor = predictor;
    this.#builder = builder;
  }

  code(lane: number, byte: number, logits?: Int32Array, offset = 0): number {
    this.#predictor.beginByte(lane, logits && this.#builder?.fill(logits, offset));
    return codeByte(this.coder, this.#predictor, byte);
  }
}

class ReferenceEncoder extends ReferenceCoder<ArithmeticEncoder> implements MixEncoder {
  finish(): CodedBits {
    return this.coder.finish();
  }
}

class ReferenceDecoder extends ReferenceCoder<ArithmeticDecoder> implements MixDecoder {
  finish(): void {
    this.coder.finish();
  }
}

function cdfBuilder({ languageModel }: MixParameters, logitBits: number): CdfBuilder | undefined {
  return languageModel ? new CdfBuilder(MODEL_ALPHABET, logitBits) : undefined;
}

/**
 * A coder that writes.
 *
 * @param chunk       complete; not changed
 * @param laneStarts  where lanes begin, and, as last entry, where the chunk ends
 * @param logitBits   fraction bits of the language model's logits
 */
export function createMixEncoder(
  chunk: Uint8Array,
  laneStarts: ArrayLike<number>,
  parameters: MixParameters,
  logitBits = 0,
): MixEncoder {
  const predictor = new MixPredictor(chunk, laneStarts, parameters);
  return new ReferenceEncoder(
    new ArithmeticEncoder(chunk.length >> 1),
    predictor,
    cdfBuilder(parameters, logitBits),
  );
}

/**
 * A coder that reads.
 *
 * @param chunk  as long as the raw chunk; filled here, byte by byte
 * @throws LmzError LMZ_CORRUPT where the stream's padding is not what it says
 */
export function createMixDecoder(
  chunk: Uint8Array,
  laneStarts: ArrayLike<number>,
  parameters: MixParameters,
  stream: CodedBits,
  logitBits = 0,
): MixDecoder {
  const coder = new ArithmeticDecoder(stream);
  const predictor = new MixPredictor(chunk, laneStarts, parameters);
  return new ReferenceDecoder(coder, predictor, cdfBuilder(parameters, logitBits));
}
