/**
 * Compresses the format's specification with the built-in model, restores it, and compares: `npm run demo`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = join(root, 'spec/lmz-format.md');
const folder = mkdtempSync(join(tmpdir(), 'lmz-demo-'));
const packed = join(folder, 'lmz-format.md.lmz');
const restored = join(folder, 'lmz-format.md');

/** @param {string[]} args */
function lmz(...args) {
  process.stdout.write(`$ lmz ${args.join(' ')}\n`);
  execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { stdio: 'inherit' });
}

try {
  lmz('-v', text, '-o', packed);
  lmz('-l', packed);
  lmz('-v', '-d', packed, '-o', restored);
  const same = readFileSync(text).equals(readFileSync(restored));
  if (!same) throw new Error('the restored file differs');
  process.stdout.write(
    `${statSync(text).size} bytes -> ${statSync(packed).size} bytes -> the same ${statSync(restored).size} bytes\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
