/**
 * The learning rate: warm-up, then constant (or falling slowly, by the inverse square root of the bytes) until somebody
 * wants a finished model, then a decay. Unlike a schedule
 * over a fixed total this lets training go on for as long as there is time, and a decay can be run from any checkpoint
 * (warmup-stable-decay, https://arxiv.org/abs/2404.06395). A cosine over a fixed total is a decay from the start.
 *
 * @module
 */

/** When the rate is what; JSON. */
export interface Schedule {
  /** The highest rate. */
  readonly rate: number;
  /** Steps in which the rate rises from 0. */
  readonly warmup: number;
  /** The rate is divided by sqrt(1 + bytes / inverseBytes): less noise the longer training goes on, without an end. */
  readonly inverseBytes?: number;
  /** The decay, once it is decided: by a half cosine to `floor` of the rate. */
  readonly decay?: { readonly fromBytes: number; readonly bytes: number; readonly floor: number };
}

/** The rate at a step (from 0) that comes after so many bytes. */
export function rateAt(schedule: Schedule, step: number, bytes: number): number {
  const { warmup, inverseBytes = Infinity, decay } = schedule;
  const rate = schedule.rate / Math.sqrt(1 + bytes / inverseBytes);
  const risen = step < warmup ? (rate * (step + 1)) / warmup : rate;
  if (decay === undefined || bytes <= decay.fromBytes) return risen;
  const progress = Math.min(1, (bytes - decay.fromBytes) / decay.bytes);
  return risen * (decay.floor + (1 - decay.floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** Where training ends by the schedule: after the decay. */
export function endOfSchedule({ decay }: Schedule): number {
  return decay === undefined ? Infinity : decay.fromBytes + decay.bytes;
}
