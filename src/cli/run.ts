/**
 * From arguments to an exit status: sub-commands, or the loop over the files.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { parseArguments, type Settings } from './args.ts';
import { HELP } from './help.ts';
import type { Io } from '../terminal/io.ts';
import { isBrokenPipe, Reporter } from './reporter.ts';
import { labelOf, RunContext } from './run-context.ts';
import { Scratch } from './scratch.ts';

/** What a shell shows for a program that a broken pipe (signal 13) has ended, as it ends xz. */
const BROKEN_PIPE_STATUS = 128 + 13;

/** A sub-command: the first argument is its name, and it gets the others. */
interface SubCommand {
  run(argv: readonly string[], io: Io): Promise<number>;
}

/** Sub-commands, loaded when called. A file of such a name is `./model`, for example. */
const SUB_COMMANDS: Record<string, () => Promise<SubCommand>> = {
  bench: () => import('../bench/command.ts'),
  explain: () => import('./explain.ts'),
  model: () => import('./model.ts'),
  train: () => import('../train/command.ts'),
};

/**
 * Runs `lmz`.
 *
 * @param argv - the arguments after `lmz`
 * @returns the exit status: 0 done, 1 error, 2 warnings only
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  // Broken pipes show in the callbacks of the writes; the events, which come later, would end the process with a stack
  // trace. So they are listened to for good.
  io.stdout.on('error', ignore);
  io.stderr.on('error', ignore);
  try {
    const [first = ''] = argv;
    const load = Object.hasOwn(SUB_COMMANDS, first) ? SUB_COMMANDS[first] : undefined;
    if (load !== undefined) return await (await load()).run(argv.slice(1), io);
    const request = parseArguments(argv);
    if (request.kind === 'run') return await runFiles(request.settings, io);
    io.stdout.write(request.kind === 'help' ? HELP : `lmz ${version()}\n`);
    return 0;
  } catch (error) {
    const reporter = new Reporter(io);
    reporter.error(undefined, error);
    return reporter.status;
  }
}

async function runFiles(settings: Settings, io: Io): Promise<number> {
  const { checkCodecOptions } = await import('./codec-options.ts');
  checkCodecOptions(settings);
  const reporter = new Reporter(io, settings.quiet);
  const scratch = new Scratch();
  const context = new RunContext(io, settings, reporter, scratch);
  const release = scratch.guardSignals(() => {
    context.stopDisplay();
  });
  try {
    if (settings.operation === 'list') {
      const { listFiles } = await import('./list.ts');
      await listFiles(settings.files, context);
      return reporter.status;
    }
    const work = await workFor(settings.operation);
    for (const path of settings.files) {
      try {
        await work(path, context);
      } catch (error) {
        // Whoever read our output has seen enough; the other files would go nowhere.
        if (isBrokenPipe(error)) return BROKEN_PIPE_STATUS;
        reporter.error(labelOf(path), error);
      }
    }
    return reporter.status;
  } finally {
    scratch.removeAll();
    release();
  }
}

async function workFor(operation: 'compress' | 'decompress' | 'test') {
  if (operation === 'compress') return (await import('./compress.ts')).compressOne;
  const { decompressOne, testOne } = await import('./decompress.ts');
  return operation === 'decompress' ? decompressOne : testOne;
}

/** From package.json, which is two folders up from `src/cli/` as from `dist/cli/`. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}

function ignore(): void {
  return;
}
