/**
 * Constants of an ONNX file, and the words in which a model is refused.
 *
 * @module
 */
import { LmzError } from '../../errors.ts';
import { type Element, ELEMENT_ARRAYS, type ElementArray, elementLabel, elementOf } from './elements.ts';
import type { TensorProto } from './onnx-subset_pb.ts';

/** Most dimensions of a tensor. */
export const RANK_MAX = 8;

/** A tensor whose elements are in the file. */
export interface Constant {
  readonly name: string;
  readonly type: Element;
  readonly dims: readonly number[];
  readonly data: ElementArray;
}

/** The error of a file that is no valid model. */
export function invalidModel(message: string, hint?: string): LmzError {
  return new LmzError('LMZ_MODEL_INVALID', message, hint === undefined ? {} : { hint });
}

/** `[2, lanes, 64]`, for messages. */
export function shapeText(dims: readonly (number | string)[]): string {
  return `[${dims.join(', ')}]`;
}

function makeTyped(type: Element, buffer: ArrayBufferLike, at: number, count: number): ElementArray {
  return new (ELEMENT_ARRAYS[type.name] as Uint8ArrayConstructor)(buffer, at, count);
}

/** The typed field that carries elements of a type where raw_data does not. */
function typedField(tensor: TensorProto, type: Element): readonly number[] | readonly bigint[] {
  if (type.name === 'float32') return tensor.floatData;
  if (type.name === 'float64') return tensor.doubleData;
  if (type.name === 'int64') return tensor.int64Data;
  if (type.name === 'uint64' || type.name === 'uint32') return tensor.uint64Data;
  return tensor.int32Data;
}

/**
 * Decodes a constant; raw data is viewed in place where its alignment allows.
 *
 * @throws LmzError LMZ_MODEL_INVALID, naming the constant
 */
export function readConstant(tensor: TensorProto, name: string): Constant {
  const where = `constant "${name}"`;
  const type = elementOf(tensor.dataType);
  if (!type) throw invalidModel(`${where}: element type ${elementLabel(tensor.dataType)} is not supported`);
  if (tensor.dims.length > RANK_MAX)
    throw invalidModel(`${where}: rank ${tensor.dims.length}, at most ${RANK_MAX} expected`);
  let count = 1;
  for (const dim of tensor.dims) {
    if (dim < 0n || dim > 0x7fffffffn)
      throw invalidModel(`${where}: dimension ${String(dim)} is out of range`);
    count *= Number(dim);
    if (count > 0x7fffffff) throw invalidModel(`${where}: more than 2^31 elements`);
  }
  const raw = tensor.rawData;
  const typed = typedField(tensor, type);
  const filled = [
    tensor.floatData,
    tensor.int32Data,
    tensor.int64Data,
    tensor.doubleData,
    tensor.uint64Data,
  ].filter((field) => field.length > 0).length;
  if (filled + (raw.length > 0 ? 1 : 0) > 1) throw invalidModel(`${where}: has its elements twice`);
  const dims = tensor.dims.map(Number);
  if (raw.length > 0 || count === 0) {
    if (raw.length !== count * type.size) {
      throw invalidModel(
        `${where}: ${raw.length} bytes of data, ${count * type.size} expected for ${shapeText(dims)}`,
      );
    }
    // A copy is aligned. (Not by slice(): a Buffer's is a view.)
    const bytes = raw.byteOffset % type.size === 0 ? raw : new Uint8Array(raw);
    return {
      name,
      type,
      dims,
      data: checkBool(makeTyped(type, bytes.buffer, bytes.byteOffset, count), type, where),
    };
  }
  if (typed.length !== count) {
    throw invalidModel(
      `${where}: ${typed.length} elements of data, ${count} expected for ${shapeText(dims)}`,
    );
  }
  const data = makeTyped(type, new ArrayBuffer(count * type.size), 0, count);
  for (let i = 0; i < count; i++) {
    data[i] = typed[i]!;
    // Elements of a small type travel in a wider field; another reader may wrap or clamp what does not fit.
    if (type.kind !== 'float' && BigInt(data[i]) !== BigInt(typed[i])) {
      throw invalidModel(`${where}: element ${i} is ${String(typed[i])}, which ${type.name} does not hold`);
    }
  }
  return { name, type, dims, data: checkBool(data, type, where) };
}

function checkBool(data: ElementArray, type: Element, where: string): ElementArray {
  if (type.kind === 'bool' && (data as Uint8Array).some((value) => value > 1)) {
    throw invalidModel(`${where}: a boolean that is neither 0 nor 1`);
  }
  return data;
}
