import type { Plugin } from 'esbuild';

/** Folders of `src` that no sidecar needs, and that share next to nothing with the rest: each a file of its own in `dist/lazy/`. */
export const LAZY_PARTS = ['doctor', 'inject', 'leases'] as const;

/** Leaves them out of the bundle; the program requires them when they are first used, by their `index.ts`. */
export const lazyParts: Plugin = {
  name: 'lazy-parts',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`/(${LAZY_PARTS.join('|')})/index\\.ts$`) }, ({ path, kind }) => {
      const part = path.split('/').at(-2);
      return kind === 'entry-point' ? null : { path: `./lazy/${part}.js`, external: true };
    });
  },
};
