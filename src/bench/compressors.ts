/**
 * The table of compressors: one more rival is one more entry.
 *
 * @module
 */
import { resolve } from 'node:path';
import { usageError } from '../terminal/command.ts';
import { CommandCompressor } from './command-compressor.ts';
import type { Compressor } from './compressor.ts';
import { FirstAvailable } from './first-available.ts';
import { BROTLI, NODE_GZIP, PNG, xzPackage, ZSTD } from './library-compressors.ts';
import { lmzCommand, lmzLibrary, type LmzSettings } from './lmz-compressor.ts';

/**
 * Raw bytes as signed samples of a sound, as much of the format's own as possible left out. The command alone: libflacjs,
 * which is libFLAC 1.3, takes a tenth more for tonal sound than 1.4 does.
 */
const FLAC_RAW = ['--force-raw-format', '--endian=little', '--sign=signed', '--channels=1'];
const FLAC_ENCODE = [...FLAC_RAW, '--sample-rate=16000', '-8', '--no-padding', '--no-seektable', '-s'];
const FLAC_DECODE = ['-d', '-s', '--force-raw-format', '--endian=little', '--sign=signed', '-o', 'y', 'c'];

/** xz of a level: the package writes what the command does. */
function xz(name: string, level: number, extreme = false): Compressor {
  const flag = `-${level}${extreme ? 'e' : ''}`;
  const label = `xz ${flag}`;
  return new FirstAvailable(
    xzPackage(name, label, level, extreme),
    new CommandCompressor({
      name,
      label,
      program: 'xz',
      encode: { args: [flag, '-k', '-c', 'x'], toStdout: true },
      decode: { args: ['-d', '-c', 'c'], toStdout: true },
      versionArgs: ['--version'],
      versionPattern: /XZ Utils\) (\S+)/,
    }),
  );
}

/** The rivals of the corpora table, in its order. */
export const RIVALS: readonly Compressor[] = [
  new CommandCompressor({
    name: 'gzip',
    label: 'gzip -9',
    program: 'gzip',
    encode: { args: ['-9', '-n', '-c', 'x'], toStdout: true },
    decode: { args: ['-d', '-c', 'c'], toStdout: true },
    versionArgs: ['--version'],
    versionPattern: /gzip (\S+)/,
  }),
  xz('xz', 9, true),
  new FirstAvailable(
    ZSTD,
    new CommandCompressor({
      name: ZSTD.name,
      label: ZSTD.label,
      program: 'zstd',
      encode: { args: ['-q', '--ultra', '-22', 'x', '-o', 'c'] },
      decode: { args: ['-q', '-d', 'c', '-o', 'y'] },
      versionArgs: ['--version'],
      versionPattern: / v([\d.]+)/,
    }),
  ),
  BROTLI,
  new CommandCompressor({
    name: 'bzip2',
    label: 'bzip2 -9',
    program: 'bzip2',
    encode: { args: ['-9', '-k', '-c', 'x'], toStdout: true },
    decode: { args: ['-d', '-c', 'c'], toStdout: true },
    versionArgs: ['--help'],
    versionPattern: /Version ([\d.]+)/,
  }),
  new CommandCompressor({
    name: 'ppmd',
    label: '7z PPMd',
    program: '7z',
    encode: { args: ['a', '-m0=PPMd', '-mx=9', '-bso0', '-bsp0', 'c.7z', 'x'], output: 'c.7z' },
    decode: { args: ['e', '-so', 'c.7z'], toStdout: true },
    versionArgs: [],
    versionPattern: /7-Zip (?:\[64\] )?(\S+)/,
  }),
  new CommandCompressor({
    name: 'zpaq',
    label: 'zpaq -m5',
    program: 'zpaq',
    encode: { args: ['add', 'c.zpaq', 'x', '-m5'], output: 'c.zpaq' },
    decode: { args: ['extract', 'c.zpaq', 'x', '-to', 'y'] },
    versionArgs: [],
    versionPattern: /zpaq v([\d.]+)/,
  }),
];

/** Those that the chunked protocol and the sets of images and sounds ask for besides. */
const OTHERS: readonly Compressor[] = [
  NODE_GZIP,
  xz('lzma', 6),
  new CommandCompressor({
    name: 'flac8',
    label: 'FLAC, 8-bit samples',
    program: 'flac',
    encode: { args: [...FLAC_ENCODE, '--bps=8', '-o', 'c', 'x'] },
    decode: { args: FLAC_DECODE },
    versionArgs: ['--version'],
    versionPattern: /flac (\S+)/,
  }),
  PNG,
];

/** A byte at the end tells whether a zero byte was added to fill the last sample. */
class Flac16 extends CommandCompressor {
  override async compress(bytes: Uint8Array): Promise<Uint8Array> {
    const odd = bytes.length % 2;
    const samples = new Uint8Array(bytes.length + odd);
    samples.set(bytes);
    return Buffer.concat([await super.compress(samples), Uint8Array.of(odd)]);
  }

  override async decompress(bytes: Uint8Array): Promise<Uint8Array> {
    const samples = await super.decompress(bytes.subarray(0, -1));
    return samples.subarray(0, samples.length - bytes[bytes.length - 1]);
  }
}

const FLAC = new Flac16({
  name: 'flac',
  label: 'FLAC, 16-bit samples',
  program: 'flac',
  encode: { args: [...FLAC_ENCODE, '--bps=16', '-o', 'c', 'x'] },
  decode: { args: FLAC_DECODE },
  versionArgs: ['--version'],
  versionPattern: /flac (\S+)/,
});

/** Ways to run lmz. A level or a mode more is a line more. */
const LMZ: readonly LmzSettings[] = [
  { name: 'lmz', label: 'lmz', options: {}, flags: [] },
  { name: 'lmz-1', label: 'lmz -1', options: { level: 1 }, flags: ['-1'], withoutModel: true },
  { name: 'lmz-4', label: 'lmz -4', options: { level: 4 }, flags: ['-4'], withoutModel: true },
  { name: 'lmz-9', label: 'lmz -9', options: { level: 9 }, flags: ['-9'] },
  { name: 'lmz-lm', label: 'lmz --mode lm', options: { mode: 'lm' }, flags: ['--mode', 'lm'] },
  {
    name: 'lmz-stored',
    label: 'lmz --mode stored',
    options: { mode: 'stored' },
    flags: ['--mode', 'stored'],
    withoutModel: true,
  },
];

/** Every compressor by name, in the order of tables; `NAME@MODEL` and `MODEL.onnx` are understood besides. */
export const COMPRESSORS: ReadonlyMap<string, Compressor> = new Map(
  [
    ...RIVALS,
    ...OTHERS,
    FLAC,
    ...LMZ.map(lmzLibrary),
    ...LMZ.map((settings) => lmzCommand({ ...settings, name: `${settings.name}-command` })),
  ].map((compressor) => [compressor.name, compressor]),
);

/** What `all` means: one entry of every kind, the whole command of lmz and what it only stores left out. */
const ALL = [...COMPRESSORS.keys()].filter((name) => !/^lmz-(?:stored|.*command$|command$)/.test(name));

/** Names that stand for several entries. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  all: ALL,
  rivals: RIVALS.map(({ name }) => name),
  levels: LMZ.map(({ name }) => name).filter((name) => /^lmz(?:-\d)?$/.test(name)),
};

/**
 * A compressor by its name: one of the table; `NAME@MODEL`, an entry of lmz with a model by name or path; the path of
 * an `.onnx` file, short for `lmz@PATH`.
 *
 * @throws LmzError `LMZ_USAGE`
 */
export function findCompressor(name: string): Compressor {
  const known = COMPRESSORS.get(name);
  if (known !== undefined) return known;
  const parts: readonly string[] | null = /^(?:([\w-]+)@)?(.+)$/.exec(name);
  const [, entry = 'lmz', model = ''] = parts ?? [];
  const settings = LMZ.find((candidate) => `${candidate.name}-command` === entry || candidate.name === entry);
  if (settings === undefined || (parts?.[1] === undefined && !model.endsWith('.onnx'))) {
    const names = [...Object.keys(GROUPS), ...COMPRESSORS.keys()].join(', ');
    throw usageError(
      `there is no compressor "${name}"; known are ${names}, MODEL.onnx and lmz@MODEL`,
      'lmz bench',
    );
  }
  // A command runs in a folder of its own.
  const source = model.includes('/') || model.endsWith('.onnx') ? resolve(model) : model;
  const short = source.replace(/^.*[/\\]/, '').replace(/\.onnx$/, '');
  const own: LmzSettings = {
    ...settings,
    name: `${entry}@${model}`,
    label: `${settings.label} @ ${short}`,
    options: { ...settings.options, model: source },
  };
  return entry.endsWith('-command') ? lmzCommand(own) : lmzLibrary(own);
}

/** Compressor names of a list in which groups may stand; none twice. */
export function expandCompressors(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => (Object.hasOwn(GROUPS, name) ? GROUPS[name] : [name])))];
}
