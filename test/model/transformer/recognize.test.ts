/** Recognition of Transformers, by the graph alone. */
import { describe } from 'vitest';
import { recognizeTransformer } from '../../../src/model/transformer/recognize.ts';
import { SLOW } from '../../support/runs.ts';
import { TINY_TRANSFORMER } from '../../support/transformers.ts';
import { tinyText } from '../../train/tiny.ts';
import { testRecognition } from '../changes.ts';
import { randomModel } from './networks.ts';

const SIZES = { layers: 1, heads: 1, width: 8, widening: 1, context: 8 };

describe.each(['sinusoidal', 'rotary'] as const)('%s', (positions) => {
  testRecognition({
    file: randomModel({ ...TINY_TRANSFORMER, ...SIZES, positions }, 4),
    recognize: recognizeTransformer,
    expected: { config: { ...SIZES, positions } },
    weights: /^"(embedding|positions\d|layer0\.[\w.]+|output[\w.]*)": byte/,
    tokens: tinyText(20, 3),
    time: 20,
    // Most of the graph is the same with both kinds of positions.
    every: SLOW ? 1 : positions === 'rotary' ? 3 : 8,
  });
});
