/**
 * `lmz FILE` and `lmz FOLDER`.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LmzError } from '../errors.ts';
import type { Progress } from '../index.ts';
import { SUFFIX, TAR_SUFFIX } from './names.ts';
import type { PackedFolder } from './pack.ts';
import { PendingFile } from './pending-file.ts';
import { Skip } from './reporter.ts';
import { labelOf, type RunContext } from './run-context.ts';
import { isSpecial, refuseSelf, refuseTerminalOutput, specialSink, stdoutSink, type Sink } from './sink.ts';
import { changeOf, inspectSource, openSource, removeSource, type Source } from './source.ts';

/** Compresses one input to where the settings say. */
export async function compressOne(path: string, run: RunContext): Promise<void> {
  const { io, settings, reporter } = run;
  const named = settings.toStdout || settings.output !== undefined;
  if (!named && path.endsWith(SUFFIX)) {
    throw new Skip(`has the suffix ${SUFFIX} already; skipped (-c or -o compresses it again)`);
  }
  const { force, remove } = settings;
  const source = inspectSource(path, io, { folders: true, remove, force, special: named });
  const output = settings.toStdout ? undefined : (settings.output ?? outputName(source));
  const sink = await openSink(source, output, run);
  let folder: PackedFolder | undefined;
  try {
    folder = source.kind === 'folder' ? await packFolder(source, sink) : undefined;
    const digest = await encode(source, folder, sink, run);
    // A folder says more about what it could not keep.
    const warnings = folder?.warnings ?? [changeOf(source)].filter((change) => change !== undefined);
    for (const warning of warnings) reporter.warning(labelOf(source), warning);
    if (settings.verify && sink instanceof PendingFile) await verify(source, sink, digest, run);
    await sink.commit();
    if (remove) removeOriginal(source, folder, warnings);
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

/** `undefined` for standard output. */
function outputName(source: Source): string | undefined {
  if (source.kind === 'stdin') return undefined;
  if (source.kind === 'file') return source.path + SUFFIX;
  // `lmz .` has to find out how the folder is called; everything else keeps the path as it was typed.
  const typed = source.path.replace(/[/\\]+$/, '');
  const plain = !['', '.', '..'].includes(basename(typed));
  const folder = plain ? typed : resolve(source.path);
  return join(dirname(folder), basename(folder) + TAR_SUFFIX);
}

async function openSink(source: Source, output: string | undefined, run: RunContext): Promise<Sink> {
  const { io, settings, scratch } = run;
  if (output === undefined) {
    refuseTerminalOutput(io, settings.force);
    return stdoutSink(io);
  }
  if (settings.output !== undefined && isSpecial(output)) return specialSink(output);
  if (source.kind !== 'stdin') refuseSelf(source.path, output);
  const like = source.kind === 'file' ? source.stat : undefined;
  return PendingFile.create(output, { force: settings.force, sync: settings.remove, like, scratch });
}

async function packFolder(source: Source, sink: Sink): Promise<PackedFolder> {
  const { PackedFolder } = await import('./pack.ts');
  return new PackedFolder(source.path, sink instanceof PendingFile ? [sink.temporary] : []);
}

/** @returns the SHA-256 of what was encoded, where it will be needed */
async function encode(
  source: Source,
  folder: PackedFolder | undefined,
  sink: Sink,
  run: RunContext,
): Promise<string | undefined> {
  const { io, settings, reporter } = run;
  const { lmzEncode } = await import('../codec/streams.ts');
  const totalSize = folder?.size ?? source.size;
  const encoder = lmzEncode({ ...settings.encode, ...(totalSize !== undefined && { totalSize }) });
  const input = folder === undefined ? openSource(source, io) : Readable.from(folder.chunks());
  const hash = settings.verify ? createHash('sha256') : undefined;
  const summary = await run.showing(source, 'encode', async (display) => {
    encoder.on('progress', (progress: Progress) => {
      display.update(progress);
    });
    await pipeline(
      input,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash?.update(chunk);
          yield chunk;
        }
      },
      encoder,
      (chunks: AsyncIterable<Uint8Array>) => sink.write(chunks),
    );
  });
  if (settings.verbose > 0) reporter.line(labelOf(source), summary);
  return hash?.digest('hex');
}

/**
 * Decodes what is on disk, and compares it with what was read.
 *
 * @throws {@link LmzError} LMZ_VERIFY
 */
async function verify(
  source: Source,
  file: PendingFile,
  digest: string | undefined,
  run: RunContext,
): Promise<void> {
  const { lmzDecode } = await import('../codec/streams.ts');
  const hash = createHash('sha256');
  const totalSize = await file.size();
  const decoder = lmzDecode({ ...run.settings.decode, totalSize });
  try {
    await run.showing({ ...source, path: `verify ${source.path}` }, 'decode', async (display) => {
      decoder.on('progress', (progress: Progress) => {
        display.update(progress);
      });
      await pipeline(createReadStream(file.temporary), decoder, async (chunks: AsyncIterable<Uint8Array>) => {
        for await (const chunk of chunks) hash.update(chunk);
      });
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LmzError('LMZ_VERIFY', `does not decode again: ${reason}`, { cause, hint: VERIFY_HINT });
  }
  if (hash.digest('hex') === digest) return;
  throw new LmzError('LMZ_VERIFY', 'decodes to something else', { hint: VERIFY_HINT });
}

const VERIFY_HINT = 'Nothing was written. The memory or the disk may be faulty, or lmz is: please report it.';

/** @throws {@link Skip} where something was kept */
function removeOriginal(source: Source, folder: PackedFolder | undefined, warnings: readonly string[]): void {
  if (warnings.length > 0) throw new Skip('not removed, because of the warnings');
  if (folder === undefined) {
    removeSource(source);
    return;
  }
  const kept = folder.remove();
  if (kept > 0)
    throw new Skip(`not removed: ${kept} name(s) that are in use, or changed since they were read`);
}
