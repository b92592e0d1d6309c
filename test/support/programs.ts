/**
 * Programs and processors that some tests need, and not every machine has. Such tests are skipped there.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

function canRun(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const isLinux = process.platform === 'linux' && process.arch === 'x64';

/** Debian's qemu-user: other processors. */
export const QEMU = 'qemu-x86_64';
export const HAS_QEMU = isLinux && canRun(QEMU);

/** What tools/native-train is built and run with. */
export const HAS_AMX =
  isLinux && canRun('make') && canRun('g++') && readFileSync('/proc/cpuinfo', 'utf8').includes('amx_bf16');
