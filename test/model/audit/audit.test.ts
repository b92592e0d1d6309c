import { describe, expect, it } from 'vitest';
import { EXACT_OPERATORS } from '../../../src/model/audit/audit.ts';
import { loadModel } from '../../../src/model/load.ts';
import { GraphBuilder } from '../../../src/model/onnx/builder.ts';
import { coded, summary } from '../errors.ts';
import { metadata, recurrentModel, sequenceModel, tableModel } from '../models.ts';

/** A model whose one state takes what `next` makes of it, and whose logits are `logits`. */
function model(
  range: string,
  next: (graph: GraphBuilder) => string,
  logits: (graph: GraphBuilder) => string = (graph) => graph.scalar('int32', 0),
): Uint8Array {
  const graph = new GraphBuilder('state');
  const token = graph.input('token', 'int32', ['lanes', 'time']);
  graph.input('s', 'float32', ['lanes', 1]);
  graph.emit(next(graph), 's_next', 'float32', ['lanes', 1]);
  const rows = graph.node('Gather', [graph.constant(new Int32Array(65536), [256, 256]), token]);
  graph.emit(graph.node('Add', [rows, logits(graph)]), 'logits', 'int32', ['lanes', 'time', 256]);
  return graph.build(metadata({ 'lmz.state.s': range }));
}

const step = (by: number) => (graph: GraphBuilder) => graph.node('Add', ['s', graph.scalar('float32', by)]);

describe('the audit', () => {
  it('reports every tensor of a model that passes', () => {
    const { entries, tightest } = loadModel(recurrentModel()).audit!;
    const product = entries.find(({ op }) => op === 'MatMul')!;
    expect(product).toMatchObject({ type: 'float32', shape: '[lanes, 16]', exponent: 0, capacity: 24 });
    expect(product.bits).toBe(product.high.toString(2).length);
    expect(tightest!.capacity - tightest!.bits).toBe(
      Math.min(
        ...entries
          .filter(({ op }) => ['Add', 'Mul', 'MatMul', 'ReduceSum'].includes(op))
          .map(({ capacity, bits }) => capacity - bits),
      ),
    );
    expect(loadModel(sequenceModel()).audit!.entries.at(-1)).toMatchObject({
      output: 'past_next',
      shape: '[lanes, 2]',
    });
    expect(loadModel(tableModel()).audit!.tightest).toBeUndefined();
  });

  it('names the node, the bound and the number of one that does not', () => {
    const error = coded(() => loadModel(recurrentModel({ units: 64, weight: 20_000 })));
    expect(summary(error)).toMatch(
      /^LMZ_MODEL_NOT_EXACT: MatMul "matmul_\d+": a sum of products -?\d+ .. \d+ needs integers up to \d+, float32 is exact up to 16777216$/,
    );
  });

  it('is inductive: a state that may grow is refused, whatever its range', () => {
    const clipped = (graph: GraphBuilder): string =>
      graph.node('Clip', [step(1)(graph), graph.scalar('float32', 0), graph.scalar('float32', 9)]);
    expect(loadModel(model('0 9', clipped)).audit).toBeDefined();
    expect(loadModel(model('0 10', clipped)).audit).toBeDefined();
    expect(summary(coded(() => loadModel(model('0 8', clipped))))).toBe(
      'LMZ_MODEL_NOT_EXACT: output "s_next": 1 .. 9 is past its range 0 .. 8',
    );
    expect(summary(coded(() => loadModel(model('0 1000', step(1)))))).toBe(
      'LMZ_MODEL_NOT_EXACT: output "s_next": 1 .. 1001 is past its range 0 .. 1000',
    );
  });

  it('keeps float states to integers', () => {
    const halves = (graph: GraphBuilder): string => graph.node('Mul', ['s', graph.scalar('float32', 0.5)]);
    expect(summary(coded(() => loadModel(model('0 8', halves))))).toBe(
      'LMZ_MODEL_NOT_EXACT: output "s_next": may have fractions (multiples of 2^-1), integers expected',
    );
  });

  it('keeps logits within +-2^30', () => {
    const logits = (value: number) => (graph: GraphBuilder) => graph.scalar('int32', value);
    expect(loadModel(model('0 1', () => 's', logits(2 ** 30))).audit).toBeDefined();
    expect(summary(coded(() => loadModel(model('0 1', () => 's', logits(2 ** 30 + 1)))))).toContain(
      'LMZ_MODEL_NOT_EXACT: output "logits": 1073741825',
    );
    expect(summary(coded(() => loadModel(model('0 1', () => 's', logits(-(2 ** 30) - 1)))))).toContain(
      'LMZ_MODEL_NOT_EXACT: output "logits": -1073741825',
    );
  });

  it('lists the exact operators in its hint', () => {
    const tanh = (graph: GraphBuilder): string => graph.node('Tanh', ['s']);
    expect(coded(() => loadModel(model('0 1', tanh))).hint).toBe(
      `Exact operators: ${EXACT_OPERATORS.join(', ')}.`,
    );
    expect(EXACT_OPERATORS).toContain('MatMulInteger');
  });
});
