/** Context hashes against the same arithmetic in BigInt, as an exported model's int64 does it. */
import { expect, test } from 'vitest';
import {
  CONTEXT_BYTES,
  CONTEXT_SIZE,
  LETTER_VALUES,
  WORD_FACTOR,
  WORD_MODULUS,
} from '../../src/model/recurrent/network.ts';
import {
  CONTEXT_KINDS,
  contextCoefficients,
  ContextHasher,
  type ContextKind,
} from '../../src/train/contexts.ts';
import { Random } from '../../src/train/random.ts';
import { primeUpTo } from '../../src/train/recurrent.ts';

const KINDS = Object.keys(CONTEXT_KINDS) as ContextKind[];

test('indices equal integer arithmetic, and every sum stays below 2^53', () => {
  const rows = KINDS.map((_, i) => primeUpTo(1000 * 7 ** (i % 4)));
  const hasher = new ContextHasher(KINDS, rows);
  const coefficients = Array.from(contextCoefficients(KINDS), BigInt);
  const random = new Random(5);
  const vector = new Array<bigint>(CONTEXT_SIZE).fill(0n);
  const out = new Int32Array(KINDS.length);
  for (let i = 0; i < 5000; i++) {
    // Mostly letters, so that words grow; all byte values now and then.
    const byte = random.uniform() < 0.8 ? 97 + (random.uint32() % 26) : random.uint32() & 255;
    hasher.push(byte);
    hasher.indices(out, 0);
    vector.splice(CONTEXT_BYTES - 1, 1);
    vector.unshift(BigInt(byte));
    const word = vector[CONTEXT_BYTES];
    if (LETTER_VALUES[byte] > 0) {
      vector[CONTEXT_BYTES] =
        (word * BigInt(WORD_FACTOR) + BigInt(LETTER_VALUES[byte])) % BigInt(WORD_MODULUS);
    } else if (word !== 0n) {
      vector[CONTEXT_BYTES + 1] = word;
      vector[CONTEXT_BYTES] = 0n;
    }
    KINDS.forEach((kind, table) => {
      const sum = vector.reduce(
        (total, value, j) => total + value * coefficients[j * KINDS.length + table],
        0n,
      );
      expect(sum < 2n ** 53n).toBe(true);
      expect(out[table], kind).toBe(Number(sum % BigInt(rows[table])));
    });
  }
});

test('the largest possible sum is below 2^53', () => {
  const coefficients = contextCoefficients(KINDS);
  KINDS.forEach((_, table) => {
    let most = 0;
    for (let i = 0; i < CONTEXT_SIZE; i++) {
      most += (i < CONTEXT_BYTES ? 255 : WORD_MODULUS - 1) * coefficients[i * KINDS.length + table];
    }
    expect(most).toBeLessThan(2 ** 53);
  });
  expect((WORD_MODULUS - 1) * WORD_FACTOR + 255).toBeLessThan(2 ** 53);
});

test('a word counts without case, from its first letter', () => {
  const rowsOf = (text: string): number => {
    const hasher = new ContextHasher(['word'], [primeUpTo(1e6)]);
    for (const byte of new TextEncoder().encode(text)) hasher.push(byte);
    const out = new Int32Array(1);
    hasher.indices(out, 0);
    return out[0];
  };
  expect(rowsOf('say THe')).toBe(rowsOf('the'));
  expect(rowsOf('bathe')).not.toBe(rowsOf('the'));
});
