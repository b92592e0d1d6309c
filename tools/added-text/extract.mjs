/**
 * From the files of a package to plain text: for every kind of file that `packages.json` names, how its prose is taken
 * out of the markup. Only what reads as English is given.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';

/** The entities that prose has most; the others become spaces. */
const ENTITIES = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', mdash: '—', ndash: '–', hellip: '…' },
  ...{ lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', copy: '©', eacute: 'é', uuml: 'ü' },
};

function entity(whole, name) {
  if (!name.startsWith('#')) return ENTITIES[name] ?? ' ';
  const code = Number(name[1] === 'x' || name[1] === 'X' ? `0${name.slice(1)}` : name.slice(1));
  return code >= 32 && code < 0x110000 && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ' ';
}

/** Paragraphs of prose and headings; code blocks, tables and lists of links go. */
function fromHtml(html) {
  const text = html
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(
      /<(script|style|head|pre|table|nav|footer|svg|math|form|select|programlisting|screen|informaltable)\b[\s\S]*?<\/\1\s*>/gi,
      '\n\n',
    )
    .replace(
      /<li\b[^>]*>\s*(<p\b[^>]*>\s*)?(<[a-z][^>]*>\s*)*<a\b[^>]*>(?:(?!<\/a>)[\s\S]){0,200}<\/a>\s*(<\/[a-z]+>\s*)*(?=<)/gi,
      '\n\n',
    )
    .replace(/\s+/g, ' ')
    .replace(
      /<\/?(p|div|h\d|li|ul|ol|dl|dt|dd|br|hr|tr|td|th|blockquote|section|article|title|body|summary|para|term|listitem|formalpara|step)\b[^>]*>/gi,
      '\n\n',
    )
    .replace(/<[^>]*>/g, '')
    .replace(/&(#?\w{1,8});/g, entity);
  const paragraphs = text.split(/\n+/).map((line) => line.trim().replace(/ {2,}/g, ' '));
  // A short line is a heading only where prose follows it; otherwise it is of a menu.
  const prose = (line) => line !== undefined && line.length > 70 && / [a-z]+ /.test(line);
  const kept = paragraphs.filter((line) => line !== '');
  return kept.filter((line, i) => prose(line) || (line.length > 2 && prose(kept[i + 1]))).join('\n\n');
}

/** GNU info: nodes without their heads, menus and indices. */
function fromInfo(text) {
  const nodes = text.split('\x1f').slice(1);
  const bodies = nodes.filter((node) => !/^\s*(Tag Table|Indirect|Local Variables|End Tag)/.test(node));
  return bodies
    .map((node) =>
      node
        .replace(/^\nFile: .*\n/, '')
        .replace(/^\* .*$(\n {10,}.*$)*/gm, '')
        .replace(/[\0\b].*/g, ''),
    )
    .join('\n');
}

/** The strings of an R database: compressed objects, each behind its length; a string stands behind its flags and length. */
function fromR(bytes) {
  const lines = [];
  for (let at = 0; at + 6 < bytes.length; at++) {
    if (bytes[at] !== 0x78 || (bytes[at + 1] !== 0x9c && bytes[at + 1] !== 0xda)) continue;
    let object;
    try {
      object = inflateSync(bytes.subarray(at));
    } catch {
      continue;
    }
    for (let i = 0; i + 8 < object.length; i++) {
      if (object[i + 3] !== 9 || object[i] !== 0 || (object[i + 1] !== 4 && object[i + 2] !== 0x80)) continue;
      const length = object.readInt32BE(i + 4);
      if (length < 0 || i + 8 + length > object.length) continue;
      lines.push(object.toString('utf8', i + 8, i + 8 + length));
      i += 7 + length;
    }
    at += 100;
  }
  return lines.join('\n');
}

/** A commentary of SWORD: blocks of zlib one behind the other, with tags of ThML or OSIS. */
function fromSword(bytes) {
  const blocks = [];
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (bytes[at] !== 0x78) continue;
    try {
      const { buffer, engine } = inflateSync(bytes.subarray(at), { info: true });
      blocks.push(buffer.toString('utf8'));
      at += engine.bytesWritten - 1;
    } catch {
      // Not where a block begins.
    }
  }
  return fromHtml(blocks.join('\n<p>').replace(/<(div|lb|lg|l|entry)\b[^>]*>/g, '<p>'));
}

/** Where a game's files have sentences: between quotation marks, brackets or backticks; of some also between these. */
const STRING = /"((?:[^"\\]|\\[\s\S]|"")*)"|\[\[([\s\S]*?)\]\]|`([^`]*)`/g;
const MESSAGE = /<([^<>\n]{50,})>|^msg\n([\s\S]*?)\nendmsg/gm;

function fromStrings(text, pattern = STRING) {
  const strings = [...text.matchAll(pattern)].map((groups) =>
    (groups.slice(1).find((group) => group !== undefined) ?? '').trim(),
  );
  return strings
    .filter((string) => string.length > 50 && / [a-z]+ /.test(string) && /[.!?…”"]$/.test(string))
    .map((string) =>
      string
        .replace(/\\n|\n/g, '\n')
        .replace(/\\t|\t/g, ' ')
        .replace(/\\u([0-9a-f]{4})/gi, (whole, code) => String.fromCharCode(Number.parseInt(code, 16)))
        .replace(/""/g, '"')
        .replace(/\\(["'\\])/g, '$1')
        .replace(/<\/?[a-z_]+(='[^']*')?>/g, '')
        .replace(/ *\n */g, '\n')
        .replace(/\n{2,}/g, '\n\n'),
    )
    .join('\n\n');
}

/** A speech that is a single line, with paragraphs: where they were is not known. */
function fromSpeech(text) {
  return text.trim().replace(/(.{300,700}?[.!?]["”)]?) +(?=[A-Z"“])/g, '$1\n\n');
}

/** Glosses of WordNet, a line each: words, then what they mean. */
function fromWordNet(text) {
  const lines = text.split('\n').filter((line) => line.includes(' | '));
  return lines
    .map((line) => `${line.split(' ')[4].replaceAll('_', ' ')}: ${line.split(' | ')[1].trim()}`)
    .join('\n\n');
}

/**
 * What is read of a package where the list says nothing else, and how, by its kind; `wrap` where a paragraph comes out
 * as one line, so that some documents are wrapped again (`wrapSome`).
 */
export const KINDS = {
  html: { files: '\\.(x?html?|docbook|page)(\\.gz)?$', read: fromHtml, wrap: true },
  text: { files: '\\.(txt|text)(\\.gz)?$', read: (text) => text },
  info: { files: '\\.info(-\\d+)?(\\.gz)?$', read: fromInfo },
  markup: {
    files: '\\.(pod|asciidoc|adoc|rst|md|tex|ms|me|mom|man|lyx|[1-8][a-z]*)(\\.gz)?$',
    read: (text) => text,
  },
  dict: {
    files: '\\.dict\\.dz$',
    read: (text) =>
      text.replace(/^ *\[(1913 Webster|PJC|Webster 1913 Suppl\.|WordNet 1\.5|1913 Webster \+PJC)\]\n/gm, ''),
  },
  speech: { files: '\\.txt$', read: fromSpeech, wrap: true },
  r: { files: 'data/Rdata\\.rdb$', read: fromR, binary: true, wrap: false },
  sword: { files: '\\.[bcv]zz$', read: fromSword, binary: true, wrap: true },
  strings: { files: '\\.(cfg|lua|json|txt|py)$', read: (text) => fromStrings(text), wrap: true },
  messages: { files: '.', read: (text) => fromStrings(text, MESSAGE), wrap: true },
  wordnet: { files: 'data\\.(noun|verb|adj|adv)$', read: fromWordNet, wrap: false },
};

/** As text; what is not valid UTF-8 is Latin-1. */
function decode(bytes) {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

/** Words that English has many of, and other languages and tables few. */
const STOP = new Set('the of and to a in is that it for as with be on this or are by'.split(' '));

/** Whether at least an eighth or so of the words at the beginning are such words. */
function isEnglish(text) {
  const words = text
    .slice(0, 40_000)
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.filter((word) => STOP.has(word)).length > words.length * 0.12;
}

/** The text of a file as its kind reads it, tidied; undefined where it is too little or not English. */
export function textOf(file, { read, binary }) {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? gunzipSync(file) : file;
  const text = (binary ? read(bytes) : read(decode(bytes)))
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{4,}/g, '\n\n\n');
  return text.length < 60 || !isEnglish(text) ? undefined : text;
}

/** Plain text wrapped as Gutenberg's is, for half of the documents whose paragraphs are lines. */
export function wrapSome(text) {
  const hash = createHash('sha256').update(text).digest();
  if (hash[0] % 2 === 0) return text;
  const width = 60 + (hash[1] % 19);
  const pattern = new RegExp(`(?=\\S)(.{1,${width}})(?:[ \\n]+|$)|(\\S+)\\s*`, 'g');
  return text
    .split('\n\n')
    .map((paragraph) => paragraph.replace(pattern, (whole, line, word) => `${line ?? word}\n`).trimEnd())
    .join('\n\n');
}
