/**
 * The contexts: one line each. Their order is part of the format, since it salts their hashes.
 *
 * A context's number is 32 bits of whatever should have been seen before for its statistics to apply; different contexts
 * of one line may fall together, rarely.
 *
 * @module
 */
import { hash2 } from './hash.ts';
import type { LaneHistory } from './lane-history.ts';
import type { MixParameters, MixProfile } from './parameters.ts';

/** See the module's head. */
export interface ContextDefinition {
  readonly name: string;
  readonly of: (h: LaneHistory) => number;
}

const order1: ContextDefinition = { name: 'order 1', of: (h) => h.last4 & 0xff };
const order2: ContextDefinition = { name: 'order 2', of: (h) => h.last4 & 0xffff };
const order3: ContextDefinition = { name: 'order 3', of: (h) => h.last4 & 0xffffff };
const order4: ContextDefinition = { name: 'order 4', of: (h) => h.last4 };
const match: ContextDefinition = {
  name: 'expected byte, length of match',
  of: (h) => hash2(h.expected, (Math.min(h.matchLength, 31) << 8) | (h.last4 & 255)),
};

const byte = (h: LaneHistory): number => h.last4 & 255;

/** For text, markup and source code. */
export const TEXT_CONTEXTS: readonly ContextDefinition[] = [
  order1,
  order2,
  order3,
  order4,
  { name: 'order 5', of: (h) => hash2(h.last4, h.before4 & 0xff) },
  { name: 'order 6', of: (h) => hash2(h.last4, h.before4 & 0xffff) },
  { name: 'word', of: (h) => hash2(h.text.word, byte(h)) },
  { name: 'word pair', of: (h) => hash2(h.text.word, h.text.word1) },
  { name: 'three words', of: (h) => hash2(hash2(h.text.word, h.text.word1), h.text.word2) },
  { name: 'column', of: (h) => hash2(h.text.column, byte(h) === 32 ? 1 : 0) },
  { name: 'bytes 2 and 3', of: (h) => h.last4 & 0xffff00 },
  { name: 'quotes, depth, word', of: (h) => hash2(h.text.quote * 64 + h.text.depth, h.text.word) },
  { name: 'word, word but one', of: (h) => hash2(Math.imul(h.text.word, 3) + byte(h), h.text.word2) },
  { name: 'tag, word', of: (h) => hash2(h.text.tag, h.text.word) },
  { name: 'after order 2', of: (h) => hash2(h.indirect.afterTwo[h.last4 & 0xffff], byte(h)) },
  {
    name: 'byte above, column',
    of: (h) => hash2(h.above | (Math.min(h.text.column, 255) << 8), byte(h)),
  },
  match,
  { name: 'shape', of: (h) => hash2(h.last4 & 0xf0f0f0ff, h.before4 & 0xf0f0) },
  { name: 'last word, order 2', of: (h) => hash2(h.text.word1, h.last4 & 0xffff) },
  { name: 'classes', of: (h) => hash2(h.text.classes & 0xffffff, byte(h)) },
  { name: 'word, bytes above', of: (h) => hash2(h.text.word, h.above | (h.aboveNext << 8)) },
  { name: 'classes, word', of: (h) => hash2(h.text.classes, h.text.word) },
  { name: 'bytes 3 to 6', of: (h) => hash2(h.last4 & 0xffff0000, h.before4 & 0xffff) },
  { name: 'bytes 2 to 5', of: (h) => hash2(h.last4 & 0xffffff00, h.before4 & 0xff) },
];

const row = (h: LaneHistory): number => h.records.row || h.records.record;
const place = (h: LaneHistory): number => h.count % h.records.record;
const fromRecord = (h: LaneHistory): number => h.back(h.records.record);
const fromRow = (h: LaneHistory): number => h.back(row(h));

/** For everything else: records of fixed length, images, machine code. */
export const BINARY_CONTEXTS: readonly ContextDefinition[] = [
  order1,
  order2,
  order3,
  order4,
  {
    name: 'two records above, byte',
    of: (h) => hash2(fromRecord(h) | (h.back(2 * h.records.record) << 8) | (byte(h) << 16), 2),
  },
  {
    name: 'place in record, above',
    of: (h) => hash2(place(h) | (fromRecord(h) << 8), h.records.record),
  },
  { name: 'place in record, byte', of: (h) => hash2(place(h) | (byte(h) << 8), h.records.record) },
  { name: 'row above, byte', of: (h) => hash2(fromRow(h) | (byte(h) << 8), row(h)) },
  {
    name: 'three rows above, byte',
    of: (h) => hash2(fromRow(h) | (h.back(2 * row(h)) << 8) | (byte(h) << 16), h.back(3 * row(h))),
  },
  {
    // Of the neighbours, the bits that touch: for images of one bit a pixel.
    name: 'neighbourhood',
    of: (h) =>
      hash2(
        fromRow(h) |
          (h.back(2 * row(h)) << 8) |
          ((h.last4 & 15) << 16) |
          ((h.back(row(h) - 1) >> 5) << 20) |
          ((h.back(row(h) + 1) & 7) << 24),
        3,
      ),
  },
  { name: 'byte 2', of: (h) => h.last4 & 0xff00 },
  { name: 'byte 3', of: (h) => h.last4 & 0xff0000 },
  { name: 'byte 4', of: (h) => h.last4 & 0xff000000 },
  { name: 'bytes 1 and 3', of: (h) => h.last4 & 0xff00ff },
  { name: 'bytes 2 and 3', of: (h) => h.last4 & 0xffff00 },
  { name: 'place modulo 4, order 2', of: (h) => hash2(h.count & 3, h.last4 & 0xffff) },
  match,
  { name: 'after order 1', of: (h) => h.indirect.afterOne[byte(h)] | (byte(h) << 16) },
  { name: 'bytes 2 and 4, place modulo 4', of: (h) => h.back(2) | (h.back(4) << 8) | ((h.count & 3) << 16) },
  { name: 'high bits of order 4', of: (h) => hash2(h.last4 & 0xf8f8f8f8, 4) },
  { name: 'bytes 1 and 4', of: (h) => hash2(h.last4 & 0xff0000ff, 4) },
  { name: 'shape of order 8', of: (h) => hash2(h.last4 & 0xf0f0f0f0, h.before4 & 0xf0f0f0f0) },
  { name: 'place in record', of: (h) => hash2(place(h), h.records.record) },
  { name: 'bytes 8 and 16', of: (h) => h.back(8) | (h.back(16) << 8) },
  { name: 'bytes 4 and 8, place modulo 4', of: (h) => h.back(4) | (h.back(8) << 8) | ((h.count & 3) << 16) },
  { name: 'word', of: (h) => hash2(h.text.word, byte(h)) },
  { name: 'word pair', of: (h) => hash2(h.text.word, h.text.word1) },
  { name: 'records extrapolated', of: (h) => (2 * fromRecord(h) - h.back(2 * h.records.record)) & 255 },
  { name: 'rows extrapolated', of: (h) => (byte(h) + fromRow(h) - h.back(row(h) + 1)) & 255 },
  { name: 'after order 2', of: (h) => hash2(h.indirect.afterTwo[h.last4 & 0xffff], byte(h)) },
];

/** So many, the first ones, make the standard set; so many further ones, with them, the best. */
export const STANDARD_CONTEXTS: Readonly<Record<MixProfile, number>> = { text: 21, binary: 22 };
export const FURTHER_CONTEXTS: Readonly<Record<MixProfile, number>> = {
  text: TEXT_CONTEXTS.length - STANDARD_CONTEXTS.text,
  binary: BINARY_CONTEXTS.length - STANDARD_CONTEXTS.binary,
};

/** Places, from 1, of the contexts of the fast set; chosen by leaving one out at a time on validation files. */
const FAST_PLACES: Readonly<Record<MixProfile, readonly number[]>> = {
  text: [1, 2, 3, 4, 6, 8, 10, 11, 12, 14, 15, 16, 17, 20],
  binary: [2, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19, 20, 21, 22],
};

/** A context in use, with the salt that keeps its hashes apart from the others'. */
export interface Context {
  readonly of: ContextDefinition['of'];
  readonly salt: number;
  /** One of the orders whose hits are counted: the longer the context known, the surer the prediction. */
  readonly order: boolean;
}

/** The contexts that a frame uses, in order. */
export function contextsOf({ profile, contexts }: MixParameters): Context[] {
  const definitions = profile === 'text' ? TEXT_CONTEXTS : BINARY_CONTEXTS;
  const count = contexts === 'best' ? definitions.length : STANDARD_CONTEXTS[profile];
  const places = contexts === 'fast' ? FAST_PLACES[profile] : Array.from({ length: count }, (_, i) => i + 1);
  return places.map((place) => {
    const { name, of } = definitions[place - 1];
    return { of, salt: Math.imul(place, 0x3d4d51cb), order: name.startsWith('order ') };
  });
}
