/**
 * `lmz -d` and `lmz -t`.
 *
 * What was compressed comes back as what it was: a file as that file, also where the file was a tar; a folder as a
 * folder. The mark at the start of the tars that lmz makes tells them apart, and no file name has to.
 *
 * @module
 */
import { pipeline } from 'node:stream/promises';
import type { Progress } from '../index.ts';
import { SUFFIX, withoutSuffix } from './names.ts';
import { PendingFile } from './pending-file.ts';
import { Skip } from './reporter.ts';
import { labelOf, type RunContext } from './run-context.ts';
import { isSpecial, refuseSelf, refuseTerminalInput, specialSink, stdoutSink, type Sink } from './sink.ts';
import { inspectSource, openSource, removeSource, type Source } from './source.ts';

/** Restores one input to where the settings say. */
export async function decompressOne(path: string, run: RunContext): Promise<void> {
  const { io, settings } = run;
  const named = settings.toStdout || settings.output !== undefined;
  if (!named && path !== '-' && withoutSuffix(path, SUFFIX) === undefined) {
    throw new Skip(`does not end in ${SUFFIX}; skipped (-c or -o decompresses it)`);
  }
  const { force, remove } = settings;
  const source = inspectSource(path, io, { folders: false, remove, force, special: named });
  if (source.kind === 'stdin') refuseTerminalInput(io, force);
  let sink: Sink | undefined;
  try {
    await decode(source, run, async (chunks) => {
      const { head, all } = await peek(chunks);
      sink = await openSink(source, head, run);
      await sink.write(all);
    });
    await sink?.commit();
    if (remove) removeSource(source);
  } catch (error) {
    await sink?.discard();
    throw error;
  }
}

/** Decodes one input and checks everything, for nothing but the verdict. */
export async function testOne(path: string, run: RunContext): Promise<void> {
  const { io, settings } = run;
  const source = inspectSource(path, io, {
    folders: false,
    remove: false,
    force: settings.force,
    special: true,
  });
  if (source.kind === 'stdin') refuseTerminalInput(io, settings.force);
  await decode(source, run, async (chunks) => {
    const iterator = chunks[Symbol.asyncIterator]();
    while ((await iterator.next()).done !== true);
  });
}

async function decode(
  source: Source,
  run: RunContext,
  consume: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const { io, settings, reporter } = run;
  const { lmzDecode } = await import('../codec/streams.ts');
  const { size } = source;
  const decoder = lmzDecode({ ...settings.decode, ...(size !== undefined && { totalSize: size }) });
  const summary = await run.showing(source, 'decode', async (display) => {
    decoder.on('progress', (progress: Progress) => {
      display.update(progress);
    });
    await pipeline(openSource(source, io), decoder, consume);
  });
  if (settings.verbose > 0) reporter.line(labelOf(source), summary);
}

/** Opened only now that the first bytes have been decoded: they say whether it will be a file or a folder. */
async function openSink(source: Source, head: Buffer, run: RunContext): Promise<Sink> {
  const { io, settings, scratch } = run;
  const { force, output, remove } = settings;
  const toStdout = settings.toStdout || (source.kind === 'stdin' && output === undefined);
  if (toStdout) return stdoutSink(io);
  if (output !== undefined && isSpecial(output)) return specialSink(output);
  const unpack = await isFolder(head, run);
  const name = output ?? derivedName(source.path, unpack);
  if (source.kind !== 'stdin') refuseSelf(source.path, name);
  if (!unpack) return PendingFile.create(name, { force, sync: remove, like: source.stat, scratch });
  const { PendingFolder } = await import('./unpack.ts');
  return PendingFolder.create(name, { force, sync: remove, scratch });
}

async function isFolder(head: Buffer, { settings }: RunContext): Promise<boolean> {
  if (settings.unpack !== 'auto') return settings.unpack === 'always';
  if (settings.output?.endsWith('.tar') === true) return false;
  // A glance that spares nearly every file the loading of the tar library: tars say "ustar" there.
  if (head.toString('latin1', 257, 262) !== 'ustar') return false;
  const { FOLDER_MARK } = await import('./tar-format.ts');
  return head.subarray(0, FOLDER_MARK.length).equals(FOLDER_MARK);
}

function derivedName(path: string, unpack: boolean): string {
  const file = withoutSuffix(path, SUFFIX) ?? path;
  return unpack ? (withoutSuffix(file, '.tar') ?? file) : file;
}

/** The size of the mark, two blocks; and everything, those included. */
async function peek(
  chunks: AsyncIterable<Uint8Array>,
  length = 1024,
): Promise<{ head: Buffer; all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let have = 0;
  while (have < length) {
    const next = await iterator.next();
    if (next.done === true) break;
    seen.push(next.value);
    have += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* seen.splice(0);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { head: Buffer.concat(seen).subarray(0, length), all: all() };
}
