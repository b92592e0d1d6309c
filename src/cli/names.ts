/**
 * The names of compressed files.
 *
 * @module
 */

/** What compressed files end in. */
export const SUFFIX = '.lmz';
/** What compressed folders end in. */
export const TAR_SUFFIX = '.tar.lmz';

/** The name without `suffix`; undefined where it does not end so, or is nothing else. */
export function withoutSuffix(path: string, suffix: string): string | undefined {
  if (!path.endsWith(suffix)) return undefined;
  const rest = path.slice(0, -suffix.length);
  return rest === '' || /[/\\]$/.test(rest) ? undefined : rest;
}
