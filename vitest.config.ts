import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // One for each core: many tests wait for programs that they start.
    maxWorkers: '100%',
    maxConcurrency: 2,
    globalSetup: ['test/build.ts'],
  },
});
