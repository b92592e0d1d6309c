/**
 * `lmz model info` and `lmz model audit`.
 *
 * @module
 */
import { toHex } from '../bytes.ts';
import type { AuditReport } from '../model/audit/audit.ts';
import type { Model } from '../model/load.ts';
import { MODEL_HELP } from './help.ts';
import { parseWith, silentCommand, usageError } from '../terminal/command.ts';
import type { Io } from '../terminal/io.ts';
import { errorEntry } from './list.ts';
import { printable, Reporter } from './reporter.ts';
import { formatSize } from '../terminal/sizes.ts';

/** Runs the sub-command with the arguments after `model`. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = silentCommand('lmz model').argument('[words...]').option('--json').option('-h, --help');
  parseWith(program, argv);
  const options = program.opts<{ json?: true; help?: true }>();
  const [action, ...models] = program.args;
  if (options.help) {
    io.stdout.write(MODEL_HELP);
    return 0;
  }
  const [which = ''] = models;
  if ((action !== 'info' && action !== 'audit') || models.length !== 1) {
    throw usageError('lmz model takes "info" or "audit" and one model');
  }
  const reporter = new Reporter(io);
  const json = options.json === true;
  const { resolveModel } = await import('../model/registry.ts');
  const { loadModel } = await import('../model/load.ts');
  try {
    const found = await resolveModel(which);
    if (action === 'info') {
      // Without the audit, so that a model that fails it can be looked at.
      const facts = factsOf(loadModel(found.bytes, { platformBound: true }), found.path);
      const { texts, ...rest } = facts;
      io.stdout.write(json ? toJson({ ...texts, ...rest }) : asTable(facts));
    } else {
      const { audit } = loadModel(found.bytes);
      if (audit === undefined) throw new Error('the audit gave no report');
      const facts = { exact: true, path: found.path, sha256: toHex(found.hash), ...audit };
      io.stdout.write(json ? toJson(facts) : verdict(found.path, audit));
    }
  } catch (error) {
    const failure = errorEntry(error);
    if (json)
      io.stdout.write(toJson(action === 'audit' ? { exact: false, error: failure } : { error: failure }));
    reporter.error(which, error);
  }
  return reporter.status;
}

function verdict(path: string, { entries, tightest }: AuditReport): string {
  const proven = `${printable(path)}: exact; all ${entries.length} tensors are proven to be the same on every machine\n`;
  if (tightest === undefined) return proven;
  const { node, op, type, bits, capacity } = tightest;
  return `${proven}closest to a limit: ${printable(node)} (${op}) needs ${bits} of the ${capacity} bits of ${type}\n`;
}

/** What a user wants to know of a model, in the order of `lmz model info`. */
interface Facts {
  texts: Record<string, string | number | undefined>;
  states: { name: string; type: string; dims: readonly number[]; low: bigint; high: bigint }[];
  metadata: Record<string, string>;
}

function factsOf(model: Model, path: string): Facts {
  const { contract } = model;
  return {
    texts: {
      name: contract.name,
      path,
      size: model.bytes.length,
      sha256: toHex(model.hash),
      contract: contract.version,
      alphabet: contract.alphabet,
      logitBits: contract.logitBits,
      logitType: contract.logitType,
      context: contract.context,
      time: contract.time,
    },
    states: contract.states.map(({ name, type, dims, low, high }) => ({ name, type, dims, low, high })),
    metadata: Object.fromEntries(model.metadata),
  };
}

function asTable({ texts, states, metadata }: Facts): string {
  const rows: [string, string | number | undefined][] = [
    ...Object.entries({ ...texts, size: formatSize(Number(texts.size)) }),
    ...states.map(({ name, type, dims, low, high }): [string, string] => [
      'state',
      `${name}: ${type} [${dims.join(', ')}], ${low} to ${high}`,
    ]),
    ...Object.entries(metadata),
  ];
  const width = Math.max(...rows.map(([key]) => key.length));
  return rows
    .map(([key, value]) => `${printable(key.padEnd(width))}  ${printable(String(value ?? '-'))}\n`)
    .join('');
}

/** Bounds are big integers, which JSON has only as text. */
function toJson(value: object): string {
  const plain = (_key: string, item: unknown): unknown => (typeof item === 'bigint' ? String(item) : item);
  return `${JSON.stringify(value, plain, 2)}\n`;
}
