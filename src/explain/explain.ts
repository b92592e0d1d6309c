/**
 * Where the bits of a file go, byte by byte.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import type { EncodeOptions } from '../codec/options.ts';
import { type LaneSession, openSession } from '../model/session.ts';
import type { Model } from '../model/load.ts';
import { CANDIDATES, Candidates } from './candidates.ts';
import { type Content, type ContentChunk, openContent, type Range } from './content.ts';
import { type Costs, measure, type Measured, type MeasureTask, type Way, WAYS } from './measure.ts';

/** Bits by way. */
export type Totals = Readonly<Record<Way, number>>;

/** A chunk, as far as it is shown. */
export interface ExplainedChunk {
  /** Where the part begins that is shown, in the whole content, and its size. */
  readonly start: number;
  readonly size: number;
  /** Bytes of the whole chunk, of its frame in the file, and of the coded stream alone. */
  readonly chunkSize: number;
  readonly frameSize: number;
  readonly payloadSize: number;
  readonly coding: MeasureTask['coding'];
  /** Bits of the part that is shown. */
  readonly totals: Totals;
}

/** All that there is to show. */
export interface Explanation {
  /** The part that is shown. */
  readonly bytes: Uint8Array;
  /** Where it begins in the content, and the size of that. */
  readonly offset: number;
  readonly contentSize: number;
  /** Whether the file was an lmz file already. */
  readonly archived: boolean;
  /** Of each byte that is shown. */
  readonly costs: Costs;
  readonly candidates: Candidates;
  readonly chunks: readonly ExplainedChunk[];
  /** Names of the models whose network was asked. */
  readonly models: readonly string[];
}

/** What is told of the progress: a share between 0 and 1. */
export type OnShare = (share: number) => void;

/** Of the time that all takes, what compressing a file takes before it is measured. */
const COMPRESSING_SHARE = 0.3;

/**
 * Explains a part of a file; of an lmz file, of its content.
 *
 * @param options  how to compress a file that is not compressed; of an lmz file, only how it is decoded
 * @throws LmzError as compressing and decoding do; the file system's errors
 */
export async function explain(
  path: string,
  range: Range,
  options: EncodeOptions = {},
  onShare: OnShare = () => undefined,
): Promise<Explanation> {
  const content = await openContent(path, range, options, (done, total) => {
    onShare((COMPRESSING_SHARE * done) / Math.max(1, total));
  });
  const sessions = new Sessions(options);
  try {
    return await explainContent(content, range, sessions, onShare);
  } finally {
    await sessions.close();
    await content.close();
  }
}

async function explainContent(
  content: Content,
  range: Range,
  sessions: Sessions,
  onShare: OnShare,
): Promise<Explanation> {
  const offset = Math.min(range.offset, content.size);
  const end = Math.min(content.size, offset + range.length);
  const before = content.archived ? 0 : COMPRESSING_SHARE;
  const work = Math.max(1, end - (content.chunks.at(0)?.start ?? offset));
  let done = 0;
  const watch = {
    requireWanted: () => undefined,
    onSymbols: (count: number) => {
      done += count;
      onShare(before + (1 - before) * Math.min(1, done / work));
    },
  };
  const parts = new Parts(end - offset);
  const chunks: ExplainedChunk[] = [];
  const models = new Set<string>();
  for (const chunk of content.chunks) {
    const task = await content.taskOf(chunk, end);
    const model = await content.modelOf(chunk);
    models.add(model.contract.name ?? toHex(model.hash).slice(0, 12));
    const session = await sessions.open(model, task.lanes);
    const measured = await measure(task, { session, contract: model.contract }, watch);
    const from = Math.max(0, offset - chunk.start);
    const to = Math.min(task.bytes.length, end - chunk.start);
    const totals = parts.add(task.bytes, measured, from, to);
    chunks.push(explained(chunk, task, { from, to, totals }));
  }
  const { bytes, costs, candidates } = parts;
  const { archived, size } = content;
  return { bytes, offset, contentSize: size, archived, costs, candidates, chunks, models: [...models] };
}

function explained(
  { start, size, frameSize, payloadSize }: ContentChunk,
  { coding }: MeasureTask,
  { from, to, totals }: { from: number; to: number; totals: Totals },
): ExplainedChunk {
  return { start: start + from, size: to - from, chunkSize: size, frameSize, payloadSize, coding, totals };
}

/** Chunks' measurements, put together. */
class Parts {
  readonly bytes: Uint8Array;
  readonly costs: Costs;
  readonly candidates: Candidates;
  #at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.costs = {
      coded: new Float32Array(size),
      network: new Float32Array(size),
      mixing: new Float32Array(size),
    };
    this.candidates = new Candidates(size);
  }

  /** Adds a chunk's bytes `from .. to` and returns their totals. */
  add(bytes: Uint8Array, { costs, candidates }: Measured, from: number, to: number): Totals {
    const at = this.#at;
    this.bytes.set(bytes.subarray(from, to), at);
    for (const way of WAYS) this.costs[way].set(costs[way].subarray(from, to), at);
    const [first, last] = [from * CANDIDATES, to * CANDIDATES];
    this.candidates.symbols.set(candidates.symbols.subarray(first, last), at * CANDIDATES);
    this.candidates.shares.set(candidates.shares.subarray(first, last), at * CANDIDATES);
    this.#at += to - from;
    return totalsOf(this.costs, at, this.#at);
  }
}

/** Sums over the bytes `from .. to`. */
export function totalsOf(costs: Costs, from: number, to: number): Totals {
  const sum = (way: Way): number => {
    let bits = 0;
    for (let i = from; i < to; i++) bits += costs[way][i];
    return bits;
  };
  return { coded: sum('coded'), network: sum('network'), mixing: sum('mixing') };
}

/** The session in use: chunks of one file nearly always share one. */
class Sessions {
  readonly #options: EncodeOptions;
  #current: { model: Model; session: LaneSession } | undefined;

  constructor({ engine }: EncodeOptions) {
    this.#options = engine === undefined ? {} : { engine };
  }

  async open(model: Model, lanes: number): Promise<LaneSession> {
    if (this.#current?.model === model && this.#current.session.lanes === lanes) return this.#current.session;
    await this.close();
    const session = await openSession(model, { ...this.#options, lanes });
    this.#current = { model, session };
    return session;
  }

  async close(): Promise<void> {
    await this.#current?.session.release();
    this.#current = undefined;
  }
}
