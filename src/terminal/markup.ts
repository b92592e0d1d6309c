/**
 * Pages, and text inside XML and HTML, for the programs that write them.
 *
 * @module
 */

/** Text for inside an element or an attribute of XML and HTML. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/**
 * A page that is light or dark as its reader wishes.
 *
 * @param title  plain text
 * @param body   HTML, line by line
 */
export function htmlPage(title: string, style: string, body: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escapeText(title)}</title>`,
    `<style>${style}</style>`,
    ...body,
    '</html>',
    '',
  ].join('\n');
}
