/**
 * Loading a model: bytes to a checked {@link Model}. The file is read here, wholly and strictly, before any inference
 * runtime opens it.
 *
 * Hostile files: nothing here allocates more than a small multiple of the file's size, no tensor is ever computed, and
 * all shapes are bounded (the audit folds constants only as long as they are shapes of at most 64 numbers).
 *
 * @module
 */
import { auditGraph, type AuditReport } from './audit/audit.ts';
import { equalBytes, toHex } from '../bytes.ts';
import { type ModelContract, readContract, readMetadata } from './contract.ts';
import { sha256 } from '../digest.ts';
import { LmzError } from '../errors.ts';
import { type Graph, readGraph } from './onnx/graph.ts';
import { parseModelProto, writeModelProto } from './onnx/parse.ts';

/** A model that keeps the contract, and, unless it is platform-bound, is proven exact. */
export interface Model {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the file, 32 bytes: the model's identity. */
  readonly hash: Uint8Array;
  /** What the codec needs to know of it. */
  readonly contract: ModelContract;
  /** Metadata properties of the file, `lmz.` ones and others. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Whether exactness was neither proven nor asked for. */
  readonly platformBound: boolean;
  /** The proof; undefined for platform-bound models and for trusted hashes. */
  readonly audit: AuditReport | undefined;
  /** The graph, for engines of their own. */
  readonly graph: Graph;
}

/** Options of `loadModel`. */
export interface LoadOptions {
  /** The hash that the model must have, 32 bytes. */
  expectedHash?: Uint8Array;
  /** Accept a model that is not exact: no audit, float32 logits allowed. Default false. */
  platformBound?: boolean;
  /** Hashes (lower-case hex) of models that passed the audit of this release: theirs is not done again. */
  trustedHashes?: ReadonlySet<string>;
}

/**
 * Reads, checks and audits a model.
 *
 * @example
 * ```ts
 * import { loadModel, resolveModel } from 'lmz';
 * const model = loadModel((await resolveModel('order2')).bytes);
 * console.log(model.contract.alphabet, model.audit?.entries.length);
 * ```
 * @throws LmzError LMZ_MODEL_MISMATCH (another hash than expected), LMZ_MODEL_INVALID (no ONNX, or not the contract),
 *   LMZ_MODEL_NOT_EXACT (the audit found a node that it cannot prove exact)
 */
export function loadModel(bytes: Uint8Array, options: LoadOptions = {}): Model {
  const { expectedHash, platformBound = false, trustedHashes } = options;
  if (expectedHash !== undefined && expectedHash.length !== 32) {
    throw new RangeError(`"expectedHash" expected 32 bytes, got ${expectedHash.length}`);
  }
  const hash = sha256(bytes);
  if (expectedHash && !equalBytes(hash, expectedHash)) {
    throw new LmzError(
      'LMZ_MODEL_MISMATCH',
      `the model has the SHA-256 ${toHex(hash)}, but ${toHex(expectedHash)} is needed`,
    );
  }
  return read(bytes, hash, platformBound, !platformBound && trustedHashes?.has(toHex(hash)) !== true);
}

/**
 * A model that this process has loaded before, on another thread: it is read again, but neither hashed nor audited.
 *
 * @param hash - of the file
 */
export function loadAgain(bytes: Uint8Array, hash: Uint8Array, platformBound: boolean): Model {
  return read(bytes, hash, platformBound, false);
}

function read(bytes: Uint8Array, hash: Uint8Array, platformBound: boolean, audited: boolean): Model {
  const proto = parseModelProto(bytes);
  const graph = readGraph(proto);
  const metadata = readMetadata(proto);
  const contract = readContract(graph, metadata, platformBound);
  const audit = audited ? auditGraph(graph, contract) : undefined;
  return { bytes, hash, contract, metadata, platformBound, audit, graph };
}

/** The bytes that an inference runtime is given: what {@link loadModel} read, and nothing else (see parse.ts). */
export function runtimeBytes(model: Model): Uint8Array {
  return writeModelProto(parseModelProto(model.bytes));
}
