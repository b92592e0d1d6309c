/**
 * Runs benchmarks by name: `npm run bench -- NAME...`. Each writes its table to `bench/results/`.
 *
 * @module
 */

const BENCHMARKS: Record<string, () => Promise<{ run: () => Promise<void> }>> = {
  'coder-cost': () => import('./coder-cost.ts'),
  'model-speed': () => import('./model-speed.ts'),
  protocol: () => import('./protocol.ts'),
  'round-trip': () => import('./round-trip.ts'),
  'stored-stream': () => import('./stored-stream.ts'),
  train: () => import('./train.ts'),
  'transformer-speed': () => import('./transformer-speed.ts'),
  tuning: () => import('./tuning.ts'),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (names.length === 0 || unknown.length > 0) {
  process.stderr.write(`usage: npm run bench -- NAME...   (${Object.keys(BENCHMARKS).join(', ')})\n`);
  process.exitCode = 1;
} else {
  for (const name of names) await (await BENCHMARKS[name]()).run();
}
