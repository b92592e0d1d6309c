/**
 * How a chunk is split into lanes (spec/lmz-format.md, section 7.1).
 *
 * @module
 */

/**
 * Where each lane begins, and at the end the chunk's size: lane l is `starts[l] .. starts[l + 1]`. The first lanes are
 * one byte longer where the sizes are uneven; lanes past the chunk's size are empty.
 */
export function laneStarts(size: number, lanes: number): Uint32Array {
  const starts = new Uint32Array(lanes + 1);
  const base = Math.floor(size / lanes);
  const longer = size % lanes;
  for (let lane = 0; lane < lanes; lane++) starts[lane + 1] = starts[lane] + base + (lane < longer ? 1 : 0);
  return starts;
}
