/**
 * What a finished run leaves: the exact model, reference logits, the loss curve.
 *
 * @module
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadModel, type Model } from '../model/load.ts';
import { calibrationText } from './calibrate.ts';
import type { Category } from './corpus.ts';
import { curveHtml, curveOf, curveSvg } from './curve.ts';
import { evaluateModel } from './evaluate.ts';
import type { ProgressEntry } from './loop.ts';
import type { SegmentShape } from './network.ts';
import { networkKind, type Weights } from './networks.ts';
import { makeReference } from './reference.ts';
import { START_TOKEN } from './stream.ts';
import { measureContexts, measureFloatContexts } from './transformer-evaluate.ts';

/** Bytes of the reference text. */
const REFERENCE_BYTES = 2000;

/** The path of a file beside the model. */
export function beside(out: string, extension: string): string {
  return out.replace(/(\.onnx)?$/, extension);
}

function write(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}

/** Text of several kinds without a file: it is made of byte values and a sentence, over and over. */
export function referenceTokens(): number[] {
  const sentence = new TextEncoder().encode(
    'The quick brown fox; jumps over "the" lazy dog\u2014 42 times.\n',
  );
  const text = Array.from({ length: REFERENCE_BYTES }, (_, i) =>
    i % 512 < 256 ? sentence[i % sentence.length] : (i * 167 + (i >> 8) * 13) & 255,
  );
  return [START_TOKEN, ...text];
}

/** What is noted in a model's metadata. */
export interface Provenance {
  readonly name: string;
  /** How it was trained; JSON. */
  readonly training: unknown;
  readonly categories: readonly Category[];
}

/** Writes `NAME.reference.json` beside a model. */
export async function writeReference(out: string, model: Model): Promise<void> {
  const reference = await makeReference(model, referenceTokens());
  write(beside(out, '.reference.json'), `${JSON.stringify(reference)}\n`);
}

/** Writes the model and `NAME.reference.json` beside it. The audit has proven it by then. */
export async function writeModel(out: string, weights: Weights, provenance: Provenance): Promise<Model> {
  const { name, training, categories } = provenance;
  const data = categories.map((category) => ({
    name: category.name,
    weight: category.weight,
    files: category.files,
  }));
  const metadata = {
    'lmz.name': name,
    'lmz.training': JSON.stringify(training),
    'lmz.data': JSON.stringify(data),
  };
  const kind = networkKind(weights.config.network);
  const file = kind.export(weights, metadata, calibrationText(categories));
  const model = loadModel(file);
  write(out, file);
  await writeReference(out, model);
  return model;
}

/** Writes `NAME.curve.json`, `NAME.svg` and `NAME.html` beside the model. */
export function writeCurve(out: string, title: string, progress: readonly ProgressEntry[]): void {
  const curve = curveOf(title, progress);
  write(beside(out, '.curve.json'), `${JSON.stringify(curve)}\n`);
  write(beside(out, '.svg'), curveSvg(curve));
  write(beside(out, '.html'), curveHtml(curve));
}

/**
 * Bits per byte of the exact model on the validation texts, cut as the trainer cuts them for the float network.
 *
 * @param limit - about so many bytes of each are used; texts too short for one segment of every lane are left out
 */
export async function measureExact(
  file: Uint8Array,
  categories: readonly Category[],
  { lanes, steps }: SegmentShape,
  limit: number,
): Promise<Record<string, number>> {
  const bits: Record<string, number> = {};
  for (const { name, validation } of categories) {
    const segments = Math.floor(Math.min(validation.length, limit) / (lanes * steps));
    if (segments === 0) continue;
    const text = validation.subarray(0, validation.length);
    bits[name] = await evaluateModel(file, text, { lanes, limit: segments * steps * lanes });
  }
  return bits;
}

/** A category's bits per byte before and after a network was rounded. */
export interface Rounding {
  readonly category: string;
  readonly float: number;
  readonly exact: number;
  /** What rounding costs, percent. */
  readonly cost: number;
}

/**
 * What rounding costs on the validation texts; not of texts that are too short to be measured.
 *
 * @param weights - of the float network
 * @param limit - about so many bytes of each are used
 * @param floatInLanes - measures the float network in lanes of this shape, for models that take single steps
 */
export async function measureRounding(
  { bytes, contract }: Model,
  weights: Weights,
  categories: readonly Category[],
  shape: SegmentShape,
  limit: number,
  floatInLanes: () => Promise<Readonly<Record<string, number>>>,
): Promise<Rounding[]> {
  // What a sequence is told of the bytes before depends on its length, so both forms get whole contexts.
  const whole = contract.time === 'sequence';
  const exact = whole
    ? await measureContexts(bytes, categories, limit)
    : await measureExact(bytes, categories, shape, limit);
  const float = whole ? await measureFloatContexts(weights, categories, limit) : await floatInLanes();
  return Object.entries(exact).map(([category, bits]) => {
    const before = float[category];
    return { category, float: before, exact: bits, cost: 100 * (bits / before - 1) };
  });
}
