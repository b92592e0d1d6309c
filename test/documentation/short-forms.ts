/**
 * Commands of the documents that take minutes, need data that is not in the repository, or change it, each with a short form
 * that runs the same program: less text, fewer rounds, another model.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsOf } from './command-line.ts';
import { DOCUMENTS, readDocument, ROOT, SHELL_BLOCKS } from './documents.ts';

/** A network that is trained in a second. */
const TINY_NETWORK = '--units 16 --width 8 --hidden 16 --contexts order2 --rows 200';
/** Hardly any training. */
const TINY_TRAINING = '--bytes 2K --batch 1 --sequence 16 --validate-bytes 1K';
/** Less than a second for each of the three runs. */
const TINY_STAGES = "ARGS='--minutes 0.01 --validate-bytes 128 --threads 1'";
/** One Transformer of one layer. */
const ONE_MODEL = 'MODELS=one-model';

/** Of a report of sizes, what was measured of a file: not how much it was. */
const measured = (path: string): string => `<(sed -n '/program.txt/s/,"sha256".*//p' ${path})`;
/** One package for tools/added-text, in its cache: from Debian and npm it would download a hundred. */
const TINY_PACKAGES = `
  mkdir -p package tmp/added-text/packages && cp "$ROOT/fixtures/sizes/prose.txt" package/ && tar -czf tmp/added-text/packages/tiny-1.0.0.tgz package
  echo '{"literary/gutenberg":[{"name":"tiny","npm":true,"kind":"text","licence":"MIT","files":"txt$"}]}' > tools/added-text/packages.json`;
const addedText = (args: string): string =>
  `${TINY_PACKAGES} && node tools/added-text/main.mjs ${args} | grep 'tiny | npm 1.0.0'`;

/** Of the native trainer: a batch is 2048 bytes. */
const nativeTrain = (args: string): string =>
  `tmp/native-train --setup tmp/setup.txt --text tmp/text --data prose=42 --data wiki=18 ${args} --validate-bytes 2048`;
/** The digest of a tiny model. */
const digest = (node: string): string =>
  `test "$(${node} fixtures/logits-digest.mjs fixtures/models/good-hash.onnx 3 32)" = "$(grep good-hash fixtures/logits.sha256)"`;

/** Commands that need what not every machine has. */
export const NEEDS: Readonly<Record<string, 'chromium' | 'qemu' | 'amx'>> = {
  'npm run pictures': 'chromium',
  'qemu-x86_64 -cpu Nehalem $(which node) fixtures/logits-digest.mjs MODEL.onnx 3 32': 'qemu',
  'make -C tools/native-train': 'amx',
};

/**
 * Short forms by command, in bash. They run in the folder that `scratchCopy` makes, where the corpora are tiny; a command
 * that is short there stands for itself. `$ROOT` is the repository, `same FILE COMMAND` fails where the file is another there.
 */
export const SHORT_FORMS: Readonly<Record<string, string>> = {
  // README.md. Exporting the default model takes more than a minute, so another is tuned.
  'lmz train --data logs --init default --out mine.onnx --minutes 5': `lmz train --data logs --out tiny.onnx ${TINY_TRAINING} ${TINY_NETWORK} && lmz train --data logs --init tiny.onnx --out mine.onnx --minutes 5 ${TINY_TRAINING}`,
  'lmz -m mine.onnx big.log': 'lmz -m mine.onnx big.log',
  'lmz bench --dataset calgary,canterbury,large,enwik6 --compressor rivals,lmz,lmz-1 --per-file --rounds 1':
    'lmz bench --dataset book.txt,big.log --compressor gzip,lmz-1 --per-file --rounds 1',
  'npm run -s lmz -- ARGS':
    'npm run -s lmz -- -1f book.txt && cmp book.txt <(npm run -s lmz -- -dc book.txt.lmz)',
  'lmz -lv FILE': 'lmz -1f book.txt && lmz -lv book.txt.lmz',
  'lmz explain FILE': 'lmz explain book.txt --bytes 500',
  'lmz train --help': 'lmz train --help',
  'lmz bench --html':
    'lmz bench --dataset book.txt --compressor gzip-node --rounds 1 --html page.html && test -s page.html',
  'npm run pictures': `cp "$ROOT"/bench/results/calgary-books.json bench/results/ && npm run pictures &&
    diff <(ls docs/images) <(ls "$ROOT/docs/images") && ! cmp -s docs/images/bench-light.png docs/images/bench-dark.png`,
  'npm run bench -- NAME': 'npm run bench -- corpora --dataset big.log --compressor gzip-node --num-chunks 1',

  // CONTRIBUTING.md
  'npx vitest run test/mix': 'npx vitest run test/mix/logistic --root "$ROOT"',
  'npm run test:long': 'npm run test:long -- test/mix/logistic --root "$ROOT"',
  'npm run bench -- corpora': 'npm run bench -- corpora --dataset big.log --num-chunks 1',
  'npm run bench -- mix-speed model-speed': 'BYTES=64 npm run bench -- mix-speed model-speed',
  // Of `all`, those that are not among the corpora's rivals and levels.
  'npm run bench -- --dataset calgary-books --compressor all':
    'npm run bench -- --dataset book.txt --compressor gzip-node,flac,flac8,png,lmz-lm --num-chunks 1 --rounds 1',
  // From the committed results. What is generated is taken out first.
  'npm run readme': `cp "$ROOT"/bench/results/* bench/results/ && sed -i '/^<!-- generated/,/^<!-- end/{/^<!--/!d}' README.md &&
    npm run readme && same README.md 'npm run readme'`,
  'npm run docs': `npm run docs && same docs/api.md 'npm run docs'`,
  'npm run models:fixtures':
    'rm fixtures/models/good-*.onnx && npm run models:fixtures && diff -r fixtures/models "$ROOT/fixtures/models"',
  // What is there stays as it is.
  'npx tsx fixtures/make-golden.ts': `cd fixtures/golden && rm v1-stored.lmz v1-order1.lmz v1-mix-text.lmz && echo > v1-empty.lmz && cd ../.. &&
    npx tsx fixtures/make-golden.ts && test "$(diff -rq fixtures/golden "$ROOT/fixtures/golden")" = "Files fixtures/golden/v1-empty.lmz and $ROOT/fixtures/golden/v1-empty.lmz differ"`,
  'lmz bench --check':
    'flags="--dataset book.txt --compressor gzip-node --rounds 1" && lmz bench $flags --out now && lmz bench $flags --check now.json',
  'npm run bench:sizes': `head -c 500 fixtures/sizes/program.txt > tiny && rm fixtures/sizes/* && mv tiny fixtures/sizes/program.txt &&
    npm run bench:sizes && cmp ${measured('bench/sizes.json')} ${measured('"$ROOT/bench/sizes.json"')}`,
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
  'npm run bench -- FLAGS':
    'npm run bench -- --dataset book.txt --compressor gzip-node --rounds 1 && test -s bench/results/book.txt.md',

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

  // models/README.md, models/added-text.md
  'lmz --mode lm': 'lmz --mode lm -m small -f book.txt && lmz -t book.txt.lmz',
  'lmz -m small': 'lmz -m small -f book.txt && cmp book.txt <(lmz -dc book.txt.lmz)',
  'node tools/added-text/main.mjs DIR': addedText('DIR'),
  'node tools/added-text/main.mjs OUT': addedText('OUT'),
  'node tools/added-text/main.mjs OUT --only literary/gutenberg': addedText('OUT --only literary/gutenberg'),
  'lmz train --data prose=38:DIR --data literary=11:DIR --data wiki=18:DIR --data code=14:DIR --data technical=10:DIR --data reference=2:DIR --data multilingual=7:DIR --bytes 1200M --out default.onnx': `lmz train --data prose=38:DIR --data literary=11:DIR --data wiki=18:DIR --data code=14:DIR --data technical=10:DIR --data reference=2:DIR --data multilingual=7:DIR --out default.onnx ${TINY_TRAINING} ${TINY_NETWORK}`,
  'tools/thesis-train.sh rotary 100M TEXTS OUT': `node tools/thesis-text.mjs WIKI PROSE TEXTS && ${TINY_STAGES} tools/thesis-train.sh rotary 100M TEXTS OUT`,
  'npx tsx src/train/order2-main.ts --data ../shared/corpora --out models/order2.onnx':
    'npx tsx src/train/order2-main.ts --data ../shared/corpora --out order2.onnx',

  // tools/native-train/README.md. It trains networks whose rows are 64 wide.
  'make -C tools/native-train': 'make -C tools/native-train CXXFLAGS="-O1 -std=c++17 -march=sapphirerapids"',
  'node tools/native-train/state.mjs init models/default.onnx tmp/init.raw tmp/setup.txt': `lmz train --data logs --out tiny.onnx ${TINY_TRAINING} --units 32 --width 64 --hidden 32 --contexts order2,order3 --rows 200 &&
    node tools/native-train/state.mjs init tiny.onnx tmp/init.raw tmp/setup.txt`,
  'node tools/native-train/state.mjs text tmp/text prose=BOOKS wiki=ARTICLES,MORE':
    'mkdir BOOKS ARTICLES MORE && for d in BOOKS ARTICLES MORE; do cat "$ROOT"/spec/*.md "$ROOT"/docs/*.md "$ROOT"/README.md > $d/a.txt; done && node tools/native-train/state.mjs text tmp/text prose=BOOKS wiki=ARTICLES,MORE --held 0.1',
  'tmp/native-train --setup tmp/setup.txt --text tmp/text --data prose=42 --data wiki=18 --state tmp/init.raw --out tmp/a.raw --bytes 60e6 --seed 1':
    nativeTrain('--state tmp/init.raw --out tmp/a.raw --bytes 4096 --seed 1'),
  'tmp/native-train --setup tmp/setup.txt --text tmp/text --data prose=42 --data wiki=18 --state tmp/init.raw --out tmp/b.raw --bytes 60e6 --seed 2 --drop 0.08':
    nativeTrain('--state tmp/init.raw --out tmp/b.raw --bytes 4096 --seed 2 --drop 0.08'),
  'tmp/native-train --merge tmp/m.raw tmp/a.raw tmp/b.raw':
    'tmp/native-train --merge tmp/m.raw tmp/a.raw tmp/b.raw',
  'tmp/native-train --setup tmp/setup.txt --text tmp/text --data prose=42 --data wiki=18 --state tmp/m.raw --out tmp/end.raw --bytes 120e6 --decay-from 60e6 --warmup 1':
    nativeTrain('--state tmp/m.raw --out tmp/end.raw --bytes 4096 --decay-from 2048 --warmup 1'),
  'node tools/native-train/state.mjs checkpoint tmp/end.raw tmp/setup.txt tmp/end':
    'node tools/native-train/state.mjs checkpoint tmp/end.raw tmp/setup.txt tmp/end',
  'npx tsx src/train/export-main.ts --checkpoint tmp/end --out tmp/new.onnx --name new':
    'npx tsx src/train/export-main.ts --checkpoint tmp/end --out tmp/new.onnx --name new && lmz model info tmp/new.onnx',
  'tmp/native-train --setup tmp/setup.txt --text tmp/text --data prose=42 --data wiki=18 --state tmp/a.raw --dump tmp/dump.bin':
    nativeTrain('--state tmp/a.raw --dump tmp/dump.bin'),
  'node tools/native-train/compare.mjs tmp/dump.bin tmp/setup.txt':
    'node tools/native-train/compare.mjs tmp/dump.bin tmp/setup.txt',

  // fixtures/README.md
  'npx tsx fixtures/make-models.ts':
    'rm fixtures/models/good-*.onnx && npx tsx fixtures/make-models.ts && diff -r fixtures/models "$ROOT/fixtures/models"',
  'node fixtures/logits-digest.mjs MODEL.onnx 3 32': digest('node'),
  'qemu-x86_64 -cpu Nehalem $(which node) fixtures/logits-digest.mjs MODEL.onnx 3 32': digest(
    'qemu-x86_64 -cpu Nehalem "$(which node)"',
  ),
};

const joined = (code: string): string[] => commandsOf(code).map((words) => words.join(' '));

/** The blocks that are not run as they stand: name and commands. */
export const BLOCKS: readonly { readonly name: string; readonly commands: readonly string[] }[] =
  SHELL_BLOCKS.filter(({ mark }) => mark === 'long' || mark === 'changes').map(({ name, code }) => ({
    name,
    commands: joined(code),
  }));

/** Code within lines that is a command, not only the name of one, or one with parts left out. */
const isCommand = (code: string): boolean =>
  /^(?:\w+=\S+ )*(?:npm|npx|node|lmz|qemu-x86_64|tools\/\S+) /.test(code) &&
  !/^lmz [a-z ]+$|\.\.\./.test(code);

/** The commands within lines, each once. */
export const INLINE_COMMANDS: readonly string[] = [
  ...new Set(DOCUMENTS.flatMap((path) => readDocument(path).inline.filter(isCommand).flatMap(joined))),
];

/** Commands of who installs the package: test/package.test.ts runs them. */
export const NETWORK_COMMANDS: readonly string[] = [
  ...SHELL_BLOCKS.filter(({ mark }) => mark === 'network').flatMap(({ code }) => joined(code)),
  ...INLINE_COMMANDS.filter((command) => /\bnpm install\b|^npx lmz\b/.test(command)),
];

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
