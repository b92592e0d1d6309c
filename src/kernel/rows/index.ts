/**
 * The inner loops of the embedding tables in training: a step gathers and updates thousands of rows. src/train/tables.ts has
 * the same loops in TypeScript, for other widths and for the tests that compare the two, and lays memory out.
 *
 * Rows are of float32, a multiple of 16 of them, and not empty: loops over a row that test at their end are a tenth quicker.
 * Addresses and sizes are in bytes, and ends are those after the last.
 */

/** Address of the row whose number, int32, is at `index`. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function rowOf(index: usize, rows: usize, rowBytes: usize): usize {
  return rows + <usize>load<u32>(index) * rowBytes;
}

/**
 * Sums of rows, one after the other; all numbers are gone through for each 64 bytes of a row.
 *
 * @param sumBytes - the numbers of one sum's rows
 */
export function gather(
  numbers: usize,
  end: usize,
  sumBytes: usize,
  rows: usize,
  rowBytes: usize,
  out: usize,
): void {
  while (numbers < end) {
    const stop = numbers + sumBytes;
    for (let k: usize = 0; k < rowBytes; k += 64) {
      let a = f32x4.splat(0);
      let b = f32x4.splat(0);
      let c = f32x4.splat(0);
      let d = f32x4.splat(0);
      for (let at = numbers; at < stop; at += 4) {
        const row = rowOf(at, rows, rowBytes) + k;
        a = f32x4.add(a, v128.load(row));
        b = f32x4.add(b, v128.load(row, 16));
        c = f32x4.add(c, v128.load(row, 32));
        d = f32x4.add(d, v128.load(row, 48));
      }
      v128.store(out, a);
      v128.store(out, b, 16);
      v128.store(out, c, 32);
      v128.store(out, d, 48);
      out += 64;
    }
    numbers = stop;
  }
}

/**
 * Adds each gradient row to the sums of all rows that it is a gradient of.
 *
 * @param sumBytes - the numbers of one gradient row's sums
 */
export function addRows(
  numbers: usize,
  end: usize,
  sumBytes: usize,
  gradient: usize,
  rowBytes: usize,
  sums: usize,
): void {
  while (numbers < end) {
    const stop = numbers + sumBytes;
    for (; numbers < stop; numbers += 4) {
      const row = rowOf(numbers, sums, rowBytes);
      let k: usize = 0;
      do {
        v128.store(row + k, f32x4.add(v128.load(row + k), v128.load(gradient + k)));
        k += 16;
      } while (k < rowBytes);
    }
    gradient += rowBytes;
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function square(x: v128): v128 {
  return f32x4.mul(x, x);
}

/** The sum of squares of floats: four partial sums of float32 in each 64 bytes, then float64. */
export function squares(from: usize, end: usize): f64 {
  let total: f64 = 0;
  for (; from < end; from += 64) {
    let sum = f32x4.add(square(v128.load(from)), square(v128.load(from, 16)));
    sum = f32x4.add(sum, square(v128.load(from, 32)));
    sum = f32x4.add(sum, square(v128.load(from, 48)));
    total += <f64>f32x4.extract_lane(sum, 0);
    total += <f64>f32x4.extract_lane(sum, 1);
    total += <f64>f32x4.extract_lane(sum, 2);
    total += <f64>f32x4.extract_lane(sum, 3);
  }
  return total;
}

/**
 * Lazy Adam: moves the rows whose numbers are listed, and their moments.
 *
 * @param gradient - of these rows, one after the other
 * @param scale - of the gradient, which limits its norm
 * @param keep1 - one less beta1, and `keep2` one less beta2
 */
export function update(
  numbers: usize,
  end: usize,
  gradient: usize,
  rowBytes: usize,
  weights: usize,
  first: usize,
  second: usize,
  rate: f32,
  scale: f32,
  beta1: f32,
  keep1: f32,
  beta2: f32,
  keep2: f32,
  epsilon: f32,
): void {
  for (; numbers < end; numbers += 4) {
    const w = rowOf(numbers, weights, rowBytes);
    const m = rowOf(numbers, first, rowBytes);
    const v = rowOf(numbers, second, rowBytes);
    let k: usize = 0;
    do {
      const g = f32x4.mul(v128.load(gradient + k), f32x4.splat(scale));
      const newM = f32x4.add(
        f32x4.mul(f32x4.splat(beta1), v128.load(m + k)),
        f32x4.mul(f32x4.splat(keep1), g),
      );
      const newV = f32x4.add(
        f32x4.mul(f32x4.splat(beta2), v128.load(v + k)),
        f32x4.mul(f32x4.mul(f32x4.splat(keep2), g), g),
      );
      v128.store(m + k, newM);
      v128.store(v + k, newV);
      const root = f32x4.add(f32x4.sqrt(newV), f32x4.splat(epsilon));
      const step = f32x4.div(f32x4.mul(f32x4.splat(rate), newM), root);
      v128.store(w + k, f32x4.sub(v128.load(w + k), step));
      k += 16;
    } while (k < rowBytes);
    gradient += rowBytes;
  }
}
