/**
 * The inner loops of the embedding tables in WebAssembly SIMD: a step gathers and updates thousands of rows, which took
 * a third of the training time in plain TypeScript. The module is assembled here, instruction by instruction; tables.ts
 * has the same loops in TypeScript, for other widths and for the tests that compare the two.
 *
 * https://webassembly.github.io/spec/core/binary/instructions.html
 *
 * @module
 */

/** Floats that the loops handle at a time: row widths must be multiples of it. */
export const KERNEL_WIDTH = 16;

const I32 = 0x7f;
const F32 = 0x7d;
const F64 = 0x7c;
const V128 = 0x7b;
type Code = readonly number[];

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
/** Constants here are below 64, one signed LEB128 byte. */
const constant = (value: number): Code => [0x41, value];
const add = [0x6a];
const multiply = [0x6c];
const loadIndex = [0x28, 2, 0];
const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const load = (offset: number): Code => [...simd(0), 2, ...unsigned(offset)];
const store = (offset: number): Code => [...simd(11), 2, ...unsigned(offset)];
const splat = simd(19);
const lane = (i: number): Code => [...simd(31), i];
const [vAdd, vSubtract, vMultiply, vDivide, vRoot] = [0xe4, 0xe5, 0xe6, 0xe7, 0xe3].map(simd);
const zeros: Code = [...simd(12), ...new Array<number>(16).fill(0)];
const addTo = (local: number, amount: Code): Code => [...get(local), ...amount, ...add, ...set(local)];

/** Repeats while `counter` is below `limit`; the body need not count. At least once. */
function repeat(counter: number, limit: number, step: number, body: Code): Code {
  return [
    0x03,
    0x40,
    ...body,
    ...addTo(counter, constant(step)),
    ...get(counter),
    ...get(limit),
    0x49,
    0x0d,
    0,
    0x0b,
  ];
}

/** `local = address of row (i32 at `indices`) in the array at `base`. */
function rowAddress(local: number, indices: number, base: number, rowBytes: number): Code {
  return [...get(indices), ...loadIndex, ...get(rowBytes), ...multiply, ...get(base), ...add, ...set(local)];
}

/** Four vectors, 64 bytes, at a time. */
const QUARTERS = [0, 16, 32, 48];

interface Definition {
  readonly name: string;
  readonly parameters: Code;
  readonly results: Code;
  readonly locals: Code;
  readonly body: Code;
}

/** gather(indices, end, tables*4, weights, rowBytes, out): sums of rows. Loops over indices per 64 bytes of a row. */
const gather: Definition = (() => {
  const [indices, end, tableBytes, weights, rowBytes, out, k, at, stop, row] = Array.from(
    { length: 10 },
    (_, i) => i,
  );
  const sums = [10, 11, 12, 13];
  const body = [
    0x03,
    0x40,
    ...constant(0),
    ...set(k),
    ...get(indices),
    ...get(tableBytes),
    ...add,
    ...set(stop),
    // For each 64 bytes of the row.
    0x03,
    0x40,
    ...sums.flatMap((sum) => [...zeros, ...set(sum)]),
    ...get(indices),
    ...set(at),
    ...repeat(at, stop, 4, [
      ...rowAddress(row, at, weights, rowBytes),
      ...addTo(row, get(k)),
      ...sums.flatMap((sum, i) => [...get(sum), ...get(row), ...load(QUARTERS[i]), ...vAdd, ...set(sum)]),
    ]),
    ...sums.flatMap((sum, i) => [...get(out), ...get(sum), ...store(QUARTERS[i])]),
    // 64 needs two bytes in signed LEB128.
    ...addTo(out, [0x41, 0xc0, 0]),
    ...addTo(k, [0x41, 0xc0, 0]),
    ...get(k),
    ...get(rowBytes),
    0x49,
    0x0d,
    0,
    0x0b,
    ...get(stop),
    ...set(indices),
    ...get(indices),
    ...get(end),
    0x49,
    0x0d,
    0,
    0x0b,
  ];
  const parameters = new Array<number>(6).fill(I32);
  return { name: 'gather', parameters, results: [], locals: [4, I32, 4, V128], body };
})();

/** addRows(slots, end, tables*4, gradient, rowBytes, sums): adds each gradient row to the sums of its tables' rows. */
const addRows: Definition = (() => {
  const [slots, end, tableBytes, gradient, rowBytes, sums, k, stop, row] = Array.from(
    { length: 9 },
    (_, i) => i,
  );
  const address = (base: number): Code => [...get(base), ...get(k), ...add];
  const body = [
    0x03,
    0x40,
    ...get(slots),
    ...get(tableBytes),
    ...add,
    ...set(stop),
    ...repeat(slots, stop, 4, [
      ...rowAddress(row, slots, sums, rowBytes),
      ...constant(0),
      ...set(k),
      ...repeat(k, rowBytes, 16, [
        ...address(row),
        ...address(row),
        ...load(0),
        ...address(gradient),
        ...load(0),
        ...vAdd,
        ...store(0),
      ]),
    ]),
    ...addTo(gradient, get(rowBytes)),
    ...get(slots),
    ...get(end),
    0x49,
    0x0d,
    0,
    0x0b,
  ];
  const parameters = new Array<number>(6).fill(I32);
  return { name: 'addRows', parameters, results: [], locals: [3, I32], body };
})();

/** squares(from, end): the sum of squares of floats; four partial sums of float32 in each 64 bytes, then float64. */
const squares: Definition = (() => {
  const [from, end, total, sum] = [0, 1, 2, 3];
  const square = (offset: number): Code => [
    ...get(from),
    ...load(offset),
    ...get(from),
    ...load(offset),
    ...vMultiply,
  ];
  const body = [
    ...repeat(from, end, 0, [
      ...square(0),
      ...square(16),
      ...vAdd,
      ...square(32),
      ...vAdd,
      ...square(48),
      ...vAdd,
      ...set(sum),
      ...[0, 1, 2, 3].flatMap((i) => [...get(total), ...get(sum), ...lane(i), 0xbb, 0xa0, ...set(total)]),
      ...addTo(from, [0x41, 0xc0, 0]),
    ]),
    ...get(total),
  ];
  return { name: 'squares', parameters: [I32, I32], results: [F64], locals: [1, F64, 1, V128], body };
})();

/**
 * update(touched, end, gradient, rowBytes, weights, first, second, rate, scale, beta1, keep1, beta2, keep2, epsilon):
 * lazy Adam on the touched rows.
 */
const update: Definition = (() => {
  const [touched, end, gradient, rowBytes, weights, first, second] = Array.from({ length: 7 }, (_, i) => i);
  const [rate, scale, beta1, keep1, beta2, keep2, epsilon] = Array.from({ length: 7 }, (_, i) => 7 + i);
  const [k, w, m, v] = [14, 15, 16, 17];
  const [g, newM, newV] = [18, 19, 20];
  const spread = (scalar: number): Code => [...get(scalar), ...splat];
  const address = (base: number): Code => [...get(base), ...get(k), ...add];
  const step = [
    ...[...address(gradient), ...load(0), ...spread(scale), ...vMultiply, ...set(g)],
    ...[...spread(beta1), ...address(m), ...load(0), ...vMultiply],
    ...[...spread(keep1), ...get(g), ...vMultiply, ...vAdd, ...set(newM)],
    ...[...spread(beta2), ...address(v), ...load(0), ...vMultiply],
    ...[...spread(keep2), ...get(g), ...vMultiply, ...get(g), ...vMultiply, ...vAdd, ...set(newV)],
    ...[...address(m), ...get(newM), ...store(0)],
    ...[...address(v), ...get(newV), ...store(0)],
    ...[...address(w), ...address(w), ...load(0)],
    ...[...spread(rate), ...get(newM), ...vMultiply],
    ...[...get(newV), ...vRoot, ...spread(epsilon), ...vAdd, ...vDivide],
    ...[...vSubtract, ...store(0)],
  ];
  const body = repeat(touched, end, 4, [
    ...rowAddress(w, touched, weights, rowBytes),
    ...rowAddress(m, touched, first, rowBytes),
    ...rowAddress(v, touched, second, rowBytes),
    ...constant(0),
    ...set(k),
    ...repeat(k, rowBytes, 16, step),
    ...addTo(gradient, get(rowBytes)),
  ]);
  const parameters = [...new Array<number>(7).fill(I32), ...new Array<number>(7).fill(F32)];
  return { name: 'update', parameters, results: [], locals: [4, I32, 3, V128], body };
})();

const DEFINITIONS = [gather, addRows, squares, update];

/** A vector: its length, then its elements' bytes. */
const vector = (elements: readonly Code[]): Code => [...unsigned(elements.length), ...elements.flat()];
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
const text = (value: string): Code => vector([...new TextEncoder().encode(value)].map((byte) => [byte]));

function assemble(pages: number): Uint8Array<ArrayBuffer> {
  const types = DEFINITIONS.map(({ parameters, results }) => {
    return [0x60, ...unsigned(parameters.length), ...parameters, ...unsigned(results.length), ...results];
  });
  const bodies = DEFINITIONS.map(({ locals, body }) => {
    const code = [...unsigned(locals.length / 2), ...locals, ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(DEFINITIONS.map((_, i) => [i]))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([...DEFINITIONS.map(({ name }, i) => [...text(name), 0, i]), [...text('memory'), 2, 0]]),
    ),
    ...section(10, vector(bodies)),
  ]);
}

/** What is used of the global of that name; neither ES2023 nor @types/node 20 declare it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** The functions; all addresses are bytes in `memory`, all counts are at least one. */
export interface RowKernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  gather(
    indices: number,
    end: number,
    tableBytes: number,
    weights: number,
    rowBytes: number,
    out: number,
  ): void;
  addRows(
    slots: number,
    end: number,
    tableBytes: number,
    gradient: number,
    rowBytes: number,
    sums: number,
  ): void;
  squares(from: number, end: number): number;
  update(
    touched: number,
    end: number,
    gradient: number,
    rowBytes: number,
    weights: number,
    first: number,
    second: number,
    rate: number,
    scale: number,
    beta1: number,
    keep1: number,
    beta2: number,
    keep2: number,
    epsilon: number,
  ): void;
}

const PAGE = 65_536;

/** Compiles the kernel with so much memory. */
export function createRowKernel(bytes: number): RowKernel {
  const module = new WebAssembly.Module(assemble(Math.ceil(bytes / PAGE)));
  const instance: { readonly exports: unknown } = new WebAssembly.Instance(module);
  return instance.exports as RowKernel;
}
