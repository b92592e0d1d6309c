/**
 * Predictor 2 of the second decoder, written from section 11 of `spec/lmz-format.md` (revision 1.1) alone, in the order of that
 * text. Like the rest of it, it shares nothing with `src`.
 *
 * The tables come from Math.exp and Math.log, which no coder should trust, and what mixing begins with is read from the
 * text itself (appendix B); their CRC-32s, which the text gives, are checked.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

const TEXT = readFileSync(new URL('lmz-format.md', import.meta.url), 'utf8');

/** 5.1.2: the parameters of predictor 2. */
export interface Parameters2 {
  readonly lanes: number;
  readonly padding: number;
  readonly withModel: boolean;
  readonly profile: 'text' | 'binary';
  readonly set: 'standard' | 'fast' | 'best';
  readonly tableBits: number;
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.2 Numbers

const f32 = Math.fround;
const times = (a: number, b: number): number => Math.imul(a, b) >>> 0;
const bits = (n: number): number => (n === 0 ? 0 : n.toString(2).length);

function H(a: number, b: number): number {
  let h = (times(a, 0x2f0b4c47) + times(b, 0x9e3779b1)) >>> 0;
  h = (h ^ (h >>> 15)) >>> 0;
  h = times(h, 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

const SQ = new Float32Array(4097);
for (let i = 2048; i <= 4096; i += 1) {
  SQ[i] = Math.round(2 ** 24 / (1 + Math.exp(-(i - 2048) / 128))) / 2 ** 24;
  SQ[4096 - i] = 1 - SQ[i];
}
const ST = new Float32Array(4096);
for (let i = 2048; i <= 4095; i += 1) {
  ST[i] = Math.round(2 ** 16 * Math.log((i + 0.5) / (4095.5 - i))) / 2 ** 16;
  ST[4095 - i] = -ST[i];
}
const LN = Uint32Array.from({ length: 4096 }, (_, m) => (m === 0 ? 0 : Math.round(2 ** 16 * Math.log(m))));

/** The tables whose CRC-32s section 11 gives. */
export const CHECKED_TABLES = (): readonly { name: string; bytes: Uint8Array; crc32: number }[] => [
  { name: 'SQ', bytes: new Uint8Array(SQ.buffer), crc32: 0xa8a65ce5 },
  { name: 'ST', bytes: new Uint8Array(ST.buffer), crc32: 0x0613a6d1 },
  { name: 'LN', bytes: new Uint8Array(LN.buffer, 4), crc32: 0x102d86a5 },
  { name: 'NEXT', bytes: Uint8Array.from(NEXT), crc32: 0xf9aaf6fb },
  ...[
    { name: 'Text:', crc32: 0xb2d78490 },
    { name: 'Binary:', crc32: 0xac9ae3d2 },
    { name: 'Text, standard and best:', crc32: 0xfd4daf04 },
    { name: 'Text with a model, standard and best:', crc32: 0xef3db7ad },
    { name: 'Binary, standard and best:', crc32: 0xd1d4affd },
    { name: 'Text, fast:', crc32: 0x846dfad1 },
    { name: 'Binary, fast:', crc32: 0x3ffc97ad },
  ].map(({ name, crc32 }) => ({
    name,
    bytes: new Uint8Array(Uint16Array.from(appendixB(name).flat()).buffer),
    crc32,
  })),
];

const limited = (x: number, limit: number): number => Math.max(-f32(limit), Math.min(f32(limit), x));
const clip = (x: number): number => limited(x, 15.99);

function squash(x: number): number {
  const u = f32(f32(x + 16) * 128);
  const i = Math.trunc(u);
  return f32(SQ[i] + f32(f32(SQ[i + 1] - SQ[i]) * f32(u - i)));
}

const stretch = (p: number): number => ST[Math.min(4095, Math.trunc(f32(p * 4096)))];

function ln16(n: number): number {
  const k = Math.max(0, bits(n) - 12);
  return LN[n >> k] + k * LN[2];
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.3 Bit histories

const L = [40, 26, 12, 8, 6, 5];
const NEXT: number[] = [];
const WEIGHT: number[] = [];

type State = readonly [length: number, bits: number, n0: number, n1: number];

function stateAfter([length, seen, n0, n1]: State, y: 0 | 1): State {
  let same = (y === 0 ? n0 : n1) + 1;
  let other = y === 0 ? n1 : n0;
  const state = (newLength: number, newBits: number): State =>
    y === 0 ? [newLength, newBits, same, other] : [newLength, newBits, other, same];
  if (length >= 0 && length < 3) return state(length + 1, 2 * seen + y);
  if (other >= 26) other = 7;
  else if (other >= 16) other = 6;
  else if (other >= 10) other = 5;
  else if (other >= 6) other = 4;
  else if (other >= 4) other = 3;
  else if (other === 3) other = 2;
  const isAllowed = (): boolean => {
    const smaller = Math.min(same, other);
    return smaller <= 5 && Math.max(same, other) <= L[smaller];
  };
  while (!isAllowed()) {
    if (same > other) {
      same = Math.min(same, L[Math.min(5, other)]);
      other = Math.min(other, 5);
    } else {
      other -= 1;
    }
  }
  return state(-1, y);
}

const states: State[] = [[0, 0, 0, 0]];
for (let s = 0; s < states.length; s += 1) {
  for (const y of [0, 1] as const) {
    const next = stateAfter(states[s], y);
    let number = states.findIndex((state) => state.join() === next.join());
    if (number < 0) number = states.push(next) - 1;
    NEXT.push(number);
  }
  WEIGHT.push(states[s][2] + states[s][3]);
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.4 Adaptive probabilities

/** A table of APs. */
class Adaptive {
  readonly #words: Uint32Array;

  constructor(first: readonly number[] | { readonly size: number; readonly word: number }) {
    this.#words = 'word' in first ? new Uint32Array(first.size).fill(first.word) : Uint32Array.from(first);
  }

  word(i: number): number {
    return this.#words[i];
  }

  update(i: number, y: number, limit: number): void {
    let p = this.#words[i] >>> 10;
    let n = this.#words[i] % 1024;
    p += ((y * 2 ** 16 - (p >> 6)) * Math.floor(2 ** 15 / (2 * n + 3))) >> 8;
    p = Math.max(0, Math.min(2 ** 22 - 1, p));
    if (n < limit) n += 1;
    this.#words[i] = p * 1024 + n;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.5 Slots

class Slots {
  readonly bytes: Uint8Array;

  constructor(tableBits: number) {
    this.bytes = new Uint8Array(2 ** tableBits);
  }

  /** Where the slot of h begins. */
  find(h: number): number {
    const { bytes } = this;
    const check = h >>> 24 === 0 ? 1 : h >>> 24;
    const place = (16 * h) % bytes.length;
    const bucket = place - (place % 64);
    const j = (h >>> 22) % 4;
    const slots = [j, j ^ 1, j ^ 2, j ^ 3].map((slot) => bucket + 16 * slot);
    const found = slots.find((slot) => bytes[slot] === check);
    if (found !== undefined) return found;
    const weights = slots.map((slot) => (bytes[slot] === 0 ? -1 : WEIGHT[bytes[slot + 1]]));
    const slot = slots[weights.indexOf(Math.min(...weights))];
    bytes.fill(0, slot, slot + 16);
    bytes[slot] = check;
    return slot;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.6 The state of a lane

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const among = (c: number, characters: string): boolean =>
  c < 128 && characters.includes(String.fromCharCode(c));

function letter(c: number): number {
  if (c >= 0x41 && c <= 0x5a) return c + 32;
  return (c >= 0x61 && c <= 0x7a) || c >= 128 ? c : 0;
}

function classOf(c: number): number {
  if (letter(c) !== 0) return 1;
  if (isDigit(c)) return 2;
  if (c === 32) return 3;
  if (c === 10) return 4;
  if (among(c, '.,;')) return 5;
  return among(c, '([{<') ? 6 : 7;
}

/** ONE and TWO, shared by all lanes. */
class Followers {
  readonly one = new Uint16Array(256);
  readonly two = new Uint16Array(65536);
}

class Lane {
  readonly #chunk: Uint8Array;
  readonly start: number;
  readonly #followers: Followers;
  pos = 0;
  c1 = 0;
  c2 = 0;
  o4 = 0;
  b4 = 0;
  word = 0;
  w1 = 0;
  w2 = 0;
  wl = 0;
  classes = 0;
  depth = 0;
  quote = 0;
  tag = 0;
  isIn = false;
  line = 0;
  line0 = 0;
  column = 0;
  above = 0;
  next = 0;
  record = 4;
  row = 0;
  readonly #V = new Uint32Array(4096);
  readonly #last1 = new Uint32Array(256);
  readonly #last4 = new Uint32Array(4096);

  constructor(chunk: Uint8Array, start: number, followers: Followers) {
    this.#chunk = chunk;
    this.start = start;
    this.#followers = followers;
  }

  X(d: number): number {
    return d > this.pos ? 0 : this.#chunk[this.start + this.pos - d];
  }

  take(c: number): void {
    const { one, two } = this.#followers;
    one[this.c1] = (one[this.c1] % 256) * 256 + c;
    const last2 = this.o4 % 65536;
    two[last2] = (two[last2] % 256) * 256 + c;
    this.b4 = ((this.b4 << 8) | (this.o4 >>> 24)) >>> 0;
    this.o4 = ((this.o4 << 8) | c) >>> 0;
    this.c2 = this.c1;
    this.c1 = c;
    this.pos += 1;
    this.#words(c);
    this.classes = (times(this.classes, 8) + classOf(c)) >>> 0;
    if (classOf(c) === 6) this.depth = Math.min(60, this.depth + 1);
    if (among(c, ')]}>')) this.depth = Math.max(0, this.depth - 1);
    if (among(c, '"')) this.quote = 1 - this.quote;
    if (c === 10) this.quote = 0;
    this.#tags(c);
    if (c === 10) {
      this.line0 = this.line;
      this.line = this.pos;
    }
    this.column = this.pos - this.line;
    const up = this.line0 + this.column;
    this.above = up < this.line ? this.#chunk[this.start + up] : 0;
    this.next = up < this.line ? this.#chunk[this.start + Math.min(this.pos - 1, up + 1)] : 0;
    this.#records(c);
  }

  #words(c: number): void {
    if (letter(c) !== 0) {
      this.word = times(this.word + letter(c) + 1, 0x2f0b4c47);
      this.word = (this.word ^ (this.word >>> 17)) >>> 0;
      this.wl += 1;
    } else if (this.word !== 0) {
      this.w2 = this.w1;
      this.w1 = this.word;
      this.word = 0;
      this.wl = 0;
    }
  }

  #tags(c: number): void {
    if (among(c, '<')) {
      this.isIn = true;
      this.tag = 0;
    } else if (this.isIn) {
      if (among(c, '> ')) this.isIn = false;
      else this.tag = times(this.tag + c + 1, 0x2f0b4c47);
    }
  }

  #records(c: number): void {
    const d1 = this.pos - this.#last1[c];
    this.#last1[c] = this.pos;
    if (c !== this.c2 && d1 >= 2 && d1 < 32) this.record = this.#vote(d1, this.record);
    const four = [0, 8, 16, 24].map((shift) => (this.o4 >>> shift) % 256);
    if (four.some((byte) => byte !== c)) {
      const i = times(this.o4, 0x9e3779b1) >>> 20;
      const d4 = this.pos - this.#last4[i];
      this.#last4[i] = this.pos;
      if (d4 >= 32 && d4 < 4096) this.row = this.#vote(d4, this.row);
    }
    if (this.pos % 8192 === 0) this.#V.forEach((votes, i) => (this.#V[i] = votes - (votes >> 1)));
  }

  /** Gives what r becomes. */
  #vote(d: number, r: number): number {
    const V = this.#V;
    V[d] += 1;
    return d !== r && V[d] > 4 + Math.floor((5 * V[r]) / 4) ? d : r;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.7 Matches

class Matches {
  readonly #chunk: Uint8Array;
  readonly #starts: readonly number[];
  readonly #m: number;
  readonly #M: number;
  readonly #table: Uint32Array;
  readonly #aps = new Adaptive(Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1096 : 3000) * 2 ** 20));
  readonly #lengths: number[];
  readonly #pointers: number[];
  #lane = 0;
  #used: number | undefined;

  constructor(chunk: Uint8Array, starts: readonly number[], m: number, tableBits: number) {
    this.#chunk = chunk;
    this.#starts = starts;
    this.#m = m;
    this.#M = Math.max(10, Math.min(22, tableBits - 4));
    this.#table = new Uint32Array(2 ** this.#M);
    this.#lengths = starts.map(() => 0);
    this.#pointers = starts.map(() => 0);
  }

  get length(): number {
    return this.#lengths[this.#lane];
  }

  /** The expected byte. */
  get expected(): number | undefined {
    return this.length > 0 ? this.#chunk[this.#pointers[this.#lane]] : undefined;
  }

  begin(lane: number, a: number): void {
    this.#lane = lane;
    const s = this.#starts[lane];
    const chunk = this.#chunk;
    const m = this.#m;
    if (a > s) {
      if (this.length > 0 && chunk[this.#pointers[lane]] === chunk[a - 1]) {
        this.#pointers[lane] += 1;
        this.#lengths[lane] = Math.min(65535, this.length + 1);
        if (this.#pointers[lane] === chunk.length) this.#lengths[lane] = 0;
      } else {
        this.#lengths[lane] = 0;
      }
    }
    if (a - s < m) return;
    let h = 0;
    for (let back = 1; back <= m; back += 1) h = times(h + chunk[a - back] + 1, 0x2f0b4c47);
    const i = h >>> (32 - this.#M);
    const q = this.#table[i];
    if (this.length === 0 && q !== 0) {
      const before = Math.max(...this.#starts.filter((start) => start <= q - 1));
      const most = Math.min(400, a - s, q - before);
      let n = 0;
      while (n < most && chunk[q - 1 - n] === chunk[a - 1 - n]) n += 1;
      if (n >= m) {
        this.#pointers[lane] = q;
        this.#lengths[lane] = n;
      }
    }
    this.#table[i] = a;
  }

  /** 11.9, 2: the inputs. */
  inputs(k: number, b: number): [number, number] {
    const { expected, length } = this;
    this.#used = undefined;
    if (expected === undefined || !beginsWith(expected, k, b)) return [0, 0];
    const n = length < 16 ? length : 2 * bits(length) + 6;
    this.#used = 2 * Math.min(31, n) + bitOf(expected, b);
    const P = this.#aps.word(this.#used) >>> 20;
    return [ST[P], (P - 2048) / 1024];
  }

  update(y: number): void {
    if (this.#used !== undefined) this.#aps.update(this.#used, y, 1023);
  }
}

/** Whether a byte's first b bits are those of k. */
const beginsWith = (byte: number, k: number, b: number): boolean => (256 + byte) >> (8 - b) === k;
const bitOf = (byte: number, b: number): number => (byte >> (7 - b)) & 1;

// ---------------------------------------------------------------------------------------------------------------------
// 11.8 Contexts

/** What contexts are made of, beside the lane. */
interface Longest {
  readonly expect: number;
  readonly ml: number;
}

/** Numbers of contexts in the set standard: the first ones. */
const STANDARD = { text: 21, binary: 22 };
/** Those of the set fast. */
const FAST = {
  text: [1, 2, 3, 4, 6, 8, 10, 11, 12, 14, 15, 16, 17, 20],
  binary: [2, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19, 20, 21, 22],
};

// The words of all contexts, from number 1 on. A word may be given as a negative number, too.

function textContexts(l: Lane, { expect, ml }: Longest, followers: Followers): number[] {
  const { c1, o4, b4, word, w1, w2, column } = l;
  return [
    c1,
    o4 % 2 ** 16,
    o4 % 2 ** 24,
    o4,
    H(o4, b4 % 2 ** 8),
    H(o4, b4 % 2 ** 16),
    H(word, c1),
    H(word, w1),
    H(H(word, w1), w2),
    H(column, c1 === 32 ? 1 : 0),
    o4 & 0xffff00,
    H(64 * l.quote + l.depth, word),
    H(times(3, word) + c1, w2),
    H(l.tag, word),
    H(followers.two[o4 % 2 ** 16], c1),
    H(l.above + 2 ** 8 * Math.min(column, 255), c1),
    H(expect, 2 ** 8 * Math.min(ml, 31) + c1),
    H(o4 & 0xf0f0f0ff, b4 & 0xf0f0),
    H(w1, o4 % 2 ** 16),
    H(l.classes % 2 ** 24, c1),
    H(word, l.above + 2 ** 8 * l.next),
    H(l.classes, word),
    H(o4 & 0xffff0000, b4 % 2 ** 16),
    H(o4 & 0xffffff00, b4 % 2 ** 8),
  ];
}

function binaryContexts(l: Lane, { expect, ml }: Longest, followers: Followers): number[] {
  const { c1, o4, b4, pos } = l;
  const r = l.record;
  const w = l.row === 0 ? l.record : l.row;
  return [
    c1,
    o4 % 2 ** 16,
    o4 % 2 ** 24,
    o4,
    H(l.X(r) + 2 ** 8 * l.X(2 * r) + 2 ** 16 * c1, 2),
    H((pos % r) | (2 ** 8 * l.X(r)), r),
    H((pos % r) | (2 ** 8 * c1), r),
    H(l.X(w) + 2 ** 8 * c1, w),
    H(l.X(w) + 2 ** 8 * l.X(2 * w) + 2 ** 16 * c1, l.X(3 * w)),
    H(
      l.X(w) +
        2 ** 8 * l.X(2 * w) +
        2 ** 16 * (c1 % 16) +
        2 ** 20 * (l.X(w - 1) >> 5) +
        2 ** 24 * (l.X(w + 1) % 8),
      3,
    ),
    o4 & 0xff00,
    o4 & 0xff0000,
    o4 & 0xff000000,
    o4 & 0xff00ff,
    o4 & 0xffff00,
    H(pos % 4, o4 % 2 ** 16),
    H(expect, 2 ** 8 * Math.min(ml, 31) + c1),
    followers.one[c1] + 2 ** 16 * c1,
    l.X(2) + 2 ** 8 * l.X(4) + 2 ** 16 * (pos % 4),
    H(o4 & 0xf8f8f8f8, 4),
    H(o4 & 0xff0000ff, 4),
    H(o4 & 0xf0f0f0f0, b4 & 0xf0f0f0f0),
    H(pos % r, r),
    l.X(8) + 2 ** 8 * l.X(16),
    l.X(4) + 2 ** 8 * l.X(8) + 2 ** 16 * (pos % 4),
    H(l.word, c1),
    H(l.word, l.w1),
    (2 * l.X(r) - l.X(2 * r)) & 255,
    (c1 + l.X(w) - l.X(w + 1)) & 255,
    H(followers.two[o4 % 2 ** 16], c1),
  ];
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.9, 6: Runs

class Runs {
  readonly #right: number;
  readonly #tables: readonly Uint8Array[];
  readonly #lengths: readonly Uint8Array[];
  readonly #aps: readonly Adaptive[];
  #places: readonly number[] = [];
  #used: readonly (number | undefined)[] = [];

  constructor(contexts: number, tableBits: number) {
    const size = 2 ** (tableBits - 8);
    this.#right = 32 - (tableBits - 8);
    const tables = (): Uint8Array[] => Array.from({ length: contexts }, () => new Uint8Array(size));
    this.#tables = tables();
    this.#lengths = tables();
    this.#aps = this.#tables.map(
      () => new Adaptive(Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? 1096 : 3000) * 2 ** 20)),
    );
  }

  begin(hashes: readonly number[]): void {
    this.#places = hashes.map((h) => h >>> this.#right);
  }

  inputs(k: number, b: number): number[] {
    this.#used = this.#places.map((place, i) => {
      const byte = this.#tables[i][place];
      const length = this.#lengths[i][place];
      return length > 0 && beginsWith(byte, k, b) ? 2 * Math.min(15, length) + bitOf(byte, b) : undefined;
    });
    return this.#used.map((ap, i) => (ap === undefined ? 0 : ST[this.#aps[i].word(ap) >>> 20]));
  }

  update(y: number): void {
    this.#used.forEach((ap, i) => {
      if (ap !== undefined) this.#aps[i].update(ap, y, 255);
    });
  }

  take(c: number): void {
    this.#places.forEach((place, i) => {
      const length = this.#lengths[i][place];
      this.#lengths[i][place] = this.#tables[i][place] === c ? Math.min(255, length + 1) : 1;
      this.#tables[i][place] = c;
    });
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.10 Mixers

class Mixer {
  readonly #vectors: { w: Float32Array; n: number }[];
  #selected: { w: Float32Array; n: number };
  #dot = 0;

  constructor(vectors: number, first: ArrayLike<number>) {
    this.#vectors = Array.from({ length: vectors }, () => ({ w: Float32Array.from(first), n: 0 }));
    this.#selected = this.#vectors[0];
  }

  dot(number: number, x: Float32Array): number {
    this.#selected = this.#vectors[number];
    const { w } = this.#selected;
    const S = Array.from({ length: 8 }, (_, j) => {
      let sum = 0;
      for (let i = j; i < x.length; i += 8) sum = f32(sum + f32(w[i] * x[i]));
      return sum;
    });
    const T = [0, 1, 2, 3].map((j) => f32(S[j] + S[j + 4]));
    return (this.#dot = clip(f32(f32(T[0] + T[2]) + f32(T[1] + T[3]))));
  }

  /** @param rateOf  the rate of a vector that was updated n times before */
  update(y: number, rateOf: (n: number) => number, x: Float32Array): void {
    const { w, n } = this.#selected;
    const step = f32(f32(y - squash(this.#dot)) * rateOf(n));
    w.forEach((weight, i) => (w[i] = f32(weight + f32(step * x[i]))));
    this.#selected.n = Math.min(2 ** 24, n + 1);
  }
}

/** What the vectors of both layers begin with. */
function firstWeights({ profile, set, withModel }: Parameters2): { inputs: number[]; outputs: number[][] } {
  const name = profile === 'text' ? 'Text' : 'Binary';
  const withOwn = profile === 'text' && set !== 'fast' && withModel;
  const title =
    set === 'fast' ? `${name}, fast:` : `${name}${withOwn ? ' with a model' : ''}, standard and best:`;
  const lines = appendixB(title);
  const mixers = set === 'fast' ? 1 : 2;
  const inputs = lines.slice(0, -mixers).flat();
  if (withModel && !withOwn) inputs.splice(-1, 0, 102, 0, 0, 0, 0, 0);
  if (set === 'best') {
    const further = profile === 'text' ? 3 : 8;
    for (let i = 0; i < further; i += 1) inputs.splice(2 * STANDARD[profile], 0, 61, 0);
    inputs.push(...new Array<number>(STANDARD[profile] + further).fill(0));
  }
  const over1024 = (units: readonly number[]): number[] => [...filledUp(units.map((unit) => unit / 1024))];
  return { inputs: over1024(inputs), outputs: lines.slice(-mixers).map(over1024) };
}

function range(c: number): number {
  if (c === 32) return 0;
  if (c === 10) return 1;
  return 2 + [48, 65, 97, 128].filter((limit) => c >= limit).length;
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.11 Probability maps

class ProbabilityMap {
  readonly #contexts = new Map<number, Float32Array>();
  #t: Float32Array = new Float32Array(33);
  #i = 0;
  #v = 0;

  refine(x: number, context: number): number {
    let t = this.#contexts.get(context);
    if (t === undefined) {
      t = Float32Array.from({ length: 33 }, (_, i) => squash((i - 16) / 2));
      this.#contexts.set(context, t);
    }
    const u = f32(f32(limited(x, 7.999) + 8) * 2);
    const i = Math.trunc(u);
    const v = f32(u - i);
    this.#t = t;
    this.#i = i;
    this.#v = v;
    return f32(t[i] + f32(f32(t[i + 1] - t[i]) * v));
  }

  update(y: number): void {
    const t = this.#t;
    const i = this.#i;
    const v = this.#v;
    t[i] = f32(t[i] + f32(f32(y - t[i]) * f32(f32(0.02) * f32(1 - v))));
    t[i + 1] = f32(t[i + 1] + f32(f32(y - t[i + 1]) * f32(f32(0.02) * v)));
  }
}

/** That of the set fast. */
class FastMap {
  readonly #contexts = new Map<number, Int32Array>();
  #t: Int32Array = new Int32Array(33);
  #n = 0;

  refine(x: number, context: number): number {
    let t = this.#contexts.get(context);
    if (t === undefined) {
      t = Int32Array.from({ length: 33 }, (_, i) => Math.trunc(f32(squash((i - 16) / 2) * 65535)));
      this.#contexts.set(context, t);
    }
    const u = f32(f32(limited(x, 7.999) + 8) * 2);
    const i = Math.trunc(u);
    const v = f32(u - i);
    this.#t = t;
    this.#n = v > 0.5 ? i + 1 : i;
    return f32(f32(f32(t[i] * f32(1 - v)) + f32(t[i + 1] * v)) / 65536);
  }

  update(y: number): void {
    this.#t[this.#n] += (65598 * y - this.#t[this.#n]) >> 6;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// 11.1 Order of work

const DIRECT_LIMITS = [255, 127, 60] as const;

/** What is known while a byte is decoded. */
interface Current {
  readonly lane: Lane;
  readonly longest: Longest;
  readonly q: number;
  readonly hashes: readonly number[];
  readonly frequencies: readonly number[];
  slots: number[];
}

/** Predictor 2, for one chunk. */
export class Mixing {
  readonly #chunk: Uint8Array;
  readonly #p: Parameters2;
  readonly #fast: boolean;
  readonly #starts: readonly number[];
  readonly #followers = new Followers();
  readonly #lanes: readonly Lane[];
  readonly #slots: Slots;
  readonly #matches: readonly Matches[];
  /** Numbers of the contexts in use. */
  readonly #used: readonly number[];
  readonly #histories: readonly Adaptive[];
  readonly #direct: readonly Adaptive[];
  readonly #first: readonly Mixer[];
  readonly #second: readonly Mixer[];
  readonly #modelMaps: readonly ProbabilityMap[];
  readonly #maps: readonly (ProbabilityMap | FastMap)[];
  readonly #runs: Runs | undefined;

  /**
   * @param chunk   as long as the raw chunk; bytes are put here as they are decoded
   * @param starts  where each lane begins
   */
  constructor(chunk: Uint8Array, starts: readonly number[], parameters: Parameters2) {
    this.#chunk = chunk;
    this.#p = parameters;
    this.#starts = starts;
    this.#lanes = starts.map((start) => new Lane(chunk, start, this.#followers));
    this.#slots = new Slots(parameters.tableBits);
    const fast = (this.#fast = parameters.set === 'fast');
    this.#matches = (fast ? [6] : [6, 14]).map((m) => new Matches(chunk, starts, m, parameters.tableBits));
    const all = this.#contexts(new Lane(chunk, 0, this.#followers), { expect: 0, ml: 0 });
    const count = parameters.set === 'best' ? all.length : STANDARD[parameters.profile];
    this.#used = fast ? FAST[parameters.profile] : Array.from({ length: count }, (_, i) => i + 1);
    if (parameters.set === 'best') this.#runs = new Runs(count, parameters.tableBits);
    const P = appendixB(parameters.profile === 'text' ? 'Text:' : 'Binary:').flat();
    const firstWords = P.map((p) => 2 ** 16 * p + 30);
    this.#histories = this.#used.map(() => new Adaptive(firstWords));
    const directSizes = fast ? [2 ** 16] : [2 ** 16, 2 ** 20, 2 ** 20];
    this.#direct = directSizes.map((size) => new Adaptive({ size, word: 2 ** 31 }));
    const { withModel } = parameters;
    const { inputs, outputs } = firstWeights(parameters);
    const vectors = fast ? [256, 264, 256, 56, 504] : [256, 264, 256, 56, withModel ? 768 : 2048, 504, 1024];
    this.#first = vectors.map((n) => new Mixer(n, inputs));
    this.#second = outputs.map((first, i) => new Mixer([256, 160][i], first));
    this.#modelMaps = withModel ? [0, 1, 2, 3].map(() => new ProbabilityMap()) : [];
    this.#maps = fast ? [new FastMap(), new FastMap()] : [0, 1, 2, 3].map(() => new ProbabilityMap());
  }

  #contexts(lane: Lane, longest: Longest): number[] {
    return (this.#p.profile === 'text' ? textContexts : binaryContexts)(lane, longest, this.#followers);
  }

  /**
   * The next byte of lane l.
   *
   * @param bit          decodes a bit, given its p
   * @param frequencies  of the model's symbols, where there is one
   */
  byte(l: number, bit: (p: number) => 0 | 1, frequencies: readonly number[] = []): number {
    const lane = this.#lanes[l];
    for (const match of this.#matches) match.begin(l, this.#starts[l] + lane.pos);
    const six = this.#matches[0];
    const fourteen = this.#matches.at(1);
    const best = fourteen && fourteen.length > 0 && fourteen.length >= six.length ? fourteen : six;
    const ml = best.length;
    const longest = { ml, expect: best.expected === undefined ? 0 : best.expected + 1 };
    const q = ml === 0 ? 0 : Math.min(15, ml < 16 ? ml >> 1 : bits(ml) + 3);
    const words = this.#contexts(lane, longest);
    const hashes = this.#used.map((number) => H(words[number - 1], times(number, 0x3d4d51cb)));
    this.#runs?.begin(hashes);
    const current: Current = { lane, longest, q, hashes, frequencies, slots: [] };
    let k = 1;
    for (let b = 0; b < 8; b += 1) k = 2 * k + this.#bit(current, k, b, bit);
    const byte = k - 256;
    this.#chunk[this.#starts[l] + lane.pos] = byte;
    lane.take(byte);
    this.#runs?.take(byte);
    return byte;
  }

  #bit(current: Current, k: number, b: number, decode: (p: number) => 0 | 1): 0 | 1 {
    const { lane, longest, q, hashes } = current;
    const { c1, c2, o4 } = lane;
    const withModel = this.#p.withModel;
    const hasG = longest.expect > 0 && beginsWith(longest.expect - 1, k, b);
    const g = hasG ? bitOf(longest.expect - 1, b) : 2;

    // 11.9
    if (b === 0) current.slots = hashes.map((h) => this.#slots.find(h));
    if (b === 4) {
      current.slots = hashes.map((h) => this.#slots.find((h & 0x00ffff00) + ((H(h, k) & 0xff0000ff) >>> 0)));
    }
    const half = b < 4 ? 1 : k >> (b - 4);
    const node = 2 ** (b % 4) + (k % 2 ** (b % 4));
    const h2 = H(o4 % 2 ** 16, half);
    const h3 = H(o4 % 2 ** 24, half + 77);
    const row = (h: number): number => 16 * (h % 2 ** 12) + node;
    const cells = current.slots.map((slot) => slot + node);
    const histories = cells.map((cell) => this.#slots.bytes[cell]);
    const inputs: number[] = [];
    let hits = 0;
    histories.forEach((s, i) => {
      const W = this.#histories[i].word(s);
      inputs.push(...(s === 0 ? [0, 0] : [ST[W >>> 20], ((W >>> 16) - 32768) / 16384]));
      if (s > 0 && this.#used[i] <= (this.#p.profile === 'text' ? 6 : 4)) hits += 1;
    });
    for (const match of this.#matches) inputs.push(...match.inputs(k, b));
    const direct = [2 ** 8 * c1 + k, 16 * (h2 >>> 16) + node, 16 * (h3 >>> 16) + node];
    this.#direct.forEach((table, i) => inputs.push(ST[table.word(direct[i]) >>> 20]));
    let x = 0;
    let poss = 0;
    if (withModel) {
      x = modelInput(current.frequencies, k, b);
      poss = possible(current.frequencies, k, b);
      inputs.push(x, f32(f32(squash(clip(x)) - 0.5) * 2));
      const contexts = [k, k + 2 ** 8 * c1, row(h2), 3 * (2 ** 8 * q + k) + g];
      contexts.forEach((context, i) => inputs.push(stretch(this.#modelMaps[i].refine(x, context))));
    }
    inputs.push(0.3, ...(this.#runs?.inputs(k, b) ?? []));
    const X = filledUp(inputs);

    // 11.10
    const sure = 4 * (2 * Math.min(11, Math.trunc(2 * Math.abs(x))) + (x > 0 ? 1 : 0)) + poss;
    const line =
      this.#p.profile === 'text'
        ? 8 * Math.min(15, lane.column >> 3) + range(c1)
        : 4 * ((lane.pos % lane.record) % 32) + (lane.row > 0 ? 1 : 0);
    const wordLength = 8 * (8 * Math.min(lane.wl, 7) + range(c2)) + b;
    const selected = [k, 8 * (g === 2 ? 0 : 2 * q + g + 1) + b, c1, 8 * hits + b];
    if (this.#fast) selected.push(wordLength);
    else selected.push(8 * (withModel ? sure : c2) + b, wordLength, 8 * line + b);
    const dots = filledUp(this.#first.map((mixer, i) => mixer.dot(selected[i], X)));
    const selected2 = [k, 8 * (g === 2 ? poss : q + 4) + b];
    const dots2 = this.#second.map((mixer, i) => mixer.dot(selected2[i], dots));
    const z = this.#fast ? dots2[0] : f32(f32(dots2[0] + dots2[1]) * 0.5);

    // 11.11
    const contexts = [k + 2 ** 8 * c1, row(h2), row(h3), row(H(lane.word, half))];
    const m = this.#maps.map((map, i) => map.refine(z, contexts[i]));
    const R = this.#fast
      ? f32(f32(squash(z) * 0.5) + f32(f32(m[0] + m[1]) * 0.25))
      : m.reduce((sum, each) => f32(sum + f32(each * f32(0.15))), f32(squash(z) * f32(0.4)));
    const y = decode(Math.max(64, Math.min(2 ** 24 - 64, Math.trunc(f32(R * 2 ** 24)))));

    const [rf, rl] = this.#p.profile === 'text' && withModel ? [0.015, 0.0015] : [0.02, 0.003];
    const rateOf = (n: number): number =>
      f32(f32(rl) + f32(f32(f32(rf) - f32(rl)) / f32(1 + f32(n * f32(0.002)))));
    for (const mixer of this.#first) mixer.update(y, rateOf, X);
    for (const mixer of this.#second) mixer.update(y, () => f32(0.002), dots);
    for (const map of [...this.#maps, ...this.#modelMaps]) map.update(y);
    cells.forEach((cell, i) => {
      const s = histories[i];
      this.#histories[i].update(s, y, 255);
      // Two contexts may use one slot: each moves on what it finds there.
      this.#slots.bytes[cell] = NEXT[2 * this.#slots.bytes[cell] + y];
    });
    for (const match of this.#matches) match.update(y);
    this.#runs?.update(y);
    this.#direct.forEach((table, i) => {
      table.update(direct[i], y, DIRECT_LIMITS[i]);
    });
    return y;
  }
}

function filledUp(values: readonly number[]): Float32Array {
  const filled = new Float32Array(8 * Math.ceil(values.length / 8));
  filled.set(values);
  return filled;
}

/** The table of that title, line by line. */
function appendixB(title: string): number[][] {
  const lines = TEXT.slice(TEXT.indexOf('## B. ')).split('\n');
  const table = lines.slice(lines.indexOf(title) + 2);
  return table.slice(0, table.indexOf('')).map((line) => line.trim().split(' ').map(Number));
}

/** 11.9, 4: x. */
function modelInput(frequencies: readonly number[], k: number, b: number): number {
  const sum = (bit: 0 | 1): number =>
    frequencies.reduce((all, f, symbol) => (beginsWith(symbol, 2 * k + bit, b + 1) ? all + f : all), 0);
  return ((ln16(sum(1)) - ln16(sum(0))) >> 6) / 1024;
}

/** 11.9, 4: poss. */
function possible(frequencies: readonly number[], k: number, b: number): number {
  const order = frequencies
    .map((f, symbol) => ({ f, symbol }))
    .sort((a, c) => c.f - a.f || a.symbol - c.symbol);
  const [best, second] = order;
  return (beginsWith(best.symbol, k, b) ? 1 : 0) + (beginsWith(second.symbol, k, b) ? 2 : 0);
}
