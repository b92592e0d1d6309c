/**
 * Commands of the documents that take minutes or need data that is not in the repository, each with a short form that
 * runs the same program: less text, fewer rounds, another model.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsOf } from './command-line.ts';
import { readDocument, ROOT, SHELL_BLOCKS } from './documents.ts';

/** A network that is trained in a second. */
const TINY_NETWORK = '--units 16 --width 8 --hidden 16 --contexts order2 --rows 200';
/** Hardly any training. */
const TINY_TRAINING = '--bytes 2K --batch 1 --sequence 16 --validate-bytes 1K';
/** Less than a second for each of the three runs. */
const TINY_STAGES = "ARGS='--minutes 0.01 --validate-bytes 128 --threads 1'";
/** One Transformer of one layer. */
const ONE_MODEL = 'MODELS=one-model';

/**
 * Short forms by command. They run in the folder that `scratchCopy` in long-commands.test.ts makes, where the corpora are
 * tiny; a command that is short there stands for itself. `$ROOT` is the repository.
 */
export const SHORT_FORMS: Readonly<Record<string, string>> = {
  // README.md. Exporting the default model takes more than a minute, so another is tuned.
  'lmz train --data logs --init default --out mine.onnx --minutes 5': `lmz train --data logs --out tiny.onnx ${TINY_TRAINING} ${TINY_NETWORK} && lmz train --data logs --init tiny.onnx --out mine.onnx --minutes 5 ${TINY_TRAINING}`,
  'lmz -m mine.onnx big.log': 'lmz -m mine.onnx big.log',

  // CONTRIBUTING.md
  'npx vitest run test/mix': 'npx vitest run test/mix/logistic --root "$ROOT"',
  'npm run test:long': 'npm run test:long -- test/mix/logistic --root "$ROOT"',
  'npm run bench -- corpora': 'npm run bench -- corpora --dataset big.log --num-chunks 1',
  'npm run bench -- mix-speed model-speed': 'BYTES=64 npm run bench -- mix-speed model-speed',
  // Of `all`, those that are not among the corpora's rivals and levels.
  'npm run bench -- --dataset calgary-books --compressor all':
    'npm run bench -- --dataset book.txt --compressor gzip-node,flac,flac8,png,lmz-lm --num-chunks 1 --rounds 1',
  // From the committed results, for which README.md is already right.
  'npm run readme':
    'cp "$ROOT"/bench/results/* bench/results/ && npm run readme && cmp README.md "$ROOT/README.md"',
  'lmz train --data prose=40:DIR --data wiki=60:OTHER --minutes 60 --out mine.onnx': `lmz train --data prose=40:DIR --data wiki=60:OTHER --minutes 60 --out mine.onnx ${TINY_TRAINING} ${TINY_NETWORK}`,
  'lmz model audit mine.onnx': 'lmz model audit mine.onnx',
  'npm run bench -- protocol': 'MODELS=small CHUNKS=1 CODED=1 npm run bench -- protocol',

  // docs/benchmarks.md
  'lmz bench --dataset calgary-books --compressor all':
    'lmz bench --dataset book.txt --compressor gzip-node,lmz-1 --rounds 1',
  'lmz bench --dataset large/bible --compressor gzip,brotli,lmz-lm@model.onnx --chunk-size 2048':
    'lmz bench --dataset book.txt --compressor gzip,brotli,lmz-lm@model.onnx --chunk-size 2048 --rounds 1',
  'lmz bench --dataset calgary --per-file --compressor rivals,levels':
    'lmz bench --dataset my-folder --per-file --compressor xz,zstd,lmz-1 --rounds 1',
  'lmz bench --dataset my-folder --out results/mine --html results/mine.html':
    'lmz bench --dataset my-folder --out results/mine --html results/mine.html --compressor gzip-node,lmz-1 --rounds 1',

  // docs/reproduction.md
  'CHUNKS=8 RIVAL_CHUNKS=8 npm run bench -- thesis': `${ONE_MODEL} CHUNKS=1 RIVAL_CHUNKS=1 npm run bench -- thesis`,
  'npm run bench -- thesis': `${ONE_MODEL} CHUNKS=1 RIVAL_CHUNKS=1 npm run bench -- thesis`,
  'npm run bench -- transformer-speed': 'npm run bench -- transformer-speed',
  'node tools/thesis-text.mjs WIKI PROSE texts': 'node tools/thesis-text.mjs WIKI PROSE texts',
  'tools/thesis-train.sh rotary 10M texts runs': `${TINY_STAGES} tools/thesis-train.sh rotary 10M texts runs`,
  'tools/thesis-train.sh sinusoidal 10M texts runs': `${TINY_STAGES} tools/thesis-train.sh sinusoidal 10M texts runs`,
  // TensorFlow's native packages are installed beside lmz by whom they are for: test/train/ has its other backends.
  'lmz train --preset thesis --engine tfjs --out thesis.onnx':
    'lmz train --preset thesis --engine ort --out thesis.onnx --data logs --steps 1 --batch 1 --sequence 16 --layers 1 --validate-bytes 1K',
};

/** The blocks that are marked `long`: name and commands. */
export const LONG_BLOCKS: readonly { readonly name: string; readonly commands: readonly string[] }[] =
  SHELL_BLOCKS.filter(({ mark }) => mark === 'long').map(({ name, code }) => ({
    name,
    commands: commandsOf(code).map((words) => words.join(' ')),
  }));

/** `npm run check` for `npm run -s check`. */
const plain = (words: readonly string[]): string => words.filter((word) => word !== '-s').join(' ');

/** What CI runs as it stands: README's blocks for it, the scripts that .ci/run calls, and the scripts that these call. */
export function commandsOfCi(): ReadonlySet<string> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const found = new Set<string>();
  const add = (code: string): void => {
    for (const words of commandsOf(code)) {
      const command = plain(words);
      if (words[0] !== 'npm' || found.has(command)) continue;
      found.add(command);
      const script = words[1] === 'run' ? command.split(' ')[2] : words[1];
      if (Object.hasOwn(scripts, script)) add(scripts[script]);
    }
  };
  for (const { mark, code } of readDocument('README.md').blocks) if (mark === 'ci') add(code);
  const calls = readFileSync(join(ROOT, '.ci/run'), 'utf8').match(/^npm run .*$/gm) ?? [];
  add(calls.join('\n'));
  return found;
}
