/** The tables' WebAssembly kernel against the same loops in TypeScript. */
import { expect, test } from 'vitest';
import { ADAM } from '../../src/train/adam.ts';
import type { EmbeddingSpec } from '../../src/train/network.ts';
import { Random } from '../../src/train/random.ts';
import { createTables, Tables } from '../../src/train/tables.ts';

test.each([16, 64])('rows %i wide: kernel and TypeScript agree', (width) => {
  const embedding: EmbeddingSpec = { width, kinds: ['order2', 'order3'], rows: [97, 13] };
  const positions = 50;
  const fast = createTables(embedding, new Random(1), positions);
  const plain = new Tables(embedding, new Random(1));
  const random = new Random(2);
  const indices = (): Int32Array =>
    Int32Array.from({ length: positions * 3 }, (_, i) => {
      return i % 3 === 0
        ? random.uint32() % 40
        : i % 3 === 1
          ? 256 + (random.uint32() % 97)
          : 353 + (random.uint32() % 13);
    });
  const [a, b] = [new Float32Array(positions * width), new Float32Array(positions * width)];
  for (let step = 0; step < 20; step++) {
    const rows = indices();
    fast.gather(rows, a);
    plain.gather(rows, b);
    a.forEach((value, i) => {
      expect(Math.abs(value - b[i])).toBeLessThan(1e-4);
    });
    const gradient = Float32Array.from(a, () => 0.01 * random.normal());
    const squares = plain.accumulate(rows, gradient);
    expect(Math.abs(fast.accumulate(rows, gradient) / squares - 1)).toBeLessThan(1e-5);
    fast.update(1e-2, 0.5, ADAM);
    plain.update(1e-2, 0.5, ADAM);
  }
  for (const name of ['weights', 'first', 'second'] as const) {
    const [x, y] = [fast.arrays[name], plain.arrays[name]];
    expect(x.length).toBe(y.length);
    x.forEach((value, i) => {
      expect(Math.abs(value - y[i]), `${name}[${i}]`).toBeLessThan(1e-4);
    });
    expect([...x.subarray(-width)]).toEqual(new Array<number>(width).fill(0));
  }
});
