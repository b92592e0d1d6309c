/** The contexts' hashes: src/mix/contexts.ts, line by line in its order. */
import { hash2 } from './hash';
import { back, Lane } from './lane';
import { AFTER_ONE_AT, AFTER_TWO_AT, HASHES_AT } from './memory';

/** Where the next hash goes. */
let at: u32 = 0;

@inline
function put(line: u32, context: u32): void {
  store<u32>(at, hash2(context, (line + 1) * 0x3d4d51cb));
  at += 4;
}

/** Fills the hashes of the next byte. */
export function hashContexts(h: Lane, binary: bool, fast: bool, best: bool): void {
  at = HASHES_AT;
  if (binary) binaryContexts(h, fast, best);
  else textContexts(h, fast, best);
}

function textContexts(h: Lane, fast: bool, best: bool): void {
  const last4 = h.last4;
  const before4 = h.before4;
  const byte = last4 & 255;
  const word = h.word;
  const word1 = h.word1;
  const word2 = h.word2;
  const column = h.column;
  put(0, last4 & 0xff);
  put(1, last4 & 0xffff);
  put(2, last4 & 0xffffff);
  put(3, last4);
  if (!fast) put(4, hash2(last4, before4 & 0xff));
  put(5, hash2(last4, before4 & 0xffff));
  if (!fast) put(6, hash2(word, byte));
  put(7, hash2(word, word1));
  if (!fast) put(8, hash2(hash2(word, word1), word2));
  put(9, hash2(column, byte === 32 ? 1 : 0));
  put(10, last4 & 0xffff00);
  put(11, hash2(h.quote * 64 + h.depth, word));
  if (!fast) put(12, hash2(word * 3 + byte, word2));
  put(13, hash2(h.tag, word));
  put(14, hash2(load<u16>(AFTER_TWO_AT + ((last4 & 0xffff) << 1)), byte));
  put(15, hash2(h.above | (min<u32>(column, 255) << 8), byte));
  put(16, hash2(h.expected, (min<u32>(h.matchLength, 31) << 8) | byte));
  if (!fast) {
    put(17, hash2(last4 & 0xf0f0f0ff, before4 & 0xf0f0));
    put(18, hash2(word1, last4 & 0xffff));
  }
  put(19, hash2(h.classes & 0xffffff, byte));
  if (!fast) put(20, hash2(word, h.above | (h.aboveNext << 8)));
  if (best) {
    put(21, hash2(h.classes, word));
    put(22, hash2(last4 & 0xffff0000, before4 & 0xffff));
    put(23, hash2(last4 & 0xffffff00, before4 & 0xff));
  }
}

function binaryContexts(h: Lane, fast: bool, best: bool): void {
  const last4 = h.last4;
  const before4 = h.before4;
  const byte = last4 & 255;
  const record = h.record;
  const row = h.row !== 0 ? h.row : record;
  const place = h.count % record;
  const fromRecord = back(h, record);
  const fromRow = back(h, row);
  const fromTwoRows = back(h, 2 * row);
  if (!fast) put(0, last4 & 0xff);
  put(1, last4 & 0xffff);
  if (!fast) {
    put(2, last4 & 0xffffff);
    put(3, last4);
    put(4, hash2(fromRecord | (back(h, 2 * record) << 8) | (byte << 16), 2));
  }
  put(5, hash2(place | (fromRecord << 8), record));
  put(6, hash2(place | (byte << 8), record));
  put(7, hash2(fromRow | (byte << 8), row));
  put(8, hash2(fromRow | (fromTwoRows << 8) | (byte << 16), back(h, 3 * row)));
  put(
    9,
    hash2(
      fromRow |
        (fromTwoRows << 8) |
        ((last4 & 15) << 16) |
        ((back(h, row - 1) >> 5) << 20) |
        ((back(h, row + 1) & 7) << 24),
      3,
    ),
  );
  put(10, last4 & 0xff00);
  put(11, last4 & 0xff0000);
  put(12, last4 & 0xff000000);
  if (!fast) put(13, last4 & 0xff00ff);
  put(14, last4 & 0xffff00);
  if (!fast) put(15, hash2(h.count & 3, last4 & 0xffff));
  put(16, hash2(h.expected, (min<u32>(h.matchLength, 31) << 8) | byte));
  put(17, load<u16>(AFTER_ONE_AT + (byte << 1)) | (byte << 16));
  put(18, back(h, 2) | (back(h, 4) << 8) | ((h.count & 3) << 16));
  put(19, hash2(last4 & 0xf8f8f8f8, 4));
  put(20, hash2(last4 & 0xff0000ff, 4));
  put(21, hash2(last4 & 0xf0f0f0f0, before4 & 0xf0f0f0f0));
  if (best) {
    put(22, hash2(place, record));
    put(23, back(h, 8) | (back(h, 16) << 8));
    put(24, back(h, 4) | (back(h, 8) << 8) | ((h.count & 3) << 16));
    put(25, hash2(h.word, byte));
    put(26, hash2(h.word, h.word1));
    put(27, (2 * fromRecord - back(h, 2 * record)) & 255);
    put(28, (byte + fromRow - back(h, row + 1)) & 255);
    put(29, hash2(load<u16>(AFTER_TWO_AT + ((last4 & 0xffff) << 1)), byte));
  }
}
