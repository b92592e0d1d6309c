import { describe, expect, it } from 'vitest';
import { compress, decompress, type LmzErrorCode, readInfo } from '../../src/index.ts';
import { encodeMix } from '../../src/codec/chunk.ts';
import { createMixEncoder } from '../../src/mix/byte-coder.ts';
import { xxh64 } from '../../src/digest.ts';
import { loadModel } from '../../src/index.ts';
import { openSession } from '../../src/model/session.ts';
import type { MixParameters } from '../../src/mix/parameters.ts';
import { fixtureModel } from '../support/models.ts';
import { endOf, largestAllocation, outcome } from '../support/outcome.ts';
import { decodeByIndex, decodeByStream } from '../support/routes.ts';
import {
  bytes,
  coded,
  concat,
  FLAG,
  type HeaderFields,
  longVarint,
  member,
  namesModel,
  stored,
  type Varint,
  varint,
} from '../support/sections.ts';
import { sha256 } from '../../src/digest.ts';

const order1 = fixtureModel('good-order1-256');
const ascii = fixtureModel('good-ascii-128');
const fish = new TextEncoder().encode('one fish, two fish, red fish, blue fish');
const standard: MixParameters = {
  profile: 'text',
  contexts: 'standard',
  tableBits: 16,
  languageModel: false,
};

/** A stream of predictor 2 without a model. */
function streamOf(mix: MixParameters, starts: readonly number[]) {
  const encoder = createMixEncoder(fish, starts, mix);
  encoder.codeRun(fish.length);
  return encoder.finish();
}
const good = streamOf(standard, [0, fish.length]);
const model = loadModel(order1);
const session = await openSession(model);
const openModel = { session, contract: model.contract };
const mixed = await encodeMix(fish, 1, { ...standard, languageModel: true }, openModel);
await session.release();
const [mixedPayload] = mixed.payload;

interface Fields {
  payload: Uint8Array;
  lanes: Varint;
  padding: number;
  mixing: number;
  tableBits: number;
  extra: Uint8Array;
  rawSize: number;
}

/** A frame of predictor 2 with something changed, in a member that is otherwise right. */
function file(change: Partial<Fields>, header: HeaderFields = {}): Uint8Array {
  const fields = {
    payload: good.bytes,
    lanes: 1,
    padding: good.paddedBits,
    mixing: 0,
    tableBits: 16,
    ...change,
  };
  const { payload, lanes, padding, mixing, tableBits, extra = bytes(), rawSize = fish.length } = fields;
  const parameters = concat(varint(lanes), bytes(padding, mixing, tableBits), extra);
  const frame = coded({ rawSize, payload, checksum: xxh64(fish), predictor: 2, parameters });
  return member({ frames: [frame], content: fish, header });
}

interface Case {
  name: string;
  file: Uint8Array;
  code: LmzErrorCode;
  /** What readInfo says: it decodes nothing. */
  info?: LmzErrorCode | 'ok';
  model?: Uint8Array;
}

const named = namesModel(order1);
const bound = {
  flags: FLAG.model | FLAG.bound,
  rest: concat(sha256(order1), varint(2), new Uint8Array(32), varint(1), bytes(65)),
};
const last = mixedPayload.at(-1)!;
const mixedPadding = 31 - Math.clz32(last & -last);
const cases: Case[] = [
  { name: 'lanes 0', file: file({ lanes: 0 }), code: 'LMZ_CORRUPT' },
  { name: 'lanes 257', file: file({ lanes: 257 }), code: 'LMZ_CORRUPT' },
  { name: 'lanes not minimal', file: file({ lanes: longVarint(1, 2) }), code: 'LMZ_CORRUPT' },
  { name: 'other lanes', file: file({ lanes: 3 }), code: 'LMZ_CORRUPT', info: 'ok' },
  ...[3, 4, 5, 6, 7].map((bit): Case => {
    const padding = good.paddedBits | (1 << bit);
    return { name: `padding bit ${bit}`, file: file({ padding }), code: 'LMZ_UNSUPPORTED' };
  }),
  {
    name: 'other padded bits',
    file: file({ padding: (good.paddedBits + 1) % 8 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  { name: 'padding of nothing', file: file({ payload: bytes(), padding: 1 }), code: 'LMZ_CORRUPT' },
  { name: 'an empty payload', file: file({ payload: bytes(), padding: 0 }), code: 'LMZ_CORRUPT', info: 'ok' },
  { name: 'contexts 3', file: file({ mixing: 12 }), code: 'LMZ_UNSUPPORTED' },
  ...[4, 5, 6, 7].map((bit): Case => {
    return { name: `mixing bit ${bit}`, file: file({ mixing: 1 << bit }), code: 'LMZ_UNSUPPORTED' };
  }),
  { name: 'other contexts', file: file({ mixing: 4 }), code: 'LMZ_CORRUPT', info: 'ok' },
  { name: 'the other profile', file: file({ mixing: 2 }), code: 'LMZ_CORRUPT', info: 'ok' },
  ...[0, 15, 29, 64, 255].map((tableBits): Case => {
    return { name: `table bits ${tableBits}`, file: file({ tableBits }), code: 'LMZ_CORRUPT' };
  }),
  { name: 'parameters too long', file: file({ extra: bytes(0) }), code: 'LMZ_CORRUPT' },
  { name: 'a model that the header does not name', file: file({ mixing: 1 }), code: 'LMZ_CORRUPT' },
  { name: 'a model that took no part', file: file({ mixing: 1 }, named), code: 'LMZ_CORRUPT', info: 'ok' },
  {
    name: 'a model that took part, unsaid',
    file: file({ payload: mixedPayload, padding: mixedPadding }, named),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'a model of 128 symbols',
    file: file({ payload: mixedPayload, padding: mixedPadding, mixing: 1 }, namesModel(ascii)),
    code: 'LMZ_CORRUPT',
    info: 'ok',
    model: ascii,
  },
  { name: 'lanes other than those bound', file: file({ mixing: 1 }, bound), code: 'LMZ_CORRUPT' },
  {
    name: 'a byte too few',
    file: file({ payload: good.bytes.slice(0, -1) }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'a byte too many',
    file: file({ payload: concat(good.bytes, bytes(128)), padding: 7 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'noise',
    file: file({ payload: new Uint8Array(40).fill(0x5b), padding: 0 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
];

describe('hand-built frames of predictor 2', () => {
  it.each(cases)('$name: $code', async ({ file: hostile, code, info, model: given }) => {
    const needs = { model: given ?? order1, threads: 1 };
    expect(await outcome(() => decompress(hostile, needs))).toBe(code);
    expect(endOf((await decodeByStream([hostile], needs)).error)).toBe(code);
    expect(await outcome(() => decodeByIndex(hostile, needs))).toBe(code);
    expect(await outcome(() => readInfo(hostile))).toBe(info ?? code);
  });

  it('are refused for what is wrong in them: without it they decode', async () => {
    expect(await decompress(file({}))).toEqual(fish);
    const threeLanes = streamOf(standard, [0, 13, 26, 39]);
    const three = file({ payload: threeLanes.bytes, padding: threeLanes.paddedBits, lanes: 3 });
    expect(await decompress(three)).toEqual(fish);
    const withModel = file({ payload: mixedPayload, padding: mixedPadding, mixing: 1 }, named);
    expect(await decompress(withModel, { model: order1 })).toEqual(fish);
    // A frame without the model needs neither it nor the lanes that the header binds.
    expect(await decompress(file({}, named), { model: ascii })).toEqual(fish);
    expect(await decompress(file({}, bound))).toEqual(fish);
    expect(file({}, { chunkSize: 4 << 20 })).toEqual(await compress(fish, { mode: 'mix', level: 4 }));
  });

  it('cost memory only up to the limit, and only where they are decoded', async () => {
    const huge = file({ tableBits: 28 });
    const needs = { memoryLimit: 200e6, threads: 1 };
    const refused = await largestAllocation(async () => {
      expect(await outcome(() => decompress(huge, needs))).toBe('LMZ_MEMORY_LIMIT');
      expect(await outcome(() => decodeByIndex(huge, needs))).toBe('LMZ_MEMORY_LIMIT');
    });
    expect(refused).toBeLessThan(1 << 20);
    expect((await readInfo(huge)).members[0].frames[0].mixing?.tableBits).toBe(28);
    // In a member with a stored frame before it, that one still comes out.
    const parameters = bytes(1, good.paddedBits, 0, 28);
    const frame = coded({
      rawSize: fish.length,
      payload: good.bytes,
      checksum: xxh64(fish),
      predictor: 2,
      parameters,
    });
    const two = member({ frames: [stored(fish), frame], content: concat(fish, fish) });
    const { output, error } = await decodeByStream([two], needs);
    expect(endOf(error)).toBe('LMZ_MEMORY_LIMIT');
    expect(output).toEqual(fish);
  });
});
