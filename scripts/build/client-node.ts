import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const CLIENT_NODE = '@kubernetes/client-node';
/** All that the source imports from it; another name fails the build. */
const USED = ['KubeConfig'];

/**
 * Bundles only what is used of client-node: 25 KiB instead of 1.3 MiB, most of it the types of the whole Kubernetes API.
 *
 * It is done in a build of its own, because esbuild leaves nothing out of modules that are loaded lazily, as each of our
 * commands is; and with its modules marked as free of side effects, which they are (but for a polyfill that Node has long had)
 * although its package.json does not say so. Its dependencies are left to the outer build.
 */
export function clientNode(): Plugin {
  return {
    name: 'client-node',
    setup({ initialOptions: { target }, onResolve, onLoad }) {
      onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ path, importer }) => ({
        path: createRequire(importer).resolve(path),
        namespace: CLIENT_NODE,
      }));
      onLoad({ filter: /./, namespace: CLIENT_NODE }, async ({ path }) => {
        const resolveDir = dirname(path);
        const { outputFiles, errors } = await build({
          stdin: { contents: `export { ${USED} } from ${JSON.stringify(path)};`, resolveDir },
          bundle: true,
          write: false,
          format: 'esm',
          platform: 'node',
          packages: 'external',
          plugins: [noSideEffects],
          ...(target === undefined ? {} : { target }),
        });
        return { contents: outputFiles[0]?.text ?? '', resolveDir, errors };
      });
    },
  };
}

const noSideEffects: Plugin = {
  name: 'no-side-effects',
  setup({ onResolve }) {
    // Its imports are those of ES modules: whole paths. Asking esbuild to resolve them would take ten times as long.
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), sideEffects: false }));
  },
};
