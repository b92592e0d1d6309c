/**
 * One line on a terminal that shows how far something is. The drawing library is loaded only when there is a line to draw.
 *
 * @module
 */
import type { Io } from './io.ts';

/** A line that redraws itself until it is stopped. */
export interface Bar {
  /** Shows another state: `share` is between 0 and 1. */
  update(share: number): void;
  /** Writes a line of text that stays, above the bar. */
  print(line: string): void;
  /** Wipes the bar, so that a line can be written in its place. */
  stop(): void;
}

const UNITS = 1e6;
const WIDTH = 20;

/** `[=====---------------]  25 %` */
export function formatShare(share: number): string {
  const filled = Math.round(share * WIDTH);
  const bar = '='.repeat(filled) + '-'.repeat(WIDTH - filled);
  return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

/** `01:05`, or `1:01:05` */
export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return whole < 3600 ? minutes : `${Math.floor(whole / 3600)}:${minutes}`;
}

/**
 * Draws a line on standard error.
 *
 * @param render - the text of the line; called a few times a second, also when nothing has been updated
 */
export async function openBar({ stderr }: Io, render: (share: number) => string): Promise<Bar> {
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    stream: stderr,
    format: (_options, params) => render(Math.min(1, params.progress)),
    // A line that is too long is cut; to switch the terminal's own wrapping off could outlive a kill.
    linewrap: true,
    clearOnComplete: true,
    gracefulExit: false,
    // The numbers move while the model thinks, even if nothing has been finished.
    forceRedraw: true,
  });
  bar.start(UNITS, 0);
  return {
    update: (share) => {
      bar.update(Math.round(Math.min(1, share) * UNITS));
    },
    print: (line) => {
      stderr.write(`\r\u001b[K${line}\n`);
      bar.render();
    },
    stop: () => {
      bar.stop();
    },
  };
}
