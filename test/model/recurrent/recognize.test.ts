/** Recognition by the graph alone: one change anywhere, and the model is another, or computes the same in both engines. */
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../../src/bytes.ts';
import { LmzError } from '../../../src/errors.ts';
import { loadModel, type Model } from '../../../src/model/load.ts';
import {
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
} from '../../../src/model/onnx/onnx-subset_pb.ts';
import { parseModelProto } from '../../../src/model/onnx/parse.ts';
import { recognizeRecurrent } from '../../../src/model/recurrent/recognize.ts';
import { openSession } from '../../../src/model/session.ts';
import { TINY, tinyText } from '../../train/tiny.ts';
import { randomModel } from './networks.ts';

const SMALL = { ...TINY, units: 3, width: 4, hidden: 2, rows: [7, 5, 11] } as const;
const file = randomModel(SMALL, 4);

/** The model with one change, or undefined where that is none, or the loader or the audit refuses it. */
function changed(change: (graph: GraphProto, model: ModelProto) => void): Model | undefined {
  const proto = parseModelProto(file.slice());
  change(proto.graph!, proto);
  const bytes = toBinary(ModelProtoSchema, proto);
  if (equalBytes(bytes, file)) return undefined;
  try {
    return loadModel(bytes);
  } catch (error) {
    if (error instanceof LmzError) return undefined;
    throw error;
  }
}

async function logitsOf(model: Model, engine: 'kernel' | 'node'): Promise<Int32Array[]> {
  const session = await openSession(model, { engine });
  const all: Int32Array[] = [];
  for (const token of tinyText(40, 3)) all.push((await session.run(Int32Array.of(token), 1)).slice());
  await session.release();
  return all;
}

/** Changes by name. */
type Changes = [name: string, change: (graph: GraphProto, model: ModelProto) => void][];

const OTHER_OPERATOR: Partial<Record<string, string>> = {
  Add: 'Sub',
  Sub: 'Add',
  Mul: 'Add',
  Floor: 'Ceil',
  Equal: 'Less',
  Mod: 'Div',
  Min: 'Max',
  ReduceSum: 'ReduceMax',
  Identity: 'Neg',
};

function nodeChanges(): Changes {
  const { node: nodes } = parseModelProto(file).graph!;
  return nodes.flatMap((node, at) => {
    const name = `${node.opType} "${node.name}"`;
    const changes: Changes = [
      [`${name}: left out`, (graph) => void graph.node.splice(at, 1)],
      [`${name}: operator`, (graph) => (graph.node[at].opType = OTHER_OPERATOR[node.opType] ?? 'Identity')],
      [`${name}: output`, (graph) => (graph.node[at].output[0] += '_x')],
      [
        `${name}: one attribute more`,
        (graph) =>
          graph.node[at].attribute.push(create(AttributeProtoSchema, { name: 'fmod', type: 2, i: 1n })),
      ],
    ];
    // Another name of the standard one: the same graph.
    if (at === 0) changes.push([`${name}: domain`, (graph) => (graph.node[at].domain = 'ai.onnx')]);
    node.input.forEach((_, i) => {
      changes.push([
        `${name}: input ${i} is another`,
        (graph) => (graph.node[at].input[i] = at > 0 ? nodes[at - 1].output[0] : 'word'),
      ]);
    });
    if (node.input.length > 1) {
      changes.push([`${name}: inputs swapped`, (graph) => void graph.node[at].input.reverse()]);
    }
    if (node.input.length === 3)
      changes.push([`${name}: one input less`, (graph) => void graph.node[at].input.pop()]);
    node.attribute.forEach((attribute, i) => {
      changes.push(
        [`${name}: ${attribute.name} other`, (graph) => (graph.node[at].attribute[i].i += 1n)],
        [`${name}: ${attribute.name} left out`, (graph) => void graph.node[at].attribute.splice(i, 1)],
      );
    });
    return changes;
  });
}

function constantChanges(): Changes {
  return parseModelProto(file).graph!.initializer.flatMap(({ name, rawData, dims }, at) => {
    const changes: Changes = [
      [`"${name}": dims`, (graph) => graph.initializer[at].dims.push(1n)],
      [`"${name}": renamed`, (graph) => (graph.initializer[at].name += 'x')],
      [`"${name}": type`, (graph) => (graph.initializer[at].dataType = 12)],
    ];
    if (dims.length === 2) {
      changes.push([`"${name}": turned`, (graph) => void graph.initializer[at].dims.reverse()]);
    }
    // The lowest and the highest bit of the first and the last byte.
    for (const i of new Set([0, rawData.length - 1])) {
      for (const bit of [1, 128]) {
        const change = (graph: GraphProto): void => {
          graph.initializer[at].rawData = rawData.map((byte, k) => (k === i ? byte ^ bit : byte));
        };
        changes.push([`"${name}": byte ${i} ^ ${bit}`, change]);
      }
    }
    return changes;
  });
}

function portChanges(): Changes {
  const { input, output } = parseModelProto(file).graph!;
  return [
    ...input.map(({ name }, at): Changes[number] => [
      `input ${name}: type`,
      (graph) => (graph.input[at].type!.tensorType!.elemType = 7),
    ]),
    ...output.map(({ name }, at): Changes[number] => [
      `output ${name}: type`,
      (graph) => (graph.output[at].type!.tensorType!.elemType = 7),
    ]),
    ['inputs turned', (graph) => void graph.input.reverse()],
    ['outputs turned', (graph) => void graph.output.reverse()],
    ['an older operator set', (_, model) => (model.opsetImport[0].version = 16n)],
    ['one constant more', (graph) => graph.initializer.push({ ...graph.initializer[0], name: 'more' })],
  ];
}

/** Constants that are weights: a network with others is as good a network. */
const WEIGHTS = /^"(tables|bias|from\w+|const_\d+)": byte/;

describe('a change of one thing', () => {
  test.each([
    ['node', nodeChanges()],
    ['constant', constantChanges()],
    ['port', portChanges()],
  ] as const)('%s: is not recognised, or both engines see it', async (_, changes) => {
    let loaded = 0;
    for (const [name, change] of changes) {
      const model = changed(change);
      if (model === undefined) continue;
      loaded++;
      if (recognizeRecurrent(model.graph) === undefined) continue;
      if (!name.endsWith('domain')) expect(name).toMatch(WEIGHTS);
      expect(await logitsOf(model, 'kernel'), name).toEqual(await logitsOf(model, 'node'));
    }
    expect(changes.length).toBeGreaterThan(5);
    expect(loaded).toBeGreaterThan(0);
  });

  test('none, and it is', () => {
    const network = recognizeRecurrent(loadModel(file).graph);
    expect(network).toMatchObject({ gates: 3, units: 3, width: 4, hidden: 2, rows: [7, 5, 11] });
  });

  test('metadata does not matter', () => {
    const model = changed((_, proto) => {
      for (const property of proto.metadataProps) if (property.key === 'lmz.network') property.value = '{}';
    });
    expect(recognizeRecurrent(model!.graph)?.units).toBe(3);
  });
});
