import type { Transform } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  compress,
  type DecodeOptions,
  decompress,
  type EncodeOptions,
  lmzDecode,
  lmzEncode,
  LmzReader,
  openLmz,
  readInfo,
} from '../../src/index.ts';

const file = await compress('fish', { mode: 'stored' });

type Mistake = [option: string, value: unknown, kind: typeof TypeError | typeof RangeError];

const common: Mistake[] = [
  ['model', 5, TypeError],
  ['model', true, TypeError],
  ['model', null, TypeError],
  ['model', {}, TypeError],
  ['model', [1, 2], TypeError],
  ['model', new Uint8Array(4).buffer, TypeError],
  ['model', '', RangeError],
  ['engine', 'gpu', RangeError],
  ['engine', '', RangeError],
  ['engine', 1, RangeError],
  ['engine', null, RangeError],
  ['threads', 0, RangeError],
  ['threads', 257, RangeError],
  ['threads', 1.5, RangeError],
  ['threads', NaN, RangeError],
  ['threads', -1, RangeError],
  ['threads', Infinity, RangeError],
  ['threads', '2', TypeError],
  ['threads', 2n, TypeError],
  ['threads', null, TypeError],
  ['memoryLimit', 0, RangeError],
  ['memoryLimit', -1, RangeError],
  ['memoryLimit', 1.5, RangeError],
  ['memoryLimit', Infinity, RangeError],
  ['memoryLimit', '1G', TypeError],
  ['platformBound', 'yes', TypeError],
  ['platformBound', 1, TypeError],
  ['signal', {}, TypeError],
  ['signal', new AbortController(), TypeError],
  ['signal', null, TypeError],
  ['totalSize', -1, RangeError],
  ['totalSize', 0.5, RangeError],
  ['totalSize', '5', TypeError],
];

const encoding: Mistake[] = [
  ...common,
  ['mode', 'fast', RangeError],
  ['mode', 0, RangeError],
  ['level', 0, RangeError],
  ['level', 10, RangeError],
  ['level', 5.5, RangeError],
  ['level', '6', TypeError],
  ['level', null, TypeError],
  ['chunkSize', 0, RangeError],
  ['chunkSize', 2 ** 30 + 1, RangeError],
  ['chunkSize', 1.5, RangeError],
  ['chunkSize', NaN, RangeError],
  ['chunkSize', '4M', TypeError],
  ['lanes', 0, RangeError],
  ['lanes', 257, RangeError],
  ['lanes', '1', TypeError],
  ['contentCheck', 'crc32', RangeError],
  ['contentCheck', 'SHA256', RangeError],
  ['embedModel', 'true', TypeError],
  // Options of the other direction, and slips of the pen.
  ['outputLimit', 1, TypeError],
  ['chunksize', 4096, TypeError],
  ['Level', 9, TypeError],
];

const decoding: Mistake[] = [
  ...common,
  ['outputLimit', -1, RangeError],
  ['outputLimit', NaN, RangeError],
  ['outputLimit', '1G', TypeError],
  ['chunkSize', 1, TypeError],
  ['lanes', 1, TypeError],
  ['level', 9, TypeError],
  ['mode', 'lm', TypeError],
  ['memorylimit', 1, TypeError],
];

/** The call itself throws, an error of that very class, that names the option. */
function refusal(kind: typeof TypeError | typeof RangeError, option: string) {
  return expect.objectContaining({
    name: kind.name,
    message: expect.stringMatching(new RegExp(`(^|")${option}\\b`)) as string,
  }) as Error;
}

/** What a call throws at once. */
function thrown(call: () => Transform): unknown {
  try {
    // Where it is not refused, it must not fail later either, when nobody listens.
    call()
      .on('error', () => undefined)
      .destroy();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a mistake in the options', () => {
  it.each(encoding)('of lmzEncode and compress: %s = %o', async (option, value, kind) => {
    const options = { [option]: value } as EncodeOptions;
    expect(thrown(() => lmzEncode(options))).toEqual(refusal(kind, option));
    await expect(compress('fish', options)).rejects.toEqual(refusal(kind, option));
  });

  it.each(decoding)('of lmzDecode, decompress and openLmz: %s = %o', async (option, value, kind) => {
    const options = { [option]: value } as DecodeOptions;
    expect(thrown(() => lmzDecode(options))).toEqual(refusal(kind, option));
    await expect(decompress(file, options)).rejects.toEqual(refusal(kind, option));
    await expect(openLmz(file, options)).rejects.toEqual(refusal(kind, option));
  });

  it.each([[null], ['fast'], [9]])('that are no object: %o', async (options) => {
    const wrong = options as unknown as EncodeOptions & DecodeOptions;
    expect(thrown(() => lmzEncode(wrong))).toEqual(refusal(TypeError, 'options'));
    expect(thrown(() => lmzDecode(wrong))).toEqual(refusal(TypeError, 'options'));
    await expect(compress('fish', wrong)).rejects.toEqual(refusal(TypeError, 'options'));
    await expect(decompress(file, wrong)).rejects.toEqual(refusal(TypeError, 'options'));
    await expect(openLmz(file, wrong)).rejects.toEqual(refusal(TypeError, 'options'));
  });
});

describe('a mistake in the arguments', () => {
  it.each([[undefined], [null], [5], [[1, 2]], [new ArrayBuffer(4)], [{}]])('data = %o', async (data) => {
    const wrong = data as unknown as Uint8Array;
    await expect(compress(wrong)).rejects.toEqual(refusal(TypeError, 'data'));
    await expect(decompress(wrong)).rejects.toEqual(refusal(TypeError, 'data'));
  });

  it('data is a string only when compressing', async () => {
    await expect(decompress('fish' as unknown as Uint8Array)).rejects.toEqual(refusal(TypeError, 'data'));
  });

  it.each([[undefined], [null], [5], [{}]])('source = %o', async (source) => {
    const wrong = source as string;
    await expect(openLmz(wrong)).rejects.toEqual(refusal(TypeError, 'source'));
    await expect(readInfo(wrong)).rejects.toEqual(refusal(TypeError, 'source'));
  });

  it('offset and length of a read are whole numbers from 0 on', async () => {
    const reader = await openLmz(file);
    expect(reader).toBeInstanceOf(LmzReader);
    for (const wrong of [-1, 0.5, NaN, Infinity, '1', undefined, null]) {
      await expect(reader.read(wrong as number, 1)).rejects.toEqual(refusal(RangeError, 'offset'));
      await expect(reader.read(0, wrong as number)).rejects.toEqual(refusal(RangeError, 'length'));
    }
    expect(await reader.read(2 ** 53 - 1, 2 ** 53 - 1)).toEqual(new Uint8Array(0));
    expect(await reader.read(2, 2 ** 53 - 1)).toEqual(new TextEncoder().encode('sh'));
    await reader.close();
  });

  it('options that are undefined are as good as none', async () => {
    const none = {
      mode: 'stored',
      threads: undefined,
      signal: undefined,
      chunkSize: undefined,
      model: undefined,
    };
    expect(await compress('fish', none as unknown as EncodeOptions)).toEqual(file);
  });

  it('a file that is not there, or a folder, is the error of the file system', async () => {
    await expect(openLmz('/nonexistent/file.lmz')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readInfo('/')).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
