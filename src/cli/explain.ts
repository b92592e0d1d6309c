/**
 * `lmz explain`: where the bits of a file go.
 *
 * @module
 */
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Explanation } from '../explain/explain.ts';
import type { EncodeOptions } from '../index.ts';
import { formatShare, openBar } from '../terminal/bar.ts';
import { parseWith, silentCommand, usageError } from '../terminal/command.ts';
import type { Io } from '../terminal/io.ts';
import { addCodecOptions, type CodecValues, encodeOptions, size } from './args.ts';
import { checkCodecOptions } from './codec-options.ts';
import { EXPLAIN_HELP } from './help.ts';
import { PendingFile } from './pending-file.ts';
import { printable, Reporter } from './reporter.ts';
import { Scratch } from './scratch.ts';
import { inspectSource } from './source.ts';

const COMMAND = 'lmz explain';
/** Bytes that are explained where nobody says: a page of them opens at once. */
const DEFAULT_BYTES = 256 * 1024;

interface Values extends CodecValues {
  html?: string;
  bytes?: number;
  offset?: number;
  force?: true;
  quiet?: true;
  help?: true;
}

/**
 * Runs the sub-command with the arguments after `explain`.
 *
 * @returns the exit status
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = silentCommand(COMMAND)
    .argument('[files...]')
    .option('--html <file>')
    .option('--bytes <size>', '', size)
    .option('--offset <size>', '', size)
    .option('-f, --force')
    .option('-q, --quiet')
    .option('-h, --help');
  const levelGiven = addCodecOptions(program);
  parseWith(program, argv);
  const values = program.opts<Values>();
  if (values.help) {
    io.stdout.write(EXPLAIN_HELP);
    return 0;
  }
  const [path = '', ...others] = program.args;
  if (path === '' || path === '-' || others.length > 0) throw usageError('it takes one file', COMMAND);
  if (values.html === '') throw usageError('an empty name for the page', COMMAND);
  const encode = encodeOptions(values, levelGiven());
  checkCodecOptions({ encode, decode: {} });
  const reporter = new Reporter(io);
  try {
    inspectSource(path, io, { folders: false, remove: false, force: false, special: false });
    if (values.html === undefined) {
      const { summaryText } = await import('../explain/summary.ts');
      const text = summaryText(await explainShown(path, values, encode, io), path);
      // Names and texts come from anywhere; the line feeds are ours.
      io.stdout.write(text.split('\n').map(printable).join('\n'));
    } else {
      await writePage(path, values.html, values, encode, io);
    }
  } catch (error) {
    reporter.error(path, error);
  }
  return reporter.status;
}

/** Explains, with a bar where there is somebody to see it. */
async function explainShown(
  path: string,
  { bytes = DEFAULT_BYTES, offset = 0, quiet }: Values,
  encode: EncodeOptions,
  io: Io,
): Promise<Explanation> {
  const { explain } = await import('../explain/explain.ts');
  const shown = quiet !== true && io.stderr.isTTY === true;
  const bar = shown ? await openBar(io, (share) => `${basename(path)}  ${formatShare(share)}`) : undefined;
  try {
    return await explain(path, { offset, length: bytes }, encode, (share) => bar?.update(share));
  } finally {
    bar?.stop();
  }
}

async function writePage(
  path: string,
  output: string,
  values: Values,
  encode: EncodeOptions,
  io: Io,
): Promise<void> {
  const scratch = new Scratch();
  const release = scratch.guardSignals(() => undefined);
  try {
    const options = { force: values.force === true, sync: false, like: undefined, scratch };
    const file = await PendingFile.create(output, options);
    const { explanationPage } = await import('../explain/page.ts');
    const page = explanationPage(await explainShown(path, values, encode, io), basename(path));
    await file.write(Readable.from([new TextEncoder().encode(page)]));
    await file.commit();
  } finally {
    scratch.removeAll();
    release();
  }
}
