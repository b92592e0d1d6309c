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
/** What the source of jobs answered. */
type Answer<T> = IteratorResult<Job<T>> | { error: unknown };

/**
 * Starts jobs as they come, never more than `limit()` at a time, and yields their results in order, each as soon as it
 * is there. The first error ends it, after the results of the jobs before.
 */
export async function* inOrder<T>(
  jobs: AsyncIterator<Job<T>>,
  limit: () => number,
): AsyncGenerator<T, void, undefined> {
  const running: Promise<T>[] = [];
  let next: Promise<Answer<T>> | undefined;
  let failure: { error: unknown } | undefined;
  let exhausted = false;
  try {
    while (!exhausted || running.length > 0) {
      if (exhausted || running.length >= limit()) {
        yield await running[0];
        void running.shift();
        continue;
      }
      next ??= jobs.next().then(guarded, (error: unknown) => ({ error }));
      // Waiting for input must not hold back a result, nor an error, that is there already.
      const answer =
        running.length > 0 ? await Promise.race([next, running[0].then(() => READY)]) : await next;
      if (typeof answer === 'symbol') {
        yield await running[0];
        void running.shift();
        continue;
      }
      next = undefined;
      if ('error' in answer) failure = answer;
      if ('error' in answer || answer.done) exhausted = true;
      else running.push(answer.value.result);
    }
    if (failure) throw failure.error;
  } finally {
    // Not awaited: a source that waits for input would never answer.
    if (!exhausted) jobs.return?.().catch(() => undefined);
  }
}

/** A job may fail while nobody waits for it yet, or any more: its rejection counts only where it is awaited. */
function guarded<T>(answer: IteratorResult<Job<T>>): IteratorResult<Job<T>> {
  if (!answer.done) answer.value.result.catch(() => undefined);
  return answer;
}
