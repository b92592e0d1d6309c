/**
 * A tensor as the audit sees it: its type, its shape, and the grids of its values; for constants and shapes also the
 * values themselves.
 *
 * @module
 */
import { type Element, EXPONENTS } from '../onnx/elements.ts';
import type { Constant } from '../onnx/constant.ts';
import type { ElementArray } from '../onnx/elements.ts';
import { type Dim, fixed, fixedSize, type Shape } from './dim.ts';
import { type Channels, grid, type Grid, gridText, integers } from './grid.ts';
import { scanColumns } from './scan.ts';

/** Longest vector whose values are followed as shapes. */
const CONTENT_MAX = 64;

export interface Abstract {
  readonly type: Element;
  readonly shape: Shape;
  /** One grid, or one per index of the last axis. Undefined: a constant that holds an infinity or a NaN. */
  readonly channels: Channels | undefined;
  /** The elements of a constant in row-major order, perhaps in another (smaller) type of the same values. */
  readonly constant?: ElementArray | undefined;
  /** The elements of a scalar or vector of integers that may depend on lanes and time. */
  readonly content?: readonly Dim[] | undefined;
}

/** A tensor's values are looked at when a rule asks: tables of many megabytes are often only gathered from. */
class ConstantTensor implements Abstract {
  readonly type: Element;
  readonly shape: Shape;
  readonly constant: ElementArray;
  readonly content: readonly Dim[] | undefined;
  #channels: Channels | undefined;
  #scanned = false;

  constructor(type: Element, shape: Shape, data: ElementArray) {
    this.type = type;
    this.shape = shape;
    this.constant = data;
    const small = shape.length <= 1 && data.length <= CONTENT_MAX && type.kind !== 'float';
    // Beyond 2^53 a number would round: such vectors are constants, but no shapes.
    const numbers = small ? Array.from(data as ArrayLike<number | bigint>, Number) : [];
    this.content = small && numbers.every(Number.isSafeInteger) ? numbers.map(fixed) : undefined;
  }

  get channels(): Channels | undefined {
    if (!this.#scanned) {
      this.#channels = scanColumns(this.constant, fixedSize(this.shape.at(-1) ?? fixed(1))!);
      this.#scanned = true;
    }
    return this.#channels;
  }
}

/** A constant under a type and shape (those of the file, or what Cast and Reshape make of them). */
export function constantTensor(type: Element, shape: Shape, data: ElementArray): Abstract {
  return new ConstantTensor(type, shape, data);
}

export function fileConstant(constant: Constant): Abstract {
  return constantTensor(constant.type, constant.dims.map(fixed), constant.data);
}

/** The values of a scalar or vector constant of integers, as numbers where they are safe. */
export function fixedContent(tensor: Abstract): number[] | undefined {
  const sizes = tensor.content?.map(fixedSize);
  return sizes?.every((size) => size !== undefined) === true ? sizes : undefined;
}

/** The one value of a tensor that has only one, on its grid. */
export function singleValue(channels: Channels): Grid | undefined {
  const first = channels[0];
  return channels.length === 1 && first.low === first.high ? first : undefined;
}

/**
 * Why a type does not hold every value of a grid exactly; undefined where it does.
 *
 * Floats: |n| at most 2^24 (float32) or 2^53 (float64), and an exponent clear of denormals and overflow.
 * Integers: within the type, so that nothing wraps.
 */
export function misfit(type: Element, g: Grid): string | undefined {
  if (type.kind === 'float') {
    if (g.low < type.low || g.high > type.high) {
      const large = -g.low > g.high ? -g.low : g.high;
      return `${gridText(g)} needs integers up to ${String(large)}, ${type.name} is exact up to ${String(type.high)}`;
    }
    return badExponent(type, g);
  }
  if (g.exp < 0) return `${gridText(g)} is not an integer`;
  const { low, high } = integers(g);
  if (low >= type.low && high <= type.high) return undefined;
  return `${String(low)} .. ${String(high)} is past ${type.name}'s ${String(type.low)} .. ${String(type.high)}`;
}

/** Why a float type's exponent range does not cover a grid whose significands are known to fit. */
export function badExponent(type: Element, g: Grid): string | undefined {
  const range = EXPONENTS[type.name as 'float32' | 'float64'];
  if ((g.low === 0n && g.high === 0n) || (g.exp >= range.min && g.exp <= range.max)) return undefined;
  return `${gridText(g)} has an exponent past 2^${range.min} .. 2^${range.max}, the part of ${type.name} that is safe`;
}

/** The grid of a whole type of integers. */
export function typeGrid(type: Element): Grid {
  return grid(type.low, type.high);
}
