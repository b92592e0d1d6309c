/**
 * Reverse-mode differentiation over ONNX graphs: a tape writes forward nodes into a graph, remembers how each was
 * made, and afterwards writes the nodes that compute the gradients. The result is one ONNX file which a runtime
 * executes as a training step.
 *
 * Two habits keep long unrolled graphs small and fast:
 *
 * - a matrix that many products share (recurrent weights) gets its gradient from ONE product of the concatenated
 *   factors, not from a product and an addition per time step;
 * - a gradient that is a product is added to what is already there by Gemm's third operand, not by a node of its own.
 *
 * The operators themselves are in operators.ts.
 *
 * @module
 */
import { GraphBuilder } from '../../model/onnx/builder.ts';

/** A float32 tensor of known shape in the graph. */
export interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

/** Part of a gradient: a tensor, or a matrix product `left x right` that may be fused with the sum. */
export type Contribution =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'product'; readonly left: string; readonly right: string };

/** A use of a matrix as the right factor of a product: its gradient is `left^T x gradient`. */
interface SharedFactor {
  readonly left: string;
  readonly gradient: string;
}

/**
 * Given the gradients of an operator's outputs (undefined where none reached one), adds to those of its inputs by
 * {@link Tape.contribute}.
 */
type Backward = (gradients: readonly (string | undefined)[]) => void;

/** Records operators while writing them into `graph`, and differentiates them. */
export class Tape {
  readonly graph: GraphBuilder;
  readonly #records: { outputs: readonly Value[]; backward: Backward }[] = [];
  readonly #contributions = new Map<string, Contribution[]>();
  readonly #factors = new Map<string, SharedFactor[]>();
  readonly #transposed = new Map<string, string>();

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  /** A graph input of type float32. */
  input(name: string, dims: readonly number[]): Value {
    return { name: this.graph.input(name, 'float32', dims), dims };
  }

  /** A constant without a gradient. */
  constant(data: Float32Array, dims: readonly number[]): Value {
    return { name: this.graph.constant(data, dims), dims };
  }

  /** Registers an operator whose forward nodes are written already. */
  record(outputs: readonly Value[], backward: Backward): void {
    this.#records.push({ outputs, backward });
  }

  /** Adds to the gradient of `value`. */
  contribute(value: Value, contribution: Contribution): void {
    const list = this.#contributions.get(value.name);
    if (list === undefined) this.#contributions.set(value.name, [contribution]);
    else list.push(contribution);
  }

  /** Says that `right` was the right factor of a product whose result has this gradient. */
  contributeFactor(right: Value, left: string, gradient: string): void {
    const list = this.#factors.get(right.name);
    if (list === undefined) this.#factors.set(right.name, [{ left, gradient }]);
    else list.push({ left, gradient });
  }

  /** The transpose of a matrix, made once however many products want it. */
  transposed(value: Value): string {
    let name = this.#transposed.get(value.name);
    if (name === undefined) {
      name = this.graph.node('Transpose', [value.name], { perm: [1, 0] });
      this.#transposed.set(value.name, name);
    }
    return name;
  }

  /**
   * Writes the backward pass.
   *
   * @param loss - a scalar; its own gradient is 1, which loss operators know.
   * @param wanted - the values whose gradients are needed.
   * @returns their gradients' names, in order.
   * @throws RangeError where the loss does not depend on a wanted value.
   */
  gradients(loss: Value, wanted: readonly Value[]): string[] {
    this.contribute(loss, { kind: 'value', value: loss.name });
    for (const { outputs, backward } of this.#records.toReversed()) {
      const gradients = outputs.map((output) => this.#collect(output));
      if (gradients.some((gradient) => gradient !== undefined)) backward(gradients);
    }
    return wanted.map((value) => {
      const gradient = this.#collect(value);
      if (gradient === undefined) throw new RangeError(`the loss does not depend on ${value.name}`);
      return gradient;
    });
  }

  /** The sum of all that was contributed to the gradient of `value`. */
  #collect(value: Value): string | undefined {
    const contributions = this.#contributions.get(value.name) ?? [];
    const factors = this.#factors.get(value.name);
    if (factors !== undefined) contributions.push({ kind: 'value', value: this.#sharedProduct(factors) });
    if (contributions.length === 0) return undefined;
    const values = contributions.flatMap((part) => (part.kind === 'value' ? [part.value] : []));
    let sum = values.length > 1 ? this.graph.node('Sum', values) : values.at(0);
    for (const part of contributions) {
      if (part.kind === 'value') continue;
      sum =
        sum === undefined
          ? this.graph.node('MatMul', [part.left, part.right])
          : this.graph.node('Gemm', [part.left, part.right, sum]);
    }
    // Asked for again (a wanted value that other operators made), the sum is ready.
    this.#contributions.set(value.name, sum === undefined ? [] : [{ kind: 'value', value: sum }]);
    this.#factors.delete(value.name);
    return sum;
  }

  #sharedProduct(factors: readonly SharedFactor[]): string {
    const stack = (names: string[]): string =>
      names.length === 1 ? names[0] : this.graph.node('Concat', names, { axis: 0 });
    const left = stack(factors.map((factor) => factor.left));
    const gradient = stack(factors.map((factor) => factor.gradient));
    return this.graph.node('Gemm', [left, gradient], { transA: 1 });
  }
}
