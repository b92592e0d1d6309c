/**
 * The thesis' tables, rerun: what models of three training sets and two kinds of positions make of texts that they have
 * not seen, in its protocol (independent chunks of 2048 bytes, the model alone), beside gzip and beside what the thesis
 * printed. Everything is coded, decoded and compared. docs/reproduction.md says how the models were trained.
 *
 *     [MODELS=FOLDER] [CHUNKS=N] [RIVAL_CHUNKS=N] npm run bench -- thesis
 *
 * What was measured before, of models of the same hashes, is kept in bench/results/thesis.json; without that file
 * everything is measured again.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toHex } from '../bytes.ts';
import { loadModel, type Model } from '../model/load.ts';
import { DEFAULT_MODEL, resolveModel } from '../model/registry.ts';
import { type Curve, curveSvg } from '../train/curve.ts';
import { trainedBytes } from '../train/networks.ts';
import { codeChunks as codeAll } from './compressor.ts';
import { findCompressor } from './compressors.ts';
import { describeLoad } from './load.ts';
import { CHUNK, codeChunks, codeLengths, percent, SETS, spreadChunks } from './protocol.ts';
import { corpusPath, formatMarkdown, readCorpus, type Table, writeReport } from './report.ts';

/** Chunks of each text that a Transformer codes, evenly spread, where nothing else is said. */
const CHUNKS = 200;
/** And at least so many of every file of a set. */
const LEAST_CHUNKS = 2;
/** Chunks that the rivals and the default model code: all of BOOK1+BOOK2, a third of BIBLE. */
const RIVAL_CHUNKS = 700;
const RIVALS = ['gzip', 'lzma', 'flac', 'flac8', 'png', 'brotli'];
const SIZES = ['100M', '10M', '1M'];
const POSITIONS = ['sinusoidal', 'rotary'];
const UNKNOWN = 'not at hand';
/** Megabytes of training at which the curves are tabled. */
const CURVE_POINTS = [0.5, 1, 2, 3, 4, 6, 8, 10];

/** Bytes that are coded as if they were a set's only ones; rates of parts are weighted by their sizes. */
interface Part {
  readonly name: string;
  readonly data: Uint8Array;
}

/** A text of the thesis' tables. */
interface TestSet {
  readonly name: string;
  readonly parts: () => Part[];
  /** What the thesis printed. */
  readonly printed: { readonly gzip?: string; readonly transformer?: string };
}

const calgary = (): Part[] =>
  readdirSync(corpusPath('calgary'))
    .sort()
    .map((name) => ({ name, data: readCorpus(`calgary/${name}`) }));

/** One of the texts of the thesis' protocol. */
function printedSet(name: string, text: keyof typeof SETS, gzip: string): TestSet {
  const { files, thesis } = SETS[text];
  return {
    name,
    parts: () => [{ name: text, data: readCorpus(...files) }],
    printed: { gzip, transformer: thesis },
  };
}

const TEST_SETS: readonly TestSet[] = [
  printedSet('BOOK1+BOOK2', 'book1+book2', '37.5 %'),
  printedSet('BIBLE', 'bible.txt', '29.1 %'),
  { name: 'all of Calgary', parts: calgary, printed: {} },
  { name: 'enwik6', parts: () => [{ name: 'enwik6', data: readCorpus('enwik/enwik6') }], printed: {} },
];

const sizeOf = (parts: readonly Part[]): number => parts.reduce((sum, { data }) => sum + data.length, 0);

/** What was coded of a part, and what it took. */
interface Rate {
  readonly part: Part;
  /** Bytes that were coded, decoded and compared. */
  readonly coded: number;
  /** Streams of the arithmetic coder in whole bytes, over the bytes. */
  readonly rate: number;
  /** Seconds. */
  readonly seconds: number;
}

/** Figures by what they are of. */
class Store {
  readonly #path: string;
  readonly #entries: Record<string, unknown>;

  constructor(path: string) {
    this.#path = path;
    this.#entries = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)
      : {};
  }

  /** The figure of this name, measured where it is not known. */
  async figure<T>(key: readonly (string | number)[], measure: () => Promise<T>): Promise<T> {
    const name = key.join(' | ');
    if (!Object.hasOwn(this.#entries, name)) {
      this.#entries[name] = await measure();
      const lines = Object.entries(this.#entries).map(
        ([known, value]) => `  ${JSON.stringify(known)}: ${JSON.stringify(value)}`,
      );
      writeFileSync(this.#path, `{\n${lines.sort().join(',\n')}\n}\n`);
    }
    return this.#entries[name] as T;
  }
}

async function measure(store: Store, model: Model, parts: readonly Part[], chunks: number): Promise<Rate[]> {
  const total = sizeOf(parts);
  const rates: Rate[] = [];
  for (const part of parts) {
    const count = Math.max(LEAST_CHUNKS, Math.round((chunks * part.data.length) / total));
    const { bytes, payloads, encode, decode } = await store.figure(
      [toHex(model.hash), part.name, count],
      () => codeChunks(model, spreadChunks(part.data, count)),
    );
    const seconds = (bytes / encode + bytes / decode) / 1000;
    rates.push({ part, coded: bytes, rate: payloads / bytes, seconds });
  }
  return rates;
}

const overall = (rates: readonly Rate[]): number =>
  rates.reduce((sum, { rate, part }) => sum + rate * part.data.length, 0) /
  sizeOf(rates.map(({ part }) => part));

const shown = (rate: number): string => percent(rate, 1);

async function gzipRate(parts: readonly Part[]): Promise<number> {
  let size = 0;
  for (const { data } of parts) size += (await findCompressor('gzip').compress(data)).length;
  return size / sizeOf(parts);
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

interface Trained {
  readonly size: string;
  readonly positions: string;
  readonly model: Model;
}

function trainedModels(folder: string): Trained[] {
  return SIZES.flatMap((size) =>
    POSITIONS.flatMap((positions) => {
      const path = join(folder, `${positions}-${size}.onnx`);
      return existsSync(path) ? [{ size, positions, model: loadModel(readFileSync(path)) }] : [];
    }),
  );
}

const cell = (value: string | undefined): string => value ?? UNKNOWN;

/** Training set x test set; and the rates on Calgary of the best model that has any. */
async function crossTable(
  store: Store,
  models: readonly Trained[],
  chunks: number,
): Promise<{ table: Table; calgary: { model: Model; name: string; rates: Rate[] } | undefined }> {
  const gzip: string[] = ['gzip -9, whole files', '', ''];
  for (const set of TEST_SETS) gzip.push(shown(await gzipRate(set.parts())), cell(set.printed.gzip));
  const rows = [gzip];
  let best: { model: Model; name: string; rates: Rate[] } | undefined;
  for (const { size, positions, model } of models) {
    const row = [`enwik-like, ${size}B`, positions, `${(trainedBytes(model) / 1e6).toFixed(1)} MB`];
    for (const set of TEST_SETS) {
      const rates = await measure(store, model, set.parts(), chunks);
      if (set.parts === calgary && (best === undefined || overall(rates) < overall(best.rates))) {
        best = { model, name: `${positions}-${size}`, rates };
      }
      // The thesis has one figure of a model; which of the rows of its largest training it is, is not known here.
      row.push(shown(overall(rates)), cell(size === SIZES[0] ? set.printed.transformer : undefined));
      const coded = rates.reduce((sum, rate) => sum + rate.coded, 0);
      const seconds = rates.reduce((sum, rate) => sum + rate.seconds, 0);
      progress(
        `${positions}-${size}, ${set.name}: ${row.at(-2)!}; ${coded} bytes in ${seconds.toFixed(0)} s`,
      );
    }
    rows.push(row);
  }
  const columns = [
    'trained on',
    'positions',
    'training',
    ...TEST_SETS.flatMap(({ name }) => [name, 'thesis']),
  ];
  return { table: { columns, rows }, calgary: best };
}

/** Sizes of a file of Calgary, in bytes. */
interface FileSizes {
  readonly name: string;
  readonly size: number;
  /** Bytes above 127: the binary files have some, the texts none. */
  readonly high: number;
  readonly coded: number;
  readonly model: number;
  readonly gzip: number;
}

/** Where a model loses on Calgary: file by file, what it costs without the codec's escape, and what gzip takes. */
async function calgaryTable(store: Store, model: Model, rates: readonly Rate[]): Promise<Table> {
  const total = sizeOf(rates.map(({ part }) => part));
  const files: FileSizes[] = [];
  for (const { part, rate, coded } of rates) {
    const { data } = part;
    const chunks = spreadChunks(data, Math.ceil(coded / CHUNK));
    const bits = await store.figure([toHex(model.hash), part.name, chunks.length, 'bits'], async () =>
      (await codeLengths(model, chunks)).reduce((sum, count) => sum + count, 0),
    );
    files.push({
      name: part.name,
      size: data.length,
      high: data.reduce((sum, byte) => sum + (byte >> 7), 0),
      coded: rate * data.length,
      model: (bits / 8 / coded) * data.length,
      gzip: (await gzipRate([part])) * data.length,
    });
    progress(`${part.name}: ${shown(rate)}`);
  }
  const sum = (name: string, isMeant: (file: FileSizes) => boolean): FileSizes => {
    const meant = files.filter(isMeant);
    const total = (of: (file: FileSizes) => number): number => meant.reduce((all, file) => all + of(file), 0);
    return {
      name,
      size: total((file) => file.size),
      high: total((file) => file.high),
      coded: total((file) => file.coded),
      model: total((file) => file.model),
      gzip: total((file) => file.gzip),
    };
  };
  const lines = [
    ...files,
    sum('**all texts**', ({ high }) => high === 0),
    sum('**all binary files**', ({ high }) => high > 0),
    sum('**everything**', () => true),
  ];
  return {
    columns: [
      'file',
      'bytes',
      'bytes above 127',
      'coded',
      'model alone',
      'gzip -9, whole',
      'coded - gzip, of all',
    ],
    rows: lines.map(({ name, size, high, coded, model: alone, gzip }) => [
      name,
      size,
      high,
      percent(coded, size),
      percent(alone, size),
      percent(gzip, size),
      percent(coded - gzip, total),
    ]),
  };
}

/** Independent chunks: the rivals, the default model and the Transformers. */
async function chunkedTable(
  store: Store,
  names: readonly string[],
  chunks: number,
  rivalChunks: number,
): Promise<Table> {
  const rows: string[][] = [];
  for (const set of TEST_SETS.slice(0, 2)) {
    const [{ data }] = set.parts();
    for (const name of names) {
      const compressor = findCompressor(name);
      const found = await compressor.available();
      if ('missing' in found) {
        rows.push([set.name, compressor.label, found.missing, '', '', '', '']);
        continue;
      }
      const slow = POSITIONS.some((positions) => name.includes(positions));
      const sample = Buffer.concat(spreadChunks(data, slow ? chunks : rivalChunks));
      const path = name.replace(/^.*@/, '');
      const version = name.includes('@') ? toHex((await resolveModel(path)).hash) : found.version;
      const { size, same } = await store.figure(
        [compressor.label, version, set.name, sample.length],
        async () => {
          const coding = await codeAll(compressor, sample, CHUNK);
          return { size: coding.size, same: Buffer.compare(await coding.decode(), sample) === 0 };
        },
      );
      const rate = size.codedBytes / sample.length;
      const modelBytes = (await compressor.modelBytes?.()) ?? 0;
      rows.push([
        set.name,
        compressor.label,
        sample.length === data.length ? 'all' : `${Math.ceil(sample.length / CHUNK)} chunks`,
        percent(size.headerOnceBytes, sample.length),
        shown(rate),
        shown(rate + modelBytes / data.length),
        same ? 'yes' : 'NO',
      ]);
      progress(rows.at(-1)!.join(' | '));
    }
  }
  const columns = ['text', 'compressor', 'measured on', 'headers once', 'raw', 'adjusted', 'decoded alike'];
  return { columns, rows };
}

/** Draws the learning curves, one picture for each number of layers, and tables them. */
function drawCurves(folder: string, results: string): Table {
  const rows: (string | number)[][] = [];
  const groups: Record<string, Record<string, Curve['training']>> = { large: {}, small: {} };
  for (const size of SIZES) {
    for (const positions of POSITIONS) {
      const path = join(folder, `${positions}-${size}.curve.json`);
      if (!existsSync(path)) continue;
      const { validation } = JSON.parse(readFileSync(path, 'utf8')) as Curve;
      const [points] = Object.values(validation);
      groups[size === SIZES[0] ? 'large' : 'small'][`${positions}, ${size}B`] = points;
      const at = (megabytes: number): string =>
        points.find(([done]) => Math.abs(done - megabytes) < 0.02)?.[1].toFixed(3) ?? '';
      const [megabytes, bits] = points.at(-1)!;
      rows.push([`${size}B`, positions, ...CURVE_POINTS.map(at), bits.toFixed(3), megabytes]);
    }
  }
  for (const [group, validation] of Object.entries(groups)) {
    if (Object.keys(validation).length === 0) continue;
    const title = `Sinusoidal against rotary positions: ${group === 'large' ? 'four layers' : 'one layer'}`;
    const svg = curveSvg({ title, unit: 'bits per byte', training: [], validation });
    writeFileSync(join(results, `thesis-${group}.svg`), svg);
  }
  return {
    columns: [
      'trained on',
      'positions',
      ...CURVE_POINTS.map((megabytes) => `${megabytes} MB`),
      'end',
      'after, MB',
    ],
    rows,
  };
}

export async function run(): Promise<void> {
  const local = (name: string): string => fileURLToPath(new URL(`../../bench/${name}`, import.meta.url));
  const { MODELS: folder = local('models'), CHUNKS: some, RIVAL_CHUNKS: rivals } = process.env;
  const chunks = Number(some ?? CHUNKS);
  const store = new Store(local('results/thesis.json'));
  const curves = drawCurves(folder, local('results'));
  const { table, calgary: best } = await crossTable(store, trainedModels(folder), chunks);
  const large = POSITIONS.map((positions) => join(folder, `${positions}-${SIZES[0]}.onnx`)).filter(
    existsSync,
  );
  const chunked = await chunkedTable(
    store,
    [...RIVALS, ...[DEFAULT_MODEL, ...large].map((name) => `lmz-lm@${name}`)],
    chunks,
    Number(rivals ?? RIVAL_CHUNKS),
  );
  const { hash } = await resolveModel(DEFAULT_MODEL);
  const section = (title: string, lines: Table): string => `## ${title}\n\n${formatMarkdown(lines)}`;
  const byFile =
    best === undefined
      ? []
      : [
          section(`Calgary, file by file: ${best.name}`, await calgaryTable(store, best.model, best.rates)),
          'Coded: as in the table above; a chunk that is one byte over and over has a frame of its own and takes no stream. Model alone: what the model would take for all, by code lengths. The last column says where the difference to gzip comes from, in parts of the whole corpus; gzip sees whole files, the model 2048 bytes.',
        ];
  writeReport('thesis', 'The tables of the thesis, rerun', table, [
    `Rates: streams of the arithmetic coder in whole bytes over the bytes, independent chunks of ${CHUNK} bytes, the model alone; ${chunks} chunks of every text, evenly spread (and ${LEAST_CHUNKS} of every file at least), all of them decoded and compared. Training is the bytes seen, of the text that the first column names. The printed figure of the thesis' Transformer stands beside both kinds of positions. ${describeLoad()}`,
    section('Independent chunks of 2048 bytes', chunked),
    `Raw counts everything; headers once counts them for one chunk alone, as DeepMind's code does (docs/benchmarks.md); adjusted is raw and the model file. Where chunks are a sample, the one header weighs as much as it does in so short a file, 0.3 % of 16 chunks. The default model's SHA-256: \`${toHex(hash)}\`.`,
    ...byFile,
    section('Learning curves', curves),
    'Bits per byte of 100,000 bytes of wiki text that none was trained on, by the float networks in segments of the length that they were trained with at that point; the ends are in segments of 2048. Pictures: thesis-large.svg, thesis-small.svg.',
  ]);
}
