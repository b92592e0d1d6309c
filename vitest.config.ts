import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, the longest first. */
const LONGEST = ['machines/emulated-cpus', 'documentation/short-forms', 'corpora/round-trip', 'package'];

/** Begins with what takes longest, so that no file runs on alone at the end: a fresh clone has no times of earlier runs. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // One for each core: many tests wait for programs that they start.
    maxWorkers: '100%',
    maxConcurrency: 2,
    globalSetup: ['test/build.ts'],
    sequence: { sequencer: LongestFirst },
  },
});
