/**
 * Makes the training texts of docs/reproduction.md, stand-ins for enwik8, enwik7 and enwik6: 100, 10 and 1 million bytes.
 *
 *     node tools/thesis-text.mjs WIKI PROSE OUT
 *
 * WIKI and PROSE are folders of texts. Of every file the last 1.5 % are left out. The small texts are a hundred pieces of
 * the wiki text, evenly spread, the smallest's the beginnings of the larger's; the largest is all wiki text and then prose. Each
 * ends with the same 100,000 bytes of what was left out of the wiki text, which `lmz train --held` keeps for validation.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [wiki, prose, out] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: node tools/thesis-text.mjs WIKI PROSE OUT');

/** @returns {[Buffer, Buffer]} what to train on, and what not */
function read(folder) {
  const files = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)));
  const end = (file) => file.length - Math.floor(file.length * 0.015);
  return [
    Buffer.concat(files.map((file) => file.subarray(0, end(file)))),
    Buffer.concat(files.map((file) => file.subarray(end(file)))),
  ];
}

function spread(text, pieces, size) {
  return Buffer.concat(
    Array.from({ length: pieces }, (_, i) => {
      const from = Math.floor((i * text.length) / pieces);
      return text.subarray(from, from + size);
    }),
  );
}

const [training, held] = read(wiki);
const validation = spread(held, 50, 2000);
const texts = {
  '1M': spread(training, 100, 10_000),
  '10M': spread(training, 100, 100_000),
  '100M': Buffer.concat([training, read(prose)[0]]).subarray(0, 100_000_000),
};
mkdirSync(out, { recursive: true });
for (const [size, text] of Object.entries(texts)) {
  writeFileSync(join(out, `enwik-like-${size}.txt`), Buffer.concat([text, validation]));
}
