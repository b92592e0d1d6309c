import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Dimension } from '../../src/model/onnx/builder.ts';
import type { ElementName } from '../../src/model/onnx/elements.ts';
import { loadModel } from '../../src/model/load.ts';
import { coded, summary } from './errors.ts';
import { metadata, recurrentModel, tableModel } from './models.ts';

type Ports = {
  token?: [ElementName, Dimension[]];
  logits?: [ElementName, Dimension[]];
  state?: [ElementName, Dimension[]];
  next?: [ElementName, Dimension[]] | null;
};

/** A model that need not make sense inside: contract errors come before the audit. */
function model(ports: Ports, changes: Record<string, string | undefined> = {}): Uint8Array {
  const graph = new GraphBuilder('ports');
  const [type, dims] = ports.token ?? ['int32', ['lanes', 'time']];
  graph.input('token', type, dims);
  const rows = graph.node('Gather', [graph.constant(new Int32Array(65536), [256, 256]), 'token']);
  graph.emit(rows, 'logits', ...(ports.logits ?? ['int32', ['lanes', 'time', 256]]));
  if (ports.state) {
    graph.input('s', ...ports.state);
    if (ports.next !== null) graph.emit('s', 's_next', ...(ports.next ?? ports.state));
  }
  return graph.build(metadata({ 'lmz.state.s': ports.state && '0 1', ...changes }));
}

describe('readContract', () => {
  it('reads what a model says', () => {
    const { contract } = loadModel(recurrentModel());
    expect(contract).toMatchObject({
      alphabet: 256,
      logitBits: 4,
      start: 10,
      context: 0,
      time: 'step',
      logitType: 'int32',
    });
    expect(contract.states.map(({ name, type, dims, low, high }) => [name, type, dims, low, high])).toEqual([
      ['h', 'float32', [16], -127n, 127n],
      ['seen', 'int64', [2], 0n, 255n],
      ['count', 'int32', [1], 0n, 1000n],
      ['last', 'uint8', [1], 0n, 255n],
    ]);
    expect(loadModel(tableModel({ 'lmz.name': 'a table' })).contract.name).toBe('a table');
  });

  it.each<[string, string | undefined, string]>([
    ['lmz.contract', undefined, 'metadata "lmz.contract" is missing, "1" expected'],
    ['lmz.contract', '2', 'metadata "lmz.contract" is "2", "1" expected'],
    ['lmz.alphabet', '200', 'metadata "lmz.alphabet" is "200", "128" or "256" expected'],
    ['lmz.alphabet', '0256', 'metadata "lmz.alphabet" is "0256", an integer 128 to 256 expected'],
    ['lmz.logit_bits', '9', 'metadata "lmz.logit_bits" is "9", an integer 0 to 8 expected'],
    ['lmz.logit_bits', '4 ', 'metadata "lmz.logit_bits" is "4 ", an integer 0 to 8 expected'],
    ['lmz.start', '256', 'metadata "lmz.start" is "256", an integer 0 to 255 expected'],
    ['lmz.start', undefined, 'metadata "lmz.start" is missing, an integer 0 to 255 expected'],
    ['lmz.context', '-1', 'metadata "lmz.context" is "-1", an integer 0 to 2147483647 expected'],
    ['lmz.time', 'both', 'metadata "lmz.time" is "both", "step" or "sequence" expected'],
    ['lmz.state.x', '0 1', 'metadata "lmz.state.x" names a state that the graph has not'],
  ])('refuses %s = %s', (key, value, message) => {
    expect(summary(coded(() => loadModel(model({}, { [key]: value }))))).toBe(
      `LMZ_MODEL_INVALID: ${message}`,
    );
  });

  it.each<[string, Ports, Record<string, string | undefined>, string]>([
    [
      'token type',
      { token: ['int64', ['lanes', 'time']] },
      {},
      'input "token" is int64 [lanes, time], int32 [lanes, time] expected',
    ],
    [
      'token rank',
      { token: ['int32', ['lanes']] },
      {},
      'input "token" is int32 [lanes], int32 [lanes, time] expected',
    ],
    [
      'token lanes',
      { token: ['int32', [1, 'time']] },
      {},
      'input "token" is int32 [1, time], int32 [lanes, time] expected',
    ],
    [
      'fixed time',
      { token: ['int32', ['lanes', 1]] },
      { 'lmz.time': 'sequence' },
      'input "token" is int32 [lanes, 1], int32 [lanes, time] expected',
    ],
    [
      'logits type',
      { logits: ['float32', ['lanes', 'time', 256]] },
      {},
      'output "logits" is float32 [lanes, time, 256], int32 [lanes, time, 256] expected',
    ],
    [
      'logits width',
      { logits: ['int32', ['lanes', 'time', 256]] },
      { 'lmz.alphabet': '128' },
      'output "logits" is int32 [lanes, time, 256], int32 [lanes, time, 128] expected',
    ],
    [
      'state type',
      { state: ['float64', ['lanes', 1]] },
      {},
      'state "s" is float64 [lanes, 1], uint8 or int8 or int32 or int64 or float32 [lanes, fixed sizes...] expected',
    ],
    [
      'state shape',
      { state: ['int32', ['lanes', 'n']] },
      {},
      'state "s" is int32 [lanes, n], uint8 or int8 or int32 or int64 or float32 [lanes, fixed sizes...] expected',
    ],
    [
      'state output',
      { state: ['int32', ['lanes', 1]], next: null },
      {},
      'output "s_next" is missing: every input but "token" is a state and comes back',
    ],
    [
      'state output type',
      { state: ['int32', ['lanes', 1]], next: ['int64', ['lanes', 1]] },
      {},
      'output "s_next" is int64 [lanes, 1], int32 [lanes, 1] expected as for its input',
    ],
    [
      'state range missing',
      { state: ['int32', ['lanes', 1]] },
      { 'lmz.state.s': undefined },
      'metadata "lmz.state.s" is missing, "min max" expected',
    ],
    [
      'state range without 0',
      { state: ['int32', ['lanes', 1]] },
      { 'lmz.state.s': '1 2' },
      'metadata "lmz.state.s" is "1 2", two integers "min max" with min <= 0 <= max expected',
    ],
    [
      'state range fraction',
      { state: ['int32', ['lanes', 1]] },
      { 'lmz.state.s': '0 1.5' },
      'metadata "lmz.state.s" is "0 1.5", two integers "min max" with min <= 0 <= max expected',
    ],
    [
      'state range past type',
      { state: ['uint8', ['lanes', 1]] },
      { 'lmz.state.s': '0 256' },
      'metadata "lmz.state.s" is "0 256", past what uint8 holds exactly (0 to 255)',
    ],
    [
      'state range past float',
      { state: ['float32', ['lanes', 1]] },
      { 'lmz.state.s': '0 16777217' },
      'metadata "lmz.state.s" is "0 16777217", past what float32 holds exactly (-16777216 to 16777216)',
    ],
  ])('refuses a wrong %s', (_, ports, changes, message) => {
    expect(summary(coded(() => loadModel(model(ports, changes))))).toBe(`LMZ_MODEL_INVALID: ${message}`);
  });

  it('accepts time 1 for a step model, and float logits only for a platform-bound one', () => {
    expect(
      loadModel(model({ token: ['int32', ['lanes', 1]], logits: ['int32', ['lanes', 1, 256]] })).contract
        .time,
    ).toBe('step');
    const bound = loadModel(recurrentModel({ float: true }), { platformBound: true });
    expect([bound.contract.logitType, bound.audit]).toEqual(['float32', undefined]);
  });

  it("refuses an output that is nobody's, and a missing token", () => {
    const graph = new GraphBuilder('extra');
    graph.input('token', 'int32', ['lanes', 'time']);
    graph.emit(
      graph.node('Gather', [graph.constant(new Int32Array(65536), [256, 256]), 'token']),
      'logits',
      'int32',
      ['lanes', 'time', 256],
    );
    graph.emit('token', 'more', 'int32', ['lanes', 'time']);
    expect(coded(() => loadModel(graph.build(metadata()))).message).toBe(
      'output "more" is neither "logits" nor a state\'s "_next"',
    );
    const empty = new GraphBuilder('empty');
    expect(coded(() => loadModel(empty.build(metadata()))).message).toContain('input "token" is missing');
  });
});
