/**
 * Runs in the page that `lmz explain --html` writes, not in Node: lays out the text, colours what comes into view, and
 * tells of the character that is pointed at. A character is all bytes of a UTF-8 sequence; any other byte stands alone.
 */
const $ = (id) => document.getElementById(id);
const facts = JSON.parse($('facts').textContent);
const { size, offset, ways, names, steps, unit } = facts;
const [text, panel] = [$('text'), $('panel')];

// A loop: Uint8Array.from with a function takes seconds for megabytes.
const letters = atob($('numbers').textContent);
const packed = new Uint8Array(letters.length);
for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
const inflating = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
const numbers = await new Response(inflating).arrayBuffer();
let place = 0;
const take = (Type, count) => {
  const array = new Type(numbers, place, count);
  place += array.byteLength;
  return array;
};
const costs = Object.fromEntries(ways.map((way) => [way, take(Uint16Array, size)]));
const shares = take(Uint16Array, size * facts.candidates);
const bytes = take(Uint8Array, size);
const symbols = take(Uint8Array, size * facts.candidates);
let way = ways[0];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const hex = (byte) => byte.toString(16).padStart(2, '0');

/** Bytes of the character that begins at a byte. */
const lengthAt = (at) => {
  const byte = bytes[at];
  const length = byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 1;
  if (length === 1) return 1;
  try {
    utf8.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 1;
  }
};

/** What stands for a character, and its class: a sign for what is a place rather than ink, else the bytes in hex. */
const glyphOf = (from, to) => {
  const byte = bytes[from];
  if (byte === 10) return ['↵', 'mark'];
  if (byte === 13) return ['←', 'mark'];
  if (byte === 9) return ['→\t', 'mark'];
  if (byte >= 32 && byte < 127) return [String.fromCharCode(byte), ''];
  if (byte > 127 && to > from + 1) {
    const character = utf8.decode(bytes.subarray(from, to));
    if (!/[\p{C}\p{Z}]/u.test(character)) return [character, ''];
  }
  return [[...bytes.subarray(from, to)].map(hex).join(''), 'hex'];
};

// Characters begin at `starts`; a row is a line or, of a long one, so many characters.
const ROW_MAX = 1000;
const starts = [];
const rows = [];
for (let at = 0, line = 1, row; at < size; at += lengthAt(at)) {
  if (!row || starts.length - row.first === ROW_MAX) {
    row = { first: starts.length, line, continued: row !== undefined };
    rows.push(row);
  }
  starts.push(at);
  row.end = starts.length;
  if (bytes[at] === 10) {
    line++;
    row = undefined;
  }
}
starts.push(size);

const bitsOf = (from, to, by = way) => {
  let sum = 0;
  for (let i = from; i < to; i++) sum += costs[by][i];
  return sum * unit;
};
const shadeOf = (bits) => {
  let shade = 0;
  while (shade < steps.length && bits >= steps[shade]) shade++;
  return shade;
};
const escaped = (string) => string.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const plainOf = ({ first, end }) => {
  let plain = '';
  for (let i = first; i < end; i++) plain += glyphOf(starts[i], starts[i + 1])[0];
  return plain;
};
const colour = (row) => {
  let html = '';
  for (let i = row.first; i < row.end; i++) {
    const [glyph, kind] = glyphOf(starts[i], starts[i + 1]);
    const shade = shadeOf(bitsOf(starts[i], starts[i + 1]));
    html += `<i class="s${shade}${kind && ` ${kind}`}">${escaped(glyph)}</i>`;
  }
  row.place.innerHTML = html;
  row.coloured = true;
};
const fade = (row) => {
  row.place.textContent = plainOf(row);
  row.coloured = false;
};
const sumUp = (row) => {
  row.sum.textContent = bitsOf(starts[row.first], starts[row.end]).toFixed(1);
};

// All text is there from the start, so that it can be searched and its height is known; an element for every character
// only near the window.
const rowOf = new Map();
const fragment = document.createDocumentFragment();
for (const row of rows) {
  const [outer, number, place, sum] = ['div', 'span', 'div', 'span'].map((name) =>
    document.createElement(name),
  );
  outer.className = 'row';
  if (!row.continued) {
    number.textContent = row.line;
    outer.id = `line-${row.line}`;
  }
  Object.assign(row, { outer, place, sum });
  fade(row);
  sumUp(row);
  sum.title = 'bits';
  outer.append(number, place, sum);
  fragment.append(outer);
  rowOf.set(outer, row);
}
text.append(fragment);
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = rowOf.get(target);
      if (isIntersecting !== Boolean(row.coloured) && row !== chosen.row)
        (isIntersecting ? colour : fade)(row);
    }
  },
  { rootMargin: '800px' },
);
/** The character that is shown in the panel. */
const chosen = { row: undefined, index: -1, held: false };
for (const row of rows) observer.observe(row.outer);

const bar = (share) => `<span class="bar" style="width:${(100 * Math.min(1, share)).toFixed(1)}%"></span>`;
const shown = (string) => escaped(string).replaceAll('\t', '');
const percent = (share) =>
  share >= 0.1
    ? `${(100 * share).toFixed(0)} %`
    : share >= 0.001
      ? `${(100 * share).toFixed(1)} %`
      : '< 0.1 %';

/** What the network expected in place of a byte; the byte that came is added where it was not among them. */
const guesses = (at) => {
  const list = [];
  for (let i = at * facts.candidates; i < (at + 1) * facts.candidates; i++) {
    if (shares[i] > 0) list.push([symbols[i], shares[i] / 65536]);
  }
  if (!list.some(([symbol]) => symbol === bytes[at]))
    list.push([bytes[at], 2 ** (-costs.network[at] * unit)]);
  const lines = list.map(([symbol, share]) => {
    const came = symbol === bytes[at] ? ' class="came"' : '';
    const name =
      symbol === 32
        ? 'space'
        : symbol > 126 || symbol < 32
          ? glyphOfByte(symbol)
          : String.fromCharCode(symbol);
    return `<tr${came}><td><code>${shown(name)}</code></td><td>${bar(share)}</td><td>${percent(share)}</td></tr>`;
  });
  return `<table class="guess">${lines.join('')}</table>`;
};
const glyphOfByte = (byte) => ({ 9: 'tab', 10: '↵', 13: '←' })[byte] ?? `0x${hex(byte)}`;

const describe = (index) => {
  const [from, to] = [starts[index], starts[index + 1]];
  const [glyph] = glyphOf(from, to);
  const all = ways.map((by) => bitsOf(from, to, by));
  const most = Math.max(8 * (to - from), ...all);
  const costLines = ways.map(
    (by, i) =>
      `<tr class="${by}"><td>${names[by]}</td><td>${bar(all[i] / most)}</td><td>${all[i].toFixed(2)}</td></tr>`,
  );
  const parts = [
    `<div class="head"><span class="glyph">${glyph === ' ' ? '␣' : shown(glyph)}</span><span class="where">byte ${(offset + from).toLocaleString('en-US')}<br>${[...bytes.subarray(from, to)].map(hex).join(' ')} hex</span></div>`,
    `<h3>Bits</h3><table>${costLines.join('')}</table>`,
  ];
  for (let at = from; at < to; at++) {
    const which =
      to - from === 1 ? '' : `, byte ${at - from + 1} of ${to - from}: ${bitsOf(at, at + 1).toFixed(2)} bits`;
    parts.push(`<h3>The network expected${which}</h3>`, guesses(at));
  }
  panel.innerHTML = parts.join('');
};

const choose = (row, index) => {
  if (chosen.index === index && chosen.row === row) return;
  chosen.row?.place.children[chosen.index - chosen.row.first]?.classList.remove('on');
  if (!row.coloured) colour(row);
  Object.assign(chosen, { row, index });
  row.place.children[index - row.first].classList.add('on');
  describe(index);
};
const chooseAt = (index) => {
  const wanted = Math.max(0, Math.min(starts.length - 2, index));
  let low = 0;
  for (let high = rows.length; high - low > 1;) {
    const middle = (low + high) >> 1;
    if (rows[middle].first <= wanted) low = middle;
    else high = middle;
  }
  chosen.held = true;
  choose(rows[low], wanted);
  rows[low].place.children[wanted - rows[low].first].scrollIntoView({ block: 'nearest' });
};

const pointed = ({ target }) => {
  const cell = target.closest?.('.row i');
  if (!cell) return undefined;
  const row = rowOf.get(cell.closest('.row'));
  return [row, row.first + Array.prototype.indexOf.call(row.place.children, cell)];
};
text.addEventListener('pointerover', (event) => {
  const found = chosen.held ? undefined : pointed(event);
  if (found) choose(...found);
});
text.addEventListener('click', (event) => {
  const found = pointed(event);
  if (!found) return;
  chosen.held = !(chosen.held && chosen.index === found[1]);
  choose(...found);
});
text.addEventListener('keydown', (event) => {
  if (size === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const { row, index } = chosen;
  const column = row ? index - row.first : 0;
  const beside = (step) => {
    const other = rows[rows.indexOf(row) + step];
    return other ? Math.min(other.first + column, other.end - 1) : index;
  };
  const targets = {
    ArrowLeft: () => index - 1,
    ArrowRight: () => index + 1,
    ArrowUp: () => beside(-1),
    ArrowDown: () => beside(1),
    Home: () => row.first,
    End: () => row.end - 1,
  };
  if (event.key === 'Escape') chosen.held = false;
  if (!Object.hasOwn(targets, event.key)) return;
  event.preventDefault();
  chooseAt(row ? targets[event.key]() : 0);
});

for (const input of document.querySelectorAll('input[name=way]')) {
  input.addEventListener('change', () => {
    way = input.value;
    for (const row of rows) {
      sumUp(row);
      if (row.coloured) colour(row);
    }
    const { row, index } = chosen;
    if (row) {
      row.place.children[index - row.first].classList.add('on');
      describe(index);
    }
  });
}
document.documentElement.dataset.ready = 'yes';
