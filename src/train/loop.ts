/**
 * Runs a trainer until its end, a limit or a signal: progress lines, validation and checkpoints on the way.
 *
 * @module
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
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
  readonly checkpointMinutes: number;
  /** Validation every so many bytes. */
  readonly validateEvery: number;
  /** About so many bytes of each category. */
  readonly validateBytes: number;
  readonly log: (line: string) => void;
}

/** Seconds between progress lines. */
const REPORT_SECONDS = 30;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'open';
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}`;
}

/** Trains. Whatever ends it, the checkpoint is written. */
export async function runLoop(trainer: Trainer, options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { folder, log } = options;
  mkdirSync(folder, { recursive: true });
  const end = Math.min(options.bytes, endOfSchedule(trainer.schedule));
  const started = performance.now();
  const startBytes = trainer.bytes;
  let lastReport = started;
  let lastBytes = trainer.bytes;
  let lastCheckpoint = started;
  let nextValidation = (Math.floor(trainer.bytes / options.validateEvery) + 1) * options.validateEvery;

  const save = (): void => {
    const before = performance.now();
    writeCheckpoint(join(folder, CHECKPOINT_FILE), trainer.checkpoint());
    lastCheckpoint = performance.now();
    log(
      `checkpoint at ${round(trainer.bytes / 1e6, 2)} MB in ${round((lastCheckpoint - before) / 1000, 1)} s`,
    );
  };
  const record = (entry: Record<string, unknown>): void => {
    const line = JSON.stringify({ time: new Date().toISOString(), bytes: trainer.bytes, ...entry });
    appendFileSync(join(folder, PROGRESS_FILE), `${line}\n`);
  };
  const validate = async (): Promise<void> => {
    const validation = await trainer.validate(options.validateBytes);
    const values = Object.entries(validation).map(([name, bits]) => `${name} ${bits.toFixed(4)}`);
    log(`${round(trainer.bytes / 1e6, 2)} MB: validation ${values.join(', ')}`);
    record({ trainBits: round(trainer.movingLoss, 5), validation });
  };

  while (trainer.bytes < end && !signal.aborted) {
    const { norm, rate } = await trainer.step();
    if (!Number.isFinite(norm)) throw new RangeError(`training diverged after ${trainer.bytes} bytes`);
    const now = performance.now();
    if (now - lastReport >= REPORT_SECONDS * 1000) {
      const speed = (trainer.bytes - lastBytes) / ((now - lastReport) / 1000);
      const average = (trainer.bytes - startBytes) / ((now - started) / 1000);
      const left = Math.min((end - trainer.bytes) / average, options.minutes * 60 - (now - started) / 1000);
      log(
        `${round(trainer.bytes / 1e6, 2)} MB: train ${trainer.movingLoss.toFixed(4)} bits/byte, ` +
          `${Math.round(speed)} bytes/s, rate ${rate.toExponential(2)}, norm ${norm.toFixed(3)}, left ${duration(left)}`,
      );
      record({ trainBits: round(trainer.movingLoss, 5), bytesPerSecond: Math.round(speed), rate });
      lastReport = now;
      lastBytes = trainer.bytes;
    }
    if (trainer.bytes >= nextValidation) {
      await validate();
      nextValidation += options.validateEvery;
    }
    if (now - lastCheckpoint >= options.checkpointMinutes * 60_000) save();
    if (now - started >= options.minutes * 60_000) break;
  }
  save();
  if (!signal.aborted) await validate();
}
