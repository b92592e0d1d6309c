/**
 * Constants of the container, shared by whatever reads or writes a structure (spec/lmz-format.md).
 *
 * @module
 */

/** Section 4: `F8` is in no UTF-8 text; CR LF shows a transfer that changed line ends. */
export const HEADER_MAGIC: Uint8Array = Uint8Array.of(0xf8, 0x4c, 0x4d, 0x5a, 0x0d, 0x0a);
/** Section 6.2: "ZML" and `F8`, read as a little-endian number. */
export const FOOTER_MAGIC = 0xf84c4d5a;
/** The only format version so far. */
export const FORMAT_VERSION = 1;

/** Section 4: flags of the member header. */
export const HEADER_FLAG = { sha256: 1, model: 2, embedded: 4, platformBound: 8 } as const;
/** Flags that a decoder of this version knows; any other one makes a member unsupported. */
export const HEADER_FLAGS_KNOWN = 15;
export const HEADER_BODY_MAX = 4096;
export const RUNTIME_ID_MAX = 256;

/** Section 5: frame types. */
export const FRAME_TYPE = { coded: 1, stored: 2, model: 3, index: 4 } as const;
export const SKIPPABLE_FIRST = 0x50;
export const SKIPPABLE_LAST = 0x5f;
export const FRAME_BODY_MAX = 255;

/** Section 5.1: predictors. A number stands for arithmetic that never changes; a change is a new number. */
export const PREDICTOR = { lm1: 1, mix2: 2 } as const;

export const CHUNK_SIZE_MAX = 2 ** 30;
export const LANES_MAX = 256;
export const MODEL_SIZE_MAX = 2 ** 30;
/** An index of this size lists about 25 million frames. */
export const INDEX_BODY_MAX = 2 ** 28;

export const HASH_BYTES = 32;
export const FINGERPRINT_BYTES = 32;
export const CRC_BYTES = 4;
export const FOOTER_BYTES = 20;

/** Bytes of the whole-content check of either kind. */
export function contentCheckBytes(sha256: boolean): number {
  return sha256 ? 32 : 8;
}
