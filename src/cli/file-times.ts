/**
 * Times as Node wants them.
 *
 * @module
 */

/**
 * A time for Node's `utimes` family, which takes a negative number for "now" (and keeps microseconds); a Date before
 * 1970 it takes as what it is (and keeps milliseconds).
 */
export function fileTime(seconds: number): number | Date {
  return seconds < 0 ? new Date(seconds * 1000) : seconds;
}
