import type { Plugin } from 'esbuild';

/** Commands of `src/cli` that no sidecar runs: each is a file of its own under `dist/lazy/`, with all that it needs. */
export const LAZY_COMMANDS = ['inject'] as const;

/** Leaves them out of the bundle; the program requires them when they are called. */
export function lazyCommands(): Plugin {
  return {
    name: 'lazy-commands',
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^\\./(${LAZY_COMMANDS.join('|')})\\.ts$`) }, ({ path, kind, importer }) =>
        kind === 'dynamic-import' && /src[\\/]cli[\\/]main\.ts$/.test(importer)
          ? { path: path.replace('./', './lazy/').replace(/ts$/, 'js'), external: true }
          : null,
      );
    },
  };
}
