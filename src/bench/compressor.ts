/**
 * What the benchmark compares: anything that turns bytes into fewer bytes and back.
 *
 * @module
 */

/** Where a compressor runs: a library in the measuring process, a program of its own, or lmz itself. */
export type CompressorKind = 'library' | 'command' | 'lmz';

/** Whether a compressor can be used here. */
export type Availability = { readonly version: string } | { readonly missing: string };

/** What independent chunks of some bytes take; the thesis counts headers once, this project counts everything. */
export interface ChunkedSize {
  readonly chunks: number;
  /** Everything that a decoder needs, in bytes. */
  readonly codedBytes: number;
  /** The same with what every chunk needs beside its data counted for one chunk only. */
  readonly headerOnceBytes: number;
  /** The number of DeepMind's protocol for models of 7-bit text: masked bits left out, the rest scaled up. Not lossless. */
  readonly rescaledBytes?: number;
}

/** Independent chunks, coded. */
export interface ChunkedCoding {
  readonly size: ChunkedSize;
  /** Decodes all chunks. */
  readonly decode: () => Promise<Uint8Array>;
}

/**
 * A compressor as the benchmark sees it. One more rival is one more entry in compressors.ts.
 */
export interface Compressor {
  readonly name: string;
  readonly kind: CompressorKind;
  /** How it is run, for the head of a table: `xz -9e`. */
  readonly label: string;
  /** Its version, or why it cannot be used here. */
  available(): Promise<Availability>;
  /** The whole input at once. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** @throws where the bytes are not what `compress` gave */
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Bytes of the model that the decoder must have beside the coded bytes; none for all but lmz. */
  modelBytes?(): Promise<number>;
  /** Codes chunks of this size, none of which needs another; without it, {@link codeChunks} calls `compress` for each. */
  codeChunks?(bytes: Uint8Array, chunkSize: number): Promise<ChunkedCoding>;
  /** Largest resident memory of its processes so far, in bytes; without it, that of the measuring process counts. */
  peakMemory?(): number | undefined;
}

/** Largest resident memory so far, in bytes, of what runs the compressor: processes of its own, or this one. */
export function peakMemoryOf(compressor: Compressor): number | undefined {
  return compressor.peakMemory === undefined
    ? process.resourceUsage().maxRSS * 1024
    : compressor.peakMemory();
}

/** Cuts bytes into chunks; the last may be shorter. */
export function chunksOf(bytes: Uint8Array, chunkSize: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / chunkSize);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * chunkSize, (i + 1) * chunkSize));
}

/**
 * Codes chunks one by one. What counts as a header is what DeepMind's `count_header_only_once` subtracts: the coded
 * size of a single zero byte.
 */
export async function codeChunks(
  compressor: Compressor,
  bytes: Uint8Array,
  chunkSize: number,
): Promise<ChunkedCoding> {
  if (compressor.codeChunks !== undefined) return compressor.codeChunks(bytes, chunkSize);
  const coded: Uint8Array[] = [];
  for (const chunk of chunksOf(bytes, chunkSize)) coded.push(await compressor.compress(chunk));
  const codedBytes = coded.reduce((sum, { length }) => sum + length, 0);
  const header = (await compressor.compress(new Uint8Array(1))).length;
  const headerOnceBytes = codedBytes - header * Math.max(0, coded.length - 1);
  return {
    size: { chunks: coded.length, codedBytes, headerOnceBytes },
    decode: async () => {
      const pieces: Uint8Array[] = [];
      for (const piece of coded) pieces.push(await compressor.decompress(piece));
      return Buffer.concat(pieces);
    },
  };
}
