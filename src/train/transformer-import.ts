/**
 * Reads an exported Transformer back, so that training can go on from it.
 *
 * @module
 */
import { LmzError } from '../errors.ts';
import type { Model } from '../model/load.ts';
import {
  GRIDS,
  type IntegerLayer,
  type IntegerNorm,
  type IntegerProduct,
} from '../model/transformer/network.ts';
import type { Parameters } from './engine.ts';
import { layerName, type TransformerConfig } from './transformer.ts';
import { type IntegerTransformer, turnedColumn } from './transformer-quantize.ts';

/**
 * @throws LmzError `LMZ_MODEL_INVALID` where the model is not one that the exporter wrote.
 */
export function importTransformer({ graph, metadata }: Model): IntegerTransformer {
  const text = metadata.get('lmz.network');
  if (text === undefined) {
    throw new LmzError(
      'LMZ_MODEL_INVALID',
      'the model is not one that lmz exported: it says nothing of its network',
    );
  }
  const config = JSON.parse(text) as TransformerConfig;
  const constant = (name: string): { data: unknown; dims: readonly number[] } => {
    const found = graph.constants.get(name);
    if (found === undefined) throw new LmzError('LMZ_MODEL_INVALID', `the model has no constant "${name}"`);
    return found;
  };
  const vector = (name: string, bits: number): Int32Array =>
    Int32Array.from(constant(name).data as Float32Array, (value) => value * 2 ** bits);
  const product = (name: string, biased: boolean): IntegerProduct => {
    const { data, dims } = constant(name);
    const scales = constant(`${name}.scale`).data as Float32Array;
    return {
      inputs: dims[0],
      columns: dims[1],
      data: data as Int8Array,
      shifts: Int32Array.from(scales, (scale) => -Math.round(Math.log2(scale))),
      ...(biased ? { bias: vector(`${name}.bias`, 0) } : {}),
    };
  };
  const norm = (name: string): IntegerNorm => ({
    scale: vector(`${name}.scale`, GRIDS.normal),
    offset: vector(`${name}.offset`, GRIDS.normal),
  });
  const layers = Array.from({ length: config.layers }, (_, layer): IntegerLayer => {
    const name = (part: string): string => layerName(layer, part);
    const scales = constant(name('value.scale')).data as BigInt64Array;
    return {
      project: product(name('project'), false),
      // Models of old have no such name: the products of all layers were on the finest grid.
      productBits: graph.constants.has(name('score.scale'))
        ? GRIDS.score - Math.round(Math.log2((constant(name('score.scale')).data as Float32Array)[0]))
        : GRIDS.product,
      valueBits: Int32Array.from(scales, (scale) => GRIDS.x - Math.round(Math.log2(Number(scale)))),
      mix: product(name('mix'), false),
      norm1: norm(name('norm1')),
      up: product(name('up'), true),
      down: product(name('down'), true),
      norm2: norm(name('norm2')),
    };
  });
  const tables = config.positions === 'rotary' ? [0, 1] : [0];
  return {
    config,
    embedding: constant('embedding').data as Int16Array,
    positions: tables.map((i) => constant(`positions${i}`).data as Int16Array),
    layers,
    output: product('output', true),
  };
}

/**
 * The float network that the integers stand for. How a score's grid is shared between query and key is not told by the
 * integers: it moves factors of two from one to the other, which changes nothing but the two matrices.
 */
export function restoreTransformer(network: IntegerTransformer): {
  parameters: Parameters;
  tables: Float32Array;
} {
  const { config, layers, output } = network;
  const { width, heads } = config;
  const parameters: Record<string, Float32Array> = {};
  const unscaled = (
    { inputs, columns, data, shifts }: IntegerProduct,
    first: number,
    count: number,
    bits: (column: number) => number,
  ): Float32Array =>
    Float32Array.from({ length: inputs * count }, (_, at) => {
      const column = first + (at % count);
      const value = data[Math.floor(at / count) * columns + column];
      return value * 2 ** -bits(column - first) * 2 ** -shifts[column];
    });
  const vector = (values: Int32Array, factor: number): Float32Array =>
    Float32Array.from(values, (value) => value * factor);

  for (const [index, layer] of layers.entries()) {
    const set = (part: string, values: Float32Array): void => {
      parameters[layerName(index, part)] = values;
    };
    const whole = (matrix: IntegerProduct, bits: number): Float32Array =>
      unscaled(matrix, 0, matrix.columns, () => bits);
    const before = config.positions === 'rotary' ? GRIDS.beforeRotation : 0;
    // So that weights of both have about the same size, and columns that are turned into each other the same factor.
    const { project } = layer;
    const twice = (j: number): number => layer.productBits + project.shifts[j] - project.shifts[width + j];
    const keyBits = Int32Array.from({ length: width }, (_, j) => {
      const pair = before === 0 ? j : turnedColumn(j, width / heads).source;
      return Math.round((twice(j) + twice(pair)) / 4);
    });
    const root = Math.sqrt(width / heads);
    const x = GRIDS.x;
    const query = unscaled(project, 0, width, (j) => layer.productBits - keyBits[j] + before - x);
    set(
      'query',
      query.map((value) => value * root),
    );
    set(
      'key',
      unscaled(project, width, width, (j) => keyBits[j] + before - x),
    );
    set(
      'value',
      unscaled(project, 2 * width, width, (j) => layer.valueBits[j] - x),
    );
    set('mix', whole(layer.mix, 0));
    set('up', whole(layer.up, GRIDS.hidden - x));
    set('up.bias', vector(layer.up.bias!, 2 ** -GRIDS.hidden));
    set('down', whole(layer.down, x - GRIDS.hidden));
    set('down.bias', vector(layer.down.bias!, 2 ** -x));
    for (const name of ['norm1', 'norm2'] as const) {
      set(`${name}.scale`, vector(layer[name].scale, 2 ** -GRIDS.scale));
      set(`${name}.offset`, vector(layer[name].offset, 2 ** -(GRIDS.scale + GRIDS.normal)));
    }
  }
  const bits = GRIDS.logit;
  parameters['output'] = unscaled(output, 0, output.columns, () => bits - GRIDS.x).map((v) => v * Math.LN2);
  parameters['output.bias'] = vector(output.bias!, 2 ** -bits * Math.LN2);
  const scale = Math.sqrt(width) * 2 ** GRIDS.x;
  return { parameters, tables: Float32Array.from(network.embedding, (value) => value / scale) };
}
