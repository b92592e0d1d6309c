/**
 * Command lines by commander, with the one kind of error that lmz has.
 *
 * @module
 */
import { Command, CommanderError } from 'commander';
import { LmzError } from '../errors.ts';

/**
 * A command line that makes no sense.
 *
 * @param command - whose help says more
 */
export function usageError(message: string, command = 'lmz'): LmzError {
  return new LmzError('LMZ_USAGE', message, { hint: `See ${command} --help.` });
}

/** A commander program that throws instead of printing and exiting, for `lmz` and its sub-commands. */
export function silentCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .helpOption(false)
    .helpCommand(false);
}

/**
 * Parses, and turns commander's errors into the one kind that lmz has.
 *
 * @throws {@link LmzError} LMZ_USAGE
 */
export function parseWith(program: Command, argv: readonly string[]): void {
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
    throw usageError(message, program.name());
  }
}
