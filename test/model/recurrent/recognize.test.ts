/** Recognition of recurrent networks, by the graph alone. */
import { recognizeRecurrent } from '../../../src/model/recurrent/recognize.ts';
import { SLOW } from '../../support/runs.ts';
import { TINY, tinyText } from '../../train/tiny.ts';
import { testRecognition } from '../changes.ts';
import { randomModel } from './networks.ts';

const SIZES = { units: 3, width: 4, hidden: 2, rows: [7, 5, 11] } as const;

testRecognition({
  file: randomModel({ ...TINY, ...SIZES }, 4),
  recognize: recognizeRecurrent,
  expected: { gates: 3, ...SIZES },
  weights: /^"(tables|bias|from\w+|const_\d+)": byte/,
  tokens: tinyText(40, 3),
  time: 1,
  every: SLOW ? 1 : 2,
});
