/**
 * A trained recurrent network with more units or a larger hidden layer: what is new reads what it likes and leads
 * nowhere at first, so that the wider network computes what the narrow one did, and learns on from there (as Net2Net
 * does by other means, https://arxiv.org/abs/1511.05641).
 *
 * @module
 */
import type { Checkpoint } from './checkpoint.ts';
import type { ParameterSpec } from './network.ts';
import type { NetworkConfig, Weights } from './networks.ts';
import { Random } from './random.ts';
import { type RecurrentConfig, recurrentNetwork } from './recurrent.ts';
import type { TrainerMeta } from './trainer.ts';

const SEED = 1;

/** Whether the second is the first but for more units or a larger hidden layer. */
export function isWider(from: NetworkConfig, to: NetworkConfig): boolean {
  if (from.network !== 'recurrent') return false;
  const [old, wide] = [from, to] as unknown as RecurrentConfig[];
  return (
    JSON.stringify({ ...old, units: wide.units, hidden: wide.hidden }) === JSON.stringify(wide) &&
    wide.units >= old.units &&
    wide.hidden >= old.hidden &&
    (old.hidden > 0 || wide.hidden === 0)
  );
}

/** Columns and rows of an array, the columns in blocks that grow each for itself. */
interface Shape {
  readonly rows: number;
  readonly blocks: number;
  readonly columns: number;
}

/** @param fresh - an entry that is new, by its index; `read` where its column was there before. */
function grow(
  array: Float32Array,
  old: Shape,
  wide: Shape,
  fresh: (index: number, read: boolean) => number,
): Float32Array {
  return Float32Array.from({ length: wide.rows * wide.blocks * wide.columns }, (_, index) => {
    const column = index % wide.columns;
    const block = Math.floor(index / wide.columns) % wide.blocks;
    const row = Math.floor(index / (wide.columns * wide.blocks));
    return row < old.rows && column < old.columns
      ? array[(row * old.blocks + block) * old.columns + column]
      : fresh(index, column < old.columns);
  });
}

/** The parameters of both networks, by name. */
class Widening {
  readonly #random = new Random(SEED);
  readonly #parameters: Map<string, { old: Shape; wide: Shape; initial: ParameterSpec['initial'] }>;

  constructor(from: RecurrentConfig, to: RecurrentConfig) {
    const gates = from.cell === 'gru' ? 3 : 2;
    const gated = new Set(['inputWeights', 'stateWeights', 'gateBias']);
    const shape = ({ name, dims }: ParameterSpec): Shape => {
      const blocks = gated.has(name) ? gates : 1;
      return { rows: dims.length > 1 ? dims[0] : 1, blocks, columns: dims.at(-1)! / blocks };
    };
    const wide = recurrentNetwork(to).parameters;
    this.#parameters = new Map(
      recurrentNetwork(from).parameters.map((spec, i) => [
        spec.name,
        { old: shape(spec), wide: shape(wide[i]), initial: wide[i].initial },
      ]),
    );
  }

  weights(name: string, array: Float32Array): Float32Array {
    const { old, wide, initial } = this.#parameters.get(name)!;
    return grow(array, old, wide, (index, read) => (read ? 0 : initial(this.#random, index)));
  }

  /** The optimiser's: what is new begins with the mean of what is there, or its first steps would be long ones. */
  moments(name: string, array: Float32Array, isSecond: boolean): Float32Array {
    const { old, wide } = this.#parameters.get(name)!;
    const mean = isSecond ? array.reduce((sum, value) => sum + value, 0) / array.length : 0;
    return grow(array, old, wide, () => mean);
  }
}

/** A model's weights, widened. */
export function widenWeights({ config, parameters, tables }: Weights, to: NetworkConfig): Weights {
  const widening = new Widening(config as unknown as RecurrentConfig, to as unknown as RecurrentConfig);
  const names = Object.keys(parameters);
  return {
    config: to,
    parameters: Object.fromEntries(names.map((name) => [name, widening.weights(name, parameters[name])])),
    tables,
  };
}

/** A checkpoint, widened. */
export function widenCheckpoint(
  { meta, arrays }: Checkpoint<TrainerMeta>,
  to: NetworkConfig,
): Checkpoint<TrainerMeta> {
  const from = meta.network as unknown as RecurrentConfig;
  const wide = to as unknown as RecurrentConfig;
  const widening = new Widening(from, wide);
  const { lanes } = meta.options.shape;
  const widened = Object.entries(arrays).map(([key, array]): [string, Float32Array] => {
    const dot = key.indexOf('.');
    const [kind, name] = [key.slice(0, dot), key.slice(dot + 1)];
    if (kind === 'state') {
      const shape = (units: number): Shape => ({ rows: lanes, blocks: 1, columns: units });
      return [key, grow(array, shape(from.units), shape(wide.units), () => 0)];
    }
    if (name === 'tables') return [key, array];
    if (kind === 'weights') return [key, widening.weights(name, array)];
    return [key, widening.moments(name, array, kind === 'second')];
  });
  return { meta: { ...meta, network: to }, arrays: Object.fromEntries(widened) };
}
