/**
 * The progress bar on a terminal, and the line that sums a file up.
 *
 * @module
 */
import { performance } from 'node:perf_hooks';
import type { Progress } from '../index.ts';
import { type Bar, formatShare, formatTime, openBar } from '../terminal/bar.ts';
import type { Io } from '../terminal/io.ts';
import { formatRatio, formatSize } from '../terminal/sizes.ts';

const NAME_WIDTH = 20;
/** Output that is no content yet. */
const HEADERS = 128;

/** Which of a stream's two sides is the larger, original one. */
export type Direction = 'encode' | 'decode';

/** Follows one stream from its progress events. */
export class ProgressDisplay {
  readonly #direction: Direction;
  readonly #name: string;
  readonly #start = performance.now();
  #bar: Bar | undefined;
  #last: Progress = { bytesIn: 0, bytesOut: 0, total: undefined };
  /** As of the last output: what a chunk will give is not known while it is being worked on. */
  #ratio = '-';

  private constructor(name: string, direction: Direction) {
    this.#name = name;
    this.#direction = direction;
  }

  /** @param visible - whether to draw; nothing of the drawing library is loaded otherwise */
  static async start(name: string, direction: Direction, visible: boolean, io: Io): Promise<ProgressDisplay> {
    const display = new ProgressDisplay(name, direction);
    if (visible) await display.#draw(io);
    return display;
  }

  /** Takes an event `progress` of `lmzEncode` or `lmzDecode`. */
  update(progress: Progress): void {
    if (progress.bytesOut !== this.#last.bytesOut && progress.bytesOut > HEADERS)
      this.#ratio = this.#ratioOf(progress);
    this.#last = progress;
    const { bytesIn, total = 0 } = progress;
    this.#bar?.update(bytesIn / Math.max(total, bytesIn, 1));
  }

  /** Wipes the bar, so that a line can be written in its place. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  /** `1.2 MiB to 310.4 KiB (25.3 %) in 12.1 s, 101.5 KiB/s`. */
  summary(): string {
    const { bytesIn, bytesOut } = this.#last;
    const seconds = this.#seconds();
    const time = seconds < 60 ? `${seconds.toFixed(1)} s` : formatTime(seconds);
    return `${formatSize(bytesIn)} to ${formatSize(bytesOut)} (${this.#ratioOf(this.#last)}) in ${time}, ${this.#rate()}`;
  }

  async #draw(io: Io): Promise<void> {
    this.#bar = await openBar(io, (share) => {
      const known = this.#last.total !== undefined;
      const done = known ? formatShare(share) : formatSize(this.#last.bytesIn);
      const left = known ? `  ${this.#timeLeft()} left` : '';
      return `${shorten(this.#name)}  ${done}  ${this.#rate()}  ${this.#ratio}${left}`;
    });
  }

  #seconds(): number {
    return Math.max(0.001, (performance.now() - this.#start) / 1000);
  }

  /** Always of original bytes, so that both directions compare. */
  #rate(): string {
    const { bytesIn, bytesOut } = this.#last;
    return `${formatSize(Math.round((this.#direction === 'encode' ? bytesIn : bytesOut) / this.#seconds()))}/s`;
  }

  #ratioOf({ bytesIn, bytesOut }: Progress): string {
    return this.#direction === 'encode' ? formatRatio(bytesOut, bytesIn) : formatRatio(bytesIn, bytesOut);
  }

  /** From the average since the start: chunks end in bursts, so the last few seconds say little. */
  #timeLeft(): string {
    const { bytesIn, total } = this.#last;
    if (bytesIn === 0 || total === undefined) return '--:--';
    return formatTime((Math.max(0, total - bytesIn) / bytesIn) * this.#seconds());
  }
}

function shorten(name: string): string {
  return name.length <= NAME_WIDTH ? name : `...${name.slice(3 - NAME_WIDTH)}`;
}
