/**
 * `lmz -l`: what is in a file, from its headers and index; nothing is decoded and no model is needed.
 *
 * @module
 */
import type { FrameInfo, LmzInfo } from '../index.ts';
import { LmzError } from '../errors.ts';
import { describe, printable } from './reporter.ts';
import type { RunContext } from './run-context.ts';
import { formatRatio, formatSize } from '../terminal/sizes.ts';
import { inspectSource } from './source.ts';

const COLUMNS = '  Compressed    Original    Ratio  Frames  Check   Model         Name\n';

/** Lists all files: a table, or one JSON array with an entry for each, also for those that cannot be read. */
export async function listFiles(paths: readonly string[], run: RunContext): Promise<void> {
  const { io, settings, reporter } = run;
  const { readInfo } = await import('../codec/info.ts');
  const entries: object[] = [];
  const sums = { files: 0, compressedSize: 0, size: 0, frames: 0 };
  let header = false;
  for (const path of paths) {
    try {
      inspectSource(path, io, { folders: false, remove: false, force: settings.force, special: false });
      const info = await readInfo(path);
      sums.files++;
      sums.compressedSize += info.compressedSize;
      sums.size += info.size;
      sums.frames += frameCount(info);
      if (settings.json) {
        entries.push({ file: path, ...info });
        continue;
      }
      if (!header) io.stdout.write(COLUMNS);
      header = true;
      io.stdout.write(row(info, checkOf(info), modelOf(info), path));
      if (settings.verbose > 0) io.stdout.write(details(info));
    } catch (error) {
      reporter.error(path, error);
      entries.push({ file: path, error: errorEntry(error) });
    }
  }
  if (settings.json) io.stdout.write(`${JSON.stringify(entries, undefined, 2)}\n`);
  else if (sums.files > 1) io.stdout.write(row(sums, '', '', `${sums.files} files`));
}

/** An error as programs want it. */
export function errorEntry(error: unknown): object {
  if (error instanceof LmzError) return { code: error.code, message: error.message, offset: error.offset };
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return { code, message: describe(error) };
}

function row(
  sizes: { compressedSize: number; size: number; members?: LmzInfo['members']; frames?: number },
  check: string,
  model: string,
  name: string,
): string {
  const frames = sizes.frames ?? sizes.members?.reduce((sum, member) => sum + member.frames.length, 0) ?? 0;
  const cells = [
    formatSize(sizes.compressedSize).padStart(12),
    formatSize(sizes.size).padStart(10),
    formatRatio(sizes.compressedSize, sizes.size).padStart(7),
    String(frames).padStart(6),
    check.padEnd(6),
    model.padEnd(12),
    printable(name),
  ];
  return `${cells.join('  ')}\n`;
}

function details(info: LmzInfo): string {
  const lines: string[] = [];
  for (const [index, member] of info.members.entries()) {
    lines.push(
      `  member ${index + 1}: version ${member.version}, at byte ${member.offset}, ` +
        `${member.compressedSize} of ${member.size} bytes, chunks of ${formatSize(member.chunkSize)}`,
      `    ${member.contentCheck} ${member.contentCheckValue}`,
    );
    if (member.modelHash !== undefined) {
      lines.push(`    model ${member.modelHash}${member.embeddedModel ? ', embedded' : ''}`);
    }
    const bound = member.platformBound;
    if (bound !== undefined) {
      lines.push(
        `    platform-bound: ${bound.lanes} lanes, runtime ${printable(bound.runtime)}, fingerprint ${bound.fingerprint}`,
      );
    }
    lines.push('     frame  type         at byte   compressed     original  lanes  mode');
    for (const [number, frame] of member.frames.entries()) {
      const cells = [
        String(number + 1).padStart(10),
        frame.type.padEnd(9),
        String(frame.offset).padStart(10),
        String(frame.compressedSize).padStart(11),
        String(frame.size).padStart(11),
        String(frame.lanes ?? '-').padStart(5),
        frameMode(frame),
      ];
      lines.push(cells.join('  '));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What coded a frame: the model alone (`lm`), or mixing with or without it, for what, with how many contexts and how large tables. */
function frameMode({ type, predictor, mixing }: FrameInfo): string {
  if (type !== 'coded') return '-';
  if (!mixing) return predictor === 1 ? 'lm' : `predictor ${predictor}`;
  const { profile, contexts, tableBits, languageModel } = mixing;
  return `${languageModel ? 'lm+mix' : 'mix'} ${profile} ${contexts} 2^${tableBits}`;
}

function frameCount(info: LmzInfo): number {
  return info.members.reduce((sum, member) => sum + member.frames.length, 0);
}

function checkOf(info: LmzInfo): string {
  return common(info.members.map((member) => member.contentCheck));
}

/** Enough of the hash to tell models apart; `-v` shows all of it. */
function modelOf(info: LmzInfo): string {
  return common(info.members.map((member) => member.modelHash?.slice(0, 12) ?? '-'));
}

function common(values: readonly string[]): string {
  const distinct = new Set(values);
  return distinct.size === 1 ? [...distinct].join('') : 'several';
}
