/**
 * What a training run shows on standard error: a bar on a terminal, plain lines with times elsewhere.
 *
 * @module
 */
import { type Bar, formatShare, formatTime, openBar } from '../terminal/bar.ts';
import type { Io } from '../terminal/io.ts';
import { formatSize } from '../terminal/sizes.ts';
import { formatCost, formatDuration } from './energy.ts';
import type { LoopProgress } from './loop.ts';
import { THESIS } from './settings.ts';

/** What is shown beside the progress itself. */
export interface DisplayOptions {
  readonly watts?: number;
  /** Whether the thesis' numbers are shown beside the run's own. */
  readonly thesis: boolean;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Mean of the categories, for the one number that a bar has room for. */
function meanOf(values: Readonly<Record<string, number>>): number {
  const list = Object.values(values);
  return list.reduce((sum, value) => sum + value, 0) / list.length;
}

/** The thesis' measure of a loss. */
function sequenceLoss(bits: number): string {
  const nats = bits * Math.LN2 * THESIS.sequence;
  return `${nats.toFixed(0)} nats per sequence (thesis: ${THESIS.natsPerSequence})`;
}

/** Follows one run. */
export class Display {
  readonly #io: Io;
  readonly #options: DisplayOptions;
  #bar: Bar | undefined;
  #text = '';
  #estimated = false;

  private constructor(io: Io, options: DisplayOptions) {
    this.#io = io;
    this.#options = options;
  }

  static async open(io: Io, options: DisplayOptions): Promise<Display> {
    const display = new Display(io, options);
    if (io.stderr.isTTY === true) {
      display.#bar = await openBar(io, (share) => `${formatShare(share)}  ${display.#text}`);
    }
    return display;
  }

  /** A line that stays. */
  readonly log = (line: string): void => {
    if (this.#bar !== undefined) this.#bar.print(line);
    else this.#io.stderr.write(`${new Date().toISOString().slice(0, 19)} ${line}\n`);
  };

  /** Something is being fetched. */
  readonly download = (received: number, total: number | undefined): void => {
    this.#text = `${formatSize(received)} of ${total === undefined ? '?' : formatSize(total)}`;
    this.#bar?.update(total === undefined ? 0 : received / total);
  };

  /** After every step. */
  readonly step = (progress: LoopProgress): void => {
    if (this.#bar === undefined) return;
    const { bytes, bytesPerSecond, trainBits, validation, secondsLeft } = progress;
    const checked = validation === undefined ? '' : `  valid ${meanOf(validation).toFixed(3)}`;
    const left = Number.isFinite(secondsLeft) ? `  ${formatTime(secondsLeft)} left` : '';
    this.#text = `${megabytes(bytes)}  ${Math.round(bytesPerSecond)} B/s  train ${trainBits.toFixed(3)}${checked} bits/byte${left}`;
    this.#bar.update(progress.share);
  };

  /** Every half minute. */
  readonly report = (progress: LoopProgress): void => {
    const { bytes, trainBits, bytesPerSecond, rate, norm, secondsLeft, share } = progress;
    const { watts, thesis } = this.#options;
    if (!this.#estimated && Number.isFinite(secondsLeft) && share > 0) {
      this.#estimated = true;
      const compared = thesis ? `; the thesis: ${THESIS.hours} h, ${THESIS.kilowattHours} kWh` : '';
      this.log(`at this speed: ${formatCost(secondsLeft / (1 - share), watts)}${compared}`);
    }
    const left = Number.isFinite(secondsLeft) ? formatDuration(secondsLeft) : 'open';
    const line =
      `${megabytes(bytes)}: train ${trainBits.toFixed(4)} bits/byte, ${Math.round(bytesPerSecond)} bytes/s, ` +
      `rate ${rate.toExponential(2)}, norm ${norm.toFixed(3)}, left ${left}`;
    if (this.#bar === undefined || thesis) this.log(thesis ? `${line}, ${sequenceLoss(trainBits)}` : line);
  };

  /** At the end of the training itself. */
  summary(bytes: number, seconds: number, trainBits: number): void {
    if (bytes === 0) return;
    const speed = Math.round(bytes / seconds);
    const loss = this.#options.thesis ? `, ${sequenceLoss(trainBits)}` : '';
    this.log(
      `trained on ${megabytes(bytes)} in ${formatCost(seconds, this.#options.watts)}, ${speed} bytes/s${loss}`,
    );
  }

  /** Leaves the terminal clean. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
