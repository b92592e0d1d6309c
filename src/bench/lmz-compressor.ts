/**
 * lmz as the benchmark runs it: through the library, or as a whole command.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openSource } from '../codec/byte-source.ts';
import { frameOffsets, locateFrame, locateMembers } from '../codec/members.ts';
import { compress, decompress } from '../codec/one-shot.ts';
import type { EncodeOptions } from '../codec/options.ts';
import type { Frame } from '../container/frame.ts';
import { loadModel } from '../model/load.ts';
import { DEFAULT_MODEL, resolveModel } from '../model/registry.ts';
import { CommandCompressor } from './command-compressor.ts';
import { type ChunkedSize, chunksOf, type Compressor } from './compressor.ts';

/** A way to run lmz: one entry of the table in compressors.ts. */
export interface LmzSettings {
  readonly name: string;
  readonly label: string;
  readonly options: EncodeOptions;
  /** The same as flags of the command, the model left out. */
  readonly flags: readonly string[];
  /** Whether decoding needs a model. */
  readonly withoutModel?: boolean;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

function version(): string {
  return (JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }).version;
}

async function modelBytes({ options, withoutModel }: LmzSettings): Promise<number> {
  if (withoutModel) return 0;
  const { model = DEFAULT_MODEL } = options;
  if (typeof model === 'string') return (await resolveModel(model)).size;
  return model instanceof Uint8Array ? model.length : model.bytes.length;
}

/** The content frames of an lmz file. */
async function contentFrames(file: Uint8Array): Promise<Frame[]> {
  const source = await openSource(file);
  const frames: Frame[] = [];
  for (const member of await locateMembers(source)) {
    let number = 0;
    for (const offset of frameOffsets(member)) {
      const { frame } = await locateFrame(source, member, number++, offset);
      if (frame.type === 'coded' || frame.type === 'stored') frames.push(frame);
    }
  }
  return frames;
}

const payloadOf = (frames: readonly Frame[]): number =>
  frames.reduce((sum, { payloadSize }) => sum + payloadSize, 0);

const maskOf = (frame: Frame): number =>
  frame.type === 'coded' && frame.parameters !== undefined && 'maskSize' in frame.parameters
    ? frame.parameters.maskSize
    : 0;

/** lmz through its library. Chunks are frames of one file, which need nothing of each other. */
export function lmzLibrary(settings: LmzSettings): Compressor {
  const { options, withoutModel = false } = settings;
  const model = options.model === undefined ? {} : { model: options.model };
  const restore = (file: Uint8Array): Promise<Uint8Array> => decompress(file, model);
  /** DeepMind's rescaled number, for models that code seven bits of each byte. */
  const rescaled = async (bytes: Uint8Array, coded: readonly Frame[]) => {
    if (withoutModel) return {};
    const source = options.model ?? DEFAULT_MODEL;
    if (typeof source !== 'string') return {};
    const { contract } = loadModel((await resolveModel(source)).bytes);
    if (contract.alphabet !== 128) return {};
    const missed = bytes.reduce((sum, byte) => sum + (byte >> 7), 0);
    const symbols = coded.reduce((sum, frame) => sum + frame.payloadSize - maskOf(frame), 0);
    return { rescaledBytes: Math.round((symbols * 8 * bytes.length) / (8 * bytes.length - missed)) };
  };
  return {
    name: settings.name,
    kind: 'lmz',
    label: settings.label,
    available: async () => {
      try {
        await modelBytes(settings);
        return { version: version() };
      } catch (error) {
        return { missing: (error as Error).message };
      }
    },
    modelBytes: () => modelBytes(settings),
    compress: (bytes) => compress(bytes, options),
    decompress: restore,
    codeChunks: async (bytes, chunkSize) => {
      const file = await compress(bytes, { ...options, chunkSize });
      const frames = await contentFrames(file);
      const single = await compress(new Uint8Array(1), options);
      const header = single.length - payloadOf(await contentFrames(single));
      const size: ChunkedSize = {
        chunks: chunksOf(bytes, chunkSize).length,
        codedBytes: file.length,
        headerOnceBytes: header + payloadOf(frames),
        ...(await rescaled(bytes, frames)),
      };
      return { size, decode: () => restore(file) };
    },
  };
}

/** lmz as the command that users type: start-up, files and all. */
export function lmzCommand(settings: LmzSettings): Compressor {
  const { name, label, flags, options } = settings;
  const model = typeof options.model === 'string' ? ['-m', options.model] : [];
  return new CommandCompressor({
    name,
    label: `${label} (command)`,
    kind: 'lmz',
    program: process.execPath,
    prefix: [`${root}dist/cli/main.js`],
    encode: { args: ['-q', '-c', ...flags, ...model, 'x'], toStdout: true },
    decode: { args: ['-q', '-d', '-c', ...model, 'c'], toStdout: true },
    versionArgs: ['--version'],
    versionPattern: /^lmz (\S+)/,
    modelBytes: () => modelBytes(settings),
  });
}
