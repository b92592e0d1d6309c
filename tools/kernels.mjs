/**
 * Compiles the AssemblyScript kernels: every folder `src/kernel/NAME` with an `index.ts` becomes `dist/kernel/NAME.wasm`.
 * Part of `npm run build`.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = `${root}src/kernel`;
mkdirSync(`${root}dist/kernel`, { recursive: true });
for (const name of readdirSync(sources)) {
  if (!existsSync(`${sources}/${name}/index.ts`)) continue;
  const { error, stderr } = await asc.main([
    `src/kernel/${name}/index.ts`,
    ...['--baseDir', root, '--outFile', `dist/kernel/${name}.wasm`],
    // No garbage collector and no assertions: kernels lay their memory out themselves.
    ...['--runtime', 'stub', '--use', 'abort=', '--noAssert', '--enable', 'simd'],
    ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge'],
  ]);
  if (error) {
    process.stderr.write(`${stderr.toString()}\n`);
    throw error;
  }
}
