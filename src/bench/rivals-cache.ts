/**
 * What rivals gave before: they change with their versions only, and the slow ones are slow. lmz itself is always run.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Compressor } from './compressor.ts';
import type { Job, Measured } from './measure.ts';

/** A measurement, when and where it was made. */
export interface CachedMeasurement extends Measured {
  readonly measuredAt: string;
  readonly machine: string;
}

type Entries = Record<string, CachedMeasurement>;

/** A file of measurements by compressor, version, content and protocol. */
export class RivalsCache {
  readonly #path: string;
  #entries: Entries;

  constructor(path: string) {
    this.#path = path;
    this.#entries = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Entries) : {};
  }

  /** What names a measurement; undefined where it must not be kept. */
  static keyOf(
    compressor: Compressor,
    version: string,
    sha256: string,
    { chunkSize, limit }: Pick<Job, 'chunkSize' | 'limit'>,
  ): string | undefined {
    if (compressor.kind === 'lmz') return undefined;
    const protocol = chunkSize === undefined ? 'whole' : `chunks of ${chunkSize}`;
    return [compressor.label, version, sha256, protocol, limit ?? 'all'].join(' | ');
  }

  get(key: string | undefined): CachedMeasurement | undefined {
    return key === undefined || !Object.hasOwn(this.#entries, key) ? undefined : this.#entries[key];
  }

  /** Keeps a measurement, on disk at once: a long run may be stopped. */
  set(key: string | undefined, measurement: CachedMeasurement): void {
    if (key === undefined || !measurement.matched) return;
    this.#entries = Object.fromEntries(
      Object.entries({ ...this.#entries, [key]: measurement }).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    mkdirSync(dirname(this.#path), { recursive: true });
    const lines = Object.entries(this.#entries).map(
      ([name, entry]) => `  ${JSON.stringify(name)}: ${JSON.stringify(entry)}`,
    );
    writeFileSync(`${this.#path}.part`, `{\n${lines.join(',\n')}\n}\n`);
    renameSync(`${this.#path}.part`, this.#path);
  }
}
