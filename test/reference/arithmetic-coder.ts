/**
 * The arithmetic coder written the obvious way: one interval of unbounded integers, no carries, no register. Slow, and
 * the yardstick of the fast one (spec/lmz-format.md, section 7.3).
 *
 * @module
 */

/** One decision: a share of the interval, `start .. start + size` of 2^24. */
export interface Share {
  start: number;
  size: number;
  /** A bit's upper part takes whatever is left of the interval; a symbol's share is a multiple of the unit. */
  toTheEnd: boolean;
}

/** A bit of value 1 with probability p / 2^24 owns the lower part. */
export function bitShare(p: number, bit: number): Share {
  return bit === 1 ? { start: 0, size: p, toTheEnd: false } : { start: p, size: 2 ** 24 - p, toTheEnd: true };
}

/** The shortest bit string, continued by zeros, in the interval that the decisions leave; as bits. */
export function encodeReference(shares: readonly Share[]): string {
  // The interval is low .. low + range, in units of 2^-scale.
  let low = 0n;
  let range = 1n << 48n;
  let scale = 48n;
  for (const { start, size, toTheEnd } of shares) {
    const unit = range >> 24n;
    low += unit * BigInt(start);
    range = toTheEnd ? range - unit * BigInt(start) : unit * BigInt(size);
    while (range <= 1n << 40n) {
      low <<= 8n;
      range <<= 8n;
      scale += 8n;
    }
  }
  for (let bits = 0n; ; bits++) {
    const step = 1n << (scale - bits);
    const value = ((low + step - 1n) / step) * step;
    if (value < low + range) return bits === 0n ? '' : (value / step).toString(2).padStart(Number(bits), '0');
  }
}

/** A bit string as bytes with the number of zero bits that fill the last one. */
export function packBits(bits: string): { bytes: Uint8Array; paddedBits: number } {
  const paddedBits = (8 - (bits.length % 8)) % 8;
  const padded = bits + '0'.repeat(paddedBits);
  const bytes = Uint8Array.from({ length: padded.length / 8 }, (_, i) =>
    Number.parseInt(padded.slice(8 * i, 8 * i + 8), 2),
  );
  return { bytes, paddedBits };
}
