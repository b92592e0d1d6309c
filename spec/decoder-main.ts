/**
 * The second decoder's command line: `npx tsx spec/decoder-main.ts FILE.lmz [--model M.onnx]... > out`.
 *
 * @module
 */
import { readFileSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { decode, SpecError } from './decoder.ts';

function writeAll(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(1, bytes, written);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string', multiple: true } },
});
if (positionals.length !== 1) {
  console.error('usage: decoder-main FILE.lmz [--model M.onnx]... > out');
  process.exitCode = 2;
} else {
  const models = (values.model ?? []).map((path) => readFileSync(path));
  try {
    writeAll(await decode(readFileSync(positionals[0]), { models }));
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    // What came before the fault is intact (section 1.2).
    writeAll(error.content);
    console.error(error.message);
    process.exitCode = 1;
  }
}
