/**
 * The networks that can be trained, by name: how each is made of settings, exported and read back.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { Model } from '../model/load.ts';
import { calibrate } from './calibrate.ts';
import type { ContextKind } from './contexts.ts';
import type { Parameters } from './engine.ts';
import { exportRecurrent } from './export.ts';
import { importRecurrent } from './import.ts';
import type { Network } from './network.ts';
import { quantize, restore } from './quantize.ts';
import { primeUpTo, type RecurrentConfig, recurrentNetwork } from './recurrent.ts';
import { type TransformerConfig, transformerNetwork } from './transformer.ts';
import { exportTransformer } from './transformer-export.ts';
import { importTransformer, restoreTransformer } from './transformer-import.ts';
import { quantizeTransformer } from './transformer-quantize.ts';

/** What defines a network; JSON. */
export type NetworkConfig = Readonly<Record<string, unknown>> & { readonly network: string };

/** A trained network. */
export interface Weights {
  readonly config: NetworkConfig;
  readonly parameters: Parameters;
  /** All tables' rows, [rows, width]. */
  readonly tables: Float32Array;
}

/** The settings that networks are made of; each takes those that it knows. */
export interface NetworkSettings {
  readonly network: string;
  readonly width: number;
  /** Recurrent. */
  readonly cell: string;
  readonly units: number;
  readonly hidden: number;
  readonly direct: boolean;
  readonly contexts: readonly string[];
  readonly rows: readonly number[];
  /** Transformer. */
  readonly layers: number;
  readonly heads: number;
  readonly widening: number;
  readonly positions: string;
  /** Bytes after which everything begins again. */
  readonly context: number;
  /** Standard deviation of all weights at the start. */
  readonly initScale: number;
}

/** A kind of network. */
export interface NetworkKind {
  /** @throws RangeError where settings make no sense */
  configure(settings: NetworkSettings): NetworkConfig;
  /** @throws RangeError where the configuration makes no sense */
  create(config: NetworkConfig): Network;
  /**
   * The exact model file.
   *
   * @param text - pieces of training text: the rounding is made for what the network reads there
   */
  export(
    weights: Weights,
    metadata: Readonly<Record<string, string>>,
    text?: readonly Uint8Array[],
  ): Uint8Array;
  /** The embeddings' learning rate, in units of the others', where nothing else is said. */
  readonly tableRate: number;
  /** The weights that an exported model stands for. */
  import(model: Model): Weights;
}

/** The network of the default model. */
const recurrent: NetworkKind = {
  tableRate: 2,
  configure(settings) {
    const { cell, units, width, hidden, direct, contexts } = settings;
    if (cell !== 'gru' && cell !== 'minimal') throw new RangeError(`unknown cell "${cell}": gru or minimal`);
    const rows = settings.rows.map(primeUpTo);
    const kinds = contexts as ContextKind[];
    const config: RecurrentConfig = {
      network: 'recurrent',
      cell,
      units,
      width,
      hidden,
      direct,
      kinds,
      rows: rows.length === 1 ? kinds.map(() => rows[0]) : rows,
    };
    return { ...config };
  },
  create: (config) => recurrentNetwork(config as unknown as RecurrentConfig),
  export: ({ config, parameters, tables }, metadata, text = []) => {
    const recurrent = config as unknown as RecurrentConfig;
    const options = text.length > 0 ? { calibration: calibrate(recurrent, parameters, tables, text) } : {};
    return exportRecurrent(quantize(recurrent, parameters, tables, options), metadata);
  },
  import(model) {
    const integers = importRecurrent(model);
    return { config: { ...integers.config }, ...restore(integers) };
  },
};

/** The network of the thesis. */
const transformer: NetworkKind = {
  // With 2 the embeddings outgrow the sinusoids, which costs 0.4 bits/byte after 1.5 MB (docs/reproduction.md).
  tableRate: 0.2,
  configure({ layers, heads, width, widening, context, positions, initScale }) {
    if (positions !== 'sinusoidal' && positions !== 'rotary') {
      throw new RangeError(`unknown positions "${positions}": sinusoidal or rotary`);
    }
    const config: TransformerConfig = {
      network: 'transformer',
      layers,
      heads,
      width,
      widening,
      context,
      positions,
      initScale,
    };
    return { ...config };
  },
  create: (config) => transformerNetwork(config as unknown as TransformerConfig),
  export: ({ config, parameters, tables }, metadata) => {
    const integers = quantizeTransformer(config as unknown as TransformerConfig, parameters, tables);
    return exportTransformer(integers, metadata);
  },
  import(model) {
    const integers = importTransformer(model);
    return { config: { ...integers.config }, ...restoreTransformer(integers) };
  },
};

/** By name. */
export const NETWORKS: Readonly<Record<string, NetworkKind>> = { recurrent, transformer };

/** @throws LmzError `LMZ_USAGE` where there is none of that name */
export function networkKind(name: string): NetworkKind {
  if (!Object.hasOwn(NETWORKS, name)) {
    const known = Object.keys(NETWORKS).join(', ');
    throw new LmzError('LMZ_USAGE', `there is no network "${name}"; there are: ${known}`);
  }
  return NETWORKS[name];
}

/** The network of a configuration. */
export function createNetwork(config: NetworkConfig): Network {
  return networkKind(config.network).create(config);
}

/** What a model says of its training, as far as it is read again. */
interface TrainingMetadata {
  readonly bytes?: number;
  /** Bytes that the model that it began with had been trained on. */
  readonly before?: number;
}

/** Bytes that a model has been trained on, those of the model that it began with included; 0 where it does not say. */
export function trainedBytes({ metadata }: Model): number {
  const { bytes = 0, before = 0 } = JSON.parse(metadata.get('lmz.training') ?? '{}') as TrainingMetadata;
  return bytes + before;
}

/**
 * Reads a model that the trainer has exported.
 *
 * @throws LmzError `LMZ_MODEL_INVALID` where it is none
 */
export function importWeights(model: Model): Weights {
  const text = model.metadata.get('lmz.network');
  if (text === undefined) {
    throw new LmzError(
      'LMZ_MODEL_INVALID',
      'training cannot go on from this model: it says nothing of its network',
    );
  }
  return networkKind((JSON.parse(text) as NetworkConfig).network).import(model);
}
