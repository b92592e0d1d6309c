/**
 * What a network is to the trainer: dense parameters, embedding tables that live outside the graph, states that are
 * carried from one segment of text to the next, and a forward pass in terms of {@link Operators}.
 *
 * @module
 */
import type { ContextKind } from './contexts.ts';
import type { Operators } from './operators.ts';
import type { Random } from './random.ts';

/** A dense parameter. */
export interface ParameterSpec {
  readonly name: string;
  readonly dims: readonly number[];
  /** The value at the start of training of each element, in row-major order. */
  readonly initial: (random: Random, index: number) => number;
}

/** A state carried on: one row per lane. */
export interface StateSpec {
  readonly name: string;
  readonly width: number;
}

/** The tables whose rows are summed for every byte: the byte's own embedding, then one per context. */
export interface EmbeddingSpec {
  readonly width: number;
  readonly kinds: readonly ContextKind[];
  /** Rows of each context's table: primes. */
  readonly rows: readonly number[];
  /** Standard deviation of the single bytes' rows at the start. */
  readonly spread?: number;
}

/** Sizes of a segment: how many lanes side by side, how many bytes of each. */
export interface SegmentShape {
  readonly lanes: number;
  readonly steps: number;
}

/** What the forward pass is given. Rows are ordered by time, then by lane. */
export interface ForwardInputs<V> {
  readonly parameters: Readonly<Record<string, V>>;
  /** The summed embeddings, [steps * lanes, width]. */
  readonly embedded: V;
  /** The bytes to predict, int32 [steps * lanes, 1]. */
  readonly targets: V;
  /** States at the segment's start, [lanes, width] each. */
  readonly states: Readonly<Record<string, V>>;
}

/** What the forward pass gives. */
export interface ForwardOutputs<V> {
  /** Mean nats per byte. */
  readonly loss: V;
  /** States after the segment. */
  readonly states: Readonly<Record<string, V>>;
}

/** A network that can be trained. */
export interface Network {
  /** Everything that defines it, for checkpoints and model metadata. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: readonly ParameterSpec[];
  readonly embedding: EmbeddingSpec;
  readonly states: readonly StateSpec[];
  forward<V>(ops: Operators<V>, shape: SegmentShape, inputs: ForwardInputs<V>): ForwardOutputs<V>;
}
