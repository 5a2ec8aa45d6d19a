import { defineConfig } from 'vitest/config';

/** The suite on a real API server. Files run one after another: each starts processes and measures time. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.cluster.test.ts', '../contract/**/*.cluster.test.ts'],
    globalSetup: ['support/ensure-tools.ts', 'replica/build.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
