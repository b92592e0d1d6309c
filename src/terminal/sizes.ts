/**
 * Sizes as people write and read them: `4M` on the command line, `3.9 MiB` in messages.
 *
 * @module
 */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/**
 * Bytes from a number with an optional suffix. As with xz, K, KB and KiB are all 1024: a limit or a chunk size is
 * meant in powers of two by nearly everybody who types one.
 *
 * @returns undefined where the text is no size
 */
export function parseSize(text: string): number | undefined {
  const match: readonly string[] | null = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, number, suffix] = match;
  const power = ['', 'k', 'm', 'g', 't'].indexOf(suffix.toLowerCase());
  const bytes = Number(number) * 1024 ** power;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size in the largest unit that leaves a number of at least one: `532 B`, `3.9 MiB`. */
export function formatSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // 1023.95 would round to "1024.0 KiB".
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** Compressed size in percent of the original, the way that this project states ratios: `26.2 %`. */
export function formatRatio(compressed: number, original: number): string {
  return original === 0 ? '-' : `${((100 * compressed) / original).toFixed(1)} %`;
}
