/**
 * ONNX element types as the loader and the audit see them: code, size, and which integers each type holds exactly.
 *
 * @module
 */

/** One element type. */
export interface Element {
  /** TensorProto.DataType */
  readonly code: number;
  readonly name: ElementName;
  /** Bytes per element. */
  readonly size: number;
  readonly kind: 'float' | 'signed' | 'unsigned' | 'bool';
  /**
   * The integers n with low <= n <= high are held exactly, and so are all their sums and products that stay inside.
   * For floats also n * 2^e, over the exponents that {@link EXPONENTS} allows: the significand's width is what counts.
   */
  readonly low: bigint;
  readonly high: bigint;
}

export type ElementName =
  | 'float32'
  | 'float64'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'uint64'
  | 'int64'
  | 'bool';

/** The arrays that hold tensors of each type. */
export const ELEMENT_ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<ElementName, abstract new (...arguments_: never[]) => ElementArray>;

/** A tensor's elements. */
export type ElementArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

function element(code: number, name: ElementName, size: number, kind: Element['kind']): Element {
  const bits = BigInt(size * 8);
  if (kind === 'bool') return { code, name, size, kind, low: 0n, high: 1n };
  if (kind === 'unsigned') return { code, name, size, kind, low: 0n, high: (1n << bits) - 1n };
  if (kind === 'signed') {
    return { code, name, size, kind, low: -(1n << (bits - 1n)), high: (1n << (bits - 1n)) - 1n };
  }
  const high = 1n << (size === 4 ? 24n : 53n);
  return { code, name, size, kind, low: -high, high };
}

const ALL: readonly Element[] = [
  element(1, 'float32', 4, 'float'),
  element(2, 'uint8', 1, 'unsigned'),
  element(3, 'int8', 1, 'signed'),
  element(4, 'uint16', 2, 'unsigned'),
  element(5, 'int16', 2, 'signed'),
  element(6, 'int32', 4, 'signed'),
  element(7, 'int64', 8, 'signed'),
  element(9, 'bool', 1, 'bool'),
  element(11, 'float64', 8, 'float'),
  element(12, 'uint32', 4, 'unsigned'),
  element(13, 'uint64', 8, 'unsigned'),
];
const BY_CODE = new Map(ALL.map((type) => [type.code, type]));
const BY_NAME = new Map(ALL.map((type) => [type.name, type]));

/** Types that ONNX has and lmz has not, so that a message can name them. */
const FOREIGN = new Map([
  [8, 'string'],
  [10, 'float16'],
  [14, 'complex64'],
  [15, 'complex128'],
  [16, 'bfloat16'],
]);

/**
 * Exponents e of n * 2^e in floats that stay clear of denormals (which some processors flush to zero) and of overflow,
 * whatever n is in the type's exact range; for float64 also products of two.
 */
export const EXPONENTS = {
  float32: { min: -126, max: 100 },
  float64: { min: -500, max: 400 },
} as const;

/** The element type of a TensorProto.DataType code, or undefined where lmz does not know it. */
export function elementOf(code: number): Element | undefined {
  return BY_CODE.get(code);
}

/** The element type of that name. */
export function elementNamed(name: ElementName): Element {
  return BY_NAME.get(name)!;
}

/** The type of an array's elements; bytes are numbers, not booleans. */
export function elementHeldBy(data: ElementArray): Element {
  return ALL.find(({ name }) => data instanceof ELEMENT_ARRAYS[name])!;
}

/** A name for any type code, for messages. */
export function elementLabel(code: number): string {
  return BY_CODE.get(code)?.name ?? FOREIGN.get(code) ?? `type ${code}`;
}
