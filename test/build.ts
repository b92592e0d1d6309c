/**
 * Brings `dist/` up to date before the tests: worker threads and the command line run the built code.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Newest modification time of any file below a folder; 0 where it is missing or empty. */
function newest(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return Math.max(0, ...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
  } catch {
    return 0;
  }
}

export default function setup(): void {
  if (newest(join(root, 'dist')) > newest(join(root, 'src'))) return;
  // Type errors are the type check's to report; what the compiler wrote regardless is what runs.
  spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'ignore' });
  spawnSync('node', ['tools/kernels.mjs'], { cwd: root, stdio: 'inherit' });
}
