import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { calibrate, calibrationText } from '../../src/train/calibrate.ts';
import { ColumnRounder, type Moments, unitMoments } from '../../src/train/column-rounding.ts';
import { createOrtEngine } from '../../src/train/engine-ort.ts';
import { Random } from '../../src/train/random.ts';
import { recurrentNetwork } from '../../src/train/recurrent.ts';
import { emptyBatch, LaneReader } from '../../src/train/stream.ts';
import { RowSums } from '../../src/train/tables.ts';
import { randomWeights, TINY, tinyCategories, tinyText } from './tiny.ts';

/** Inputs that move together: a few hidden causes behind all of them. */
function correlated(inputs: number, seed: number): { samples: Float64Array[]; moments: Moments } {
  const random = new Random(seed);
  const causes = 3;
  const loads = Float64Array.from({ length: inputs * causes }, () => random.normal());
  const samples = Array.from({ length: 200 }, () => {
    const cause = Array.from({ length: causes }, () => 1 + random.normal());
    return Float64Array.from({ length: inputs }, (_, i) =>
      cause.reduce((sum, value, c) => sum + value * loads[i * causes + c], 0.1 * random.normal()),
    );
  });
  const mean = new Float64Array(inputs);
  const second = new Float64Array(inputs * inputs);
  for (const x of samples) {
    for (let i = 0; i < inputs; i++) {
      mean[i] += x[i] / samples.length;
      for (let k = 0; k < inputs; k++) second[i * inputs + k] += (x[i] * x[k]) / samples.length;
    }
  }
  return { samples, moments: { inputs, mean, second } };
}

describe('columns', () => {
  test('inputs without correlation: every entry to the nearest, within +-127', () => {
    const entry = fc.double({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (values) => {
        const column = Float64Array.from(values);
        const { rounded, exponent } = new ColumnRounder(unitMoments(column.length), false).round(column);
        const limit = 127 / 2 ** exponent;
        rounded.forEach((value, i) => {
          const wanted = Math.max(-limit, Math.min(limit, column[i]));
          expect(Math.abs(value / 2 ** exponent - wanted)).toBeLessThanOrEqual(0.5000001 / 2 ** exponent);
        });
      }),
    );
  });

  test('correlated inputs: sums change far less than by rounding to the nearest', () => {
    const inputs = 24;
    const { samples, moments } = correlated(inputs, 5);
    const plain = new ColumnRounder(unitMoments(inputs), false);
    const fitted = new ColumnRounder(moments, false);
    const random = new Random(9);
    let [nearest, least] = [0, 0];
    for (let column = 0; column < 10; column++) {
      const weights = Float64Array.from({ length: inputs }, () => random.normal());
      const change = ({ rounded, exponent }: ReturnType<ColumnRounder['round']>): number =>
        samples.reduce((sum, x) => {
          const error = x.reduce((s, value, i) => s + value * (rounded[i] / 2 ** exponent - weights[i]), 0);
          return sum + error * error;
        }, 0);
      nearest += change(plain.round(weights));
      least += change(fitted.round(weights));
    }
    expect(least).toBeLessThan(nearest / 4);
  });

  test('inputs that never change are no reason to fail', () => {
    const moments = { inputs: 3, mean: new Float64Array(3), second: new Float64Array(9) };
    expect([...new ColumnRounder(moments, true).round(Float64Array.of(0, 0, 0)).rounded]).toEqual([0, 0, 0]);
    expect([...new ColumnRounder(moments, true).round(Float64Array.of(1, 0.5, 0)).rounded]).toEqual([
      64, 32, 0,
    ]);
  });
});

describe.each([TINY, { ...TINY, cell: 'minimal' as const }])('calibration, $cell', (config) => {
  const { parameters, tables } = randomWeights(config, 4);

  test('the states that it sees are those of the network', async () => {
    const network = recurrentNetwork(config);
    const shape = { lanes: 1, steps: 1 };
    const engine = await createOrtEngine(network, shape);
    const rows = RowSums.of(tables, config.width);
    const reader = new LaneReader(network.embedding);
    const batch = emptyBatch(network.embedding, shape);
    const embedded = new Float32Array(config.width);
    const text = tinyText(6, 3);
    let states: Record<string, Float32Array> = { hidden: new Float32Array(config.units) };
    const sum = new Float64Array(config.units);
    for (let t = 0; t < text.length; t++) {
      reader.read(text, t, batch, 0, shape);
      rows.gather(batch.rows, embedded);
      ({ states } = await engine.evaluate(parameters, { embedded, targets: batch.targets, states }));
      states['hidden'].forEach((value, i) => (sum[i] += value));
      const { state, input } = calibrate(config, parameters, tables, [text.subarray(0, t + 1)]);
      state.mean.forEach((value, i) => {
        expect(value).toBeCloseTo(sum[i] / (t + 1), 5);
      });
      expect(input.inputs).toBe(config.width);
    }
    await engine.release();
  });

  test('moments of the hidden layer are those of values from 0 to 1', () => {
    const { hidden } = calibrate(config, parameters, tables, [tinyText(300, 8)]);
    hidden.mean.forEach((mean, i) => {
      const second = hidden.second[i * config.hidden + i];
      expect(mean).toBeGreaterThanOrEqual(0);
      expect(second).toBeLessThanOrEqual(mean + 1e-9);
      expect(second).toBeGreaterThanOrEqual(mean * mean - 1e-9);
    });
  });
});

test('calibration text comes from all categories, short ones too', () => {
  const pieces = calibrationText(tinyCategories());
  expect(pieces.length).toBe(32);
  expect(pieces.every(({ length }) => length > 0)).toBe(true);
});
