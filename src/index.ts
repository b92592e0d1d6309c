/**
 * lmz: lossless compression with a neural byte-level language model, exact on every machine.
 *
 * @module
 */
export { lmzDecode, lmzEncode } from './codec/streams.ts';
export { compress, decompress } from './codec/one-shot.ts';
export { LmzReader, openLmz } from './codec/reader.ts';
export { type FrameInfo, type LmzInfo, type MemberInfo, readInfo } from './codec/info.ts';
export {
  type CommonOptions,
  type DecodeOptions,
  DEFAULT_CHUNK_SIZE,
  DEFAULT_MEMORY_LIMIT,
  type EncodeOptions,
  type Mode,
  type ModelSource,
  type Progress,
} from './codec/options.ts';
export { ERROR_CODES, LmzError, type LmzErrorCode, type LmzErrorOptions } from './errors.ts';
export type { ContentCheck } from './digest.ts';
export type { ContextSet, MixParameters, MixProfile } from './mix/parameters.ts';
export { type LoadOptions, loadModel, type Model } from './model/load.ts';
export type { ModelContract, StateSpec, StateType } from './model/contract.ts';
export type { Engine } from './model/ort.ts';
export {
  DEFAULT_MODEL,
  type FoundModel,
  listModels,
  type ModelFile,
  resolveModel,
} from './model/registry.ts';
