/**
 * The ONNX contract, version 1: what a model's inputs, outputs and metadata must be for the codec to run it
 * (spec/lmz-format.md, section 8.1).
 *
 * - input `token`: int32 [lanes, time], values 0 .. alphabet - 1
 * - output `logits`: int32 [lanes, time, alphabet], units of 2^-logit_bits bits, within +-2^30
 * - every other input `X` is a state [lanes, d1, d2, ...] and comes back as the output `X_next`, same type and shape;
 *   all states start as zeros; metadata `lmz.state.X` = "min max" is the range that X never leaves
 * - metadata: lmz.contract, lmz.alphabet, lmz.logit_bits, lmz.start, lmz.context, lmz.time, lmz.name
 *
 * @module
 */
import { type Element, type ElementName } from './onnx/elements.ts';
import { invalidModel, shapeText } from './onnx/constant.ts';
import { type Graph, type Port } from './onnx/graph.ts';
import type { ModelProto } from './onnx/onnx-subset_pb.ts';

/** Logits lie within +- this. */
export const LOGIT_MAX = 2 ** 30;
/** Most lanes that a session runs; the audit's bounds hold up to here. */
export const LANES_MAX = 4096;
/** Most time steps of one call; the audit's bounds hold up to here. */
export const TIME_MAX = 65_536;
/** Most elements of all states of one lane together. */
const STATE_ELEMENTS_MAX = 1 << 26;

/** Element types that a state may have. */
export type StateType = 'uint8' | 'int8' | 'int32' | 'int64' | 'float32';
const STATE_TYPES: readonly ElementName[] = [
  'uint8',
  'int8',
  'int32',
  'int64',
  'float32',
] satisfies StateType[];

/** One state of a model. */
export interface StateSpec {
  /** The input's name; the output's is `${name}_next`. */
  readonly name: string;
  /** Type of its elements. */
  readonly type: StateType;
  /** Sizes after the leading `lanes`. */
  readonly dims: readonly number[];
  /** Elements per lane. */
  readonly size: number;
  /** The least value of the declared range, which contains 0. */
  readonly low: bigint;
  /** The greatest. */
  readonly high: bigint;
}

/** What the codec needs to know of a model. */
export interface ModelContract {
  /** Of the contract. */
  readonly version: 1;
  /** `lmz.name`, where the model has one. */
  readonly name: string | undefined;
  /** 256: whole bytes. 128: `byte & 0x7f`. */
  readonly alphabet: 128 | 256;
  /** Logits are in units of 2^-logitBits bits (base-2 logarithms). */
  readonly logitBits: number;
  /** `float32` only for models that are bound to a platform. */
  readonly logitType: 'int32' | 'float32';
  /** The token fed at the start of every lane. */
  readonly start: number;
  /** Bytes after which the states are reset and the start token is fed again; 0 for never. */
  readonly context: number;
  /** 'step': one token a call. 'sequence': any number, with the same results as stepping. */
  readonly time: 'step' | 'sequence';
  /** In the order of the graph's inputs. */
  readonly states: readonly StateSpec[];
}

/** A decimal integer without sign tricks, spaces or leading zeros. */
function integer(text: string): bigint | undefined {
  return /^(0|-?[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : undefined;
}

function property(metadata: ReadonlyMap<string, string>, key: string, expected: string): string {
  const value = metadata.get(key);
  if (value === undefined) throw invalidModel(`metadata "${key}" is missing, ${expected} expected`);
  return value;
}

function integerProperty(
  metadata: ReadonlyMap<string, string>,
  key: string,
  low: number,
  high: number,
): number {
  const expected = `an integer ${low} to ${high}`;
  const text = property(metadata, key, expected);
  const value = integer(text);
  if (value === undefined || value < BigInt(low) || value > BigInt(high)) {
    throw invalidModel(`metadata "${key}" is "${text}", ${expected} expected`);
  }
  return Number(value);
}

/** A model's metadata properties; a key that comes twice is refused. */
export function readMetadata(model: ModelProto): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const { key, value } of model.metadataProps) {
    if (metadata.has(key)) throw invalidModel(`metadata "${key}" is there twice`);
    metadata.set(key, value);
  }
  return metadata;
}

function portText(port: Port): string {
  return `${port.type.name} ${shapeText(port.dims)}`;
}

function checkPort(
  port: Port | undefined,
  name: string,
  role: string,
  types: readonly string[],
  shape: string,
  ok: boolean,
) {
  const expected = `${types.join(' or ')} ${shape}`;
  if (!port) throw invalidModel(`${role} "${name}" is missing, ${expected} expected`);
  if (!ok || !types.includes(port.type.name)) {
    throw invalidModel(`${role} "${name}" is ${portText(port)}, ${expected} expected`);
  }
}

function readState(port: Port, next: Port | undefined, metadata: ReadonlyMap<string, string>): StateSpec {
  const { name, dims } = port;
  const fixed = dims.slice(1).filter((dim) => typeof dim === 'number');
  checkPort(
    port,
    name,
    'state',
    STATE_TYPES,
    '[lanes, fixed sizes...]',
    dims[0] === 'lanes' && fixed.length === dims.length - 1,
  );
  if (!next)
    throw invalidModel(`output "${name}_next" is missing: every input but "token" is a state and comes back`);
  if (next.type !== port.type || shapeText(next.dims) !== shapeText(dims)) {
    throw invalidModel(
      `output "${name}_next" is ${portText(next)}, ${portText(port)} expected as for its input`,
    );
  }
  const key = `lmz.state.${name}`;
  const text = property(metadata, key, '"min max"');
  const ends = text.split(' ').map(integer);
  const [low, high] = ends;
  if (ends.length !== 2 || low === undefined || high === undefined || low > 0n || high < 0n) {
    throw invalidModel(
      `metadata "${key}" is "${text}", two integers "min max" with min <= 0 <= max expected`,
    );
  }
  if (low < port.type.low || high > port.type.high) {
    throw invalidModel(
      `metadata "${key}" is "${text}", past what ${port.type.name} holds exactly (${rangeText(port.type)})`,
    );
  }
  return {
    name,
    type: port.type.name as StateType,
    dims: fixed,
    size: fixed.reduce((a, b) => a * b, 1),
    low,
    high,
  };
}

function rangeText(type: Element): string {
  return `${String(type.low)} to ${String(type.high)}`;
}

/**
 * Reads the contract of a model.
 *
 * @param platformBound  float32 logits are allowed (the codec rounds them)
 * @throws LmzError LMZ_MODEL_INVALID, naming the key or port with what was expected and found
 */
export function readContract(
  graph: Graph,
  metadata: ReadonlyMap<string, string>,
  platformBound: boolean,
): ModelContract {
  const version = property(metadata, 'lmz.contract', '"1"');
  if (version !== '1') throw invalidModel(`metadata "lmz.contract" is "${version}", "1" expected`);
  const alphabet = integerProperty(metadata, 'lmz.alphabet', 128, 256);
  if (alphabet !== 128 && alphabet !== 256)
    throw invalidModel(`metadata "lmz.alphabet" is "${alphabet}", "128" or "256" expected`);
  const logitBits = integerProperty(metadata, 'lmz.logit_bits', 0, 8);
  const start = integerProperty(metadata, 'lmz.start', 0, alphabet - 1);
  const context = integerProperty(metadata, 'lmz.context', 0, 0x7fffffff);
  const time = property(metadata, 'lmz.time', '"step" or "sequence"');
  if (time !== 'step' && time !== 'sequence') {
    throw invalidModel(`metadata "lmz.time" is "${time}", "step" or "sequence" expected`);
  }
  const isTime = (dim: number | string | undefined) => dim === 'time' || (time === 'step' && dim === 1);

  const token = graph.inputs.find((port) => port.name === 'token');
  checkPort(
    token,
    'token',
    'input',
    ['int32'],
    '[lanes, time]',
    token?.dims.length === 2 && token.dims[0] === 'lanes' && isTime(token.dims[1]),
  );
  const logits = graph.outputs.find((port) => port.name === 'logits');
  const logitTypes = platformBound ? ['int32', 'float32'] : ['int32'];
  checkPort(
    logits,
    'logits',
    'output',
    logitTypes,
    `[lanes, time, ${alphabet}]`,
    logits?.dims.length === 3 &&
      logits.dims[0] === 'lanes' &&
      isTime(logits.dims[1]) &&
      logits.dims[2] === alphabet,
  );

  const states: StateSpec[] = [];
  for (const port of graph.inputs) {
    if (port.name === 'token') continue;
    states.push(
      readState(
        port,
        graph.outputs.find((output) => output.name === `${port.name}_next`),
        metadata,
      ),
    );
  }
  const elements = states.reduce((sum, state) => sum + state.size, 0);
  if (elements > STATE_ELEMENTS_MAX) {
    throw invalidModel(
      `the states have ${elements} elements per lane, at most ${STATE_ELEMENTS_MAX} expected`,
    );
  }
  for (const port of graph.outputs) {
    if (port.name !== 'logits' && !states.some((state) => `${state.name}_next` === port.name)) {
      throw invalidModel(`output "${port.name}" is neither "logits" nor a state's "_next"`);
    }
  }
  for (const key of metadata.keys()) {
    const name = key.startsWith('lmz.state.') ? key.slice('lmz.state.'.length) : undefined;
    if (name !== undefined && !states.some((state) => state.name === name)) {
      throw invalidModel(`metadata "${key}" names a state that the graph has not`);
    }
  }
  return {
    version: 1,
    name: metadata.get('lmz.name'),
    alphabet,
    logitBits,
    logitType: logits!.type.name as 'int32' | 'float32',
    start,
    context,
    time,
    states,
  };
}
