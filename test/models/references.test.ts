/**
 * The models of models/ give the logits that were stored beside them when they were made: in every engine here, and under
 * other processors in test/machines/emulated-cpus.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { makeReference, type Reference } from '../../src/train/reference.ts';

const folder = new URL('../../models/', import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.replace(/\.onnx$/, ''));
/** It is counted, not trained, and of no kernel's family. */
const WITHOUT_KERNEL = ['order2'];
/** Tokens of a call where a model takes sequences: uneven, so that the last call is shorter. */
const TIME = 61;

test('there are models', () => {
  expect(names).not.toEqual([]);
});

describe.each(names)('%s', (name) => {
  const model = loadModel(new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder))));
  const reference = JSON.parse(readFileSync(new URL(`${name}.reference.json`, folder), 'utf8')) as Reference;
  const { tokens } = reference;
  const sequence = model.contract.time === 'sequence';

  test('onnxruntime-node gives the reference, byte by byte and in three lanes', async () => {
    expect(await makeReference(model, tokens, { engine: 'node' })).toEqual(reference);
    const lanes = await makeReference(model, tokens, { engine: 'node', lanes: 3, time: sequence ? TIME : 1 });
    expect(lanes).toEqual(reference);
  }, 120_000);

  test.skipIf(WITHOUT_KERNEL.includes(name))('the WebAssembly kernel gives the reference', async () => {
    expect(await makeReference(model, tokens, { engine: 'kernel', lanes: 3 })).toEqual(reference);
    const options = { engine: 'kernel', time: sequence ? TIME : 1 } as const;
    expect(await makeReference(model, tokens, options)).toEqual(reference);
  });

  test('onnxruntime-web gives the reference', async () => {
    const options = { engine: 'web', time: sequence ? TIME : 1 } as const;
    expect(await makeReference(model, tokens, options)).toEqual(reference);
  }, 120_000);
});
