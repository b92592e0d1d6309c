/**
 * Looks at shell commands without running them: does the program exist, does it take these flags?
 *
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'shell-quote';
import { readSettings as readBenchFlags } from '../../src/bench/settings.ts';
import { parseArguments } from '../../src/cli/args.ts';
import { readSettings as readTrainFlags } from '../../src/train/settings.ts';
import { MAIN } from '../cli/harness.ts';
import { ROOT } from './documents.ts';

/** Programs of the system that the documents use. */
const SYSTEM = ['apt-get', 'cat', 'cmp', 'git', 'head', 'ls', 'make', 'qemu-x86_64', 'sudo', 'tail', 'tar'];
/** npm's own commands, all of which work without a script. */
const NPM = ['ci', 'install', 'pack'];

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The commands of some shell code, as words; redirections are left out. */
export function commandsOf(code: string): string[][] {
  return code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => {
      const commands: string[][] = [[]];
      let redirected = false;
      for (const part of parse(line, (name) => `$${name}`)) {
        if (typeof part === 'string') {
          if (!redirected) commands.at(-1)!.push(part);
          redirected = false;
        } else if ('comment' in part) break;
        else if (part.op === 'glob') commands.at(-1)!.push(part.pattern);
        else if (/[<>]/.test(part.op)) redirected = true;
        else commands.push([]);
      }
      return commands.filter((words) => words.length > 0);
    });
}

/** What is wrong with a command; undefined for nothing. */
export function faultOf(words: readonly string[]): string | undefined {
  const [program, ...args] = words.slice(words.findIndex((word) => !/^\w+=/.test(word)));
  if (program === 'lmz') return faultOfLmz(args);
  if (program === 'npm') return faultOfNpm(args);
  if (program === 'npx') return faultOfNpx(args);
  if (program === 'node') return missing([args[0]]);
  // What a command before it builds.
  if (program.startsWith('tmp/')) return undefined;
  if (program.includes('/')) return missing([program]);
  return SYSTEM.includes(program) ? undefined : `unknown program ${program}`;
}

function faultOfNpm(args: readonly string[]): string | undefined {
  const [command, ...rest] = args.filter((word) => word !== '-s');
  if (NPM.includes(command)) return undefined;
  const name = command === 'run' ? rest[0] : command;
  if (!Object.hasOwn(scripts, name)) return `no npm script ${name}`;
  const flags = args.includes('--') ? args.slice(args.indexOf('--') + 1) : [];
  if (name === 'lmz') return faultOfLmz(flags);
  if (name === 'bench') return faultOfBench(flags);
  return undefined;
}

function faultOfNpx(args: readonly string[]): string | undefined {
  const [program, ...rest] = args;
  if (program === 'lmz') return faultOfLmz(rest);
  if (!existsSync(join(ROOT, 'node_modules/.bin', program))) return `${program} is not installed`;
  if (program === 'tsx') return missing([rest[0]]);
  if (program === 'vitest') return missing(rest.slice(1).filter((word) => !word.startsWith('-')));
  return undefined;
}

function missing(paths: readonly string[]): string | undefined {
  const absent = paths.filter((path) => !existsSync(join(ROOT, path)));
  return absent.length > 0 ? `no ${absent.join(', ')}` : undefined;
}

/** `npm run bench -- ...`: benchmarks by name, or flags of `lmz bench`. */
function faultOfBench(args: readonly string[]): string | undefined {
  if (args[0]?.startsWith('-')) return refusal(() => readBenchFlags(args));
  if (args[0] === 'corpora') return refusal(() => readBenchFlags(args.slice(1)));
  const usage = spawnSync(process.execPath, [join(ROOT, 'dist/bench/main.js')], { encoding: 'utf8' }).stderr;
  const names = /\(([^)]+)\)/.exec(usage)![1].split(', ');
  // NAME stands for any of them.
  const unknown = args.filter((name) => !names.includes(name) && !/^[A-Z]+$/.test(name));
  return unknown.length > 0 ? `no benchmark ${unknown.join(', ')}` : undefined;
}

function faultOfLmz(args: readonly string[]): string | undefined {
  const [first, ...rest] = args;
  if (first === 'bench') return refusal(() => readBenchFlags(rest));
  if (first === 'train') return refusal(() => readTrainFlags(rest));
  return unknownFlags(args) ?? (isSubCommand(first) ? undefined : refusal(() => parseArguments(args)));
}

function refusal(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const helps = new Map<string, string>();

function helpOf(args: readonly string[]): string {
  const key = args.join(' ');
  let help = helps.get(key);
  if (help === undefined) {
    help = execFileSync(process.execPath, [MAIN, ...args, '--help'], { encoding: 'utf8' });
    helps.set(key, help);
  }
  return help;
}

/** Whether lmz has a help of its own for this word. */
function isSubCommand(word: string | undefined): word is string {
  return word !== undefined && /^[a-z]+$/.test(word) && helpOf([]).includes(`lmz ${word}`);
}

/** Flags that the help of `lmz` or of its sub-command does not show; all have `--help`. */
export function unknownFlags(args: readonly string[]): string | undefined {
  const help = helpOf(isSubCommand(args[0]) ? [args[0]] : []);
  const flags = args
    .flatMap((word) => /^--?[a-zA-Z][\w-]*/.exec(word) ?? [])
    .filter((flag) => flag !== '--help');
  const single = (flag: string): string[] =>
    flag.startsWith('--') ? [flag] : (flag.slice(1).match(/./g) ?? []).map((letter) => `-${letter}`);
  const unknown = flags
    .flatMap(single)
    .filter((flag) => !new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(help));
  return unknown.length > 0 ? `the help does not know ${unknown.join(', ')}` : undefined;
}
