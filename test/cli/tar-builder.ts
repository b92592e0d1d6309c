/**
 * Tars by hand, after POSIX.1-1988 ustar: also such as no sane program writes.
 *
 * @module
 */

/** One entry. */
export interface Entry {
  name: string;
  /** Type flag: 0 file, 1 hard link, 2 symbolic link, 3 device, 5 folder. */
  type?: string;
  link?: string;
  body?: string | Uint8Array;
  mode?: number;
  mtime?: number;
}

/** A whole archive, with its two empty blocks. */
export function tar(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(entryBlocks), Buffer.alloc(1024)]);
}

/** Header and padded body. */
export function entryBlocks({
  name,
  type = '0',
  link = '',
  body = '',
  mode = 0o644,
  mtime = 0,
}: Entry): Buffer {
  const content = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(content.length, 11), 124);
  header.write(octal(mtime, 11), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A pax extension for the entry after it. */
export function pax(records: Record<string, string>): Buffer {
  let body = '';
  for (const [key, value] of Object.entries(records)) {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + 1;
    while (rest + String(length).length !== length) length++;
    body += `${length} ${key}=${value}\n`;
  }
  return entryBlocks({ name: 'PaxHeader', type: 'x', body });
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
