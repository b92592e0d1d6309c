/**
 * Takes out of a text what the evaluation texts have, so that no result is learnt by heart, and what the training text
 * has already. Both compare without regard to case and white space, by hashes of windows of bytes.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** The folders of the corpora that results are given for. */
const EVALUATION = ['calgary', 'canterbury', 'large', 'enwik'];
/** Longer paragraphs are judged piece by piece. */
const PIECE = 500;

/** Lower case, runs of white space as one space. */
function normal(bytes) {
  const result = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let space = true;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 32 || (byte >= 9 && byte <= 13)) {
      if (!space) result[length++] = 32;
      space = true;
    } else {
      result[length++] = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      space = false;
    }
  }
  return result.subarray(0, length);
}

/** Calls with the hash of the last `size` bytes at every position, and where they begin, until the call gives true. */
function windows(bytes, size, call) {
  let drop = 1;
  for (let i = 0; i < size; i++) drop = Math.imul(drop, 0x01000193);
  let hash = 0;
  for (let i = 0; i < bytes.length; i++) {
    hash = (Math.imul(hash, 0x01000193) + bytes[i] + 1) | 0;
    if (i >= size) hash = (hash - Math.imul(drop, bytes[i - size] + 1)) | 0;
    if (i >= size - 1 && call(Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0, i - size + 1)) return true;
  }
  return false;
}

/** The hashes of 48 bytes, one of 16 of them, chosen by the hash, so that the same text gives the same ones anywhere. */
function sampled(bytes) {
  const hashes = [];
  windows(bytes, 48, (hash) => {
    if (hash % 16 === 0) hashes.push(hash >>> 4);
    return false;
  });
  return hashes;
}

/** A paragraph, in pieces at ends of lines or sentences where it is long. */
function pieces(paragraph) {
  if (paragraph.length <= PIECE) return [paragraph];
  const parts = [];
  let part = '';
  for (const sentence of paragraph.split(paragraph.includes('\n') ? /(?<=\n)/ : /(?<=[.!?;]["’”]? )/)) {
    if (part.length + sentence.length > PIECE && part !== '') {
      parts.push(part);
      part = '';
    }
    part += sentence;
  }
  return [...parts, part];
}

/** Removes passages of the evaluation texts, and those of the training text or of an earlier document. */
export class Cleaner {
  /** How many characters were removed. */
  removed = { evaluation: 0, known: 0 };

  /** The evaluation texts, of which the blocks of 16 bytes are indexed: every 32 bytes have one in full. */
  #evaluation;
  /** The last block of a hash, and for every block the one before it of the same hash, or -1. */
  #blocks = new Map();
  #sameHash;
  /** Which sampled hashes were seen: a bit each. */
  #seen = new Uint8Array(1 << 25);

  /** Reads the corpora of a folder: the evaluation texts, and the training text in `train`. */
  constructor(corpora) {
    const files = EVALUATION.flatMap((set) =>
      readdirSync(join(corpora, set)).map((file) => readFileSync(join(corpora, set, file))),
    );
    this.#evaluation = normal(Buffer.concat(files));
    this.#sameHash = new Int32Array(this.#evaluation.length >> 4);
    windows(this.#evaluation, 16, (hash, at) => {
      if (at % 16 === 0) {
        this.#sameHash[at >> 4] = this.#blocks.get(hash) ?? -1;
        this.#blocks.set(hash, at >> 4);
      }
      return false;
    });
    for (const set of readdirSync(join(corpora, 'train'))) {
      for (const file of readdirSync(join(corpora, 'train', set))) {
        const bytes = brotliDecompressSync(readFileSync(join(corpora, 'train', set, file)));
        for (const hash of sampled(normal(bytes))) this.#see(hash);
      }
    }
  }

  #isSeen(hash) {
    return (this.#seen[hash >>> 3] >> (hash & 7)) & 1;
  }

  #see(hash) {
    this.#seen[hash >>> 3] |= 1 << (hash & 7);
  }

  /** Whether any 32 bytes are of an evaluation text: a block, and enough before and behind it. */
  #isOfEvaluation(bytes) {
    const evaluation = this.#evaluation;
    return windows(bytes, 16, (hash, at) => {
      for (let block = this.#blocks.get(hash) ?? -1; block >= 0; block = this.#sameHash[block]) {
        let from = 0;
        let to = 0;
        while (from < 16 && at - from > 0 && bytes[at - from - 1] === evaluation[block * 16 - from - 1])
          from++;
        while (to < 32 && at + to < bytes.length && bytes[at + to] === evaluation[block * 16 + to]) to++;
        if (to >= 16 && from + to >= 32) return true;
      }
      return false;
    });
  }

  /** The paragraphs of a document that are neither of an evaluation text nor were seen before; these are seen then. */
  clean(text) {
    const kept = [];
    const hashes = [];
    for (const paragraph of text.split(/\n[ \t]*\n\s*?(?=[^\n])/)) {
      let rest = '';
      for (const piece of pieces(paragraph)) {
        const bytes = normal(Buffer.from(piece));
        const sample = sampled(bytes);
        if (this.#isOfEvaluation(bytes)) this.removed.evaluation += piece.length;
        else if (sample.length > 1 && sample.filter((hash) => this.#isSeen(hash)).length * 2 >= sample.length)
          this.removed.known += piece.length;
        else {
          rest += piece;
          hashes.push(...sample);
          // At once, since a document may hold the same text twice.
          if (sample.length > 4) for (const hash of sample) this.#see(hash);
        }
      }
      if (rest.trim() !== '') kept.push(rest.trimEnd());
    }
    for (const hash of hashes) this.#see(hash);
    return kept.join('\n\n');
  }
}
