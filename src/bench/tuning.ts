/**
 * Domain tuning: `lmz train --init MODEL` on text of one kind that the model has not seen, and what it gains on the part
 * that is held back. `MODEL=path npm run bench -- tuning`; without it the built-in default is tuned.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { brotliCompressSync } from 'node:zlib';
import { toHex } from '../bytes.ts';
import { DEFAULT_MODEL, resolveModel } from '../model/registry.ts';
import { readCategory } from '../train/corpus.ts';
import { Display } from '../train/display.ts';
import { measureExact } from '../train/export-model.ts';
import { trainModel } from '../train/run.ts';
import { readSettings } from '../train/settings.ts';
import { describeLoad } from './load.ts';
import { logCorpus } from './log-corpus.ts';
import { writeReport } from './report.ts';

const LOG_BYTES = 2e6;
const LOG_SEED = 7;
const HELD = 0.1;
const SHAPE = { lanes: 16, steps: 64 };
const VALIDATE_BYTES = 200_000;
const FLAGS = `--bytes 1500K --batch ${SHAPE.lanes} --sequence ${SHAPE.steps} --lr 1e-3 --warmup 50 --held ${HELD}`;

/** The TypeScript compiler's messages in all its languages: JSON, pinned by package-lock.json. */
function messages(): Uint8Array[] {
  const folder = dirname(createRequire(import.meta.url).resolve('typescript'));
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name, 'diagnosticMessages.generated.json'))
    .sort();
  return files.map((file) => readFileSync(file));
}

export async function run(): Promise<void> {
  const base = await resolveModel(process.env.MODEL ?? DEFAULT_MODEL);
  const folder = mkdtempSync(join(tmpdir(), 'lmz-tuning-'));
  const corpora: [string, Uint8Array[]][] = [
    [
      `service logs, JSON lines (src/bench/log-corpus.ts, seed ${LOG_SEED})`,
      [logCorpus(LOG_BYTES, LOG_SEED)],
    ],
    ["TypeScript's messages in 13 languages, JSON", messages()],
  ];
  const rows: (string | number)[][] = [];
  try {
    for (const [i, [name, files]] of corpora.entries()) {
      const file = join(folder, `text-${i}`);
      mkdirSync(file);
      files.forEach((bytes, part) => {
        writeFileSync(join(file, String(part).padStart(2, '0')), bytes);
      });
      const text = Buffer.concat(files);
      const argv = [
        '--data',
        file,
        '--init',
        base.path,
        '--out',
        join(folder, `tuned-${i}.onnx`),
        ...FLAGS.split(' '),
      ];
      const given = readSettings([...argv, '--validate-bytes', String(VALIDATE_BYTES)]);
      const category = await readCategory({ name: 'text', weight: 1, paths: [file] }, HELD, folder);
      const { text: before } = await measureExact(base.bytes, [category], SHAPE, VALIDATE_BYTES);
      const io = { stdin: new PassThrough(), stdout: process.stdout, stderr: process.stderr, debug: false };
      const display = await Display.open(io, { thesis: false });
      const result = await trainModel(given, display, new AbortController().signal);
      display.stop();
      const [after] = Object.values(result.model!.exact);
      const held = category.validation.subarray(0, category.validation.length);
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
      rows.push([
        `${name}, ${text.length} bytes, SHA-256 ${hash}...`,
        before.toFixed(3),
        after.toFixed(3),
        `${(100 * (after / before - 1)).toFixed(1)} %`,
        ((8 * brotliCompressSync(held).length) / held.length).toFixed(3),
        `${(result.bytes / 1e6).toFixed(1)} MB in ${Math.round(result.seconds)} s`,
      ]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const columns = ['text', 'before, bits/byte', 'after', 'change', 'brotli -q 11', 'training'];
  writeReport('tuning', 'Tuning a model to text of one kind', { columns, rows }, [
    `Model ${base.path.split('/').slice(-3).join('/')} (SHA-256 ${toHex(base.hash).slice(0, 16)}...), network alone, exact form, on the last ${HELD * 100} % of every file, which tuning does not see; ${SHAPE.lanes} parts side by side. brotli packs the same held-back part, alone. Flags: \`lmz train --init MODEL --data TEXT --out TUNED.onnx ${FLAGS}\`.`,
    describeLoad(),
  ]);
}
