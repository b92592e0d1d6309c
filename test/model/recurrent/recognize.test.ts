/** Recognition by the graph alone: one change anywhere, and the model is another, or computes the same in both engines. */
import { describe, expect, test } from 'vitest';
import { loadModel, type Model } from '../../../src/model/load.ts';
import { recognizeRecurrent } from '../../../src/model/recurrent/recognize.ts';
import { openSession } from '../../../src/model/session.ts';
import { TINY, tinyText } from '../../train/tiny.ts';
import { changed, constantChanges, nodeChanges, portChanges } from '../changes.ts';
import { randomModel } from './networks.ts';

const SMALL = { ...TINY, units: 3, width: 4, hidden: 2, rows: [7, 5, 11] } as const;
const file = randomModel(SMALL, 4);

async function logitsOf(model: Model, engine: 'kernel' | 'node'): Promise<Int32Array[]> {
  const session = await openSession(model, { engine });
  const all: Int32Array[] = [];
  for (const token of tinyText(40, 3)) all.push((await session.run(Int32Array.of(token), 1)).slice());
  await session.release();
  return all;
}

/** Constants that are weights: a network with others is as good a network. */
const WEIGHTS = /^"(tables|bias|from\w+|const_\d+)": byte/;

describe('a change of one thing', () => {
  test.each([
    ['node', nodeChanges(file)],
    ['constant', constantChanges(file)],
    ['port', portChanges(file)],
  ] as const)('%s: is not recognised, or both engines see it', async (what, changes) => {
    let loaded = 0;
    let same = 0;
    for (const [name, change] of changes) {
      const model = changed(file, change);
      if (model === undefined) continue;
      loaded++;
      if (recognizeRecurrent(model.graph) === undefined) continue;
      if (!name.endsWith('domain')) expect(name).toMatch(WEIGHTS);
      same++;
      expect(await logitsOf(model, 'kernel'), name).toEqual(await logitsOf(model, 'node'));
    }
    expect(changes.length).toBeGreaterThan(5);
    expect(loaded).toBeGreaterThan(0);
    if (what === 'constant') expect(same).toBeGreaterThan(0);
  });

  test('none, and it is', () => {
    const network = recognizeRecurrent(loadModel(file).graph);
    expect(network).toMatchObject({ gates: 3, units: 3, width: 4, hidden: 2, rows: [7, 5, 11] });
  });

  test('metadata does not matter', () => {
    const model = changed(file, (_, proto) => {
      for (const property of proto.metadataProps) if (property.key === 'lmz.network') property.value = '{}';
    });
    expect(recognizeRecurrent(model!.graph)?.units).toBe(3);
  });
});
