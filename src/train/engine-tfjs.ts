/**
 * The TensorFlow.js engine: the GPU engine where `@tensorflow/tfjs-node-gpu` is installed, and on its plain backend the
 * reference that the gradients of the ONNX graphs are compared with.
 *
 * Untested here: the native packages (`tfjs-node-gpu`, `tfjs-node`). The machine that lmz is developed on has no GPU and
 * cannot install them. The same code runs in the tests on the plain and the WebAssembly backend.
 *
 * @module
 */
import type * as tensorflow from '@tensorflow/tfjs';
import { LmzError } from '../errors.ts';
import type { Engine, Parameters, Segment, SegmentResult, StepResult } from './engine.ts';
import type { ForwardOutputs, Network, SegmentShape } from './network.ts';
import { type Tensor, type Tensorflow, tensorOperators } from './tensor-operators.ts';

/** Native packages, the better one first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** A loaded library. */
export interface LoadedTensorflow {
  readonly tf: Tensorflow;
  /** Package, version and backend, for people. */
  readonly description: string;
}

/**
 * Loads the first native package that is installed and works.
 *
 * @throws LmzError `LMZ_ENGINE` where none does
 */
export async function loadTensorflow(packages: readonly string[] = PACKAGES): Promise<LoadedTensorflow> {
  const failures: string[] = [];
  for (const name of packages) {
    try {
      const loaded = (await import(name)) as Tensorflow & { default?: Tensorflow };
      const tf = loaded.default ?? loaded;
      await tf.ready();
      return { tf, description: `${name} ${tf.version_core}, backend ${tf.getBackend()}` };
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new LmzError('LMZ_ENGINE', `TensorFlow.js cannot be loaded (${failures.join('; ')})`, {
    hint: `npm install ${PACKAGES.join(' (with a CUDA GPU) or ')}; --engine ort needs neither.`,
  });
}

/** What a call leaves on the device. */
interface Results {
  readonly loss: Tensor;
  readonly states: Readonly<Record<string, Tensor>>;
  readonly gradients: readonly Tensor[];
}

async function toArray(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array;
}

/** Runs one network and shape. */
class TfjsEngine implements Engine {
  readonly #tf: Tensorflow;
  readonly #network: Network;
  readonly #shape: SegmentShape;

  constructor(tf: Tensorflow, network: Network, shape: SegmentShape) {
    this.#tf = tf;
    this.#network = network;
    this.#shape = shape;
  }

  async step(parameters: Parameters, segment: Segment): Promise<StepResult> {
    const results = this.#compute(parameters, segment, true);
    const [embedded, ...gradients] = await Promise.all(results.gradients.map(toArray));
    const names = this.#network.parameters.map(({ name }) => name);
    return {
      ...(await this.#common(results)),
      embeddedGradient: embedded,
      gradients: Object.fromEntries(names.map((name, i) => [name, gradients[i]])),
    };
  }

  async evaluate(parameters: Parameters, segment: Segment): Promise<SegmentResult> {
    return this.#common(this.#compute(parameters, segment, false));
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  #compute(parameters: Parameters, segment: Segment, withGradients: boolean): Results {
    const tf = this.#tf;
    const { lanes, steps } = this.#shape;
    const network = this.#network;
    return tf.tidy(() => {
      const operators = tensorOperators(tf);
      const targets = tf.tensor(segment.targets, [lanes * steps, 1], 'int32');
      const states = Object.fromEntries(
        network.states.map(({ name, width }) => [name, tf.tensor(segment.states[name], [lanes, width])]),
      );
      const inputs = [
        tf.tensor(segment.embedded, [lanes * steps, network.embedding.width]),
        ...network.parameters.map(({ name, dims }) => tf.tensor(parameters[name], [...dims])),
      ];
      const forward = (embedded: Tensor, ...values: Tensor[]): ForwardOutputs<Tensor> =>
        network.forward(operators, this.#shape, {
          parameters: Object.fromEntries(network.parameters.map(({ name }, i) => [name, values[i]])),
          embedded,
          targets,
          states,
        });
      if (!withGradients) {
        const [embedded, ...values] = inputs;
        return { ...forward(embedded, ...values), gradients: [] };
      }
      // Differentiating frees everything but the loss and the gradients.
      const kept: Record<string, Tensor> = {};
      const { value, grads } = tf.valueAndGrads((embedded: Tensor, ...values: Tensor[]) => {
        const { loss, states: after } = forward(embedded, ...values);
        for (const [name, state] of Object.entries(after)) kept[name] = tf.keep(tf.clone(state));
        return loss as tensorflow.Scalar;
      })(inputs);
      return { loss: value, states: kept, gradients: grads };
    });
  }

  async #common({ loss, states, gradients }: Results): Promise<SegmentResult> {
    const after: Record<string, Float32Array> = {};
    for (const { name } of this.#network.states) after[name] = await toArray(states[name]);
    const [nats] = await toArray(loss);
    this.#tf.dispose([loss, ...Object.values(states), ...gradients]);
    return { loss: nats, states: after };
  }
}

/** An engine on a library that is loaded and ready. */
export function createTfjsEngine(tf: Tensorflow, network: Network, shape: SegmentShape): Engine {
  return new TfjsEngine(tf, network, shape);
}
