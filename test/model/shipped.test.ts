/** What is trusted without an audit passes it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { loadModel } from '../../src/model/load.ts';
import { SHIPPED_HASHES } from '../../src/model/shipped.ts';

const folder = new URL('../../models/', import.meta.url);
const models = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => loadModel(new Uint8Array(readFileSync(new URL(name, folder)))));

describe('models of the release', () => {
  test('all pass the audit, and exactly they are trusted', () => {
    for (const { audit } of models) expect(audit).toBeDefined();
    expect(new Set(models.map(({ hash }) => toHex(hash)))).toEqual(SHIPPED_HASHES);
  });

  test('the package stays within its bounds', () => {
    for (const { bytes } of models) expect(bytes.length).toBeLessThan(24e6);
  });
});
