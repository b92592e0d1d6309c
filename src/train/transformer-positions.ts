/**
 * What the Transformer knows of positions: sinusoids added to the embeddings, or rotations of queries and keys.
 *
 * @module
 */
import type { FixedTable } from './operators.ts';
import type { TransformerConfig } from './transformer.ts';

/** Wavelengths go up to 2 pi times this. */
const LONGEST = 10_000;

function makeTable(
  rows: number,
  columns: number,
  value: (row: number, column: number) => number,
): FixedTable {
  const data = Float32Array.from({ length: rows * columns }, (_, at) =>
    value(Math.floor(at / columns), at % columns),
  );
  return { rows, columns, data };
}

/** Sines of all wavelengths, then cosines, as DeepMind's code has them: width / 2 + 1 of either, cut to the width. */
export function sinusoidTable({ context, width }: TransformerConfig): FixedTable {
  const count = width / 2 + 1;
  return makeTable(context, width, (position, column) => {
    const angle = position * LONGEST ** ((-2 * (column % count)) / width);
    return column < count ? Math.sin(angle) : Math.cos(angle);
  });
}

/** Rotary positions (https://arxiv.org/abs/2104.09864): for every column the cosine and sine of its rotation. */
export function rotaryTables({ context, width, heads }: TransformerConfig): {
  cosines: FixedTable;
  sines: FixedTable;
} {
  const size = width / heads;
  const angle = (position: number, column: number): number =>
    position * LONGEST ** ((-2 * (column % (size / 2))) / size);
  return {
    cosines: makeTable(context, width, (position, column) => Math.cos(angle(position, column))),
    sines: makeTable(context, width, (position, column) => Math.sin(angle(position, column))),
  };
}
