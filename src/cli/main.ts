#!/usr/bin/env node
/**
 * The program `lmz`.
 *
 * @module
 */
import { run } from './run.ts';

// Getters: to make a stream of a descriptor costs time and, for standard input, changes its state.
process.exitCode = await run(process.argv.slice(2), {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  debug: (process.env.LMZ_DEBUG ?? '') !== '',
});
