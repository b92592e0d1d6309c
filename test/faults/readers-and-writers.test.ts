import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { PassThrough, Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compress, decompress, lmzDecode, lmzEncode, loadModel, openLmz } from '../../src/index.ts';
import { fixtureModel, MODEL_FOLDER } from '../support/models.ts';
import { outcome } from '../support/outcome.ts';
import { split } from '../support/routes.ts';
import { bytes, concat } from '../support/sections.ts';

const model = loadModel(fixtureModel('good-order1-256'));
const content = new TextEncoder().encode('A reader or a writer may fail at any time. '.repeat(8));
const encodeOptions = { model, mode: 'lm', chunkSize: 100, threads: 2 } as const;
const file = await compress(content, encodeOptions);

const directions: { name: string; make: () => Transform; input: Uint8Array; output: Uint8Array }[] = [
  { name: 'encode', make: () => lmzEncode(encodeOptions), input: content, output: file },
  { name: 'decode', make: () => lmzDecode({ model, threads: 2 }), input: file, output: content },
  {
    name: 'encode, stored',
    make: () => lmzEncode({ mode: 'stored', chunkSize: 50 }),
    input: content,
    output: await compress(content, { mode: 'stored', chunkSize: 50 }),
  },
];

// Errors that nobody handles would end a program; they are counted over the whole of this file.
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', note).on('uncaughtException', note);
});
afterAll(async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('unhandledRejection', note).off('uncaughtException', note);
  expect(unhandled).toEqual([]);
});

/** A source of pieces that fails after some. */
function failingSource(pieces: readonly Uint8Array[], after: number, error: Error): Readable {
  let given = 0;
  return new Readable({
    read() {
      if (given === after) this.destroy(error);
      else this.push(given < pieces.length ? pieces[given] : null);
      given++;
    },
  });
}

/** A destination that fails at the write after some, and keeps what came before. */
function failingSink(after: number, error: Error): Writable & { pieces: Uint8Array[] } {
  const pieces: Uint8Array[] = [];
  const sink = new Writable({
    write(piece: Uint8Array, _, done) {
      if (pieces.length === after) {
        done(error);
        return;
      }
      pieces.push(piece);
      setImmediate(done);
    },
  });
  return Object.assign(sink, { pieces });
}

describe.each(directions)('$name', ({ make, input, output }) => {
  it('ends with the error of a source that fails, at every piece', async () => {
    const pieces = split(input, [1, 40, 90, 91, 130, 200]);
    for (let after = 0; after <= pieces.length; after++) {
      const error = new Error(`read ${after}`);
      const sink = failingSink(Infinity, error);
      const stream = make();
      await expect(pipeline(failingSource(pieces, after, error), stream, sink)).rejects.toBe(error);
      expect(stream.destroyed).toBe(true);
      const sofar = concat(...sink.pieces);
      expect(sofar).toEqual(output.slice(0, sofar.length));
      // An encoder's index says that the file is whole: it must not be there.
      expect(sofar.length).toBeLessThan(output.length + Number(input !== content));
    }
  });

  it('ends with the error of a destination that fails, at every write until there are no more', async () => {
    let failed = 0;
    for (let after = 0; ; after++) {
      const error = new Error(`write ${after}`);
      const sink = failingSink(after, error);
      const stream = make();
      const end = await pipeline(Readable.from(split(input, [50, 150])), stream, sink).catch(
        (reason: unknown) => reason,
      );
      expect(concat(...sink.pieces)).toEqual(output.slice(0, concat(...sink.pieces).length));
      if (end === undefined) {
        expect(concat(...sink.pieces)).toEqual(output);
        break;
      }
      expect(end).toBe(error);
      expect(stream.destroyed).toBe(true);
      failed++;
    }
    expect(failed).toBeGreaterThanOrEqual(3);
  });

  it('ends when it is destroyed midway, and later ones work', async () => {
    for (const pieces of [0, 1, 2, 3]) {
      const stream = make();
      const closed = new Promise((resolve) => stream.once('close', resolve));
      const errors: unknown[] = [];
      stream.on('error', (error) => errors.push(error));
      let given = 0;
      stream.on('data', () => given++);
      stream.write(input.subarray(0, -10));
      while (given < pieces) await new Promise((resolve) => setTimeout(resolve, 1));
      stream.destroy();
      await closed;
      expect(errors).toEqual([]);
    }
    const stream = make();
    stream.end(input);
    const whole = concat(...((await stream.toArray()) as Uint8Array[]));
    expect(whole).toEqual(output);
  });

  it('fails with the reason of its signal, before and during', async () => {
    const isEncode = input === content;
    const start = (signal: AbortSignal) =>
      isEncode ? lmzEncode({ ...encodeOptions, signal }) : lmzDecode({ model, signal });
    const reason = new Error('enough');
    const before = new AbortController();
    before.abort(reason);
    await expect(pipeline(Readable.from([input]), start(before.signal), new PassThrough())).rejects.toBe(
      reason,
    );
    expect(getEventListeners(before.signal, 'abort')).toEqual([]);

    for (const writes of [0, 1, 2]) {
      const during = new AbortController();
      const stream = start(during.signal);
      const failed = new Promise((resolve) => stream.once('error', resolve));
      for (let i = 0; i < writes; i++) stream.write(input.subarray(100 * i, 100 * i + 100));
      setTimeout(() => {
        during.abort(reason);
      }, 2 * writes);
      expect(await failed).toBe(reason);
      await new Promise((resolve) => setImmediate(resolve));
      expect(getEventListeners(during.signal, 'abort')).toEqual([]);
    }
  });

  it('is done with what was written when it calls back: a writer may use its buffer again', async () => {
    const stream = make();
    const whole = stream.toArray();
    const buffer = new Uint8Array(100);
    for (let at = 0; at < input.length; at += buffer.length) {
      const size = Math.min(buffer.length, input.length - at);
      buffer.set(input.subarray(at, at + size));
      await new Promise((resolve) => stream.write(buffer.subarray(0, size), resolve));
      buffer.fill(255);
    }
    stream.end();
    expect(concat(...((await whole) as Uint8Array[]))).toEqual(output);
  });

  it('leaves no listener on a signal that never fires', async () => {
    const { signal } = new AbortController();
    const stream = input === content ? lmzEncode({ ...encodeOptions, signal }) : lmzDecode({ model, signal });
    await pipeline(Readable.from([input]), stream, failingSink(Infinity, new Error()));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a signal', () => {
  const long = new Uint8Array(300_000).fill(65);
  const slow = { model, mode: 'lm', threads: 2, chunkSize: 60_000 } as const;

  it('that has fired already refuses every operation with its reason', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(compress(content, { ...encodeOptions, signal })).rejects.toBe(reason);
    await expect(compress('', { mode: 'stored', signal })).rejects.toBe(reason);
    await expect(decompress(file, { model, signal })).rejects.toBe(reason);
    await expect(decompress(bytes(), { signal })).rejects.toBe(reason);
    await expect(openLmz(file, { model, signal })).rejects.toBe(reason);
  });

  it('whose reason is no Error is handed on as it is by the one-shots', async () => {
    await expect(compress(content, { ...encodeOptions, signal: AbortSignal.abort('why') })).rejects.toBe(
      'why',
    );
    const error = await compress(content, { signal: AbortSignal.abort() }).catch((reason: unknown) => reason);
    expect((error as Error).name).toBe('AbortError');
  });

  it('stops what works for seconds within a fraction of one', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const { signal } = controller;
    const packed = compress(long, { ...slow, signal });
    setTimeout(() => {
      controller.abort(reason);
    }, 150);
    const start = performance.now();
    await expect(packed).rejects.toBe(reason);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // The threads are free again.
    expect(await decompress(file, { model, threads: 2 })).toEqual(content);
  });

  it('stops reads of an open file, and only those', async () => {
    const controller = new AbortController();
    const reader = await openLmz(file, { model, signal: controller.signal });
    const other = await openLmz(file, { model });
    const reading = reader.read(0, reader.size);
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await expect(reader.read(0, 1)).rejects.toThrow('enough');
    expect(await other.read(0, other.size)).toEqual(content);
    await reader.close();
    await other.close();
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('stops reads of stored frames too', async () => {
    const controller = new AbortController();
    const reader = await openLmz(await compress(content, { mode: 'stored' }), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(reader.read(0, 1)).rejects.toThrow('enough');
    await reader.close();
  });

  it('of one operation leaves another that works at the same time alone', async () => {
    const controller = new AbortController();
    const first = compress(long, { ...slow, signal: controller.signal });
    const second = compress(content, encodeOptions);
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 30);
    await expect(first).rejects.toThrow('enough');
    expect(await second).toEqual(file);
  });
});

describe('a reader', () => {
  it('that is closed ends its reads, and gives none afterwards', async () => {
    for (const source of [file, await compress(content, { mode: 'stored' })]) {
      const reader = await openLmz(source, { model });
      await reader.close();
      await expect(reader.read(0, 10)).rejects.toThrow('closed');
      await reader.close();
    }
    const reader = await openLmz(file, { model });
    const reading = reader.read(0, reader.size);
    await reader.close();
    await expect(reading).rejects.toThrow('closed');
  });
});

describe('a worker thread that dies', () => {
  it('is an LMZ_WORKER error for what it did, and nothing for what comes after', async () => {
    const workers: Worker[] = [];
    const watch = (worker: Worker) => workers.push(worker);
    process.on('worker', watch);
    try {
      // A pool of its own: three threads are used nowhere else here. (WebAssembly: a thread that is stopped inside native
      // code may take the process along, which is not what is tried here.)
      const options = { model, mode: 'lm', threads: 3, chunkSize: 100_000, engine: 'web' } as const;
      const work = outcome(() => compress(new Uint8Array(400_000), options));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(workers.length).toBeGreaterThan(0);
      await Promise.all(workers.map((worker) => worker.terminate()));
      expect(await work).toBe('LMZ_WORKER');
      expect(await compress(content, { ...encodeOptions, threads: 3 })).toEqual(file);
    } finally {
      process.off('worker', watch);
    }
  });
});

describe('a program', () => {
  const library = new URL('../../dist/index.js', import.meta.url).href;
  const modelPath = JSON.stringify(`${MODEL_FOLDER}good-order1-256.onnx`);
  /** Runs a program that has `lmz` and a `model`, and returns what it prints; it must end by itself, and well. */
  function run(body: string): string {
    const script = `
      import * as lmz from ${JSON.stringify(library)};
      import { Readable } from 'node:stream';
      const model = ${modelPath};
      ${body}`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 10_000,
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  it('ends by itself after its last operation: idle threads do not hold it', () => {
    const printed = run(`
      const start = performance.now();
      const file = await lmz.compress('fish', { model, mode: 'lm' });
      console.log(new TextDecoder().decode(await lmz.decompress(file, { model })));
      process.on('exit', () => console.log(performance.now() - start < 4000 ? 'soon' : 'late'));`);
    expect(printed).toBe('fish\nsoon\n');
  });

  it('ends by itself after an abort, an error and a stream left alone', () => {
    const printed = run(`
      const options = { model, mode: 'lm', chunkSize: 50000, threads: 2 };
      const signal = AbortSignal.timeout(300);
      await lmz.compress(new Uint8Array(1e6), { ...options, signal }).catch((error) => console.log(error.name));
      await lmz.decompress(new Uint8Array(9)).catch((error) => console.log(error.code));
      const stream = lmz.lmzEncode(options);
      stream.write(new Uint8Array(200));
      const destroyed = lmz.lmzEncode(options);
      destroyed.write(new Uint8Array(200000));
      setTimeout(() => destroyed.destroy(), 100);
      const reader = await lmz.openLmz(await lmz.compress('fish', { mode: 'stored' }));`);
    expect(printed).toBe('TimeoutError\nLMZ_NOT_LMZ\n');
  });

  it('can leave while threads are at work', () => {
    for (const wait of [100, 300, 500]) {
      const printed = run(`
        lmz.compress(new Uint8Array(1e6), { model, mode: 'lm', chunkSize: 50000, threads: 2 });
        setTimeout(() => { console.log('leaving'); process.exit(0); }, ${String(wait)});`);
      expect(printed).toBe('leaving\n');
    }
  });
});
