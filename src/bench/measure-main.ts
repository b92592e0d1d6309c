/**
 * The process of one measurement, so that its memory is its own: a job as JSON in the first argument, what was measured
 * as JSON on standard output.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { findCompressor } from './compressors.ts';
import { type Job, measure } from './measure.ts';

const job = JSON.parse(process.argv[2]) as Job;
if (job.nice > 0) setPriority(Math.min(19, getPriority() + job.nice));
const bytes = new Uint8Array(readFileSync(job.path)).subarray(0, job.limit ?? Infinity);
const measured = await measure(findCompressor(job.compressor), bytes, job);
process.stdout.write(JSON.stringify(measured));
