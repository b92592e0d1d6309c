/**
 * Models with one thing changed, and the test of what is recognised: one change anywhere, and the model is another, or
 * computes the same in both engines.
 *
 * @module
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/bytes.ts';
import { LmzError } from '../../src/errors.ts';
import { loadModel, type Model } from '../../src/model/load.ts';
import {
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
} from '../../src/model/onnx/onnx-subset_pb.ts';
import { parseModelProto } from '../../src/model/onnx/parse.ts';
import { withEngine } from './engines.ts';

type Change = (graph: GraphProto, model: ModelProto) => void;
/** Changes by name. */
type Changes = [name: string, change: Change][];

/** The model with one change, or undefined where that is none, or the loader or the audit refuses it. */
function changed(file: Uint8Array, change: Change): Model | undefined {
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

const OTHER_OPERATOR: Partial<Record<string, string>> = {
  Add: 'Sub',
  Sub: 'Add',
  Mul: 'Add',
  Div: 'Mul',
  Floor: 'Ceil',
  Round: 'Floor',
  Equal: 'Less',
  GreaterOrEqual: 'Greater',
  LessOrEqual: 'Less',
  And: 'Or',
  Mod: 'Div',
  Min: 'Max',
  Max: 'Min',
  ReduceSum: 'ReduceMax',
  ReduceMax: 'ReduceMin',
  Identity: 'Neg',
};

function nodeChanges(file: Uint8Array): Changes {
  const { node: nodes, input: ports } = parseModelProto(file).graph!;
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
        (graph) => (graph.node[at].input[i] = at > 0 ? nodes[at - 1].output[0] : ports.at(-1)!.name),
      ]);
    });
    if (node.input.length > 1) {
      changes.push([`${name}: inputs swapped`, (graph) => void graph.node[at].input.reverse()]);
    }
    if (node.input.length === 3)
      changes.push([`${name}: one input less`, (graph) => void graph.node[at].input.pop()]);
    node.attribute.forEach(({ name: attribute, ints }, i) => {
      const other: Change =
        ints.length > 0
          ? (graph) => (graph.node[at].attribute[i].ints[0] += 1n)
          : (graph) => (graph.node[at].attribute[i].i += 1n);
      changes.push(
        [`${name}: ${attribute} other`, other],
        [`${name}: ${attribute} left out`, (graph) => void graph.node[at].attribute.splice(i, 1)],
      );
      if (ints.length > 1) {
        const turned: Change = (graph) => void graph.node[at].attribute[i].ints.reverse();
        changes.push([`${name}: ${attribute} turned`, turned]);
      }
    });
    return changes;
  });
}

function constantChanges(file: Uint8Array): Changes {
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

function portChanges(file: Uint8Array): Changes {
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

/** How a kind of network is recognised. */
export interface Recognition {
  /** A small network of the kind. */
  readonly file: Uint8Array;
  readonly recognize: (graph: Model['graph']) => object | undefined;
  /** What is recognised of the file. */
  readonly expected: object;
  /** Names of changes of constants that are weights: a network with others is as good a network. */
  readonly weights: RegExp;
  /** Fed to both engines, `time` a call. */
  readonly tokens: Uint8Array;
  readonly time: number;
  /** Of changes of nodes and constants, every so many is tried: most are refused for one reason (default 1). */
  readonly every?: number;
}

/** Defines the tests of a recogniser. */
export function testRecognition(recognition: Recognition): void {
  const { file, recognize, expected, weights, tokens, time, every = 1 } = recognition;

  async function logitsOf(model: Model, engine: 'kernel' | 'node'): Promise<Int32Array[]> {
    return withEngine(model, 1, engine, async (session) => {
      const all: Int32Array[] = [];
      for (let at = 0; at < tokens.length; at += time)
        all.push((await session.run(tokens.subarray(at, at + time), time)).slice());
      return all;
    });
  }

  const some = (changes: Changes): Changes => changes.filter((_, i) => i % every === 0);

  describe('a change of one thing', () => {
    test.each([
      ['node', some(nodeChanges(file))],
      ['constant', some(constantChanges(file))],
      ['port', portChanges(file)],
    ] as const)('%s: is not recognised, or both engines see it', async (what, changes) => {
      let loaded = 0;
      let same = 0;
      for (const [name, change] of changes) {
        const model = changed(file, change);
        if (model === undefined) continue;
        loaded++;
        if (recognize(model.graph) === undefined) continue;
        if (!name.endsWith('domain')) expect(name).toMatch(weights);
        same++;
        expect(await logitsOf(model, 'kernel'), name).toEqual(await logitsOf(model, 'node'));
      }
      expect(changes.length).toBeGreaterThan(5);
      expect(loaded).toBeGreaterThan(0);
      if (what === 'constant') expect(same).toBeGreaterThan(0);
    });

    test('none, and it is', () => {
      expect(recognize(loadModel(file).graph)).toMatchObject(expected);
    });

    test('metadata does not matter', () => {
      const model = changed(file, (_, proto) => {
        for (const property of proto.metadataProps) if (property.key === 'lmz.network') property.value = '{}';
      });
      expect(recognize(model!.graph)).toMatchObject(expected);
    });
  });
}
