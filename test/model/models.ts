/**
 * Tiny models for the tests of src/model, built in memory.
 *
 * @module
 */
import { GraphBuilder } from '../../src/model/onnx/builder.ts';

/** Metadata of a valid step model, to be changed by tests. */
export function metadata(changes: Record<string, string | undefined> = {}): Record<string, string> {
  const all: Record<string, string | undefined> = {
    'lmz.contract': '1',
    'lmz.alphabet': '256',
    'lmz.logit_bits': '4',
    'lmz.start': '10',
    'lmz.context': '0',
    'lmz.time': 'step',
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Reproducible integers -magnitude .. magnitude. */
export function noise(count: number, magnitude: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) % (2 * magnitude + 1)) - magnitude;
  });
}

/** logits = a row of a table; no states. */
export function tableModel(changes: Record<string, string | undefined> = {}): Uint8Array {
  const graph = new GraphBuilder('table');
  const token = graph.input('token', 'int32', ['lanes', 'time']);
  const rows = graph.node('Gather', [
    graph.constant(Int32Array.from(noise(256 * 256, 500)), [256, 256]),
    token,
  ]);
  graph.emit(rows, 'logits', 'int32', ['lanes', 'time', 256]);
  return graph.build(metadata({ 'lmz.time': 'sequence', ...changes }));
}

export interface RecurrentOptions {
  units?: number;
  /** Largest weight of the recurrent matrix. */
  weight?: number;
  float?: boolean;
}

/** h' = clip(floor((h W) / 2^8 + 1/2) + E[token]); logits = h' V. States of three types beside h keep counts. */
export function recurrentModel({
  units = 16,
  weight = 60,
  float = false,
}: RecurrentOptions = {}): Uint8Array {
  const graph = new GraphBuilder('recurrent');
  const token = graph.input('token', 'int32', ['lanes', 'time']);
  const h = graph.input('h', 'float32', ['lanes', units]);
  const seen = graph.input('seen', 'int64', ['lanes', 2]);
  const count = graph.input('count', 'int32', ['lanes', 1]);
  const last = graph.input('last', 'uint8', ['lanes', 1]);
  const step = graph.node('Squeeze', [token, graph.shape(1)]);
  const scale = float ? 0.0123 : 1 / 256;
  const embedding = graph.constant(Float32Array.from(noise(256 * units, 100, 2)), [256, units]);
  const matrix = graph.constant(Float32Array.from(noise(units * units, weight, 3)), [units, units]);
  const product = graph.node('Mul', [graph.node('MatMul', [h, matrix]), graph.scalar('float32', scale)]);
  const rounded = float
    ? graph.node('Tanh', [product])
    : graph.node('Floor', [graph.node('Add', [product, graph.scalar('float32', 0.5)])]);
  const sum = graph.node('Add', [rounded, graph.node('Gather', [embedding, step])]);
  const bounds = [graph.scalar('float32', -127), graph.scalar('float32', 127)];
  graph.output(graph.node('Clip', [sum, ...bounds], {}, 'h_next'), 'float32', ['lanes', units]);
  // A hash of the last two tokens: int64 arithmetic, remainder by a prime.
  const wide = graph.node('Cast', [token], { to: 7 });
  graph.output(
    graph.node(
      'Concat',
      [graph.node('Slice', [seen, graph.shape(1), graph.shape(2), graph.shape(1)]), wide],
      { axis: 1 },
      'seen_next',
    ),
    'int64',
    ['lanes', 2],
  );
  const weights = graph.constant(BigInt64Array.of(1_000_003n, 65_599n), [2]);
  const hash = graph.node('ReduceSum', [graph.node('Mul', ['seen_next', weights]), graph.shape(1)], {
    keepdims: 0,
  });
  const index = graph.node('Mod', [hash, graph.scalar('int64', 251)]);
  const more = graph.node('Add', [count, graph.scalar('int32', 1)]);
  graph.output(graph.node('Min', [more, graph.scalar('int32', 1000)], {}, 'count_next'), 'int32', [
    'lanes',
    1,
  ]);
  graph.output(graph.node('Cast', [token], { to: 2 }, 'last_next'), 'uint8', ['lanes', 1]);
  const out = graph.constant(Float32Array.from(noise(units * 256, 50, 4)), [units, 256]);
  const table = graph.constant(Int8Array.from(noise(251 * 256, 100, 5)), [251, 256]);
  const row = graph.node('Cast', [graph.node('Gather', [table, index])], { to: 1 });
  const old = graph.node('Cast', [graph.node('Add', [count, graph.node('Cast', [last], { to: 6 })])], {
    to: 1,
  });
  const logits = graph.node('Add', [graph.node('Add', [graph.node('MatMul', ['h_next', out]), row]), old]);
  const shaped = graph.node('Unsqueeze', [logits, graph.shape(1)]);
  if (float) graph.emit(shaped, 'logits', 'float32', ['lanes', 'time', 256]);
  else graph.emit(graph.node('Cast', [shaped], { to: 6 }), 'logits', 'int32', ['lanes', 'time', 256]);
  return graph.build(
    metadata({
      'lmz.state.h': '-127 127',
      'lmz.state.seen': '0 255',
      'lmz.state.count': '0 1000',
      'lmz.state.last': '0 255',
    }),
  );
}

/** A sequence model: logits from the sum of the last three tokens' rows; its state is the last two tokens. */
export function sequenceModel(): Uint8Array {
  const graph = new GraphBuilder('sequence');
  const token = graph.input('token', 'int32', ['lanes', 'time']);
  const past = graph.input('past', 'int32', ['lanes', 2]);
  const all = graph.node('Concat', [past, token], { axis: 1 });
  const table = graph.constant(Float32Array.from(noise(256 * 8, 90, 7)), [256, 8]);
  const rows = graph.node('Gather', [table, all]);
  const axis = graph.shape(1);
  const parts = [0, 1, 2].map((from) => {
    const end = from === 2 ? graph.constant(BigInt64Array.of(2n ** 63n - 1n)) : graph.shape(from - 2);
    return graph.node('Slice', [rows, graph.shape(from), end, axis]);
  });
  const sum = graph.node('Add', [graph.node('Add', [parts[0], parts[1]]), parts[2]]);
  const out = graph.constant(Float32Array.from(noise(8 * 256, 70, 8)), [8, 256]);
  graph.emit(graph.node('Cast', [graph.node('MatMul', [sum, out])], { to: 6 }), 'logits', 'int32', [
    'lanes',
    'time',
    256,
  ]);
  const end = graph.constant(BigInt64Array.of(2n ** 63n - 1n));
  graph.output(graph.node('Slice', [all, graph.shape(-2), end, axis], {}, 'past_next'), 'int32', [
    'lanes',
    2,
  ]);
  return graph.build(metadata({ 'lmz.time': 'sequence', 'lmz.state.past': '0 255' }));
}
