/**
 * One measurement: a compressor on one input, coded, decoded, compared, timed.
 *
 * @module
 */
import { gzipSync } from 'node:zlib';
import { type ChunkedSize, codeChunks, type Compressor, peakMemoryOf } from './compressor.ts';

/** What to measure. */
export interface Job {
  /** A name that compressors.ts understands. */
  readonly compressor: string;
  readonly path: string;
  /** Only so many bytes from the input's beginning. */
  readonly limit?: number;
  /** Independent chunks of this size; without it, the whole input at once. */
  readonly chunkSize?: number;
  /** Rounds of encoding and decoding: at most so many, and none begins after so many seconds. */
  readonly rounds: number;
  readonly seconds: number;
  /** Added to the process's niceness: 0 to 19. */
  readonly nice: number;
}

/** Seconds of each round. */
export interface Timing {
  readonly encode: readonly number[];
  readonly decode: readonly number[];
  /** Bytes a second of the reference, measured before each round. */
  readonly reference: readonly number[];
}

/** What was measured. */
export interface Measured {
  readonly bytes: number;
  /** Everything that a decoder needs beside the program and the model. */
  readonly codedBytes: number;
  readonly chunked?: ChunkedSize;
  readonly modelBytes: number;
  /** Whether the decoded bytes were the input, in every round. */
  readonly matched: boolean;
  readonly timing: Timing;
  /** Largest resident memory in bytes: of the command, or of the process that the library runs in (Node's own 50 MB included). */
  readonly peakMemory?: number;
}

const REFERENCE_BYTES = 1 << 18;
const REFERENCE_SECONDS = 0.04;

/** Bytes a second of gzip -9 by Node's zlib on the beginning of the same bytes: what else the machine does slows both. */
export function referenceSpeed(bytes: Uint8Array): number {
  const piece = bytes.length === 0 ? new Uint8Array(1024) : bytes.subarray(0, REFERENCE_BYTES);
  const start = performance.now();
  let done = 0;
  let seconds = 0;
  do {
    gzipSync(piece, { level: 9 });
    done += piece.length;
    seconds = (performance.now() - start) / 1000;
  } while (seconds < REFERENCE_SECONDS);
  return done / seconds;
}

interface Round {
  readonly encode: number;
  readonly decode: number;
  readonly codedBytes: number;
  readonly chunked?: ChunkedSize;
  readonly matched: boolean;
}

async function measureRound(compressor: Compressor, bytes: Uint8Array, chunkSize?: number): Promise<Round> {
  const start = performance.now();
  let decode: () => Promise<Uint8Array>;
  let codedBytes: number;
  let chunked: ChunkedSize | undefined;
  if (chunkSize === undefined) {
    const coded = await compressor.compress(bytes);
    codedBytes = coded.length;
    decode = () => compressor.decompress(coded);
  } else {
    const coding = await codeChunks(compressor, bytes, chunkSize);
    chunked = coding.size;
    codedBytes = chunked.codedBytes;
    decode = coding.decode;
  }
  const middle = performance.now();
  const decoded = await decode();
  const end = performance.now();
  return {
    encode: (middle - start) / 1000,
    decode: (end - middle) / 1000,
    codedBytes,
    ...(chunked !== undefined && { chunked }),
    matched: Buffer.compare(decoded, bytes) === 0,
  };
}

/**
 * Codes, decodes, compares and times, round by round.
 *
 * @throws Error where two rounds give different sizes, and whatever the compressor throws
 */
export async function measure(
  compressor: Compressor,
  bytes: Uint8Array,
  { rounds, seconds, chunkSize }: Pick<Job, 'rounds' | 'seconds' | 'chunkSize'>,
): Promise<Measured> {
  // Loads a package, which is not to be timed.
  if (compressor.kind === 'library') await compressor.available();
  const timing = { encode: [] as number[], decode: [] as number[], reference: [] as number[] };
  const start = performance.now();
  let first: Round | undefined;
  let matched = true;
  do {
    timing.reference.push(referenceSpeed(bytes));
    const round = await measureRound(compressor, bytes, chunkSize);
    timing.encode.push(round.encode);
    timing.decode.push(round.decode);
    first ??= round;
    matched &&= round.matched;
    if (round.codedBytes !== first.codedBytes) {
      throw new Error(
        `${compressor.name} gave ${round.codedBytes} bytes, and ${first.codedBytes} before: it is not repeatable`,
      );
    }
  } while (timing.encode.length < rounds && performance.now() - start < seconds * 1000);
  const peakMemory = peakMemoryOf(compressor);
  return {
    bytes: bytes.length,
    codedBytes: first.codedBytes,
    ...(first.chunked !== undefined && { chunked: first.chunked }),
    modelBytes: (await compressor.modelBytes?.()) ?? 0,
    matched,
    timing,
    ...(peakMemory !== undefined && { peakMemory }),
  };
}
