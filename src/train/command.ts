/**
 * `lmz train`.
 *
 * @module
 */
import { usageError } from '../terminal/command.ts';
import type { Io } from '../terminal/io.ts';
import { Display } from './display.ts';
import { TRAIN_HELP } from './help.ts';
import { checkSettings, readSettings } from './settings.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs the sub-command with the arguments after `train`.
 *
 * @returns the exit status
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readSettings(argv);
  const { settings } = given;
  if (settings.help) {
    io.stdout.write(TRAIN_HELP);
    return 0;
  }
  checkSettings(given);
  if (settings.compare !== undefined && settings.out === undefined) {
    throw usageError('--compare writes a table: name it with --out', 'lmz train');
  }
  const display = await Display.open(io, {
    ...(settings.watts !== undefined && { watts: settings.watts }),
    thesis: settings.preset === 'thesis',
  });
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    // A second signal finds no handler, and ends the process at once.
    for (const name of SIGNALS) process.removeListener(name, onSignal);
    display.log(`${signal}: saving`);
    stop.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    if (settings.compare === undefined) {
      const { trainModel } = await import('./run.ts');
      await trainModel(given, display, stop.signal);
    } else {
      const { compareDesigns } = await import('./compare.ts');
      await compareDesigns(argv, given, display, stop.signal);
    }
  } finally {
    for (const name of SIGNALS) process.removeListener(name, onSignal);
    display.stop();
  }
  return 0;
}
