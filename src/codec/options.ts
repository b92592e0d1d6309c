/**
 * The options of the public API: their types, defaults and validation, in one place for streams, one-shots, random
 * access and the command line.
 *
 * @module
 */
import { availableParallelism } from 'node:os';
import { CHUNK_SIZE_MAX, LANES_MAX } from '../container/layout.ts';
import type { ContentCheck } from '../digest.ts';
import type { Engine } from '../model/ort.ts';
import type { Model } from '../model/load.ts';
import { DEFAULT_LEVEL, LEVEL_MAX, LEVEL_MIN, levelOf } from './levels.ts';

/** Default chunk, at the default level: two cores find work in files of several, and each has seen enough to predict well. */
export const DEFAULT_CHUNK_SIZE: number = levelOf(DEFAULT_LEVEL).chunkSize;
/** Default of {@link CommonOptions.memoryLimit}. */
export const DEFAULT_MEMORY_LIMIT = 1 << 30;

/** A model: a name or path (see the README's "Models"), the bytes of an ONNX file, or one that is loaded already. */
export type ModelSource = string | Uint8Array | Model;

/**
 * How chunks are coded. `auto`: by mixing, with the model from level 6 on and where a cheap look says that it pays; stored
 * where that is smaller. `mix`: the same without the model at any level. `lm`: by the model alone, always. `stored`: not
 * compressed.
 */
export type Mode = 'auto' | 'lm' | 'mix' | 'stored';

/** Progress of a stream, emitted as the event `progress`. */
export interface Progress {
  /** Bytes consumed: raw when encoding, compressed when decoding. */
  bytesIn: number;
  /** Bytes given out. */
  bytesOut: number;
  /** {@link CommonOptions.totalSize}, where it was given. */
  total: number | undefined;
}

/** Options of both directions. */
export interface CommonOptions {
  /** Encoding: the model (default: the built-in one). Decoding: one to use beside those that are found by hash. */
  model?: ModelSource;
  /** What runs the model: the WebAssembly kernel, onnxruntime-node, onnxruntime-web, or the first that can (default `auto`). */
  engine?: Engine;
  /** Worker threads, 1..256 (default: the machine's cores). The output never depends on it. */
  threads?: number;
  /**
   * Bytes of memory (default 1 GiB). Decoding: input that needs more is refused. Encoding: mixing gets tables that fit, and
   * fewer chunks are in work at once than there are threads.
   */
  memoryLimit?: number;
  /** Allow a model that is not exact: output decodes only where it computes the same logits as here. */
  platformBound?: boolean;
  /** Cancels: the stream is destroyed, or the promise rejected, with the signal's reason. */
  signal?: AbortSignal;
  /** Size of the input in bytes, for progress only. */
  totalSize?: number;
}

/** Options of `lmzEncode` and `compress`. Only the format options (model, mode, level, chunkSize, lanes, contentCheck, embedModel) and memoryLimit change the output. */
export interface EncodeOptions extends CommonOptions {
  /** How chunks are coded (default `auto`). */
  mode?: Mode;
  /** 1 (fastest) to 9 (smallest), default 6: how much mixing, the language model from 6 on, the default of chunkSize. */
  level?: number;
  /** Bytes per independently decodable chunk, 1..2^30 (default by level: 2 to 32 MiB; 4 MiB at level 6). */
  chunkSize?: number;
  /** Equal parts of a chunk that are coded in lock-step, 1..256 (default 1): faster with onnxruntime, larger output. */
  lanes?: number;
  /** Check of the whole content, beside the one of every frame (default `xxh64`). */
  contentCheck?: ContentCheck;
  /** Write the model into the file, which then needs nothing else to be decoded. */
  embedModel?: boolean;
}

/** Options of `lmzDecode`, `decompress` and `openLmz`. */
export interface DecodeOptions extends CommonOptions {
  /** Refuse to give out more bytes than this (default: no limit). */
  outputLimit?: number;
}

/** Encode options with every default filled in. */
export interface ResolvedEncodeOptions extends EncodeOptions {
  mode: Mode;
  level: number;
  engine: Engine;
  threads: number;
  memoryLimit: number;
  chunkSize: number;
  lanes: number;
  contentCheck: ContentCheck;
  embedModel: boolean;
  platformBound: boolean;
}

/** Decode options with every default filled in. */
export interface ResolvedDecodeOptions extends DecodeOptions {
  engine: Engine;
  threads: number;
  memoryLimit: number;
  outputLimit: number;
  platformBound: boolean;
}

const COMMON_NAMES = ['model', 'engine', 'threads', 'memoryLimit', 'platformBound', 'signal', 'totalSize'];
const ENCODE_NAMES = [...COMMON_NAMES, 'mode', 'level', 'chunkSize', 'lanes', 'contentCheck', 'embedModel'];
const DECODE_NAMES = [...COMMON_NAMES, 'outputLimit'];
const ENGINES: readonly Engine[] = ['auto', 'kernel', 'node', 'web'];
const MODES: readonly Mode[] = ['auto', 'lm', 'mix', 'stored'];
const CHECKS: readonly ContentCheck[] = ['xxh64', 'sha256'];

/** @throws TypeError or RangeError with the option's name */
export function resolveEncodeOptions(options: EncodeOptions = {}): ResolvedEncodeOptions {
  onlyKnown(options, ENCODE_NAMES);
  const level = integer('level', options.level, LEVEL_MIN, LEVEL_MAX, DEFAULT_LEVEL);
  const { chunkSize } = levelOf(level);
  return {
    ...options,
    ...resolveCommon(options),
    mode: oneOf('mode', options.mode, MODES, 'auto'),
    level,
    chunkSize: integer('chunkSize', options.chunkSize, 1, CHUNK_SIZE_MAX, chunkSize),
    lanes: integer('lanes', options.lanes, 1, LANES_MAX, 1),
    contentCheck: oneOf('contentCheck', options.contentCheck, CHECKS, 'xxh64'),
    embedModel: boolean('embedModel', options.embedModel),
  };
}

/** @throws TypeError or RangeError with the option's name */
export function resolveDecodeOptions(options: DecodeOptions = {}): ResolvedDecodeOptions {
  onlyKnown(options, DECODE_NAMES);
  const most = Number.MAX_SAFE_INTEGER;
  return {
    ...options,
    ...resolveCommon(options),
    outputLimit: integer('outputLimit', options.outputLimit, 0, most, most),
  };
}

function resolveCommon(options: CommonOptions) {
  const { model, signal } = options;
  if (model !== undefined && !isModelSource(model))
    throw new TypeError('model expected a name, a path, bytes or a loaded model');
  if (model === '') throw new RangeError('model expected a name or a path, got an empty string');
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError('signal expected an AbortSignal');
  if (options.totalSize !== undefined) integer('totalSize', options.totalSize, 0, Number.MAX_SAFE_INTEGER, 0);
  return {
    engine: oneOf('engine', options.engine, ENGINES, 'auto'),
    threads: integer('threads', options.threads, 1, 256, Math.min(256, availableParallelism())),
    memoryLimit: integer(
      'memoryLimit',
      options.memoryLimit,
      1,
      Number.MAX_SAFE_INTEGER,
      DEFAULT_MEMORY_LIMIT,
    ),
    platformBound: boolean('platformBound', options.platformBound),
  };
}

function isModelSource(model: unknown): boolean {
  if (typeof model === 'string' || model instanceof Uint8Array) return true;
  if (typeof model !== 'object' || model === null) return false;
  return 'bytes' in model && 'hash' in model && 'contract' in model && model.bytes instanceof Uint8Array;
}

/** A misspelt option would silently change what a caller gets; it is refused instead. */
function onlyKnown(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw new TypeError(`options expected an object, got ${JSON.stringify(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`unknown option "${name}"; known are ${names.join(', ')}`);
  }
}

function integer(name: string, value: unknown, min: number, max: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new TypeError(`${name} expected a number, got ${typeof value}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

function boolean(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw new TypeError(`${name} expected true or false, got ${typeof value}`);
  return value;
}

function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw new RangeError(`${name} expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`);
  return found;
}
