/**
 * A benchmark run: every compressor on every input, one after the other.
 *
 * @module
 */
import type { Compressor } from './compressor.ts';
import { expandCompressors, findCompressor } from './compressors.ts';
import type { Absence, Report, Result } from './figures.ts';
import { type BenchFile, benchFiles, type FileOptions } from './files.ts';
import type { Job, Measured } from './measure.ts';
import { type CachedMeasurement, RivalsCache } from './rivals-cache.ts';
import { describeHardware, describeMachine } from './report.ts';
import { limitOf, protocolsOf, type Settings } from './settings.ts';

/** What a run needs of its surroundings. */
export interface Surroundings {
  readonly files: FileOptions;
  /** Measures a job; tests put something quicker here. */
  readonly measure: (job: Job, signal: AbortSignal) => Promise<Measured>;
  readonly progress: (done: number, total: number, what: string) => void;
  readonly signal: AbortSignal;
  /** The command line, for reports. */
  readonly command: string;
}

interface Present {
  readonly name: string;
  readonly compressor: Compressor;
  readonly version: string;
}

/** The compressors that are here, and those that are not. */
async function lookUp(names: readonly string[]): Promise<{ present: Present[]; missing: Absence[] }> {
  const present: Present[] = [];
  const missing: Absence[] = [];
  for (const name of expandCompressors(names)) {
    const compressor = findCompressor(name);
    const found = await compressor.available();
    if ('version' in found) present.push({ name, compressor, version: found.version });
    else missing.push({ compressor: compressor.name, label: compressor.label, reason: found.missing });
  }
  return { present, missing };
}

/** `calgary/book1`, `large/bible` as it was asked for. */
function inputName({ dataset, name }: BenchFile): string {
  return dataset.includes('/') ? dataset : `${dataset}/${name}`;
}

/**
 * Measures everything that the settings ask for. One compressor's failure is a line of the report, not the end.
 *
 * @throws LmzError for what cannot be run at all, and the signal's reason
 */
export async function runBench(settings: Settings, surroundings: Surroundings): Promise<Report> {
  const { signal, measure, progress } = surroundings;
  const { present, missing } = await lookUp(settings.compressor);
  const inputs: BenchFile[] = [];
  for (const dataset of settings.dataset) inputs.push(...(await benchFiles(dataset, surroundings.files)));
  const cache = settings.cache === undefined ? undefined : new RivalsCache(settings.cache);
  const hardware = describeHardware();
  const protocols = protocolsOf(settings);
  const limit = limitOf(settings);
  const results: Result[] = [];
  const failed: Absence[] = [];
  const total = inputs.length * present.length * protocols.length;
  let done = 0;
  for (const file of inputs) {
    for (const chunkSize of protocols) {
      for (const { name, compressor, version } of present) {
        signal.throwIfAborted();
        progress(done++, total, `${name} on ${inputName(file)}`);
        const job: Job = {
          compressor: name,
          path: file.path,
          rounds: settings.rounds,
          seconds: settings.seconds,
          nice: settings.nice,
          ...(limit !== undefined && { limit }),
          ...(chunkSize !== undefined && { chunkSize }),
        };
        const { label, kind } = compressor;
        const about = { compressor: compressor.name, label, dataset: file.dataset, file: file.name };
        const key = RivalsCache.keyOf(compressor, version, file.sha256, job);
        let measured: CachedMeasurement | undefined = cache?.get(key);
        try {
          measured ??= {
            ...(await measure(job, signal)),
            measuredAt: new Date().toISOString(),
            machine: hardware,
          };
        } catch (error) {
          if (signal.aborted) throw error;
          failed.push({ ...about, reason: (error as Error).message });
          continue;
        }
        cache?.set(key, measured);
        const { machine: where, ...figures } = measured;
        results.push({
          ...about,
          kind,
          sha256: file.sha256,
          protocol: chunkSize ?? 'whole',
          version,
          ...(file.extra && { extra: true }),
          ...figures,
          ...(where !== hardware && { machine: where }),
        });
      }
    }
  }
  progress(total, total, '');
  return {
    machine: describeMachine(),
    command: surroundings.command,
    measuredAt: new Date().toISOString(),
    results,
    missing,
    failed,
  };
}
