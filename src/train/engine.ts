/**
 * The engine interface: something that computes the loss of a segment and its gradients.
 *
 * @module
 */

/** Dense parameters by name. */
export type Parameters = Readonly<Record<string, Float32Array>>;

/** One segment of text of every lane, ready for the network. Rows are ordered by time, then by lane. */
export interface Segment {
  /** The summed embeddings, [steps * lanes, width]. */
  readonly embedded: Float32Array;
  /** The bytes to predict, [steps * lanes]. */
  readonly targets: Int32Array;
  /** States at the segment's start, [lanes, width] each. */
  readonly states: Readonly<Record<string, Float32Array>>;
}

/** What a pass over a segment without gradients gives. */
export interface SegmentResult {
  /** Mean nats per byte. */
  readonly loss: number;
  /** States after the segment. */
  readonly states: Record<string, Float32Array>;
}

/** What a training step gives. */
export interface StepResult extends SegmentResult {
  readonly gradients: Record<string, Float32Array>;
  /** Of the summed embeddings, [steps * lanes, width]. */
  readonly embeddedGradient: Float32Array;
}

/** Computes with one network of fixed sizes. Result arrays may be reused by the next call. */
export interface Engine {
  /** The forward pass and its gradients. */
  step(parameters: Parameters, segment: Segment): Promise<StepResult>;
  /** The forward pass alone. */
  evaluate(parameters: Parameters, segment: Segment): Promise<SegmentResult>;
  release(): Promise<void>;
}
