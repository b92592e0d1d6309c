/** Recognition by the graph alone: one change anywhere, and the model is another, or computes the same in both engines. */
import { describe, expect, test } from 'vitest';
import { loadModel, type Model } from '../../../src/model/load.ts';
import { openSession } from '../../../src/model/session.ts';
import { recognizeTransformer } from '../../../src/model/transformer/recognize.ts';
import { SLOW } from '../../support/runs.ts';
import { TINY_TRANSFORMER } from '../../support/transformers.ts';
import { tinyText } from '../../train/tiny.ts';
import { changed, constantChanges, nodeChanges, portChanges } from '../changes.ts';
import { randomModel } from './networks.ts';

const SMALL = { ...TINY_TRANSFORMER, layers: 1, heads: 1, width: 8, widening: 1, context: 8 };

async function logitsOf(model: Model, engine: 'kernel' | 'node'): Promise<Int32Array> {
  const session = await openSession(model, { engine });
  const logits = (await session.run(tinyText(20, 3), 20)).slice();
  await session.release();
  return logits;
}

/** Constants that are weights: a network with others is as good a network. */
const WEIGHTS = /^"(embedding|positions\d|layer0\.[\w.]+|output[\w.]*)": byte/;

describe.each(['sinusoidal', 'rotary'] as const)('%s: a change of one thing', (positions) => {
  const file = randomModel({ ...SMALL, positions }, 4);

  test.each([
    // Most nodes are the same with both kinds of positions, and most changes of one kind are refused for one reason.
    ['node', nodeChanges(file).filter((__, i) => SLOW || i % (positions === 'rotary' ? 3 : 8) === 0)],
    ['constant', constantChanges(file)],
    ['port', portChanges(file)],
  ] as const)(
    '%s: is not recognised, or both engines see it',
    async (what, changes) => {
      let loaded = 0;
      let same = 0;
      for (const [name, change] of changes) {
        const model = changed(file, change);
        if (model === undefined) continue;
        loaded++;
        if (recognizeTransformer(model.graph) === undefined) continue;
        if (!name.endsWith('domain')) expect(name).toMatch(WEIGHTS);
        same++;
        expect(await logitsOf(model, 'kernel'), name).toEqual(await logitsOf(model, 'node'));
      }
      expect(changes.length).toBeGreaterThan(5);
      expect(loaded).toBeGreaterThan(0);
      if (what === 'constant') expect(same).toBeGreaterThan(0);
    },
    60_000,
  );

  test('none, and it is', () => {
    const { layers, heads, width, widening, context } = SMALL;
    const network = recognizeTransformer(loadModel(file).graph);
    expect(network?.config).toEqual({ layers, heads, width, widening, context, positions });
  });

  test('metadata does not matter', () => {
    const model = changed(file, (_, proto) => {
      for (const property of proto.metadataProps) if (property.key === 'lmz.network') property.value = '{}';
    });
    expect(recognizeTransformer(model!.graph)?.config.width).toBe(8);
  });
});
