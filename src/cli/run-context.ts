/**
 * What the steps of one run share.
 *
 * @module
 */
import type { Settings } from './args.ts';
import type { Io } from '../terminal/io.ts';
import { ProgressDisplay, type Direction } from './progress.ts';
import type { Reporter } from './reporter.ts';
import type { Scratch } from './scratch.ts';
import type { Source } from './source.ts';

/** One run of `lmz` over its files. */
export class RunContext {
  readonly io: Io;
  readonly settings: Settings;
  readonly reporter: Reporter;
  readonly scratch: Scratch;
  #display: ProgressDisplay | undefined;

  constructor(io: Io, settings: Settings, reporter: Reporter, scratch: Scratch) {
    this.io = io;
    this.settings = settings;
    this.reporter = reporter;
    this.scratch = scratch;
  }

  /**
   * Shows the progress of `work` where there is somebody to see it.
   *
   * @returns the summary, for `-v`
   */
  async showing(
    source: Source,
    direction: Direction,
    work: (display: ProgressDisplay) => Promise<void>,
  ): Promise<string> {
    const { io, settings } = this;
    // Output on the same terminal would be torn apart by a bar.
    const visible =
      settings.quiet === 0 && io.stderr.isTTY === true && !(writesToStdout(settings) && io.stdout.isTTY);
    const name = source.kind === 'stdin' ? '(stdin)' : source.path;
    const display = await ProgressDisplay.start(name, direction, visible, io);
    this.#display = display;
    try {
      await work(display);
    } finally {
      this.stopDisplay();
    }
    return display.summary();
  }

  /** Leaves the terminal clean, also on the way out of a signal. */
  stopDisplay(): void {
    this.#display?.stop();
    this.#display = undefined;
  }
}

/** How messages call a source. */
export function labelOf(source: Source | string): string {
  const path = typeof source === 'string' ? source : source.path;
  return path === '-' ? '(stdin)' : path;
}

function writesToStdout(settings: Settings): boolean {
  return settings.toStdout || (settings.output === undefined && settings.files.includes('-'));
}
