/**
 * The page's style.
 *
 * @module
 */
import { DARK, LIGHT, type Theme } from './colours.ts';

const variables = ({ paper, ink, soft, line, panel, accent, shades }: Theme): string =>
  `--paper:${paper};--ink:${ink};--soft:${soft};--line:${line};--panel:${panel};--accent:${accent};` +
  shades.map(([background, text], i) => `--b${i}:${background};--t${i}:${text};`).join('');

export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media(prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:84rem;padding:1.5rem 1.25rem 3rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .35rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:2.2rem 0 .5rem}
h3{font-size:.95rem;margin:0}
p{margin:.3rem 0}
.note{color:var(--soft);max-width:62rem}
code,.glyph,.text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.ways{display:flex;flex-wrap:wrap;gap:.75rem;border:0;padding:0;margin:1.1rem 0 .9rem;min-width:0}
.ways legend{padding:0;margin-bottom:.35rem;color:var(--soft);font-size:13px}
.ways label{flex:1 1 11rem;max-width:17rem;display:block;padding:.55rem .85rem;border:1px solid var(--line);border-radius:8px;cursor:pointer;background:var(--panel)}
.ways input{position:absolute;opacity:0;pointer-events:none}
.ways label:has(:checked){border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.ways label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:2px}
.ways .name{display:block;font-size:13px;color:var(--soft)}
.ways .rate{font-size:1.5rem;font-weight:650;font-variant-numeric:tabular-nums}
.ways .bytes{font-size:13px;color:var(--soft);font-variant-numeric:tabular-nums}
.scale{display:flex;align-items:flex-end;gap:.6rem;margin:0 0 .9rem;font-size:12.5px;color:var(--soft);flex-wrap:wrap}
.scale ol{display:flex;list-style:none;margin:0;padding:0;border:1px solid var(--line);border-radius:4px;overflow:hidden}
.scale li{padding:.12rem .55rem;min-width:3.1rem;text-align:center;font-variant-numeric:tabular-nums}
.split{display:grid;grid-template-columns:minmax(0,1fr) 19rem;gap:1.25rem;align-items:start}
.text{border:1px solid var(--line);border-radius:8px;padding:.6rem 0;font-size:13.5px;line-height:1.55;min-height:12rem;outline-offset:2px}
.text:focus-visible{outline:2px solid var(--accent)}
.row{display:grid;grid-template-columns:3.7rem minmax(0,1fr) 4.4rem;content-visibility:auto;contain-intrinsic-size:auto 1.55em}
.row>span{color:var(--soft);font-size:11.5px;line-height:inherit;text-align:right;padding:0 .8rem 0 .3rem;user-select:none;font-variant-numeric:tabular-nums}
.row>div{white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
.row i{font-style:normal}
.row i.on{outline:2px solid var(--accent);outline-offset:-1px;border-radius:2px;position:relative;z-index:1}
${LIGHT.shades.map((_, i) => (i === 0 ? '' : `.s${i}{background:var(--b${i});color:var(--t${i})}`)).join('\n')}
.row i.mark{opacity:.55}.row i.hex{font-size:.82em;border-bottom:1px dotted currentColor}
.row>div:not(:hover) i.mark.s0{opacity:.28}
aside{position:sticky;top:1rem;border:1px solid var(--line);border-radius:8px;background:var(--panel);padding:.9rem 1rem;font-size:13.5px;max-height:calc(100vh - 2rem);overflow:auto}
aside .glyph{display:inline-block;min-width:2.2rem;padding:.1rem .5rem;margin-right:.6rem;border:1px solid var(--line);border-radius:6px;background:var(--paper);font-size:1.5rem;line-height:1.5;text-align:center;white-space:pre}
aside .where{color:var(--soft);font-variant-numeric:tabular-nums}
aside .head{display:flex;align-items:center;margin-bottom:.4rem}
aside table{width:100%;border-collapse:collapse;table-layout:fixed;margin:.35rem 0 .7rem}
aside td{padding:.14rem 0;vertical-align:middle;font-variant-numeric:tabular-nums;border:0}
aside td:first-child{width:6.6rem;text-align:left}aside .guess td:first-child{width:3.6rem;white-space:pre}
aside td:last-child{width:3.9rem;text-align:right}
aside .bar{display:block;height:.6rem;border-radius:2px;background:var(--soft);min-width:1px}
aside .coded .bar,aside .came .bar{background:var(--accent)}aside .came td{font-weight:650}
.scroll{overflow-x:auto}
.figures{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums}
.figures th,.figures td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
.figures th{font-weight:600;color:var(--soft)}
.figures th:first-child,.figures td:first-child{text-align:left;padding-left:0}
.figures .words{text-align:left;white-space:normal}
.figures a{color:inherit}
.course{width:100%;height:auto;display:block;max-width:62rem}
.course text{fill:var(--ink);font:12px system-ui,sans-serif}.course .tick{fill:var(--soft)}
.course .grid{stroke:var(--line)}.course path{fill:none;stroke-width:1.6;stroke:var(--soft);stroke-linejoin:round}
.course .coded{stroke:var(--accent);stroke-width:2.4}.course .mixing{stroke-dasharray:5 3}
@media(max-width:860px){.split{grid-template-columns:minmax(0,1fr)}aside{top:auto;bottom:0;max-height:45vh;z-index:2;box-shadow:0 -2px 12px #0003}.row{grid-template-columns:2.6rem minmax(0,1fr)}.row>span:last-child{display:none}}
`;
