import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GOLDEN } from '../fixtures/golden.ts';
import { decode } from '../spec/decoder.ts';
import { openSource } from '../src/codec/byte-source.ts';
import { encodeMix } from '../src/codec/chunk.ts';
import { frameOffsets, locateFrame, locateMembers } from '../src/codec/members.ts';
import { compress, decompress } from '../src/index.ts';
import { loadModel } from '../src/model/load.ts';
import { openSession } from '../src/model/session.ts';

const folder = new URL('../fixtures/golden/', import.meta.url);

/** A file's one frame of content, behind an embedded model, and what the encoder writes by that frame's parameters. */
async function contentFrame(file: Uint8Array, content: Uint8Array, modelBytes: Uint8Array) {
  const source = await openSource(file);
  const [member] = await locateMembers(source);
  const offsets = [...frameOffsets(member)];
  const last = offsets.length - 1;
  const { frame, offset, payloadOffset } = await locateFrame(source, member, last, offsets[last]);
  if (frame.type !== 'coded' || !frame.parameters || !('mix' in frame.parameters)) {
    throw new Error('the frame is not of predictor 2');
  }
  const { lanes, mix } = frame.parameters;
  const model = loadModel(modelBytes);
  const session = await openSession(model, { lanes });
  const { header, payload } = await encodeMix(content, lanes, mix, { session, contract: model.contract });
  await session.release();
  return {
    written: Buffer.concat([header, ...payload]),
    stored: Buffer.from(file.subarray(offset, payloadOffset + frame.payloadSize)),
  };
}

describe('golden files', () => {
  test('every file is described, and every description has its file', () => {
    expect(readdirSync(folder).sort()).toEqual(GOLDEN.map(({ name }) => `${name}.lmz`).sort());
  });

  test.each(GOLDEN)(
    '$name decodes with both decoders, and is what the encoder writes',
    async ({ name, content, options, onlyRead }) => {
      const file = new Uint8Array(readFileSync(new URL(`${name}.lmz`, folder)));
      const model = options.model instanceof Uint8Array ? options.model : undefined;
      expect(Buffer.compare(await decompress(file, model ? { model } : {}), content)).toBe(0);
      expect(Buffer.compare(await decode(file, { models: model ? [model] : [] }), content)).toBe(0);
      // A predictor version never changes what it writes; an encoder that writes something else needs a new one.
      if (!onlyRead) {
        expect(Buffer.compare(await compress(content, options), file)).toBe(0);
      } else {
        const { written, stored } = await contentFrame(file, content, model!);
        expect(written.equals(stored)).toBe(true);
      }
    },
  );
});
