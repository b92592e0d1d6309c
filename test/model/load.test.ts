import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { sha256 } from '../../src/digest.ts';
import { LmzError } from '../../src/errors.ts';
import { loadModel, runtimeBytes } from '../../src/model/load.ts';
import { GraphBuilder } from '../../src/model/onnx/builder.ts';
import {
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
} from '../../src/model/onnx/onnx-subset_pb.ts';
import { coded, summary } from './errors.ts';
import { metadata, recurrentModel, tableModel } from './models.ts';

/** A small valid model with a few kinds of nodes and constants: 4 units, so that random edits hit structure. */
function small(): Uint8Array {
  const graph = new GraphBuilder('small');
  const token = graph.input('token', 'int32', ['lanes', 'time']);
  const s = graph.input('s', 'float32', ['lanes', 2]);
  const step = graph.node('Cast', [graph.node('Squeeze', [token, graph.shape(1)])], { to: 1 });
  const column = graph.node('Unsqueeze', [step, graph.shape(1)]);
  const next = graph.node(
    'Concat',
    [graph.node('Slice', [s, graph.shape(1), graph.shape(2), graph.shape(1)]), column],
    { axis: 1 },
    's_next',
  );
  graph.output(next, 'float32', ['lanes', 2]);
  const logits = graph.node('MatMul', [next, graph.constant(new Float32Array(512).fill(3), [2, 256])]);
  graph.emit(
    graph.node('Cast', [graph.node('Unsqueeze', [logits, graph.shape(1)])], { to: 6 }),
    'logits',
    'int32',
    ['lanes', 'time', 256],
  );
  return graph.build(metadata({ 'lmz.state.s': '0 255' }));
}

function edited(edit: (model: ModelProto) => void, bytes = small()): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  edit(model);
  return toBinary(ModelProtoSchema, model);
}

describe('loadModel', () => {
  it('takes a Buffer, wherever in memory its constants come to lie', () => {
    const file = small();
    for (let offset = 0; offset < 8; offset++) {
      const backing = Buffer.alloc(file.length + offset);
      backing.set(file, offset);
      expect(toHex(loadModel(backing.subarray(offset)).hash)).toBe(toHex(sha256(file)));
    }
  });

  it('gives hash, metadata, audit', () => {
    const bytes = small();
    const model = loadModel(bytes, { expectedHash: sha256(bytes) });
    expect(toHex(model.hash)).toBe(toHex(sha256(bytes)));
    expect(model.metadata.get('lmz.logit_bits')).toBe('4');
    expect(model.audit!.entries.map(({ op }) => op)).toContain('MatMul');
    expect(model.audit!.tightest).toMatchObject({ op: 'MatMul', low: 0n, high: 1530n, bits: 11 });
  });

  it('refuses another hash', () => {
    const error = coded(() => loadModel(small(), { expectedHash: new Uint8Array(32) }));
    expect(error.code).toBe('LMZ_MODEL_MISMATCH');
    expect(error.message).toContain('0'.repeat(64));
    expect(() => loadModel(small(), { expectedHash: new Uint8Array(31) })).toThrow(RangeError);
  });

  it('skips the audit for trusted hashes only', () => {
    const bytes = recurrentModel({ float: true });
    const exact = tableModel();
    expect(loadModel(exact, { trustedHashes: new Set([toHex(sha256(exact))]) }).audit).toBeUndefined();
    expect(loadModel(exact, { trustedHashes: new Set(['00']) }).audit).toBeDefined();
    expect(coded(() => loadModel(bytes)).code).toBe('LMZ_MODEL_INVALID');
  });

  it.each<[string, () => Uint8Array, string]>([
    ['nothing', () => new Uint8Array(0), 'not an ONNX model: it has no graph'],
    ['text', () => new TextEncoder().encode('#!/bin/sh\necho hello\n'), 'not an ONNX model: '],
    ['a model that is cut short', () => small().subarray(0, 1000), 'not an ONNX model: '],
    [
      'an old operator set',
      () => edited((m) => (m.opsetImport[0].version = 12n)),
      'operator set 12, 13 to 21 expected',
    ],
    [
      'a new operator set',
      () => edited((m) => (m.opsetImport[0].version = 22n)),
      'operator set 22, 13 to 21 expected',
    ],
    ['an unknown IR version', () => edited((m) => (m.irVersion = 3n)), 'ONNX IR version 3, 4 to 11 expected'],
    [
      'two operator sets',
      () => edited((m) => m.opsetImport.push({ ...m.opsetImport[0], domain: 'ai.onnx.ml' })),
      'imports the operator sets "", "ai.onnx.ml", only the standard one expected',
    ],
    [
      'a custom domain',
      () => edited((m) => (m.graph!.node[0].domain = 'com.microsoft')),
      'Squeeze "squeeze_1": is of the custom domain "com.microsoft"',
    ],
    [
      'a name defined twice',
      () => edited((m) => (m.graph!.node[1].output[0] = 'squeeze_1')),
      'Cast "cast_2": the name "squeeze_1" is defined twice',
    ],
    [
      'an undefined tensor',
      () => edited((m) => (m.graph!.node[1].input[0] = 'nowhere')),
      'Cast "cast_2": reads "nowhere", which nothing before it defines',
    ],
    [
      'nodes out of order',
      () => edited((m) => m.graph!.node.reverse()),
      'Identity "logits": reads "cast_13", which nothing before it defines',
    ],
    [
      'an output that nothing makes',
      () => edited((m) => (m.graph!.output[0].name = 'h_next')),
      'output "h_next": no node computes it',
    ],
    [
      'a constant of another size',
      () => edited((m) => (m.graph!.initializer.at(-2)!.dims[0] = 3n)),
      'constant "const_9": 2048 bytes of data, 3072 expected for [3, 256]',
    ],
    [
      'a huge dimension',
      () => edited((m) => (m.graph!.initializer.at(-2)!.dims = [2n ** 31n - 1n, 2n ** 31n - 1n])),
      'constant "const_9": more than 2^31 elements',
    ],
    [
      'a negative dimension',
      () => edited((m) => (m.graph!.initializer.at(-2)!.dims[0] = -1n)),
      'constant "const_9": dimension -1 is out of range',
    ],
    [
      'elements twice',
      () => edited((m) => (m.graph!.initializer.at(-2)!.floatData = [1])),
      'constant "const_9": has its elements twice',
    ],
    [
      'a float16 constant',
      () => edited((m) => (m.graph!.initializer.at(-2)!.dataType = 10)),
      'constant "const_9": element type float16 is not supported',
    ],
    [
      'an attribute with two values',
      () => edited((m) => (m.graph!.node[1].attribute[0].f = 1)),
      'Cast "cast_2": attribute "to" has two values',
    ],
    [
      'a wide attribute type',
      () => edited((m) => (m.graph!.node[1].attribute[0].type = 5)),
      'Cast "cast_2": attribute "to" has type 5, which lmz does not read',
    ],
    [
      'an attribute that the operator has not',
      () =>
        edited((m) =>
          m.graph!.node[1].attribute.push(create(AttributeProtoSchema, { name: 'round', type: 2 })),
        ),
      'Cast "cast_2": attribute "round" is not supported',
    ],
    [
      'metadata twice',
      () => edited((m) => m.metadataProps.push(m.metadataProps[0])),
      'metadata "lmz.contract" is there twice',
    ],
    [
      'a dimension with name and size',
      () => edited((m) => (m.graph!.input[0].type!.tensorType!.shape!.dim[0].dimValue = 3n)),
      'input "token": dimension 0 has a name and a size',
    ],
    [
      'inputs of a wrong number',
      () => edited((m) => m.graph!.node[1].input.push('token')),
      'Cast "cast_2": 2 inputs, 1 expected',
    ],
    [
      'a shape that is not declared',
      () => edited((m) => (m.graph!.node.at(-1)!.input[0] = 'cast_2')),
      'output "logits": the graph makes float32 [lanes], but int32 [lanes, 1, 256] is declared',
    ],
  ])('refuses %s', (_, make, message) => {
    const error = coded(() => loadModel(make()));
    expect(summary(error)).toContain(`LMZ_MODEL_INVALID: ${message}`);
  });

  it.each<[string, number, 'model' | 'graph' | 'node' | 'attribute' | 'tensor', string]>([
    ['local functions', 25, 'model', 'has local functions (field 25)'],
    ['a sparse initializer', 15, 'graph', 'has a sparse initializer (field 15)'],
    ['an overload', 8, 'node', 'NodeProto "squeeze_1": has an operator overload (field 8)'],
    ['a subgraph', 6, 'attribute', 'has a subgraph (field 6)'],
    ['external data', 13, 'tensor', 'TensorProto "const_0": has external data (field 13)'],
    ['a field of the future', 99, 'tensor', 'has an unknown field (field 99)'],
  ])('refuses %s wherever it is', (_, no, where, message) => {
    const bytes = edited((model) => {
      const graph = model.graph!;
      const place = {
        model,
        graph,
        node: graph.node[0],
        attribute: graph.node[1].attribute[0],
        tensor: graph.initializer[0],
      }[where];
      place.$unknown = [{ no, wireType: WireType.LengthDelimited, data: Uint8Array.of(0) }];
    });
    expect(summary(coded(() => loadModel(bytes, { platformBound: true })))).toContain(message);
  });

  it('reads constants from typed fields and Constant nodes', () => {
    const bytes = edited((model) => {
      const graph = model.graph!;
      const weights = graph.initializer.find(({ name }) => name === 'const_9')!;
      weights.rawData = new Uint8Array(0);
      weights.floatData = Array.from({ length: 512 }, () => 3);
      const axis = graph.initializer.shift()!;
      graph.node.unshift(
        create(NodeProtoSchema, {
          opType: 'Constant',
          output: [axis.name],
          attribute: [{ name: 'value_ints', type: 7, ints: [1n] }],
        }),
      );
      const other = graph.initializer.shift()!;
      const value = create(TensorProtoSchema, { dims: [1n], dataType: 7, int64Data: [1n] });
      graph.node.unshift(
        create(NodeProtoSchema, {
          opType: 'Constant',
          output: [other.name],
          attribute: [{ name: 'value', type: 4, t: value }],
        }),
      );
    });
    expect(loadModel(bytes).audit!.tightest).toEqual(loadModel(small()).audit!.tightest);
  });

  it('gives the runtime what it read, not the file', () => {
    const bytes = edited((model) => {
      model.graph!.docString = 'x'.repeat(1000);
      model.docString = 'y';
    });
    const model = loadModel(bytes);
    expect(runtimeBytes(model).length).toBeLessThan(bytes.length - 1000);
    const again = fromBinary(ModelProtoSchema, runtimeBytes(model)).graph!;
    expect(again.node.map(({ opType }) => opType)).toEqual(model.graph.nodes.map(({ op }) => op));
  });

  const runs = process.env['SLOW'] ? 20_000 : 1500;
  it('answers any damage with a model or a coded error', () => {
    const bytes = small();
    const edit = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        fc.option(fc.nat(bytes.length), { freq: 4 }),
        fc.boolean(),
        (edits, cut, platformBound) => {
          const copy = bytes.slice(0, cut ?? bytes.length);
          for (const [at, value] of edits) if (at < copy.length) copy[at] = value;
          try {
            loadModel(copy, { platformBound });
          } catch (error) {
            if (!(error instanceof LmzError)) throw error;
            expect(['LMZ_MODEL_INVALID', 'LMZ_MODEL_NOT_EXACT']).toContain(error.code);
          }
        },
      ),
      { numRuns: runs },
    );
  });

  it('answers a flip of every bit of the structure likewise', () => {
    const bytes = small();
    for (let at = 0; at < bytes.length; at++) {
      // The weights in the middle are all alike; one in 64 of their bytes is enough.
      if (at > 1200 && at < 2900 && at % 64 !== 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        const copy = bytes.slice();
        copy[at] ^= 1 << bit;
        try {
          loadModel(copy);
        } catch (error) {
          if (!(error instanceof LmzError)) throw error;
        }
      }
    }
  });
});

describe('hostile graphs', () => {
  it.each<[string, (graph: GraphBuilder) => string, string]>([
    [
      'a constant that explodes',
      (graph) => graph.node('ConstantOfShape', [graph.shape(2 ** 31 - 1, 2 ** 31 - 1)]),
      'elements per lane and step, at most 67108864 expected',
    ],
    [
      'Expand',
      (graph) => graph.node('Expand', [graph.scalar('int32', 1), graph.shape(65536, 65536)]),
      'elements per lane and step',
    ],
    [
      'doubling',
      (graph) => {
        let name = graph.node('Cast', ['token'], { to: 6 });
        for (let i = 0; i < 64; i++) name = graph.node('Concat', [name, name], { axis: 0 });
        return name;
      },
      'elements per lane and step',
    ],
    [
      'work without end',
      (graph) => {
        const ramp = graph.constant(
          Float32Array.from({ length: 4096 }, (_, i) => i),
          [4096],
        );
        let name = ramp;
        for (let i = 0; i < 3000; i++) name = graph.node('Sub', [ramp, name]);
        return name;
      },
      'the graph is too large to audit',
    ],
  ])('%s is refused in time', (_, build, message) => {
    const graph = new GraphBuilder('hostile');
    graph.input('token', 'int32', ['lanes', 'time']);
    graph.emit(build(graph), 'logits', 'int32', ['lanes', 'time', 256]);
    const start = performance.now();
    const error = coded(() => loadModel(graph.build(metadata())));
    expect(error.message.replace(/"[a-z_0-9]+"/, '"x"')).toContain(message);
    expect(error.code).toBe('LMZ_MODEL_INVALID');
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
