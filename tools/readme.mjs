/**
 * Writes the generated parts of README.md: the help text and the table of error codes. Run after `npm run build`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { HELP } from '../dist/cli/help.js';
import { ERROR_CODES } from '../dist/errors.js';

const path = new URL('../README.md', import.meta.url);
const rows = Object.entries(ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
const text = readFileSync(path, 'utf8')
  .replace(/(## Command line\n\n```\n)[\s\S]*?\n```/, (_, head) => `${head}${HELP.trim()}\n\`\`\``)
  .replace(
    /(\| code \| meaning \|\n\|---\|---\|\n)(?:ERRORS|(?:\| `LMZ_.*\n?)*)/,
    (_, head) => `${head}${rows.join('\n')}\n`,
  )
  .replace(/\n{3,}/g, '\n\n');
writeFileSync(path, text);
