/**
 * Checksums of the format (spec/lmz-format.md, section 3): CRC-32 for headers, XXH64 for content, SHA-256 to name
 * models and, on request, for the whole content.
 *
 * @module
 */
import { createHash, type Hash } from 'node:crypto';
import crc32Table from 'crc-32';
import xxhash, { type XXHash } from 'xxhash-wasm';

// WebAssembly compiles asynchronously; a top-level await keeps every later call synchronous.
const xx = await xxhash();
// xxhash-wasm copies its input into its own memory; slices keep that memory small and flat.
const SLICE = 1 << 16;

/** CRC-32 (ISO-HDLC, as in zip and png) as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
  return crc32Table.buf(bytes) >>> 0;
}

/** Running XXH64, seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). */
export class Xxh64 {
  #state: XXHash<bigint> = xx.create64();

  update(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += SLICE) this.#state.update(bytes.subarray(at, at + SLICE));
    return this;
  }

  digest(): bigint {
    return this.#state.digest();
  }
}

/** XXH64 of one array, seed 0. */
export function xxh64(bytes: Uint8Array): bigint {
  return new Xxh64().update(bytes).digest();
}

/** SHA-256 of one array: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** The checks that a file may carry for its whole content, by their id in the header. */
export type ContentCheck = 'xxh64' | 'sha256';

/** Running digest of the whole content, of either kind. */
export class ContentDigest {
  #xx: Xxh64 | undefined;
  #sha: Hash | undefined;

  constructor(kind: ContentCheck) {
    if (kind === 'xxh64') this.#xx = new Xxh64();
    else this.#sha = createHash('sha256');
  }

  update(bytes: Uint8Array): void {
    this.#xx?.update(bytes);
    this.#sha?.update(bytes);
  }

  /** 8 bytes (XXH64, little-endian) or 32 bytes (SHA-256). */
  digest(): Uint8Array {
    if (this.#sha) return new Uint8Array(this.#sha.digest());
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, this.#xx!.digest(), true);
    return bytes;
  }
}
