/**
 * Writes the generated parts of README.md, which stand between `<!-- generated: NAME -->` and `<!-- end -->`: results from
 * `bench/results/`, the help text, the error codes: `npm run readme`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { HELP } from '../dist/cli/help.js';
import { DEFAULT_LEVEL, LEVEL_MAX, levelOf } from '../dist/codec/levels.js';
import { ERROR_CODES } from '../dist/errors.js';
import { contextsOf } from '../dist/mix/contexts.js';
import { mixMemory } from '../dist/mix/parameters.js';

const root = new URL('../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');

/** Data sets of the results, and what they are called here. */
const SETS = { calgary: 'Calgary', canterbury: 'Canterbury', large: 'Large Canterbury', enwik6: 'enwik6' };
/** Columns, where the results have them. */
const LABELS = ['lmz -9', 'lmz', 'lmz -1', 'zpaq -m5', '7z PPMd', 'brotli -q 11', 'xz -9e', 'gzip -9'];

const number = (value) => Number(value).toLocaleString('en-US');
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Sizes of whole data sets, of `lmz bench -- corpora`. */
function results() {
  const report = JSON.parse(read('bench/results/corpora.json'));
  const labels = LABELS.filter((label) => report.results.some((result) => result.label === label));
  const rows = Object.entries(SETS).map(([dataset, name]) => {
    const counted = report.results.filter((result) => result.dataset === dataset && !result.extra);
    const files = new Map(counted.map(({ file, bytes }) => [file, bytes]));
    const sizes = labels.map((label) =>
      counted.reduce((sum, result) => sum + (result.label === label ? result.codedBytes : 0), 0),
    );
    const shown = sizes.map((size) => (size === Math.min(...sizes) ? `**${number(size)}**` : number(size)));
    const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
    return [files.size === 1 ? name : `${name}, ${files.size} files`, number(bytes), ...shown];
  });
  const best = new Map();
  for (const { sha256, codedBytes, kind } of report.results) {
    if (codedBytes < (best.get(sha256)?.codedBytes ?? Infinity)) best.set(sha256, { codedBytes, kind });
  }
  const first = [...best.values()].filter(({ kind }) => kind === 'lmz').length;
  const model = Math.max(...report.results.map(({ modelBytes }) => modelBytes));
  if (!report.results.every(({ matched }) => matched)) throw new Error('a result was not decoded rightly');
  return [
    table(['bytes', 'original', ...labels], rows),
    '',
    `Everything was decoded and compared. A level of lmz is the smallest on ${first} of the ${best.size} different files. The model, ${number(model)} bytes, comes with`,
    `lmz and is in no size. \`${report.command}\` on ${report.machine}, ${report.measuredAt.slice(0, 10)}; [every file beside every rival](bench/results/corpora.md).`,
  ].join('\n');
}

/** The rows of all tables in a file of `bench/results/`: the first cell, then the others by their columns' heads. */
function rowsOf(name) {
  const cells = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim()); // prettier-ignore
  const rows = [];
  let head = [];
  const lines = read(`bench/results/${name}.md`).split('\n');
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith('|') || /^\|[\s|-]*$/.test(line)) continue;
    if (/^\| ?-/.test(lines[i + 1] ?? '')) head = cells(line);
    else
      rows.push({
        name: cells(line)[0],
        ...Object.fromEntries(cells(line).map((cell, c) => [head[c], cell])),
      });
  }
  return rows;
}

/** One cell, without its spread. */
function cell(file, column, matches) {
  const row = rowsOf(file).find((candidate) => column in candidate && matches(candidate));
  if (row === undefined)
    throw new Error(`bench/results/${file}.md has no such row with a column "${column}"`);
  return row[column].replace(/ \(.*/, '');
}

/** Speeds of what takes time. */
function speeds() {
  const link = (name, text) => `[${text}](bench/results/${name}.md)`;
  const speed = 'KB/s, median (min to max)';
  const whole = rowsOf('model-speed').filter((row) => speed in row);
  const both = (file, column, matches) =>
    ['encode', 'decode'].map((way) => cell(file, column(way), (row) => matches(row, way))).join(', ');
  const mixing = (mode) =>
    both(
      'mix-speed',
      (way) => `kernel, ${way}`,
      (row) => row.name === 'calgary/book1' && row.mode === mode,
    );
  const stored = both(
    'stored-stream',
    () => 'MB/s, median (min to max)',
    ({ name }, way) => name === way,
  );
  const training = cell('train', 'bytes/s, median (min to max)', ({ name }) => name === '2');
  return table(
    ['measured', 'speed'],
    [
      ...whole.map((row) => [
        `${link('model-speed', 'book1, one chunk')}: ${row.name}`,
        `${row[speed].replace(/ \(.*/, '')} KB/s`,
      ]),
      [`${link('mix-speed', 'mixing alone')}, levels 1 to 3: encode, decode`, `${mixing('fast')} us a byte`],
      [
        `${link('mix-speed', 'mixing alone')}, levels 4 and 5: encode, decode`,
        `${mixing('standard')} us a byte`,
      ],
      [
        `${link('stored-stream', '1 GiB that cannot be compressed')}, file to file: encode, decode`,
        `${stored} MB/s`,
      ],
      [`${link('train', 'training the default network')}, two threads`, `${number(training)} bytes/s`],
    ],
  );
}

/** What tuning does. */
function tuning() {
  const logs = ({ text }) => text?.startsWith('service logs');
  const [before, after, training] = ['before, bits/byte', 'after', 'training'].map((column) =>
    cell('tuning', column, logs),
  );
  return `On service logs, ${training} of training took a network alone from ${before} to ${after} bits/byte ([table](bench/results/tuning.md)).`;
}

/** What each level means. */
function levels() {
  const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const rows = Array.from({ length: LEVEL_MAX }, (_, i) => {
    const { contexts, tableBits, tableBitsOfSeveral, model, chunkSize } = levelOf(i + 1);
    const [text, binary] = ['text', 'binary'].map((profile) => contextsOf({ profile, contexts }).length);
    const sizes = (sizeOf) => {
      const several = tableBitsOfSeveral < tableBits ? ` (${mebibytes(sizeOf(tableBitsOfSeveral))})` : '';
      return mebibytes(sizeOf(tableBits)) + several;
    };
    const memory = sizes((bits) => mixMemory({ contexts, tableBits: bits, languageModel: model }, 1));
    return [
      i + 1 === DEFAULT_LEVEL ? `${i + 1} (default)` : i + 1,
      `${text} / ${binary}`,
      sizes((bits) => 2 ** bits),
      model ? 'where it pays' : 'no',
      mebibytes(chunkSize),
      model ? `${memory}, the model, twice the chunk` : memory,
    ];
  });
  return table(
    [
      'level',
      'contexts, text / binary',
      'their table, at most (of several chunks)',
      'language model',
      'chunk',
      'memory per chunk in work (of several)',
    ],
    rows,
  );
}

const SECTIONS = {
  results,
  levels,
  speeds,
  tuning,
  help: () => ['```', HELP.trim(), '```'].join('\n'),
  errors: () =>
    table(
      ['code', 'meaning'],
      Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]),
    ),
};

const before = read('README.md');
const seen = new Set();
const after = before.replace(/<!-- generated: (\w+) -->\n[\s\S]*?<!-- end -->/g, (_, name) => {
  if (!(name in SECTIONS)) throw new Error(`README.md has a section "${name}" that nothing generates`);
  seen.add(name);
  return `<!-- generated: ${name} -->\n${SECTIONS[name]()}\n<!-- end -->`;
});
for (const name of Object.keys(SECTIONS))
  if (!seen.has(name)) throw new Error(`README.md has no section "${name}"`);
writeFileSync(new URL('README.md', root), after);
