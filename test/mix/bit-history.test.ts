import { describe, expect, it } from 'vitest';
import { HISTORY_STATES, HISTORY_WEIGHT, NEXT_HISTORY } from '../../src/mix/bit-history.ts';
import { PRIMED_HISTORIES } from '../../src/mix/primed.ts';

const after = (bits: string): number => Array.from(bits).reduce((s, y) => NEXT_HISTORY[2 * s + Number(y)], 0);

describe('bit histories', () => {
  it('fit a byte, and every state leads to states', () => {
    expect(HISTORY_STATES).toBeLessThanOrEqual(256);
    expect(NEXT_HISTORY.length).toBe(2 * HISTORY_STATES);
    for (const next of NEXT_HISTORY) {
      expect(next).toBeGreaterThan(0);
      expect(next).toBeLessThan(HISTORY_STATES);
    }
  });

  it('keep sequences of three bits apart', () => {
    const states = Array.from({ length: 8 }, (_, i) => after(i.toString(2).padStart(3, '0')));
    expect(new Set(states).size).toBe(8);
  });

  it('begin nearer to the bits seen, the more so the more of them', () => {
    for (const p of Object.values(PRIMED_HISTORIES)) {
      expect(p).toHaveLength(HISTORY_STATES);
      let [lastOne, lastZero] = [p[0], p[0]];
      for (let n = 1; n <= 10; n++) {
        expect(p[after('1'.repeat(n))]).toBeGreaterThan(lastOne);
        expect(p[after('0'.repeat(n))]).toBeLessThan(lastZero);
        [lastOne, lastZero] = [p[after('1'.repeat(n))], p[after('0'.repeat(n))]];
      }
    }
  });

  it('count a run up to its limit', () => {
    expect(HISTORY_WEIGHT[after('1'.repeat(60))]).toBe(40);
    expect(NEXT_HISTORY[2 * after('1'.repeat(60)) + 1]).toBe(after('1'.repeat(60)));
  });

  it('forget a long run when the other bit comes', () => {
    expect(HISTORY_WEIGHT[after(`${'1'.repeat(40)}0`)]).toBe(8);
    for (const p of Object.values(PRIMED_HISTORIES)) {
      expect(p[after(`${'1'.repeat(40)}000`)]).toBeLessThan(p[after('1110')]);
    }
  });

  it('are symmetric in 0 and 1', () => {
    for (const bits of ['0', '01', '0010', '111110', '0101011', '1110000001']) {
      const mirrored = bits.replace(/./g, (y) => (y === '0' ? '1' : '0'));
      expect(HISTORY_WEIGHT[after(mirrored)]).toBe(HISTORY_WEIGHT[after(bits)]);
    }
  });
});
