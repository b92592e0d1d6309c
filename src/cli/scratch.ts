/**
 * What is on disk under a temporary name, so that no way of ending leaves it there: error, broken pipe or signal.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** The signals that people and systems end programs with. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** The temporary files and folders of a run. */
export class Scratch {
  readonly #paths = new Set<string>();

  /**
   * A new name in `folder`, which nobody can guess and prepare, and which is removed by {@link Scratch.removeAll}.
   * Whoever creates it must do so exclusively and synchronously: a signal is then handled before or after, not amid.
   */
  reserve(folder: string): string {
    const path = join(folder, `.lmz-${randomBytes(9).toString('hex')}.tmp`);
    this.#paths.add(path);
    return path;
  }

  /** The path has got its final name, or is gone. */
  release(path: string): void {
    this.#paths.delete(path);
  }

  /** Removes one, whatever it is. */
  remove(path: string): void {
    this.#paths.delete(path);
    rmSync(path, { recursive: true, force: true });
  }

  /** Removes everything; goes on where one cannot be removed, because nothing better is left to do. */
  removeAll(): void {
    for (const path of this.#paths) {
      try {
        this.remove(path);
      } catch {
        continue;
      }
    }
  }

  /**
   * Until the returned function is called, signals clean up and then end the process as if unhandled, so that a
   * calling shell sees a signal and stops its loop.
   *
   * @param before - restores the terminal, for instance
   */
  guardSignals(before: () => void): () => void {
    const handler = (signal: NodeJS.Signals): void => {
      before();
      this.removeAll();
      release();
      process.kill(process.pid, signal);
      // Somebody else's handler may have kept the process alive.
      setImmediate(() => process.exit(128 + SIGNAL_NUMBERS[signal as keyof typeof SIGNAL_NUMBERS]));
    };
    const release = (): void => {
      for (const signal of SIGNALS) process.removeListener(signal, handler);
    };
    for (const signal of SIGNALS) process.on(signal, handler);
    return release;
  }
}
