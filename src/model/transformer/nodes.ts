/**
 * Nodes that the Transformer's graph consists of: float32 tensors that hold only integers.
 *
 * @module
 */
import { GraphBuilder } from '../onnx/builder.ts';
import { type ElementName, elementNamed } from '../onnx/elements.ts';
import type { IntegerProduct } from './network.ts';

/** Nodes in terms of names, on one graph. */
export class IntegerNodes {
  readonly graph = new GraphBuilder('lmz transformer');
  readonly #numbers = new Map<number, string>();
  readonly #shapes = new Map<string, string>();

  op(operator: string, ...inputs: string[]): string {
    return this.graph.node(operator, inputs);
  }

  number(value: number): string {
    const known = this.#numbers.get(value) ?? this.graph.scalar('float32', value);
    this.#numbers.set(value, known);
    return known;
  }

  shape(...values: number[]): string {
    const known = this.#shapes.get(values.join()) ?? this.graph.shape(...values);
    this.#shapes.set(values.join(), known);
    return known;
  }

  cast(x: string, type: ElementName): string {
    return this.graph.node('Cast', [x], { to: elementNamed(type).code });
  }

  transpose(x: string, ...perm: number[]): string {
    return this.graph.node('Transpose', [x], { perm });
  }

  /** round(x * 2^-bits) */
  roundShift(x: string, bits: number): string {
    return this.op('Round', this.op('Mul', x, this.number(2 ** -bits)));
  }

  clip(x: string, low: number, high: number): string {
    return this.op('Clip', x, this.number(low), this.number(high));
  }

  split(x: string, axis: number, sizes: readonly number[]): string[] {
    const names = sizes.map((_, i) => `${x}_${i}`);
    this.graph.nodes('Split', [x, this.shape(...sizes)], { axis }, names);
    return names;
  }

  /** values * 2^-bits */
  vector(values: Int32Array, bits: number, name: string): string {
    const scaled = Float32Array.from(values, (value) => value * 2 ** -bits);
    return this.graph.constant(scaled, [values.length], name);
  }

  product(x: string, { inputs, columns, data, shifts, bias }: IntegerProduct, name: string): string {
    const weights = this.cast(this.graph.constant(data, [inputs, columns], name), 'float32');
    const factors = Float32Array.from(shifts, (shift) => 2 ** -shift);
    // Runtimes multiply constants once, when they load the model.
    const scaled = this.op('Mul', weights, this.graph.constant(factors, [columns], `${name}.scale`));
    const sum = this.op('Round', this.op('MatMul', x, scaled));
    return bias === undefined ? sum : this.op('Add', sum, this.vector(bias, 0, `${name}.bias`));
  }
}
