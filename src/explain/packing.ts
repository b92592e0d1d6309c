/**
 * An explanation's numbers as the page's script reads them: typed arrays, one after another, deflated, in base64.
 *
 * @module
 */
import { deflateSync } from 'node:zlib';
import type { Explanation } from './explain.ts';
import { WAYS } from './measure.ts';

/** Costs are kept in this unit of a bit: 16 bits reach to 163 bits, more than a byte can cost. */
export const COST_UNIT = 1 / 400;

/** Probabilities below 1 in 1000 say nothing more, and 12 bits of the others are enough to read: the page gets smaller by it. */
const SHARE_MIN = 64;
const SHARE_STEP = 16;

/** Costs of all ways and the candidates' probabilities, 16 bits each; the bytes; the candidates' symbols. */
export function packNumbers({ bytes, costs, candidates }: Explanation): string {
  const { shares, symbols } = candidates;
  const likely = (i: number): boolean => shares[i] >= SHARE_MIN;
  const parts = [
    ...WAYS.map((way) => Uint16Array.from(costs[way], (bits) => Math.round(bits / COST_UNIT))),
    shares.map((share, i) => (likely(i) ? share - (share % SHARE_STEP) : 0)),
    bytes,
    symbols.map((symbol, i) => (likely(i) ? symbol : 0)),
  ].map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  return deflateSync(Buffer.concat(parts), { level: 9 }).toString('base64');
}
