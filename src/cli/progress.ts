/**
 * The progress bar on a terminal, and the line that sums a file up.
 *
 * @module
 */
import { performance } from 'node:perf_hooks';
import type { SingleBar } from 'cli-progress';
import type { Progress } from '../index.ts';
import type { Io } from './io.ts';
import { formatRatio, formatSize } from './sizes.ts';

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
  #bar: SingleBar | undefined;
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
    if (this.#bar === undefined) return;
    if (progress.total !== undefined) this.#bar.setTotal(Math.max(progress.total, progress.bytesIn, 1));
    this.#bar.update(progress.bytesIn, this.#payload());
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
    const { default: progress } = await import('cli-progress');
    this.#bar = new progress.SingleBar({
      stream: io.stderr,
      format: (_options, params, payload: Record<string, string>) => {
        const whole = Math.floor(params.progress * 100);
        const filled = Math.round(params.progress * 20);
        const bar = '='.repeat(filled) + '-'.repeat(20 - filled);
        const known = this.#last.total !== undefined;
        const share = known ? `[${bar}] ${String(whole).padStart(3)} %` : formatSize(this.#last.bytesIn);
        const left = known ? `  ${this.#timeLeft()} left` : '';
        return `${shorten(this.#name)}  ${share}  ${payload.rate}  ${payload.ratio}${left}`;
      },
      // A line that is too long is cut; to switch the terminal's own wrapping off could outlive a kill.
      linewrap: true,
      clearOnComplete: true,
      gracefulExit: false,
      // The numbers move while the model thinks, even if no chunk has been finished.
      forceRedraw: true,
    });
    this.#bar.start(1, 0, this.#payload());
  }

  #payload(): Record<string, string> {
    return { rate: this.#rate(), ratio: this.#ratio };
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

function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return whole < 3600 ? minutes : `${Math.floor(whole / 3600)}:${minutes}`;
}

function shorten(name: string): string {
  return name.length <= NAME_WIDTH ? name : `...${name.slice(3 - NAME_WIDTH)}`;
}
