/**
 * Runs a trainer until its end, a limit or a signal: progress, validation and checkpoints on the way.
 *
 * @module
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LmzError } from '../errors.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { endOfSchedule } from './schedule.ts';
import type { Trainer } from './trainer.ts';

/** Name of the checkpoint in its folder. */
export const CHECKPOINT_FILE = 'checkpoint.bin';
/** One JSON object a line: all that a curve needs. */
export const PROGRESS_FILE = 'progress.jsonl';

/** Where a run stops and what it leaves. */
export interface LoopOptions {
  /** Folder of checkpoint and progress. */
  readonly folder: string;
  /** Stop when so many bytes have been trained on, counted from the start of the first run. */
  readonly bytes: number;
  /** Stop after so many minutes of this run. */
  readonly minutes: number;
  /** In the last share of the minutes the learning rate falls to a floor, where the schedule has no decay yet. */
  readonly finish?: { readonly share: number; readonly floor: number };
  readonly checkpointMinutes: number;
  /** Validation every so many bytes. */
  readonly validateEvery: number;
  /** About so many bytes of each category. */
  readonly validateBytes: number;
  /** Validation before the first step too. */
  readonly validateFirst?: boolean;
  readonly log: (line: string) => void;
  /** Called after every step. */
  readonly onStep?: (progress: LoopProgress) => void;
  /** Called every half minute. */
  readonly onReport?: (progress: LoopProgress) => void;
}

/** How far a run is. */
export interface LoopProgress {
  readonly bytes: number;
  /** What is done of this run, 0 to 1; 0 where no end is known. */
  readonly share: number;
  /** Infinity where no end is known. */
  readonly secondsLeft: number;
  readonly bytesPerSecond: number;
  /** Moving average. */
  readonly trainBits: number;
  readonly norm: number;
  readonly rate: number;
  /** The last, by category. */
  readonly validation: Readonly<Record<string, number>> | undefined;
}

/** How a run ended. */
export interface LoopResult {
  /** Trained on in this run. */
  readonly bytes: number;
  readonly seconds: number;
  readonly trainBits: number;
  /** Empty where a signal ended the run. */
  readonly validation: Readonly<Record<string, number>>;
  readonly stopped: boolean;
}

/** A line of the progress file. */
export interface ProgressEntry {
  readonly time: string;
  readonly bytes: number;
  readonly trainBits: number;
  readonly bytesPerSecond?: number;
  readonly rate?: number;
  readonly validation?: Readonly<Record<string, number>>;
}

/** Seconds between reports. */
const REPORT_SECONDS = 30;
/** Seconds between points of the curve, and the share of the bytes, whichever comes first. */
const POINT_SECONDS = 3;
const POINT_SHARE = 1 / 200;
/** A decay that was planned by time may take so much longer than planned. */
const PATIENCE = 1.25;
/** Of the time left, so much is for training; the rest for validation and export. */
const DECAY_SHARE = 0.95;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The entries of a folder's progress file, oldest first. */
export function readProgress(folder: string): ProgressEntry[] {
  const path = join(folder, PROGRESS_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as ProgressEntry);
}

/** Keeps what was before a checkpoint: a crash may have left entries that training goes through again. */
export function continueProgress(folder: string, from: string, bytes: number): void {
  const lines = readProgress(from)
    .filter((entry) => entry.bytes <= bytes)
    .map((entry) => `${JSON.stringify(entry)}\n`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, PROGRESS_FILE), lines.join(''));
}

/** One run over one trainer. */
class Loop {
  readonly #trainer: Trainer;
  readonly #options: LoopOptions;
  readonly #signal: AbortSignal;
  readonly #started = performance.now();
  readonly #startBytes: number;
  #lastReport = this.#started;
  #lastBytes: number;
  #lastPoint = this.#started;
  #lastPointBytes: number;
  #validatedBytes = -1;
  #lastCheckpoint = this.#started;
  #validation: Readonly<Record<string, number>> | undefined;

  constructor(trainer: Trainer, options: LoopOptions, signal: AbortSignal) {
    this.#trainer = trainer;
    this.#options = options;
    this.#signal = signal;
    this.#startBytes = this.#lastBytes = this.#lastPointBytes = trainer.bytes;
  }

  async run(): Promise<LoopResult> {
    const trainer = this.#trainer;
    const { folder, validateEvery, checkpointMinutes } = this.#options;
    mkdirSync(folder, { recursive: true });
    if (this.#options.validateFirst) await this.#validate();
    let nextValidation = (Math.floor(trainer.bytes / validateEvery) + 1) * validateEvery;
    while (trainer.bytes < this.#end && !this.#signal.aborted && this.#secondsOfTime > 0) {
      const { norm, rate } = await trainer.step();
      if (!Number.isFinite(norm)) {
        throw new LmzError('LMZ_USAGE', `training diverged after ${trainer.bytes} bytes`, {
          hint: 'A lower --lr helps; the last checkpoint is from before.',
        });
      }
      this.#finishInTime();
      this.#tell(norm, rate);
      if (trainer.bytes >= nextValidation) {
        await this.#validate();
        nextValidation += validateEvery;
      }
      if (performance.now() - this.#lastCheckpoint >= checkpointMinutes * 60_000) this.#save();
    }
    this.#save();
    const seconds = this.#seconds;
    if (!this.#signal.aborted) await this.#validate();
    return {
      bytes: trainer.bytes - this.#startBytes,
      seconds,
      trainBits: trainer.movingLoss,
      validation: this.#signal.aborted ? {} : (this.#validation ?? {}),
      stopped: this.#signal.aborted,
    };
  }

  get #end(): number {
    return Math.min(this.#options.bytes, endOfSchedule(this.#trainer.schedule));
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Seconds until the limit of time; a decay that began by time is let finish. */
  get #secondsOfTime(): number {
    const { minutes, finish } = this.#options;
    const patience = finish === undefined ? 1 : PATIENCE;
    return minutes === 0 ? 0 : minutes * 60 * patience - this.#seconds;
  }

  /** Begins the decay when its share of the time is left. */
  #finishInTime(): void {
    const trainer = this.#trainer;
    const { minutes, finish, log } = this.#options;
    if (finish === undefined || trainer.schedule.decay !== undefined) return;
    const left = minutes * 60 - this.#seconds;
    if (left > finish.share * minutes * 60) return;
    const speed = (trainer.bytes - this.#startBytes) / this.#seconds;
    const bytes = Math.max(1, Math.round(speed * left * DECAY_SHARE));
    trainer.schedule = {
      ...trainer.schedule,
      decay: { fromBytes: trainer.bytes, bytes, floor: finish.floor },
    };
    log(`the learning rate falls over the last ${round(bytes / 1e6, 2)} MB`);
  }

  #tell(norm: number, rate: number): void {
    const trainer = this.#trainer;
    const { onStep, onReport } = this.#options;
    const now = performance.now();
    const seconds = this.#seconds;
    const done = trainer.bytes - this.#startBytes;
    const average = done / seconds;
    const byTime = this.#options.minutes * 60 - seconds;
    const end = this.#end;
    const secondsLeft = Math.min((end - trainer.bytes) / average, Math.max(0, byTime));
    const reporting = now - this.#lastReport >= REPORT_SECONDS * 1000;
    const progress: LoopProgress = {
      bytes: trainer.bytes,
      share: Number.isFinite(secondsLeft) ? seconds / (seconds + secondsLeft) : 0,
      secondsLeft,
      bytesPerSecond: reporting
        ? (trainer.bytes - this.#lastBytes) / ((now - this.#lastReport) / 1000)
        : average,
      trainBits: trainer.movingLoss,
      norm,
      rate,
      validation: this.#validation,
    };
    onStep?.(progress);
    if (reporting) {
      onReport?.(progress);
      this.#lastReport = now;
      this.#lastBytes = trainer.bytes;
    }
    const pointBytes = (end - this.#startBytes) * POINT_SHARE;
    if (now - this.#lastPoint >= POINT_SECONDS * 1000 || trainer.bytes - this.#lastPointBytes >= pointBytes) {
      this.#record({ bytesPerSecond: Math.round(progress.bytesPerSecond), rate });
      this.#lastPoint = now;
      this.#lastPointBytes = trainer.bytes;
    }
  }

  #save(): void {
    const before = performance.now();
    writeCheckpoint(join(this.#options.folder, CHECKPOINT_FILE), this.#trainer.checkpoint());
    this.#lastCheckpoint = performance.now();
    const seconds = round((this.#lastCheckpoint - before) / 1000, 1);
    this.#options.log(`checkpoint at ${round(this.#trainer.bytes / 1e6, 2)} MB in ${seconds} s`);
  }

  #record(entry: Partial<ProgressEntry>): void {
    const { bytes, movingLoss } = this.#trainer;
    const line = {
      time: new Date().toISOString(),
      bytes,
      trainBits: round(movingLoss, 5),
      ...entry,
    };
    appendFileSync(join(this.#options.folder, PROGRESS_FILE), `${JSON.stringify(line)}\n`);
  }

  async #validate(): Promise<void> {
    if (this.#validatedBytes === this.#trainer.bytes) return;
    const validation = await this.#trainer.validate(this.#options.validateBytes, this.#signal);
    if (this.#signal.aborted) return;
    this.#validation = validation;
    this.#validatedBytes = this.#trainer.bytes;
    const values = Object.entries(validation).map(([name, bits]) => `${name} ${bits.toFixed(4)}`);
    this.#options.log(`${round(this.#trainer.bytes / 1e6, 2)} MB: validation ${values.join(', ')}`);
    this.#record({ validation });
  }
}

/** Trains. Whatever ends it, the checkpoint is written. */
export async function runLoop(
  trainer: Trainer,
  options: LoopOptions,
  signal: AbortSignal,
): Promise<LoopResult> {
  return new Loop(trainer, options, signal).run();
}
