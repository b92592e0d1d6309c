/**
 * Every file of the evaluation corpora with the built-in model: size, and whether it came back.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { compress, decompress } from '../codec/one-shot.ts';
import { DEFAULT_MODEL } from '../model/registry.ts';
import { corpusPath, writeReport } from './report.ts';

const FOLDERS = ['calgary', 'canterbury', 'large', 'enwik'];
/** Many lanes are quicker with onnxruntime; their cost in size is small for a model of order 2. */
const LANES = 64;

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const folder of FOLDERS) {
    for (const name of readdirSync(corpusPath(folder)).sort()) {
      const data = new Uint8Array(readFileSync(corpusPath(`${folder}/${name}`)));
      const packed = await compress(data, { lanes: LANES });
      const same = Buffer.compare(await decompress(packed), data) === 0;
      if (!same) throw new Error(`${folder}/${name} came back different`);
      const percent = `${((packed.length / data.length) * 100).toFixed(2)} %`;
      rows.push([`${folder}/${name}`, data.length, packed.length, percent, 'the same']);
    }
  }
  const columns = ['file', 'bytes', '.lmz', 'ratio', 'decoded'];
  writeReport('round-trip', 'Every corpus file, there and back', { columns, rows }, [
    `Model ${DEFAULT_MODEL}, ${LANES} lanes, everything else by default.`,
  ]);
}
