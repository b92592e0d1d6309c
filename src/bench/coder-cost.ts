/**
 * What the arithmetic coder and its integer CDFs cost over the model's own cross-entropy.
 *
 * @module
 */
import { codeSymbols } from '../codec/language-model.ts';
import { laneStarts } from '../codec/lanes.ts';
import { ArithmeticEncoder } from '../entropy/coder.ts';
import { loadModel, type Model } from '../model/load.ts';
import { DEFAULT_MODEL, resolveModel } from '../model/registry.ts';
import { type LaneSession, openSession } from '../model/session.ts';
import { readCorpus, writeReport } from './report.ts';

const FILES = ['calgary/book1', 'calgary/book2', 'calgary/pic'];
/** Many lanes only make this faster; each of both sides sees the same predictions. */
const LANES = 32;

/** Sum of -log2 of the probabilities that an ideal softmax of the logits gives to the bytes, in bits. */
async function crossEntropy(bytes: Uint8Array, session: LaneSession, model: Model): Promise<number> {
  const { start, logitBits, alphabet } = model.contract;
  const unit = 2 ** -logitBits;
  const starts = laneStarts(bytes.length, LANES);
  const tokens = new Int32Array(LANES).fill(start);
  let bits = 0;
  session.reset();
  for (let step = 0; step < starts[1]; step++) {
    const logits = await session.run(tokens, 1);
    for (let lane = 0; lane < LANES; lane++) {
      const at = starts[lane] + step;
      if (at >= starts[lane + 1]) continue;
      const own = logits[lane * alphabet + bytes[at]];
      let sum = 0;
      for (let s = 0; s < alphabet; s++) sum += 2 ** ((logits[lane * alphabet + s] - own) * unit);
      bits += Math.log2(sum);
      tokens[lane] = bytes[at];
    }
  }
  return bits;
}

export async function run(): Promise<void> {
  const model = loadModel((await resolveModel(DEFAULT_MODEL)).bytes);
  const session = await openSession(model, { lanes: LANES });
  const rows: (string | number)[][] = [];
  for (const file of FILES) {
    const bytes = readCorpus(file);
    const ideal = (await crossEntropy(bytes, session, model)) / 8;
    const encoder = new ArithmeticEncoder(bytes.length);
    await codeSymbols(encoder, session, model.contract, bytes);
    const coded = encoder.finish().bytes.length;
    rows.push([file, ideal.toFixed(1), coded, `${((coded / ideal - 1) * 100).toFixed(4)} %`]);
  }
  await session.release();
  const columns = ['file', 'cross-entropy, bytes', 'coded, bytes', 'cost'];
  writeReport(
    'coder-cost',
    'Cost of the entropy coder over the cross-entropy of the model',
    { columns, rows },
    [
      `Model ${DEFAULT_MODEL}, ${LANES} lanes, arithmetic-coded stream without container. Target: under 0.05 % on book1. Less than nothing: no frequency is below 1 in 2^24, which caps the cost of surprises that the network is too sure not to meet.`,
    ],
  );
}
