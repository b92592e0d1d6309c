/**
 * Drives the WebAssembly kernel of the Transformer (src/kernel/transformer): lays out its memory, packs the weights, and
 * compares a few steps with the plain reference before anyone may use it.
 *
 * @module
 */
import {
  kernelCode,
  KernelLanes,
  KernelLayout,
  laneSize,
  probeKernel,
  roundUp,
  type WasmModule,
} from '../wasm.ts';
import {
  ALPHABET,
  GRIDS,
  type IntegerLayer,
  type IntegerNorm,
  type IntegerProduct,
  meanMax,
  normalFactor,
  queryMax,
  RESIDUAL_MAX,
  rootTable,
  type TransformerNetwork,
} from './network.ts';
import { TransformerReference } from './reference.ts';

/** As in src/kernel/transformer: columns of a matrix's block, places of a cache's, bytes before a lane's cache. */
const BLOCK = 16;
const BLOCK_PLACES = 8;
const LANE_HEAD = 64;
/** Bytes of a block in the list of attention weights. */
const WEIGHTS_ENTRY = 48;
/** Most bytes: keys and values of the thesis' network take 1 MiB a lane. */
const MEMORY_MAX = 2 ** 29;

/** int8 [blocks][pairs of inputs][BLOCK][2] of [inputs, columns]; the last block is filled up with zeros. */
function pack({ inputs, columns, data }: IntegerProduct): Int8Array {
  const packed = new Int8Array(inputs * roundUp(columns, BLOCK));
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < columns; j++) {
      const block = Math.floor(j / BLOCK) * inputs * BLOCK;
      packed[block + (i >> 1) * 2 * BLOCK + (j % BLOCK) * 2 + (i & 1)] = data[i * columns + j];
    }
  }
  return packed;
}

/** Float32 values as the int32 of the same bits. */
function bitsOf(...values: readonly number[]): number[] {
  return [...new Int32Array(Float32Array.from(values).buffer)];
}

/** A Transformer at work in WebAssembly. */
export class TransformerKernel extends KernelLanes {
  /** @throws LmzError LMZ_ENGINE where lanes are too many */
  constructor(module: WasmModule, network: TransformerNetwork, lanes: number) {
    const { width, heads, widening, context, positions } = network.config;
    const hidden = width * widening;
    const places = roundUp(context + 1, BLOCK_PLACES);
    const layout = new KernelLayout();
    const put = layout.put.bind(layout);

    // In the order of the kernel's classes Matrix, Norm, Layer and Network.
    const matrix = (product: IntegerProduct): number => {
      const { inputs, columns, shifts, bias } = product;
      const padded = roundUp(columns, BLOCK);
      const scales = new Float32Array(padded);
      const biases = new Float32Array(padded);
      scales.set(Float32Array.from(shifts, (shift) => 2 ** -shift));
      if (bias) biases.set(bias);
      return put(Int32Array.of(inputs / 2, padded / BLOCK, put(pack(product)), put(scales), put(biases)));
    };
    const norm = ({ scale, offset }: IntegerNorm): number => {
      const scaled = (values: Int32Array): Float32Array =>
        Float32Array.from(values, (value) => value * 2 ** -GRIDS.normal);
      return put(Int32Array.of(put(scaled(scale)), put(scaled(offset))));
    };
    const layer = (parts: IntegerLayer, index: number): number =>
      put(
        Int32Array.of(
          matrix(parts.project),
          matrix(parts.mix),
          matrix(parts.up),
          matrix(parts.down),
          norm(parts.norm1),
          norm(parts.norm2),
          ...bitsOf(
            2 ** (GRIDS.score - parts.productBits),
            queryMax(network.config, parts.productBits),
            meanMax(index),
          ),
          put(Float64Array.from(parts.valueBits, (bits) => 2 ** (GRIDS.x - bits))),
        ),
      );
    const widest = Math.max(...network.layers.map(({ project }) => project.columns), hidden, ALPHABET);
    const fields = [
      width,
      heads,
      hidden,
      context,
      Number(positions === 'rotary'),
      places,
      network.layers.length,
      put(Int32Array.from(network.layers, layer)),
      matrix(network.output),
      put(network.embedding),
      ...(positions === 'rotary' ? network.positions.map(put) : [put(network.positions[0]), 0]),
      put(rootTable()),
      ...bitsOf(normalFactor(width), 1 / width, RESIDUAL_MAX / width),
      layout.take(2 * Math.max(width, hidden)),
      layout.take(4 * width),
      layout.take(4 * roundUp(widest, BLOCK)),
      layout.take(2 * 3 * width),
      layout.take(4 * places),
      // One entry more: it is written, but never counted.
      layout.take(WEIGHTS_ENTRY * (places / BLOCK_PLACES + 1)),
      // Two words for each pair of a product's inputs, and one pair more, which makes their number even.
      layout.take(4 * Math.max(width, hidden) + 8),
    ];
    super(module, {
      layout,
      network: put(Int32Array.from(fields)),
      lanes,
      laneBytes: laneSize(LANE_HEAD + network.layers.length * 2 * width * places),
      // What was remembered is not seen before it is written anew.
      clearedBytes: LANE_HEAD,
      most: MEMORY_MAX,
    });
  }
}

/**
 * Makes a kernel for a network and tries it.
 *
 * @throws LmzError LMZ_ENGINE where the kernel cannot be loaded, has too little memory, or is wrong
 */
export async function openTransformer(
  network: TransformerNetwork,
  lanes: number,
): Promise<TransformerKernel> {
  const kernel = new TransformerKernel(await kernelCode('transformer'), network, lanes);
  probeKernel(kernel, new TransformerReference(network));
  return kernel;
}
