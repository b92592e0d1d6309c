/**
 * The CPU engine: the training step as an ONNX graph, run by onnxruntime-node.
 *
 * @module
 */
import { GraphBuilder } from '../model/onnx/builder.ts';
import { openRuntime, type Runtime, type RuntimeSession, type RuntimeTensor } from '../model/ort.ts';
import type { Engine, Parameters, Segment, SegmentResult, StepResult } from './engine.ts';
import { tapeOperators } from './gradient/operators.ts';
import { Tape, type Value } from './gradient/tape.ts';
import type { Network, SegmentShape } from './network.ts';

/** The ONNX file of a training step, or of the forward pass alone. */
export function segmentGraph(network: Network, shape: SegmentShape, withGradients: boolean): Uint8Array {
  const graph = new GraphBuilder(withGradients ? 'training step' : 'evaluation');
  const tape = new Tape(graph);
  const total = shape.lanes * shape.steps;
  const embedded = tape.input('embedded', [total, network.embedding.width]);
  const targets: Value = { name: graph.input('targets', 'int32', [total, 1]), dims: [total, 1] };
  const states = Object.fromEntries(
    network.states.map(({ name, width }) => [name, tape.input(`state.${name}`, [shape.lanes, width])]),
  );
  const parameters = network.parameters.map(({ name, dims }) => tape.input(`parameter.${name}`, dims));
  const result = network.forward(tapeOperators(tape), shape, {
    parameters: Object.fromEntries(network.parameters.map(({ name }, i) => [name, parameters[i]])),
    embedded,
    targets,
    states,
  });
  graph.emit(result.loss.name, 'loss', 'float32', []);
  for (const { name } of network.states) {
    const state = result.states[name];
    graph.emit(state.name, `next.${name}`, 'float32', state.dims);
  }
  if (withGradients) {
    const wanted = [embedded, ...parameters];
    tape.gradients(result.loss, wanted).forEach((gradient, i) => {
      const value = wanted[i];
      graph.emit(gradient, `gradient.${value.name}`, 'float32', value.dims);
    });
  }
  return graph.build({});
}

/** Runs the graphs of one network and shape. */
class OrtEngine implements Engine {
  readonly #network: Network;
  readonly #shape: SegmentShape;
  readonly #runtime: Runtime;
  readonly #training: RuntimeSession;
  readonly #evaluation: RuntimeSession;

  constructor(
    network: Network,
    shape: SegmentShape,
    runtime: Runtime,
    training: RuntimeSession,
    evaluation: RuntimeSession,
  ) {
    this.#network = network;
    this.#shape = shape;
    this.#runtime = runtime;
    this.#training = training;
    this.#evaluation = evaluation;
  }

  #feeds(parameters: Parameters, segment: Segment): Record<string, RuntimeTensor> {
    const { lanes, steps } = this.#shape;
    const runtime = this.#runtime;
    const feeds: Record<string, RuntimeTensor> = {
      embedded: runtime.tensor('float32', segment.embedded, [lanes * steps, this.#network.embedding.width]),
      targets: runtime.tensor('int32', segment.targets, [lanes * steps, 1]),
    };
    for (const { name, width } of this.#network.states) {
      feeds[`state.${name}`] = runtime.tensor('float32', segment.states[name], [lanes, width]);
    }
    for (const { name, dims } of this.#network.parameters) {
      feeds[`parameter.${name}`] = runtime.tensor('float32', parameters[name], [...dims]);
    }
    return feeds;
  }

  #common(outputs: Readonly<Record<string, RuntimeTensor>>): SegmentResult {
    const states = this.#network.states.map(({ name }) => [
      name,
      outputs[`next.${name}`].data as Float32Array,
    ]);
    return {
      loss: (outputs['loss'].data as Float32Array)[0],
      states: Object.fromEntries(states) as Record<string, Float32Array>,
    };
  }

  async step(parameters: Parameters, segment: Segment): Promise<StepResult> {
    const outputs = await this.#training.run(this.#feeds(parameters, segment));
    const gradients: Record<string, Float32Array> = {};
    for (const { name } of this.#network.parameters) {
      gradients[name] = outputs[`gradient.parameter.${name}`].data as Float32Array;
    }
    const embeddedGradient = outputs['gradient.embedded'].data as Float32Array;
    return { ...this.#common(outputs), gradients, embeddedGradient };
  }

  async evaluate(parameters: Parameters, segment: Segment): Promise<SegmentResult> {
    return this.#common(await this.#evaluation.run(this.#feeds(parameters, segment)));
  }

  async release(): Promise<void> {
    await this.#training.release();
    await this.#evaluation.release();
  }
}

/**
 * Builds the graphs and loads them.
 *
 * @throws LmzError LMZ_ENGINE when onnxruntime-node cannot be loaded
 */
export async function createOrtEngine(network: Network, shape: SegmentShape): Promise<Engine> {
  const runtime = await openRuntime('node');
  const training = await runtime.create(segmentGraph(network, shape, true), { flushDenormals: true });
  const evaluation = await runtime.create(segmentGraph(network, shape, false), { flushDenormals: true });
  return new OrtEngine(network, shape, runtime, training, evaluation);
}
