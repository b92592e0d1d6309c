/** Chunks that stand for a text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHUNK, spreadChunks } from '../../src/bench/protocol.ts';

const text = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);

test('all chunks together are the text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 * CHUNK }), (length) => {
      const data = text(length);
      expect(Buffer.concat(spreadChunks(data, Infinity)).equals(data)).toBe(true);
    }),
  );
});

test('some are whole chunks of it, the first among them, in order and none twice', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 * CHUNK }), fc.integer({ min: 1, max: 20 }), (length, count) => {
      const data = text(length);
      const places = spreadChunks(data, count).map((chunk) => chunk.byteOffset);
      expect(places).toHaveLength(Math.min(count, Math.ceil(length / CHUNK)));
      expect(places[0]).toBe(0);
      expect(places.every((at, i) => at % CHUNK === 0 && (i === 0 || at > places[i - 1]))).toBe(true);
    }),
  );
});
