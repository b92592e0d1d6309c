/**
 * Text inside XML and HTML, for the programs that write pages.
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
