/** Links and names of files in the documents. */
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { DOCUMENTS, readDocument, ROOT } from './documents.ts';

/** Code that names a file of the repository: a known folder, then no placeholder. */
const FILE = /^(?:src|test|tools|bench|docs|spec|models|fixtures|\.ci)\/[a-z0-9_./-]*$/;

test('there are documents', () => {
  expect(DOCUMENTS).toEqual(
    expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/api.md', 'spec/lmz-format.md']),
  );
});

test.for(DOCUMENTS)('links of %s lead somewhere', (path) => {
  const { links } = readDocument(path);
  const faults = links
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [file, anchor = ''] = link.split('#');
      const target = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== '' && !readDocument(target).anchors.has(anchor);
    });
  expect(faults).toEqual([]);
});

test.for(DOCUMENTS)('files that %s names are there', (path) => {
  const { inline } = readDocument(path);
  expect(inline.filter((code) => FILE.test(code) && !existsSync(join(ROOT, code)))).toEqual([]);
});
