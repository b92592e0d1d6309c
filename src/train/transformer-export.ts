/**
 * Writes an integer Transformer as an exact ONNX model: the graph of model/transformer/graph.ts and its metadata.
 *
 * @module
 */
import { buildTransformer } from '../model/transformer/graph.ts';
import { ALPHABET, BYTE_MAX, GRIDS } from '../model/transformer/network.ts';
import { START_TOKEN } from './stream.ts';
import type { IntegerTransformer } from './transformer-quantize.ts';

/**
 * The model file.
 *
 * @param metadata - beside what the contract demands: name, training data.
 */
export function exportTransformer(
  network: IntegerTransformer,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { config, layers } = network;
  const ranges = layers.flatMap((_, index) =>
    ['key', 'value'].map((state) => [`lmz.state.${state}${index}`, `${-BYTE_MAX} ${BYTE_MAX}`] as const),
  );
  return buildTransformer(network).build({
    'lmz.contract': '1',
    'lmz.alphabet': String(ALPHABET),
    'lmz.logit_bits': String(GRIDS.logit),
    'lmz.start': String(START_TOKEN),
    'lmz.context': String(config.context),
    'lmz.time': 'sequence',
    'lmz.state.position': `0 ${config.context}`,
    ...Object.fromEntries(ranges),
    'lmz.network': JSON.stringify(config),
    ...metadata,
  });
}
