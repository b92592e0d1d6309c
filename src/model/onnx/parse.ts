/**
 * Bytes of an ONNX file to its protobuf message, strictly: what the schema of lmz does not list is refused by name, for
 * a field that the audit does not see is a field that the runtime might obey.
 *
 * @module
 */
import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { LmzError } from '../../errors.ts';
import { type ModelProto, ModelProtoSchema } from './onnx-subset_pb.ts';

/** Largest model file that is read, in bytes (protobuf itself ends at 2 GiB). */
export const MODEL_MAX_BYTES = 1 << 30;

/** Fields of full ONNX that lmz refuses, by message and number, so that the refusal can say what was found. */
const REFUSED: Readonly<Partial<Record<string, Readonly<Partial<Record<number, string>>>>>> = {
  ModelProto: { 20: 'training information', 25: 'local functions', 26: 'a device configuration' },
  GraphProto: { 14: 'quantization annotations', 15: 'a sparse initializer', 16: 'graph metadata' },
  NodeProto: { 8: 'an operator overload', 9: 'node metadata', 10: 'a device configuration' },
  AttributeProto: {
    6: 'a subgraph',
    9: 'a list of strings',
    10: 'a list of tensors',
    11: 'subgraphs',
    14: 'a type',
    15: 'a list of types',
    21: 'a reference to a function attribute',
    22: 'a sparse tensor',
    23: 'a list of sparse tensors',
  },
  TensorProto: {
    3: 'a segment',
    6: 'string data',
    13: 'external data',
    14: 'a data location',
    16: 'tensor metadata',
  },
  ValueInfoProto: { 4: 'value metadata' },
  TypeProto: { 4: 'a sequence', 5: 'a map', 7: 'an opaque type', 8: 'a sparse tensor', 9: 'an optional' },
};

function nameOf(message: Message): string {
  const short = message.$typeName.slice(message.$typeName.lastIndexOf('.') + 1);
  const label = 'name' in message ? message.name : 'opType' in message ? message.opType : '';
  return typeof label === 'string' && label !== '' ? `${short} "${label}"` : short;
}

/** Walks all messages below `message` (the schema is shallow: no recursion deeper than seven). */
function refuseUnknown(message: Message, path: string): void {
  const place = path === '' ? nameOf(message) : `${path} / ${nameOf(message)}`;
  const unknown = message.$unknown?.[0];
  if (unknown) {
    const short = message.$typeName.slice(message.$typeName.lastIndexOf('.') + 1);
    const what = REFUSED[short]?.[unknown.no] ?? 'an unknown field';
    throw new LmzError(
      'LMZ_MODEL_INVALID',
      `${place}: has ${what} (field ${unknown.no}), which lmz models may not have`,
    );
  }
  for (const value of Object.values(message) as unknown[]) {
    if (isMessage(value)) refuseUnknown(value, place);
    else if (Array.isArray(value) && isMessage(value[0])) {
      for (const item of value as Message[]) refuseUnknown(item, place);
    }
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && '$typeName' in value;
}

/**
 * Reads an ONNX file.
 *
 * @throws LmzError LMZ_MODEL_INVALID when the bytes are no ONNX model, or have a field that lmz does not know
 */
export function parseModelProto(bytes: Uint8Array): ModelProto {
  if (bytes.length > MODEL_MAX_BYTES) {
    throw new LmzError(
      'LMZ_MODEL_INVALID',
      `the model has ${bytes.length} bytes, past the limit of ${MODEL_MAX_BYTES}`,
    );
  }
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema as DescMessage & typeof ModelProtoSchema, bytes);
  } catch (cause) {
    throw new LmzError('LMZ_MODEL_INVALID', `not an ONNX model: ${(cause as Error).message}`, {
      cause,
      hint: 'The file is damaged, cut short, or of another kind.',
    });
  }
  refuseUnknown(model, '');
  if (!model.graph) {
    throw new LmzError('LMZ_MODEL_INVALID', 'not an ONNX model: it has no graph', {
      hint: 'The file is damaged, cut short, or of another kind.',
    });
  }
  return model;
}

/**
 * The bytes that the runtime is given: what was read, written anew. Protobuf readers differ on malformed input (wrong
 * wire types, both members of a "oneof"); so that nothing can mean one thing to the audit and another to the runtime,
 * the runtime never sees the file itself. Shape hints of inner values and documentation are left out.
 */
export function writeModelProto(model: ModelProto): Uint8Array {
  const graph = model.graph!;
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: model.irVersion,
      producerName: 'lmz',
      opsetImport: model.opsetImport,
      graph: {
        name: graph.name,
        node: graph.node,
        initializer: graph.initializer,
        input: graph.input,
        output: graph.output,
      },
    }),
  );
}
