/**
 * Prints digests of the logits that the WebAssembly kernels give for a fixed text, one for each model. Run on the built code by
 * emulated-cpus.test.ts, natively and under emulation: `node kernel-logits.mjs LANES MODEL...`.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadModel } from '../../dist/model/load.js';
import { openSession } from '../../dist/model/session.js';

const [lanes, ...paths] = process.argv.slice(2);
const text = new Uint8Array(readFileSync(new URL('../../spec/lmz-format.md', import.meta.url)));
for (const path of paths) {
  const model = loadModel(new Uint8Array(readFileSync(path)));
  const session = await openSession(model, { lanes: Number(lanes), engine: 'kernel' });
  const hash = createHash('sha256');
  for (let step = 0; step < 300; step++) {
    // Text, and in the end any bytes.
    const tokens = Uint8Array.from({ length: session.lanes }, (_, lane) =>
      step < 200 ? text[1000 * lane + step] : (step * 91 + 17 * lane) & 255,
    );
    const logits = await session.run(tokens, 1);
    hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  }
  process.stdout.write(`${hash.digest('hex')}\n`);
}
