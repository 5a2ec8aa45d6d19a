import { defineConfig } from 'vitest/config';

/** The suite on a real node. Files run one after another: they share the node, and measure time. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.node.test.ts'],
    globalSetup: ['set-up.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
