import { describe, expect, it } from 'vitest';
import {
  compress,
  decompress,
  type DecodeOptions,
  type LmzErrorCode,
  openLmz,
  readInfo,
} from '../../src/index.ts';
import { sha256, xxh64 } from '../../src/digest.ts';
import { fixtureModel } from '../support/models.ts';
import { endOf, largestAllocation, outcome } from '../support/outcome.ts';
import { decodeByIndex, decodeByStream, split } from '../support/routes.ts';
import {
  bytes,
  coded,
  type CodedFields,
  concat,
  FLAG,
  footer,
  header,
  longVarint,
  member,
  type MemberFields,
  modelFrame,
  namesModel,
  type Part,
  readVarint,
  regionsOf,
  section,
  sectionsOf,
  skippable,
  stored,
  TYPE,
  u64,
  varint,
} from '../support/sections.ts';

const order1 = fixtureModel('good-order1-256');
const ascii = fixtureModel('good-ascii-128');
const fish = new TextEncoder().encode('one fish, two fish');
const high = new TextEncoder().encode('déjà vu');
const options: DecodeOptions = { model: order1, threads: 1 };

const named = namesModel(order1);
const zeros = (size: number) => new Uint8Array(size);

/** A member of one stored frame, which then is what the case says. */
function one(frame: Part | readonly Part[], fields: MemberFields = {}): Uint8Array {
  return member({ frames: Array.isArray(frame) ? (frame as Part[]) : [frame as Part], ...fields });
}

/** The coded frame of a one-chunk content, taken apart, so that one field at a time can be changed. */
async function codedFields(content: Uint8Array, model: Uint8Array, lanes = 1): Promise<CodedFields> {
  const file = await compress(content, { mode: 'lm', model, lanes });
  const region = (field: string) => regionsOf(file).find((r) => r.section === 'coded' && r.field === field)!;
  const body = file.subarray(region('body').start, region('body').end);
  const payload = file.subarray(region('payload').start, region('payload').end);
  // The last three fields: lanes (below 128), padding, mask size (below 128).
  const [padding, maskSize] = body.subarray(-2);
  return { rawSize: content.length, payload, checksum: xxh64(content), lanes, padding, maskSize };
}

const good = await codedFields(fish, order1);
const masked = await codedFields(high, ascii);
const goodMember = one(coded(good), { header: named, content: fish });
const storedMember = one(stored(fish), { content: fish });
const platform = (lanes: number, runtime: Uint8Array, runtimeLength = runtime.length) =>
  concat(sha256(order1), varint(lanes), zeros(32), varint(runtimeLength), runtime);
const bound = (lanes: number, runtime = bytes(65), runtimeLength = runtime.length) =>
  member({
    header: { flags: FLAG.model | FLAG.bound, rest: platform(lanes, runtime, runtimeLength) },
  });
/** A coded frame with something changed, in a member that is otherwise right. */
const codedWith = (change: Partial<CodedFields>, fields: MemberFields = {}) =>
  one(coded({ ...good, ...change }), { header: named, content: fish, ...fields });
const maskedWith = (change: Partial<CodedFields>) =>
  one(coded({ ...masked, ...change }), { header: namesModel(ascii), content: high });

interface Case {
  name: string;
  file: Uint8Array;
  /** What every route says. */
  code: LmzErrorCode;
  /** Where random access and readInfo differ: they do not look at what this case breaks. */
  byIndex?: LmzErrorCode | 'ok';
  info?: LmzErrorCode | 'ok';
  /** A model other than the order-1 one. */
  model?: Uint8Array;
}

const headers: Case[] = [
  { name: 'version 0', file: member({ header: { version: 0 } }), code: 'LMZ_UNSUPPORTED' },
  { name: 'version 2', file: member({ header: { version: 2 } }), code: 'LMZ_UNSUPPORTED' },
  {
    name: 'version 2 with a body that this release cannot read',
    file: member({ header: { version: 2, body: bytes(255, 255, 255) } }),
    code: 'LMZ_UNSUPPORTED',
  },
  ...[4, 5, 6, 7].map((bit): Case => {
    const file = member({ header: { flags: 1 << bit } });
    return { name: `reserved flag bit ${bit}`, file, code: 'LMZ_UNSUPPORTED' };
  }),
  { name: 'an embedded model without a name', file: member({ header: { flags: 4 } }), code: 'LMZ_CORRUPT' },
  { name: 'a platform without a model', file: member({ header: { flags: 8 } }), code: 'LMZ_CORRUPT' },
  { name: 'chunk size 0', file: member({ header: { chunkSize: 0 } }), code: 'LMZ_CORRUPT' },
  { name: 'chunk size 2^30 + 1', file: member({ header: { chunkSize: 2 ** 30 + 1 } }), code: 'LMZ_CORRUPT' },
  { name: 'chunk size 2^50', file: member({ header: { chunkSize: 2 ** 50 } }), code: 'LMZ_CORRUPT' },
  { name: 'chunk size 2^53', file: member({ header: { chunkSize: 2n ** 53n } }), code: 'LMZ_CORRUPT' },
  {
    name: 'a chunk size that is not minimal',
    file: member({ header: { chunkSize: longVarint(100, 2) } }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a chunk size of 9 bytes',
    file: member({ header: { chunkSize: longVarint(100, 9) } }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a body size that is not minimal',
    file: member({ header: { bodySize: longVarint(4, 2) } }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'a body size of 4097', file: header({ body: zeros(4097) }), code: 'LMZ_CORRUPT' },
  { name: 'a body size of 2^50', file: header({ bodySize: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  { name: 'a body size of 4096 that is not there', file: header({ bodySize: 4096 }), code: 'LMZ_TRUNCATED' },
  { name: 'a body of nothing', file: member({ header: { body: bytes() } }), code: 'LMZ_CORRUPT' },
  { name: 'a body without chunk size', file: member({ header: { body: bytes(0) } }), code: 'LMZ_CORRUPT' },
  { name: 'bytes left over', file: member({ header: { rest: bytes(0) } }), code: 'LMZ_CORRUPT' },
  { name: 'no model hash', file: member({ header: { flags: FLAG.model } }), code: 'LMZ_CORRUPT' },
  {
    name: 'half a model hash',
    file: member({ header: { flags: FLAG.model, rest: zeros(16) } }),
    code: 'LMZ_CORRUPT',
  },
  { name: '0 lanes bound', file: bound(0), code: 'LMZ_CORRUPT' },
  { name: '257 lanes bound', file: bound(257), code: 'LMZ_CORRUPT' },
  { name: 'a runtime of 257 bytes', file: bound(1, new Uint8Array(257).fill(65)), code: 'LMZ_CORRUPT' },
  { name: 'a runtime shorter than its size', file: bound(1, bytes(65), 2), code: 'LMZ_CORRUPT' },
  { name: 'a runtime longer than its size', file: bound(1, bytes(65, 66), 1), code: 'LMZ_CORRUPT' },
  ...[0x00, 0x0a, 0x1b, 0x1f, 0x7f, 0x9b, 0xff].map((byte): Case => {
    return { name: `a runtime with the byte ${byte}`, file: bound(1, bytes(byte)), code: 'LMZ_CORRUPT' };
  }),
];

const badCrc = (file: Uint8Array, at: number) => {
  const copy = file.slice();
  copy[at] ^= 1;
  return copy;
};

const storedFrames: Case[] = [
  // Random access looks at frames with content only.
  { name: 'raw size 0', file: one(stored(bytes())), code: 'LMZ_CORRUPT', byIndex: 'ok' },
  {
    name: 'raw size past the chunk size',
    file: one(stored(fish), { header: { chunkSize: 17 }, content: fish }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'raw size 2^30 + 1',
    file: concat(header({ chunkSize: 2 ** 30 }), stored(fish, { rawSize: 2 ** 30 + 1 }).bytes),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'raw size 2^50',
    file: concat(header(), stored(fish, { rawSize: 2 ** 50 }).bytes),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'raw size 2^30 that is not there',
    file: concat(header({ chunkSize: 2 ** 30 }), stored(fish, { rawSize: 2 ** 30 }).bytes),
    code: 'LMZ_TRUNCATED',
  },
  {
    name: 'raw size that is not minimal',
    file: one(stored(fish, { rawSize: longVarint(18, 2) }), { content: fish }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'raw size of 9 bytes',
    file: one(stored(fish, { rawSize: longVarint(18, 9) }), { content: fish }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a wrong checksum',
    file: one(stored(fish, { checksum: 1n }), { content: fish }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'bytes left over in the header',
    file: one(stored(fish, { extra: bytes(0) }), { content: fish }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'an empty header', file: concat(header(), section(TYPE.stored, bytes())), code: 'LMZ_CORRUPT' },
  {
    name: 'a header of 256 bytes',
    file: one(stored(fish, { extra: zeros(256 - 9) }), { content: fish }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a header of 2^50 bytes',
    file: concat(header(), section(TYPE.stored, fish, 2 ** 50)),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a header size that is not minimal',
    file: concat(header(), section(TYPE.stored, bytes(1, 0, 0, 0, 0, 0, 0, 0, 0), longVarint(9, 2))),
    code: 'LMZ_CORRUPT',
  },
  ...[0, 5, 0x4f, 0x60, 0xff].flatMap((type): Case[] => {
    const frame = { bytes: section(type, bytes(0)), rawSize: 0 };
    const file = one(frame);
    const broken = badCrc(file, header().length + 3);
    return [
      // Random access looks at frames with content only.
      { name: `type ${type}`, file, code: 'LMZ_UNSUPPORTED', byIndex: 'ok' },
      { name: `type ${type}, damaged`, file: broken, code: 'LMZ_CORRUPT', byIndex: 'ok' },
    ];
  }),
];

const frameOf = (fields: CodedFields) =>
  concat(header({ ...named, chunkSize: 2 ** 30 }), coded(fields).bytes);
const codedFrames: Case[] = [
  {
    name: 'raw size 0',
    file: codedWith({ rawSize: 0, payload: bytes() }),
    code: 'LMZ_CORRUPT',
    byIndex: 'ok',
  },
  {
    name: 'raw size past the chunk size',
    file: codedWith({}, { header: { ...named, chunkSize: 17 } }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'raw size 2^50', file: frameOf({ ...good, rawSize: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  { name: 'payload size 2^50', file: frameOf({ ...good, payloadSize: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  {
    name: 'payload size one past its limit',
    file: frameOf({ ...good, payloadSize: 4 * fish.length + 17 }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'payload size at its limit, but not there',
    file: frameOf({ ...good, payloadSize: 4 * fish.length + 16 }),
    code: 'LMZ_TRUNCATED',
  },
  { name: 'predictor 0', file: codedWith({ predictor: 0 }), code: 'LMZ_UNSUPPORTED', info: 'ok' },
  {
    name: 'predictor 3 with parameters of its own',
    file: codedWith({ predictor: 3, parameters: bytes(255, 255) }),
    code: 'LMZ_UNSUPPORTED',
    info: 'ok',
  },
  { name: 'predictor 2^50', file: codedWith({ predictor: 2 ** 50 }), code: 'LMZ_UNSUPPORTED', info: 'ok' },
  {
    name: 'predictor that is not minimal',
    file: codedWith({ predictor: longVarint(1, 2) }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'lanes 0', file: codedWith({ lanes: 0 }), code: 'LMZ_CORRUPT' },
  { name: 'lanes 257', file: codedWith({ lanes: 257 }), code: 'LMZ_CORRUPT' },
  { name: 'lanes 2^50', file: codedWith({ lanes: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  { name: 'other lanes', file: codedWith({ lanes: 2 }), code: 'LMZ_CORRUPT', info: 'ok' },
  { name: 'padding bit 6', file: codedWith({ padding: good.padding! | 64 }), code: 'LMZ_UNSUPPORTED' },
  { name: 'padding bit 7', file: codedWith({ padding: good.padding! | 128 }), code: 'LMZ_UNSUPPORTED' },
  ...Array.from({ length: 8 }, (_, padding) => padding)
    .filter((padding) => padding !== good.padding)
    .map((padding): Case => {
      const name = `${padding} padded bits in place of ${good.padding!}`;
      return { name, file: codedWith({ padding }), code: 'LMZ_CORRUPT', info: 'ok' };
    }),
  {
    name: 'padding of a mask that is not there',
    file: codedWith({ padding: good.padding! | 8 }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'padding of symbols that are not there',
    file: codedWith({ payload: bytes(), padding: 1 }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a mask past the payload',
    file: codedWith({ maskSize: good.payload.length + 1 }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'a mask of 2^50', file: codedWith({ maskSize: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  {
    name: 'a mask with a model of 256 symbols',
    file: codedWith({ payload: concat(good.payload, bytes(1)), maskSize: 1 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  { name: 'parameters too long', file: codedWith({ extra: bytes(0) }), code: 'LMZ_CORRUPT' },
  { name: 'parameters missing', file: codedWith({ parameters: bytes() }), code: 'LMZ_CORRUPT' },
  { name: 'no model in the header', file: codedWith({}, { header: {} }), code: 'LMZ_CORRUPT' },
  { name: 'a wrong checksum', file: codedWith({ checksum: 1n }), code: 'LMZ_CORRUPT', info: 'ok' },
  {
    name: 'an empty payload',
    file: codedWith({ payload: bytes(), padding: 0 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'a zero byte too many',
    file: codedWith({ payload: concat(good.payload, bytes(0)) }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'a one bit too many',
    file: codedWith({ payload: concat(good.payload, bytes(1)), padding: 0 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'a byte too few',
    file: codedWith({ payload: good.payload.subarray(0, -1) }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'nothing but ones',
    file: codedWith({ payload: zeros(20).fill(255), padding: 0 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'fewer raw bytes than were coded',
    file: codedWith(
      { rawSize: 17, checksum: xxh64(fish.subarray(0, 17)) },
      { content: fish.subarray(0, 17) },
    ),
    code: 'LMZ_CORRUPT',
    info: 'ok',
  },
  {
    name: 'lanes other than those bound',
    file: codedWith({}, { header: { flags: FLAG.model | FLAG.bound, rest: platform(2, bytes(65)) } }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'a mask cut short',
    file: maskedWith({ payload: masked.payload.subarray(0, -1), maskSize: Number(masked.maskSize) - 1 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
    model: ascii,
  },
  {
    name: 'a mask with a zero byte too many',
    file: maskedWith({ payload: concat(masked.payload, bytes(0)), maskSize: Number(masked.maskSize) + 1 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
    model: ascii,
  },
  {
    name: 'a mask missing',
    file: maskedWith({
      payload: masked.payload.subarray(0, -Number(masked.maskSize)),
      maskSize: 0,
      padding: masked.padding! & 7,
    }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
    model: ascii,
  },
  {
    name: 'other padded bits of the mask',
    file: maskedWith({ padding: masked.padding! ^ 8 }),
    code: 'LMZ_CORRUPT',
    info: 'ok',
    model: ascii,
  },
];

const embeddedHeader = namesModel(order1, FLAG.embedded);
const withModel = (...frames: Part[]) =>
  member({ header: embeddedHeader, frames, content: frames.length > 0 ? fish : bytes() });
const carries = (model: Uint8Array) =>
  member({
    header: namesModel(model, FLAG.embedded),
    frames: [modelFrame(model), coded(good)],
    content: fish,
  });
const models: Case[] = [
  { name: 'is missing', file: withModel(coded(good)), code: 'LMZ_CORRUPT' },
  {
    name: 'is missing where there is nothing else',
    file: withModel(),
    code: 'LMZ_CORRUPT',
  },
  { name: 'comes second', file: withModel(coded(good), modelFrame(order1)), code: 'LMZ_CORRUPT' },
  {
    name: 'comes after a skippable frame',
    file: withModel(skippable(bytes(1)), modelFrame(order1), coded(good)),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'comes twice',
    file: withModel(modelFrame(order1), modelFrame(order1), coded(good)),
    code: 'LMZ_CORRUPT',
    // Random access looks at frames with content only.
    byIndex: 'ok',
  },
  {
    name: 'stands where none was announced',
    file: member({ header: named, frames: [modelFrame(order1), coded(good)], content: fish }),
    code: 'LMZ_CORRUPT',
    byIndex: 'ok',
  },
  {
    name: 'is another one',
    file: withModel(modelFrame(ascii), coded(good)),
    code: 'LMZ_MODEL_MISMATCH',
    info: 'ok',
  },
  {
    name: 'is empty',
    file: withModel(modelFrame(bytes()), coded(good)),
    code: 'LMZ_MODEL_MISMATCH',
    info: 'ok',
  },
  {
    name: 'is past 2^30',
    file: concat(header(embeddedHeader), modelFrame(order1, 2 ** 30 + 1).bytes),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'is 2^50',
    file: concat(header(embeddedHeader), modelFrame(order1, 2 ** 50).bytes),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'is 2^30 that are not there',
    file: concat(header(embeddedHeader), modelFrame(order1, 2 ** 30).bytes),
    code: 'LMZ_TRUNCATED',
  },
  { name: 'is no ONNX', file: carries(fish), code: 'LMZ_MODEL_INVALID', info: 'ok' },
  ...['bad-external-data', 'bad-subgraph', 'bad-unknown-field', 'bad-custom-domain', 'bad-wrong-shape'].map(
    (name): Case => ({
      name: `is ${name}`,
      file: carries(fixtureModel(name)),
      code: 'LMZ_MODEL_INVALID',
      info: 'ok',
    }),
  ),
  ...['inexact-exp', 'inexact-float-weights', 'inexact-int8-saturates', 'inexact-state-range'].map(
    (name): Case => ({
      name: `is ${name}`,
      file: carries(fixtureModel(name)),
      code: 'LMZ_MODEL_NOT_EXACT',
      info: 'ok',
    }),
  ),
];

const skippables: Case[] = [
  { name: 'of 2^50 bytes', file: concat(header(), skippable(fish, 2 ** 50).bytes), code: 'LMZ_TRUNCATED' },
  // Its frame size, header and all, is no number that an index could hold.
  {
    name: 'of 2^53 - 1 bytes',
    file: concat(header(), skippable(fish, 2 ** 53 - 1).bytes),
    code: 'LMZ_CORRUPT',
  },
  { name: 'of 2^53 bytes', file: concat(header(), skippable(fish, 2n ** 53n).bytes), code: 'LMZ_CORRUPT' },
  { name: 'of 2^63 bytes', file: concat(header(), skippable(fish, 2n ** 63n).bytes), code: 'LMZ_CORRUPT' },
  { name: 'without a size', file: concat(header(), section(TYPE.skippable, bytes())), code: 'LMZ_CORRUPT' },
];

const frame = stored(fish);
const size = frame.bytes.length;
const indexed = (index: MemberFields['index'], fields: MemberFields = {}) =>
  one(frame, { content: fish, index: index!, ...fields });
const two = [stored(fish.subarray(0, 10)), stored(fish.subarray(10))];
const entriesOf = (parts: readonly Part[]) => parts.map((part) => [part.bytes.length, part.rawSize] as const);
const strayIndex = sectionsOf(storedMember).at(-2)!;
const indexes: Case[] = [
  { name: 'lists no frame', file: indexed({ entries: [] }), code: 'LMZ_CORRUPT' },
  {
    name: 'lists a frame too many',
    file: indexed({
      entries: [
        [size, 18],
        [0, 0],
      ],
    }),
    code: 'LMZ_CORRUPT',
    byIndex: 'ok',
  },
  { name: 'has a frame size too large', file: indexed({ entries: [[size + 1, 18]] }), code: 'LMZ_CORRUPT' },
  { name: 'has a frame size too small', file: indexed({ entries: [[size - 1, 18]] }), code: 'LMZ_CORRUPT' },
  {
    name: 'has a frame size of 0 and a larger header',
    file: indexed({ headerSize: header().length + size, entries: [[0, 18]] }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'has a raw size too large', file: indexed({ entries: [[size, 19]] }), code: 'LMZ_CORRUPT' },
  {
    name: 'has a raw size too large, as has the footer',
    file: indexed({ entries: [[size, 19]] }, { footer: { contentSize: 19n } }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has a raw size of 2^50, as has the footer',
    file: indexed({ entries: [[size, 2 ** 50]] }, { footer: { contentSize: 2n ** 50n } }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has a raw size of 2^30, as has the footer',
    file: indexed(
      { entries: [[size, 2 ** 30]] },
      { header: { chunkSize: 2 ** 30 }, footer: { contentSize: 2n ** 30n } },
    ),
    code: 'LMZ_CORRUPT',
  },
  { name: 'has a frame size of 2^50', file: indexed({ entries: [[2 ** 50, 18]] }), code: 'LMZ_CORRUPT' },
  { name: 'has a frame size of 2^53', file: indexed({ entries: [[2n ** 53n, 18]] }), code: 'LMZ_CORRUPT' },
  {
    name: 'has a raw size that is not minimal',
    file: indexed({ entries: [[size, longVarint(18, 2)]] }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has a frame size of 9 bytes',
    file: indexed({ entries: [[longVarint(size, 9), 18]] }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'lists an index as a frame',
    file: one([frame, { bytes: strayIndex, rawSize: 18 }], { content: concat(fish, fish) }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has its frames in another order',
    file: member({
      frames: [two[0], two[1]],
      content: fish,
      index: { entries: [entriesOf(two)[1], entriesOf(two)[0]] },
    }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has a header size too large',
    file: indexed({ headerSize: header().length + 1 }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'has a header size of 0', file: indexed({ headerSize: 0 }), code: 'LMZ_CORRUPT' },
  { name: 'has a header size of 2^50', file: indexed({ headerSize: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  { name: 'counts 2^50 frames', file: indexed({ count: 2 ** 50 }), code: 'LMZ_CORRUPT' },
  { name: 'counts 2^53 frames', file: indexed({ count: 2n ** 53n }), code: 'LMZ_CORRUPT' },
  { name: 'counts a frame too few', file: indexed({ count: 0 }), code: 'LMZ_CORRUPT' },
  { name: 'counts a frame too many', file: indexed({ count: 2 }), code: 'LMZ_CORRUPT' },
  {
    name: 'has a wrong content check',
    file: indexed({ check: u64(1n) }),
    code: 'LMZ_CORRUPT',
    // Random access verifies frames; the whole content is not read.
    byIndex: 'ok',
    info: 'ok',
  },
  { name: 'has no content check', file: indexed({ check: bytes() }), code: 'LMZ_CORRUPT' },
  {
    name: 'has 32 bytes of content check for XXH64',
    file: indexed({ check: sha256(fish) }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has 8 bytes of content check for SHA-256',
    file: indexed({ check: u64(xxh64(fish)) }, { header: { flags: FLAG.sha256 } }),
    code: 'LMZ_CORRUPT',
  },
  {
    name: 'has a wrong SHA-256',
    file: indexed({ check: sha256(order1) }, { header: { flags: FLAG.sha256 } }),
    code: 'LMZ_CORRUPT',
    byIndex: 'ok',
    info: 'ok',
  },
  {
    name: 'is past 2^28',
    file: concat(header(), section(TYPE.index, fish, 2 ** 28 + 1)),
    code: 'LMZ_CORRUPT',
  },
  { name: 'is 2^50', file: concat(header(), section(TYPE.index, fish, 2 ** 50)), code: 'LMZ_CORRUPT' },
  {
    name: 'is 2^28 that are not there',
    file: concat(header(), section(TYPE.index, fish, 2 ** 28)),
    code: 'LMZ_TRUNCATED',
  },
  { name: 'is empty', file: concat(header(), section(TYPE.index, bytes()), footer({})), code: 'LMZ_CORRUPT' },
  {
    name: 'is of size that is not minimal',
    file: member({ index: { bodySize: longVarint(10, 2) } }),
    code: 'LMZ_CORRUPT',
  },
];

const indexSize = sectionsOf(storedMember).at(-2)!.length;
const ended = (fields: MemberFields['footer']) => one(frame, { content: fish, footer: fields! });
const footers: Case[] = [
  { name: 'has an index size too large', file: ended({ indexSize: indexSize + 1 }), code: 'LMZ_CORRUPT' },
  { name: 'has an index size too small', file: ended({ indexSize: indexSize - 1 }), code: 'LMZ_CORRUPT' },
  { name: 'has an index size of 0', file: ended({ indexSize: 0 }), code: 'LMZ_CORRUPT' },
  { name: 'has an index size of 2^32 - 1', file: ended({ indexSize: 2 ** 32 - 1 }), code: 'LMZ_CORRUPT' },
  { name: 'has a content size too large', file: ended({ contentSize: 19n }), code: 'LMZ_CORRUPT' },
  { name: 'has a content size of 2^50', file: ended({ contentSize: 2n ** 50n }), code: 'LMZ_CORRUPT' },
  { name: 'has a content size of 2^53', file: ended({ contentSize: 2n ** 53n }), code: 'LMZ_CORRUPT' },
  {
    name: 'has a content size of 2^64 - 1',
    file: ended({ contentSize: 2n ** 64n - 1n }),
    code: 'LMZ_CORRUPT',
  },
  { name: 'has a wrong CRC-32', file: ended({ crc: 1 }), code: 'LMZ_CORRUPT' },
  { name: 'has a wrong magic', file: ended({ magic: fish.subarray(0, 4) }), code: 'LMZ_CORRUPT' },
  { name: 'is missing', file: storedMember.subarray(0, -20), code: 'LMZ_TRUNCATED' },
];

const magic = header().subarray(0, 6);
const trailing: Case[] = [
  ...[1, 5, 6, 20, 1000].map((count): Case => {
    return { name: `${count} zeros`, file: concat(storedMember, zeros(count)), code: 'LMZ_TRAILING_DATA' };
  }),
  { name: 'garbage', file: concat(storedMember, fish), code: 'LMZ_TRAILING_DATA' },
  { name: 'a line end', file: concat(storedMember, bytes(10)), code: 'LMZ_TRAILING_DATA' },
  {
    name: 'a second footer',
    file: concat(storedMember, storedMember.subarray(-20)),
    code: 'LMZ_TRAILING_DATA',
  },
  {
    name: 'a second index',
    file: concat(storedMember, ...sectionsOf(storedMember).slice(-2)),
    code: 'LMZ_TRAILING_DATA',
  },
  {
    name: 'a magic with its last byte wrong',
    file: concat(storedMember, magic.subarray(0, 5), bytes(0)),
    code: 'LMZ_TRAILING_DATA',
  },
  ...[1, 2, 3, 4, 5, 6].map((count): Case => {
    const name = `${count} bytes of a magic`;
    return { name, file: concat(storedMember, magic.subarray(0, count)), code: 'LMZ_TRUNCATED' };
  }),
  { name: 'half a member', file: concat(storedMember, storedMember.subarray(0, 50)), code: 'LMZ_TRUNCATED' },
  {
    name: 'a member of a later version',
    file: concat(storedMember, member({ header: { version: 9 } })),
    code: 'LMZ_UNSUPPORTED',
  },
];

const notLmz: Case[] = [
  { name: 'gzip', file: bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0), code: 'LMZ_NOT_LMZ' },
  { name: 'one wrong byte', file: bytes(0), code: 'LMZ_NOT_LMZ' },
  { name: 'text', file: fish, code: 'LMZ_NOT_LMZ' },
  {
    name: 'changed line ends',
    file: concat(magic.subarray(0, 4), bytes(10), storedMember.subarray(6)),
    code: 'LMZ_NOT_LMZ',
  },
  { name: 'zeros, then a member', file: concat(zeros(8), storedMember), code: 'LMZ_NOT_LMZ' },
  { name: 'a member without its first byte', file: storedMember.subarray(1), code: 'LMZ_NOT_LMZ' },
  { name: 'a footer alone', file: storedMember.subarray(-20), code: 'LMZ_NOT_LMZ' },
];

/** Nothing larger is allocated for any of these files: the file, a 64 KiB block of the queue and a model's copy are. */
const ALLOCATION_MAX = 1 << 17;

async function codes(file: Uint8Array, needs: DecodeOptions): Promise<Record<string, LmzErrorCode | 'ok'>> {
  const streamed = await decodeByStream(split(file, [3, 9, 20, 60, 61]), needs);
  return {
    oneShot: await outcome(() => decompress(file, needs)),
    stream: endOf(streamed.error),
    byIndex: await outcome(() => decodeByIndex(file, needs)),
    info: await outcome(() => readInfo(file)),
  };
}

describe.each([
  ['a header with', headers],
  ['a stored frame with', storedFrames],
  ['a coded frame with', codedFrames],
  ['an embedded model that', models],
  ['a skippable frame', skippables],
  ['an index that', indexes],
  ['a footer that', footers],
  ['a member followed by', trailing],
  ['a file of', notLmz],
])('%s', (_, cases) => {
  it.each(cases)('$name is $code', async ({ file, code, byIndex, info, model }) => {
    const needs = model ? { ...options, model } : options;
    let found: Record<string, LmzErrorCode | 'ok'> | undefined;
    const largest = await largestAllocation(async () => (found = await codes(file, needs)));
    expect(found).toEqual({ oneShot: code, stream: code, byIndex: byIndex ?? code, info: info ?? code });
    expect(largest).toBeLessThan(ALLOCATION_MAX);
  });
});

describe('hand-built files without a fault', () => {
  const files: [string, Uint8Array, Uint8Array, Uint8Array?][] = [
    ['an empty member', member(), bytes()],
    ['chunk size 2^30', member({ header: { chunkSize: 2 ** 30 } }), bytes()],
    ['a stored frame', storedMember, fish],
    ['a coded frame', goodMember, fish],
    ['a coded frame with a mask', maskedWith({}), high, ascii],
    ['a model on board', withModel(modelFrame(order1), coded(good)), fish, ascii],
    [
      'a model on board that nothing uses',
      member({ header: embeddedHeader, frames: [modelFrame(order1)] }),
      bytes(),
    ],
    ['frames of uneven sizes', member({ frames: two, content: fish }), fish],
    ['a SHA-256', one(frame, { content: fish, header: { flags: FLAG.sha256 } }), fish],
    ['a platform that nothing uses', bound(256, new Uint8Array(256).fill(126)), bytes()],
    [
      'skippable frames of all kinds',
      one([frame, ...Array.from({ length: 16 }, (_, kind) => skippable(zeros(kind), kind, kind))], {
        content: fish,
      }),
      fish,
    ],
    [
      'a skippable frame after the model',
      withModel(modelFrame(order1), skippable(fish), coded(good), skippable(bytes())),
      fish,
    ],
    ['two members of different kinds', concat(goodMember, storedMember, member()), concat(fish, fish)],
  ];

  it.each(files)(
    '(%s) decode by every route: the faults above are the only ones',
    async (_, file, content, model) => {
      const needs = { ...options, model: model ?? order1 };
      expect(await decompress(file, needs)).toEqual(content);
      expect(await decodeByStream([file], needs)).toEqual({ output: content, error: undefined });
      expect(await decodeByIndex(file, needs)).toEqual(content);
      expect((await readInfo(file)).size).toBe(content.length);
      // The walker of the tests agrees, or the bit flips would be tried in the wrong places.
      expect(regionsOf(file).at(-1)!.end).toBe(file.length);
      expect(readVarint(varint(2 ** 53 - 1), 0)!.value).toBe(2 ** 53 - 1);
    },
  );

  it('are what the encoder writes', async () => {
    expect(storedMember).toEqual(await compress(fish, { mode: 'stored', chunkSize: 1 << 16 }));
    expect(goodMember).toEqual(await compress(fish, { mode: 'lm', model: order1, chunkSize: 1 << 16 }));
  });

  it('list frames of a predictor that is unknown here', async () => {
    const info = await readInfo(codedWith({ predictor: 77, parameters: bytes(1, 2, 3) }));
    expect(info.members[0].frames[0]).toMatchObject({ type: 'coded', predictor: 77, size: fish.length });
    expect(info.members[0].frames[0]).not.toHaveProperty('lanes');
  });
});

describe('a very long index', () => {
  // As many frames as a call can have arguments, and more.
  it('is written and read', async () => {
    const count = 100_000;
    const tiny = stored(bytes(7));
    const file = member({
      header: { chunkSize: 1 },
      frames: Array.from({ length: count }, () => tiny),
      content: new Uint8Array(count).fill(7),
    });
    let decoded: Uint8Array | undefined;
    expect(await outcome(async () => (decoded = await decompress(file)))).toBe('ok');
    expect(decoded!.length).toBe(count);
    const reader = await openLmz(file);
    expect(reader.size).toBe(count);
    await reader.close();
  });
});
