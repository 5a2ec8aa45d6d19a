import { configDefaults, defineConfig } from 'vitest/config';

/** The suite that needs nothing but Node and npm. Cluster, image and browser suites have configurations of their own. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/{contract,scenarios,sim,house,faults,soak}/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/*.cluster.test.ts'],
    coverage: { include: ['src/**'], exclude: ['src/**/*.test.ts', 'src/**/*.fixture.ts'] },
  },
});
