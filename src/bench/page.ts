/**
 * A report as one page that needs nothing else: pictures, tables, light and dark.
 *
 * Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), each with a shape of its own.
 *
 * @module
 */
import { escapeText, htmlPage } from '../terminal/markup.ts';
import { COLOURS, type Curve, curveSvg } from '../train/curve.ts';
import { barsChart } from './bars-chart.ts';
import { figuresOf, groupBy, type Report, type Result } from './figures.ts';
import type { Table } from './report.ts';
import { KINDS, speedChart } from './speed-chart.ts';
import { protocolText, reportTables } from './tables.ts';

/** lmz stands out; programs and libraries are near each other. */
const KIND_COLOURS = [COLOURS[1], COLOURS[0], COLOURS[2]] as const;
const KIND_NAMES = { lmz: 'lmz', command: 'program', library: 'library of Node' } as const;

function style(): string {
  const kinds = (theme: 0 | 1): string => KIND_COLOURS.map((pair, i) => `--k${i}:${pair[theme]};`).join('');
  return [
    `:root{color-scheme:light dark;--ink:#1f2328;--soft:#57606a;--grid:#d8dee4;--paper:#ffffff;${kinds(0)}}`,
    `@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4ae;--grid:#30363d;--paper:#0d1117;${kinds(1)}}}`,
    `body{margin:2rem auto;max-width:62rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}`,
    `svg{width:100%;height:auto;display:block}.chart text{fill:var(--ink);font:12px system-ui,sans-serif}`,
    `.chart .title{font-size:14px;font-weight:600}.chart .best{font-weight:700}.grid{stroke:var(--grid)}`,
    `.front{fill:none;stroke:var(--soft);stroke-dasharray:5 4}.leader{stroke:var(--soft);stroke-width:.7}`,
    ...KINDS.map((_, i) => `.k${i}{fill:var(--k${i});stroke:var(--k${i})}`),
    `rect.mark{stroke:none}.spread{stroke-width:1;opacity:.6}.chart .label{paint-order:stroke;stroke:var(--paper);stroke-width:3px}.mark:hover{opacity:.7}`,
    `.grid-of-bars{display:grid;grid-template-columns:repeat(auto-fill,minmax(26rem,1fr));gap:1.5rem 2rem}`,
    `.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;white-space:nowrap}`,
    `th,td{padding:.25rem .6rem;border-bottom:1px solid var(--grid);text-align:right}th:first-child,td:first-child{text-align:left}`,
    `.legend span{margin-right:1.2rem}.legend svg{display:inline-block;width:1em;height:1em;vertical-align:-.1em}.note{color:var(--soft)}`,
  ].join('\n');
}

function tableHtml({ columns, rows }: Table): string {
  const cells = (tag: string, row: readonly (string | number)[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeText(String(cell))}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table><thead>${cells('th', columns)}</thead><tbody>${rows.map((row) => cells('td', row)).join('\n')}</tbody></table></div>`;
}

/** Everything about one data set and protocol. */
function section(results: readonly Result[]): string {
  const [{ dataset, protocol }] = results;
  const counted = results.filter(({ extra }) => extra === undefined);
  const figures = [...groupBy(counted, ({ compressor }) => compressor).values()].map((own) => figuresOf(own));
  const title = protocol === 'whole' ? dataset : `${dataset}, ${protocolText(protocol)}`;
  const files = [...groupBy(results, ({ file }) => file)];
  const bars = files.map(([file, own]) =>
    barsChart(
      `${file}, ${own[0].bytes} bytes`,
      own.map((result) => figuresOf([result])),
    ),
  );
  if (files.length > 1) bars.unshift(barsChart('all together', figures));
  return [
    `<h2>${escapeText(title)}</h2>`,
    speedChart(dataset, figures, 'encode'),
    speedChart(dataset, figures, 'decode'),
    `<h3>By file</h3>`,
    `<div class="grid-of-bars">${bars.join('\n')}</div>`,
  ].join('\n');
}

/**
 * The page.
 *
 * @param curves - learning curves: the texts of `.curve.json` files
 */
export function reportPage(report: Report, curves: readonly string[] = []): string {
  const sections = [...groupBy(report.results, ({ dataset, protocol }) => `${dataset}|${protocol}`).values()];
  const absences = [...report.missing, ...report.failed].map(
    ({ label, reason, file }) =>
      `<li>${escapeText(file === undefined ? label : `${label} on ${file}`)}: ${escapeText(reason)}</li>`,
  );
  const legend = KINDS.map(
    (kind, i) =>
      `<span><svg viewBox="0 0 10 10"><rect class="mark k${i}" width="10" height="10"/></svg> ${KIND_NAMES[kind]}</span>`,
  );
  return htmlPage('lmz bench', `\n${style()}\n`, [
    '<h1>lmz bench</h1>',
    `<p><code>${escapeText(report.command)}</code><br>${escapeText(report.machine)}, ${escapeText(report.measuredAt.slice(0, 10))}</p>`,
    `<p class="legend">${legend.join('')}<span>- - the front: no other is both smaller and faster</span></p>`,
    ...(absences.length > 0 ? [`<p>Missing or failed:</p><ul>${absences.join('')}</ul>`] : []),
    ...sections.map(section),
    ...(curves.length > 0 ? ['<h2>Learning curves</h2>'] : []),
    ...curves.map((text) => curveSvg(JSON.parse(text) as Curve)),
    '<h2>Figures</h2>',
    '<p class="note">Speeds are medians of rounds in one run; "to gzip" compares with gzip -9 of Node\'s zlib in the same round.</p>',
    ...reportTables(report).map((table) => `<h3>${escapeText(table.title)}</h3>\n${tableHtml(table)}`),
  ]);
}
