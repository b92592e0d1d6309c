/**
 * The documents' commands that take long or change the repository, each in its short form, in a copy of the repository: what
 * they write is thrown away, and where it is committed, it must be the same.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ended } from '../cli/harness.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { HAS_AMX, HAS_QEMU } from '../support/programs.ts';
import { ROOT } from './documents.ts';
import { scratchCopy } from './scratch-copy.ts';
import {
  BLOCKS,
  commandsOfCi,
  INLINE_COMMANDS,
  NEEDS,
  NETWORK_COMMANDS,
  SHORT_FORMS,
} from './short-forms.ts';

const ci = commandsOfCi();
const inBlocks = BLOCKS.flatMap(({ commands }) => commands);

/** Fails where a file is not what is committed. */
const PRELUDE = `same() { cmp "$1" "$ROOT/$1" >&2 || { echo "$1 is old: $2, and commit it" >&2; return 1; }; }`;

test('every command is run: by CI as it stands, by the test of the package, or here; and no form is left over', () => {
  const commands = [...inBlocks, ...INLINE_COMMANDS];
  const run = new Set([...ci, ...NETWORK_COMMANDS, ...Object.keys(SHORT_FORMS)]);
  expect(commands.filter((command) => !run.has(command))).toEqual([]);
  expect(Object.keys(SHORT_FORMS).filter((command) => !commands.includes(command))).toEqual([]);
});

describe('short forms', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  function makeFolder(): string {
    const folder = scratchCopy();
    folders.push(folder);
    return folder;
  }

  async function runs(script: string, folder: string): Promise<void> {
    const env = {
      ...process.env,
      ROOT,
      CHROMIUM,
      HOME: folder,
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    };
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', `${PRELUDE}\n${script}`], {
      cwd: join(folder, 'lmz'),
      env,
    });
    const { status, stderr } = await ended(child);
    expect(status, stderr).toBe(0);
  }

  const have = { chromium: CHROMIUM !== undefined, qemu: HAS_QEMU, amx: HAS_AMX };
  const lacks = (command: string): boolean => Object.hasOwn(NEEDS, command) && !have[NEEDS[command]];

  for (const { name, commands } of BLOCKS) {
    const forms = commands.filter((command) => !ci.has(command)).map((command) => SHORT_FORMS[command]);
    // One after the other, as a reader would: one may need what another wrote.
    if (forms.length > 0)
      test.skipIf(commands.some(lacks))(name, { timeout: 240_000 }, () =>
        runs(forms.join('\n'), makeFolder()),
      );
  }

  // Each for itself, but in one folder: they hardly write anything.
  let shared: string | undefined;
  for (const command of INLINE_COMMANDS) {
    if (inBlocks.includes(command) || !Object.hasOwn(SHORT_FORMS, command)) continue;
    test.skipIf(lacks(command))(command, { timeout: 240_000 }, () =>
      runs(SHORT_FORMS[command], (shared ??= makeFolder())),
    );
  }
});
