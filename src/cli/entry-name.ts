/**
 * Which names and links an archive may hold. Both directions ask here, so that lmz makes no archive that it would
 * refuse to unpack without having said so.
 *
 * @module
 */
import { LmzError } from '../errors.ts';

/**
 * The parts of an entry's path below the folder that it is unpacked into; none for that folder itself.
 *
 * A backslash and a colon are ordinary characters in a POSIX name and special in a Windows one. Such a name is kept
 * where it is harmless under both readings.
 *
 * @throws {@link LmzError} LMZ_UNSAFE_NAME
 */
export function safeParts(path: string, windows = process.platform === 'win32'): string[] {
  const fault = nameFault(path, windows);
  if (fault !== undefined) throw unsafe(`the entry "${path}" ${fault}`);
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/**
 * Whether a symbolic link at `parts`, in the folder that is unpacked into, stays inside it.
 *
 * `..` may only lead: `a/../..` would mean something else where `a` is itself a link, and a proof for every chain of
 * links has no place here.
 *
 * @param parts - where the link is, from {@link safeParts}
 * @param target - what it says
 * @param rootDepth - how many of the parts name the folder that the link must not leave
 */
export function linkStaysInside(parts: readonly string[], target: string, rootDepth: number): boolean {
  if (target === '' || target.includes('\0') || isAbsolute(target)) return false;
  const steps = target.split(/[/\\]/).filter((step) => step !== '' && step !== '.');
  const ups = steps.findIndex((step) => step !== '..');
  const leading = ups === -1 ? steps.length : ups;
  if (steps.slice(leading).includes('..')) return false;
  return leading <= parts.length - 1 - rootDepth;
}

/** @returns an error LMZ_UNSAFE_NAME, with the way out for those who trust the archive */
export function unsafe(message: string): LmzError {
  return new LmzError('LMZ_UNSAFE_NAME', message, {
    hint: 'Nothing was unpacked. lmz -d --no-unpack gives the tar itself, for other tools to look at.',
  });
}

function nameFault(path: string, windows: boolean): string | undefined {
  if (path === '') return 'has an empty name';
  if (path.includes('\0')) return 'has a zero byte in its name';
  if (isAbsolute(path)) return 'has an absolute name';
  if (path.split(/[/\\]/).includes('..')) return 'leads out of its folder by ".."';
  if (windows && /[\\:]/.test(path)) return 'has a name that means something else on Windows';
  return undefined;
}

/** Absolute under either reading: `/x`, `\x`, `\\host\x`, `C:\x`, and `C:x`, which depends on a drive's own folder. */
function isAbsolute(path: string): boolean {
  return /^[/\\]/.test(path) || /^[A-Za-z]:/.test(path);
}
