import { configDefaults, defineConfig } from 'vitest/config';

/** The suite that needs nothing but Node and npm. Cluster, image and browser suites have configurations of their own. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/{contract,scenarios,sim,house,faults,soak}/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/*.cluster.test.ts'],
    // A process for each file takes longer than most files do. State comes in through ports, not with modules, so that files can
    // share one; what a test fakes it restores.
    isolate: false,
    restoreMocks: true,
    // By default one core is left idle: with two cores that is half of them.
    maxWorkers: '100%',
    // A bound for what hangs, not a measure: on a busy machine the slowest take more than the five seconds of the default.
    testTimeout: 20_000,
    coverage: { include: ['src/**'], exclude: ['src/**/*.test.ts', 'src/**/*.fixture.ts'] },
  },
});
