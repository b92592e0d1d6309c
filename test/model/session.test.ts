import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { loadModel } from '../../src/model/load.ts';
import { type Engine, openRuntime, type RuntimeChoice, runtimeId } from '../../src/model/ort.ts';
import { fingerprint, type LaneSession, openSession } from '../../src/model/session.ts';
import { GraphBuilder } from '../../src/model/onnx/builder.ts';
import { withEngine } from './engines.ts';
import { codedAsync, summary } from './errors.ts';
import { metadata, noise, recurrentModel, sequenceModel, tableModel } from './models.ts';
import { expectRefusals } from './misuse.ts';

const recurrent = loadModel(recurrentModel());
const STEPS = 40;

/** Tokens [lanes, steps] that differ by lane. */
function tokens(lanes: number, steps = STEPS): Int32Array {
  return Int32Array.from(noise(lanes * steps, 127, 9), (value) => value + 127);
}

/** Logits of every step: steps arrays of [lanes, alphabet]. */
async function steps(session: LaneSession, all: Int32Array, count = STEPS): Promise<Int32Array[]> {
  const results: Int32Array[] = [];
  for (let t = 0; t < count; t++) {
    const step = Int32Array.from({ length: session.lanes }, (_, lane) => all[lane * count + t]);
    results.push((await session.run(step, 1)).slice());
  }
  return results;
}

describe.each<RuntimeChoice>(['node', 'web'])('sessions of onnxruntime-%s', (engine) => {
  it('compute each lane alike, however many there are', async () => {
    const all = tokens(16);
    const wide = await withEngine(recurrent, 16, engine, (session) => steps(session, all));
    for (const lanes of [1, 3]) {
      const narrow = await withEngine(recurrent, lanes, engine, (session) =>
        steps(session, all.slice(0, lanes * STEPS)),
      );
      for (let t = 0; t < STEPS; t++) expect(narrow[t]).toEqual(wide[t].subarray(0, lanes * 256));
    }
  });

  it('keep states between calls, and reset them', async () => {
    await withEngine(recurrent, 3, engine, async (session) => {
      const first = await steps(session, tokens(3));
      const second = await steps(session, tokens(3));
      expect(second).not.toEqual(first);
      session.reset();
      expect(await steps(session, tokens(3))).toEqual(first);
    });
  });

  it('take whole sequences with the results of stepping', async () => {
    const model = loadModel(sequenceModel());
    const all = tokens(3);
    const stepped = await withEngine(model, 3, engine, (session) => steps(session, all));
    await withEngine(model, 3, engine, async (session) => {
      let at = 0;
      for (const time of [1, 7, 1, 20, 11]) {
        const part = Uint8Array.from(
          { length: 3 * time },
          (_, i) => all[Math.floor(i / time) * STEPS + at + (i % time)],
        );
        const logits = await session.run(part, time);
        for (let lane = 0; lane < 3; lane++) {
          for (let t = 0; t < time; t++) {
            const from = (lane * time + t) * 256;
            expect(logits.subarray(from, from + 256)).toEqual(
              stepped[at + t].subarray(lane * 256, lane * 256 + 256),
            );
          }
        }
        at += time;
      }
    });
  });

  it('name their runtime', async () => {
    expect(await runtimeId(engine)).toMatch(
      engine === 'node'
        ? /^onnxruntime-node \d+\.\d+\.\d+ \w+-\w+$/
        : /^onnxruntime-web \d+\.\d+\.\d+ wasm32$/,
    );
  });

  it('round the logits of platform-bound models to the nearest integer, halves up', async () => {
    const graph = new GraphBuilder('halves');
    const token = graph.input('token', 'int32', ['lanes', 'time']);
    const table = new Float32Array(65536);
    table.set([0.5, -0.5, 1.5, -1.5, 0.49999997, -0.50000006, 2.5, -2.5, 3, -0.25], 0);
    table.set([2 ** 30], 256);
    table.set([2 ** 30 + 128], 512);
    table.set([NaN], 768);
    graph.emit(graph.node('Gather', [graph.constant(table, [256, 256]), token]), 'logits', 'float32', [
      'lanes',
      'time',
      256,
    ]);
    const model = loadModel(graph.build(metadata()), { platformBound: true });
    await withEngine(model, 1, engine, async (session) => {
      expect(
        Array.from((await session.run(Int32Array.of(0), 1)).subarray(0, 10), (value) => value + 0),
      ).toEqual([1, 0, 2, -1, 0, -1, 3, -2, 3, 0]);
      expect((await session.run(Int32Array.of(1), 1))[0]).toBe(2 ** 30);
      expect(summary(await codedAsync(() => session.run(Int32Array.of(2), 1)))).toBe(
        'LMZ_MODEL_INVALID: the model gave the logit 1073741952, past +-2^30',
      );
      expect(summary(await codedAsync(() => session.run(Int32Array.of(3), 1)))).toBe(
        'LMZ_MODEL_INVALID: the model gave the logit NaN, past +-2^30',
      );
    });
  });
});

describe('the engines', () => {
  it('agree bit for bit', async () => {
    for (const model of [recurrent, loadModel(sequenceModel()), loadModel(tableModel())]) {
      for (const lanes of [1, 5]) {
        expect(toHex(await fingerprint(model, lanes, 'web'))).toBe(
          toHex(await fingerprint(model, lanes, 'node')),
        );
      }
    }
  });

  it('fingerprint by the documented probe', async () => {
    const lanes = 2;
    const hash = createHash('sha256');
    await withEngine(recurrent, lanes, 'node', async (session) => {
      let x = 1n;
      for (let step = 0; step < 64; step++) {
        const input = new Int32Array(lanes);
        for (let lane = 0; lane < lanes; lane++) {
          x = (x * 1664525n + 1013904223n) % 2n ** 32n;
          input[lane] = Number((x / 65536n) % 256n);
        }
        const logits = await session.run(input, 1);
        const bytes = new DataView(new ArrayBuffer(4 * logits.length));
        for (const [i, logit] of logits.entries()) bytes.setInt32(4 * i, logit, true);
        hash.update(new Uint8Array(bytes.buffer));
      }
    });
    const expected = hash.digest('hex');
    expect(toHex(await fingerprint(recurrent, lanes))).toBe(expected);
    // Part of the format: this must never change.
    expect(expected).toBe('ec8229db1a97cacf057185a8f94a50607bddb866d6f3bc23039c36eb5bb4e0e0');
  });

  it('may come and go by the hundred', async () => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 150; i++)
      await withEngine(recurrent, 4, 'node', (session) => session.run(new Int32Array(4), 1));
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});

describe('misuse', () => {
  it('is refused by name', async () => {
    await expect(openSession(recurrent, { lanes: 0 })).rejects.toThrow(
      new RangeError('"lanes" expected an integer 1 to 4096, got 0'),
    );
    await expect(openSession(recurrent, { lanes: 4097 })).rejects.toThrow(RangeError);
    await expect(async () => openSession(recurrent, { engine: 'gpu' as Engine })).rejects.toThrow(TypeError);
    const session = await openSession(recurrent, { lanes: 2 });
    await expectRefusals(session);
    await expect(session.run(new Int32Array(4), 0)).rejects.toThrow(
      '"time" expected an integer 1 to 65536, got 0',
    );
    const running = session.run(new Int32Array(2), 1);
    await expect(session.run(new Int32Array(2), 1)).rejects.toThrow('run() on a session that is running');
    expect(() => {
      session.reset();
    }).toThrow('reset() on a session that is running');
    await running;
    await session.release();
    await session.release();
    await expect(session.run(new Int32Array(2), 1)).rejects.toThrow('run() on a session that is released');
  });

  it('a model that the runtime refuses is an engine error', async () => {
    const runtime = await openRuntime('node');
    expect((await codedAsync(() => runtime.create(new Uint8Array(10)))).code).toBe('LMZ_ENGINE');
  });
});

describe('a missing runtime', () => {
  afterEach(() => {
    vi.doUnmock('onnxruntime-node');
    vi.doUnmock('onnxruntime-web');
    vi.resetModules();
  });

  function hide(name: string): void {
    vi.doMock(name, () => {
      throw new Error(
        `Cannot find module '../bin/napi-v6/darwin/x64/onnxruntime_binding.node'\nRequire stack:\n- ${name}`,
      );
    });
  }

  it('is an engine error that says what to install', async () => {
    vi.resetModules();
    hide('onnxruntime-node');
    hide('onnxruntime-web');
    const fresh = await import('../../src/model/ort.ts');
    for (const engine of ['node', 'web', 'auto'] as const) {
      const error = (await fresh.openRuntime(engine).catch((reason: unknown) => reason)) as {
        code: string;
        hint: string;
        message: string;
      };
      expect(error.code).toBe('LMZ_ENGINE');
      expect(error.message).toMatch(/^onnxruntime-(node|web) cannot be loaded: [^\n]+$/);
      expect(error.hint).toContain('npm install onnxruntime-web');
    }
  });

  it('is replaced by the other one on auto', async () => {
    vi.resetModules();
    hide('onnxruntime-node');
    const fresh = await import('../../src/model/ort.ts');
    expect((await fresh.openRuntime('auto')).name).toBe('onnxruntime-web');
  });
});
