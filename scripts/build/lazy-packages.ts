import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

interface LazyPackage {
  readonly name: string;
  /** File name under `dist/lazy/`, without `.js`. */
  readonly file: string;
  /**
   * True where client-node imports it at its top although few users need it: then its exports become getters that load the
   * package when they are first used. Ours are imported lazily in the source.
   */
  readonly deferred: boolean;
}

/** What stays out of the bundle until it is used: together 1.7 MiB of text, 15 MiB of memory and most of the start time. */
export const LAZY_PACKAGES: readonly LazyPackage[] = [
  // The local API beyond its fast routes.
  lazy('express'),
  // The gateway for HTTP.
  lazy('undici/lib/dispatcher/client.js'),
  // client-node: generated calls, which we don't make.
  deferred('undici'),
  // client-node: kubeconfigs with OpenID Connect, with Azure's or Google's old plugins, with a proxy.
  deferred('openid-client'),
  deferred('jsonpath-plus'),
  deferred('hpagent'),
  deferred('socks'),
  deferred('socks-proxy-agent'),
];

function lazy(name: string): LazyPackage {
  return { name, file: name.replaceAll('/', '-'), deferred: false };
}

function deferred(name: string): LazyPackage {
  return { ...lazy(name), deferred: true };
}

const STUB = 'deferred-package';

export function lazyPackages(): Plugin {
  const packages = new Map(LAZY_PACKAGES.map((each) => [each.name, each]));
  return {
    name: 'lazy-packages',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, namespace, resolveDir }) => {
        const found = packages.get(path);
        if (found === undefined || namespace === STUB) return null;
        return found.deferred
          ? { path, namespace: STUB, pluginData: resolveDir }
          : { path: chunkPath(found), external: true };
      });
      build.onResolve({ filter: /^\.\/lazy\//, namespace: STUB }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /./, namespace: STUB }, async ({ path, pluginData: resolveDir }) => {
        const chunk = JSON.stringify(chunkPath(packages.get(path)!));
        const names = JSON.stringify(await exportNames(path, String(resolveDir)));
        const contents = `for (const name of ${names}) {
          Object.defineProperty(exports, name, { enumerable: true, get: () => require(${chunk})[name] });
        }`;
        return { contents, loader: 'js' };
      });
    },
  };
}

function chunkPath({ file }: LazyPackage): string {
  return `./lazy/${file}.js`;
}

async function exportNames(name: string, resolveDir: string): Promise<string[]> {
  const path = createRequire(`${resolveDir}/`).resolve(name);
  const names = Object.keys(await import(pathToFileURL(path).href));
  return names.filter((each) => each !== 'module.exports' && each !== '__esModule');
}
