/**
 * Results in the order of their jobs, a bounded number of jobs at a time.
 *
 * @module
 */

/** Something under way. (An async generator would wait for a promise that it yields; not for one in an object.) */
export interface Job<T> {
  readonly result: Promise<T>;
}

const READY = Symbol('the oldest job is done');

/**
 * Starts jobs as they come, never more than `limit()` at a time, and yields their results in order, each as soon as it
 * is there. The first error ends it.
 */
export async function* inOrder<T>(
  jobs: AsyncIterator<Job<T>>,
  limit: () => number,
): AsyncGenerator<T, void, undefined> {
  const running: Promise<T>[] = [];
  let next: Promise<IteratorResult<Job<T>>> | undefined;
  let exhausted = false;
  try {
    while (!exhausted || running.length > 0) {
      if (exhausted || running.length >= limit()) {
        yield await running[0];
        void running.shift();
        continue;
      }
      next ??= guarded(jobs.next());
      // Waiting for input must not hold back a result, nor an error, that is there already.
      const step = running.length > 0 ? await Promise.race([next, running[0].then(() => READY)]) : await next;
      if (typeof step === 'symbol') {
        yield await running[0];
        void running.shift();
        continue;
      }
      next = undefined;
      if (step.done) exhausted = true;
      else running.push(guarded(step.value.result));
    }
  } finally {
    // Not awaited: a source that waits for input would never answer.
    if (!exhausted && jobs.return) void guarded(jobs.return());
  }
}

/** Its rejection counts only where it is awaited. */
function guarded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
