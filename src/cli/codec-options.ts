/**
 * Codec options are checked by the library, before any file is touched, and complained about in the words of the
 * command line.
 *
 * @module
 */
import { resolveDecodeOptions, resolveEncodeOptions } from '../codec/options.ts';
import { usageError } from '../terminal/command.ts';
import type { Settings } from './args.ts';

/** The library's names, as the command line calls them. */
const OPTION_NAMES: Record<string, string> = {
  chunkSize: '--chunk-size',
  contentCheck: '--check',
  engine: '--engine',
  lanes: '--lanes',
  level: 'the level',
  memoryLimit: '--memlimit',
  mode: '--mode',
  model: '--model',
  threads: '--threads',
};

/** @throws {@link LmzError} LMZ_USAGE where a value is out of range */
export function checkCodecOptions({ encode, decode }: Pick<Settings, 'encode' | 'decode'>): void {
  try {
    resolveEncodeOptions(encode);
    resolveDecodeOptions(decode);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw usageError(error.message.replace(/^\w+/, (name) => OPTION_NAMES[name] ?? name));
  }
}
