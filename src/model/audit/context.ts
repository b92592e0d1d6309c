/**
 * What a rule of the audit gets to see of its node, and how it refuses.
 *
 * Two kinds of refusal: {@link NodeContext.malformed} for what is no valid ONNX or not supported in that form
 * (LMZ_MODEL_INVALID), {@link NodeContext.inexact} for what could give different bits on another machine
 * (LMZ_MODEL_NOT_EXACT).
 *
 * @module
 */
import { LmzError } from '../../errors.ts';
import type { Element } from '../onnx/elements.ts';
import { invalidModel, RANK_MAX } from '../onnx/constant.ts';
import { type GraphNode } from '../onnx/graph.ts';
import {
  type Dim,
  dimsText,
  dimText,
  equalDims,
  fixed,
  fixedSize,
  minSize,
  multiplyDims,
  type Shape,
  unitSize,
} from './dim.ts';
import { type Channels, CHANNELS_MAX, compact, type Grid, hull, integers } from './grid.ts';
import { type Abstract, badExponent, misfit } from './tensor.ts';

/** Most elements of one tensor for one lane and one step: larger ones are an attack, not a model. */
const ELEMENTS_MAX = 2 ** 26;
/** Work that an audit may take, in weights looked at; some seconds. Real models take a hundredth of it. */
const WORK_MAX = 2 ** 31;
/** One grid costs about as much as so many weights. */
const GRID_WORK = 512;

/** The work done so far: a hostile graph must not keep the audit busy for hours. */
export interface Work {
  done: number;
}

/** How one operator is proven: what it takes, and from the tensors that it reads the ones that it makes. */
export interface Rule {
  /** Fewest and most inputs. */
  readonly inputs: readonly [number, number];
  /** Attributes that the rule knows. Any other is refused: it may change what the operator does. */
  readonly attributes?: readonly string[];
  /** First operator set that has it, where that is not the oldest one supported. */
  readonly since?: number;
  readonly apply: (node: NodeContext) => Abstract | Abstract[];
}

export class NodeContext {
  readonly node: GraphNode;
  readonly opset: number;
  readonly #inputs: readonly (Abstract | undefined)[];
  readonly #work: Work;

  constructor(node: GraphNode, opset: number, inputs: readonly (Abstract | undefined)[], work: Work) {
    this.#work = work;
    this.node = node;
    this.opset = opset;
    this.#inputs = inputs;
  }

  malformed(problem: string): LmzError {
    return invalidModel(`${this.node.label}: ${problem}`);
  }

  inexact(problem: string, hint?: string): LmzError {
    return new LmzError(
      'LMZ_MODEL_NOT_EXACT',
      `${this.node.label}: ${problem}`,
      hint === undefined ? {} : { hint },
    );
  }

  has(index: number): boolean {
    return this.#inputs[index] !== undefined;
  }

  input(index: number): Abstract {
    const tensor = this.#inputs[index];
    if (!tensor) throw this.malformed(`input ${index} is missing`);
    return tensor;
  }

  inputs(): Abstract[] {
    return this.#inputs.map((_, index) => this.input(index));
  }

  /** The grids of an input. */
  channels(index: number): Channels {
    const tensor = this.input(index);
    this.spend(tensor.constant?.length ?? 0);
    const channels = tensor.channels;
    this.spend(GRID_WORK * (channels?.length ?? 0));
    if (!channels) throw this.inexact(`input ${index} holds an infinity or a NaN`);
    return channels;
  }

  /** Counts work, in weights looked at. */
  spend(weights: number): void {
    this.#work.done += weights;
    if (this.#work.done > WORK_MAX) throw this.malformed('the graph is too large to audit');
  }

  /** Counts sums of products of grids. */
  spendGrids(count: number): void {
    this.spend(GRID_WORK * count);
  }

  int(name: string, fallback: number): number {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return fallback;
    const value = Number(attribute.i);
    if (attribute.type !== 2 || !Number.isSafeInteger(value))
      throw this.malformed(`attribute "${name}" is no integer`);
    return value;
  }

  ints(name: string): number[] | undefined {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return undefined;
    const values = attribute.ints.map(Number);
    if (attribute.type !== 7 || !values.every(Number.isSafeInteger)) {
      throw this.malformed(`attribute "${name}" is no list of integers`);
    }
    return values;
  }

  float(name: string, fallback: number): number {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return fallback;
    if (attribute.type !== 1) throw this.malformed(`attribute "${name}" is no float`);
    return attribute.f;
  }

  text(name: string, fallback: string): string {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return fallback;
    if (attribute.type !== 3) throw this.malformed(`attribute "${name}" is no string`);
    return new TextDecoder().decode(attribute.s);
  }

  /** An axis, counted from the end where it is negative. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    if (!(axis >= 0 && axis < rank)) throw this.malformed(`axis ${value} of a tensor of rank ${rank}`);
    return axis;
  }

  /** Axes without duplicates. */
  axes(values: readonly number[], rank: number): number[] {
    const axes = values.map((value) => this.axis(value, rank));
    if (new Set(axes).size !== axes.length)
      throw this.malformed(`axes [${values.join(', ')}] name one twice`);
    return axes;
  }

  sameType(...tensors: readonly Abstract[]): Element {
    const { type } = tensors[0];
    for (const other of tensors) {
      if (other.type !== type) throw this.malformed(`mixes ${type.name} and ${other.type.name}`);
    }
    return type;
  }

  integerType(tensor: Abstract): Element {
    if (tensor.type.kind !== 'signed' && tensor.type.kind !== 'unsigned') {
      throw this.malformed(`an integer tensor expected, got ${tensor.type.name}`);
    }
    return tensor.type;
  }

  /** The shape of an elementwise result (NumPy's rules). */
  broadcast(...shapes: readonly Shape[]): Shape {
    const rank = Math.max(...shapes.map((shape) => shape.length));
    return Array.from({ length: rank }, (_, axis) => {
      let result: Dim = fixed(1);
      for (const shape of shapes) {
        const dim = shape[axis - rank + shape.length] as Dim | undefined;
        if (dim === undefined || fixedSize(dim) === 1 || equalDims(dim, result)) continue;
        if (fixedSize(result) !== 1) {
          throw this.malformed(`shapes ${shapes.map(dimsText).join(' and ')} do not go together`);
        }
        result = dim;
      }
      return result;
    });
  }

  /** Makes a result; its channels must be one, or as many as the last axis is long. */
  make(type: Element, shape: Shape, channels: Channels, content?: readonly Dim[]): Abstract {
    this.checkShape(shape);
    const last = shape.length === 0 ? 1 : fixedSize(shape.at(-1)!);
    const fits = channels.length === 1 || (channels.length === last && last <= CHANNELS_MAX);
    return { type, shape, channels: fits ? compact(channels) : [hull(channels)], content };
  }

  checkShape(shape: Shape): void {
    if (shape.length > RANK_MAX) throw this.malformed(`rank ${shape.length}, at most ${RANK_MAX} expected`);
    for (const dim of shape) {
      if (minSize(dim) < 1) throw this.malformed(`its dimension ${dimText(dim)} may be empty`);
    }
    const elements = unitSize(shape.reduce(multiplyDims, fixed(1)));
    if (elements > ELEMENTS_MAX) {
      throw this.malformed(`${elements} elements per lane and step, at most ${ELEMENTS_MAX} expected`);
    }
  }

  /** Refuses where the type does not hold the values exactly. */
  demandExact(type: Element, channels: Channels, what = 'its result'): void {
    for (const g of channels) this.#demand(misfit(type, g), what);
  }

  /** The same where only the exponent changes: significands are those of an input. */
  demandExponent(type: Element, g: Grid): void {
    this.#demand(badExponent(type, g), 'its result');
  }

  /**
   * Refuses where 64-bit integers that are put in order may leave 32 bits. Eigen, inside onnxruntime, compares them
   * wrongly in its SSE2 code (https://github.com/microsoft/onnxruntime/pull/32475): with 1.30 on x86-64, clipping 2^31
   * + 1 to 150 leaves it as it is where two elements are handled at once, and gives 150 where it is alone.
   */
  demandOrdered(type: Element, channels: Channels): void {
    if (type.size !== 8 || type.kind === 'float') return;
    for (const g of channels) {
      const { low, high } = integers(g);
      if (low < -(2n ** 31n) || high >= 2n ** 31n) {
        throw this.inexact(
          `orders ${type.name} values ${String(low)} .. ${String(high)}: past 32 bits runtimes get that wrong`,
          'Take a remainder first.',
        );
      }
    }
  }

  #demand(problem: string | undefined, what: string): void {
    if (problem !== undefined) throw this.inexact(`${what} ${problem}`);
  }
}
