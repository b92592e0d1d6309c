/**
 * Log lines as a web service writes them, JSON, made by a seeded generator: the same bytes everywhere.
 *
 * @module
 */
import { Random } from '../train/random.ts';

const SERVICES = ['gateway', 'checkout', 'catalogue', 'accounts', 'search', 'mailer'] as const;
const ROUTES = [
  ['GET', '/api/v2/products/{id}'],
  ['GET', '/api/v2/products?category={word}&page={small}'],
  ['POST', '/api/v2/carts/{hex}/items'],
  ['DELETE', '/api/v2/carts/{hex}/items/{id}'],
  ['GET', '/api/v2/accounts/{id}/orders'],
  ['PUT', '/api/v2/accounts/{id}/address'],
  ['GET', '/healthz'],
  ['GET', '/static/js/app.{hex}.js'],
] as const;
const WORDS = ['garden', 'kitchen', 'books', 'lighting', 'toys', 'outdoor', 'music', 'office'] as const;
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'kube-probe/1.31',
  'okhttp/4.12.0',
] as const;
const FAULTS = [
  'connection to accounts-db-{small}.internal:5432 timed out after {id} ms',
  'retrying request to http://mailer.internal/send (attempt {small} of 5)',
  'cache miss for key cart:{hex}, loading from store',
  'payment provider answered 502 for order {id}; queued for retry',
  'slow query ({id} ms): SELECT * FROM orders WHERE account_id = $1 ORDER BY created_at DESC LIMIT 20',
] as const;

/** At least so many bytes of whole lines. */
export function logCorpus(bytes: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const below = (count: number): number => Math.floor(random.uniform() * count);
  // Squared, so that some are common and most are rare.
  const skewed = (count: number): number => Math.floor(random.uniform() ** 2 * count);
  const pick = <T>(list: readonly T[]): T => list[skewed(list.length)];
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => below(16).toString(16)).join('');
  const fill = (template: string): string =>
    template
      .replaceAll('{id}', () => String(1000 + skewed(9000)))
      .replaceAll('{small}', () => String(1 + skewed(9)))
      .replaceAll('{hex}', () => hex(8))
      .replaceAll('{word}', () => pick(WORDS));
  let time = Date.UTC(2026, 2, 1, 6);
  const lines: string[] = [];
  for (let length = 0; length < bytes;) {
    time += skewed(400);
    const service = pick(SERVICES);
    const head = {
      ts: new Date(time).toISOString(),
      level: 'info',
      service,
      host: `${service}-${hex(1)}${1 + below(3)}.eu-west-1.internal`,
      trace: hex(16),
    };
    let entry: object;
    if (below(8) === 0) {
      entry = { ...head, level: below(3) === 0 ? 'error' : 'warn', msg: fill(pick(FAULTS)) };
    } else {
      const [method, route] = pick(ROUTES);
      const status = below(20) === 0 ? 404 : below(60) === 0 ? 500 : method === 'POST' ? 201 : 200;
      const http = { method, path: fill(route), status, bytes: 200 + skewed(40_000) };
      entry = {
        ...head,
        msg: 'request',
        http,
        ms: 1 + skewed(900),
        user: 10_000 + skewed(2000),
        agent: pick(AGENTS),
      };
    }
    const line = `${JSON.stringify(entry)}\n`;
    lines.push(line);
    length += line.length;
  }
  return new TextEncoder().encode(lines.join(''));
}
