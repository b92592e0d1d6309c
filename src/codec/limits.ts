/**
 * What decoding may cost its caller (spec/lmz-format.md, section 10).
 *
 * @module
 */
import { type Frame, usesModel } from '../container/frame.ts';
import { PREDICTOR } from '../container/layout.ts';
import { LmzError } from '../errors.ts';
import { type MixParameters, mixMemory } from '../mix/parameters.ts';
import { TABLE_BITS_MIN } from '../mix/slots.ts';

/**
 * Bytes of memory that a frame takes while it is decoded: its payload, the content where that is another array, and what
 * its predictor needs beside the model.
 *
 * @param stateBytes  of the model's states in a lane, once it is known: a file tells its hash alone
 */
export function frameMemory(frame: Frame, stateBytes = 0): number {
  if (frame.type !== 'coded') return frame.payloadSize;
  const { parameters } = frame;
  const mixing = parameters?.predictor === PREDICTOR.mix2 ? mixMemory(parameters.mix, parameters.lanes) : 0;
  const states = parameters && usesModel(frame) ? parameters.lanes * stateBytes : 0;
  return frame.rawSize + frame.payloadSize + mixing + states;
}

/**
 * The largest tables, as log2 of their size, with which mixing takes no more than `memoryLimit` bytes.
 *
 * @param parameters  its table bits are the most that are wanted
 * @param room        bytes that it must leave
 * @throws LmzError LMZ_MEMORY_LIMIT where the smallest take more
 */
export function tableBitsWithin(
  memoryLimit: number,
  parameters: MixParameters,
  lanes: number,
  room: number,
): number {
  let { tableBits } = parameters;
  const need = () => mixMemory({ ...parameters, tableBits }, lanes) + room;
  while (tableBits > TABLE_BITS_MIN && need() > memoryLimit) tableBits--;
  if (need() <= memoryLimit) return tableBits;
  throw new LmzError(
    'LMZ_MEMORY_LIMIT',
    `a chunk by mixing needs at least ${need()} bytes of memory, past the limit of ${memoryLimit}`,
    { hint: 'Raise the limit (option memoryLimit, or -M), or choose the mode lm or stored.' },
  );
}

/** The same for an index, whose entries are read into objects. */
export function indexMemory(bodySize: number): number {
  return 4 * bodySize;
}

/** @throws LmzError LMZ_MEMORY_LIMIT */
export function requireMemory(bytes: number, limit: number, what: string, offset: number): void {
  if (bytes <= limit) return;
  throw new LmzError(
    'LMZ_MEMORY_LIMIT',
    `${what} needs ${bytes} bytes of memory, past the limit of ${limit}`,
    {
      offset,
      hint: 'If you trust the file, raise the limit: option memoryLimit, or -M.',
    },
  );
}

/** Memory of the frames that one caller has decoded, whatever members they are of. */
export class FrameAdmission {
  readonly #limits: { readonly threads: number; readonly memoryLimit: number };
  #largest: number;

  /** @param largest  what is known before any frame is */
  constructor(limits: { readonly threads: number; readonly memoryLimit: number }, largest = 1) {
    this.#limits = limits;
    this.#largest = largest;
  }

  /**
   * Takes note of a frame, or of more that is known of one.
   *
   * @throws LmzError LMZ_MEMORY_LIMIT
   */
  admit(need: number, what: string, offset: number): void {
    requireMemory(need, this.#limits.memoryLimit, what, offset);
    this.#largest = Math.max(this.#largest, need);
  }

  /** Frames that may be in work at once. */
  get jobs(): number {
    return jobLimit(this.#limits.threads, this.#limits.memoryLimit, this.#largest);
  }
}

/** Frames that may be in work at once: one more than threads, while memory for the largest of them lasts. */
export function jobLimit(threads: number, memoryLimit: number, largest: number): number {
  return Math.max(1, Math.min(threads + 1, Math.floor(memoryLimit / largest)));
}
