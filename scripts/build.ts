/**
 * `npm run build`: bundles the CLI into `dist/`, and bakes V8's code cache for the Node that runs this script.
 *
 * dist/leasegate.js   the program: loads the bundle from its code cache (see build/code-cache.ts)
 * dist/main.js        everything that every start needs, in one file; not minified, so that stack traces can be read
 * dist/main.cache     its bytecode
 * dist/signals.js     takes SIGTERM and SIGINT from the first moment on
 * dist/lazy/*.js      what few starts need, each in one file: packages, minified (see build/lazy-packages.ts), and parts of ours
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle, LAZY_PARTS } from './build/bundle.ts';
import { bakeCodeCache, loaderSource } from './build/code-cache.ts';
import { LAZY_PACKAGES } from './build/lazy-packages.ts';
import { noticesOf } from './build/third-party-notices.ts';

const { values: options } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } });
const root = join(import.meta.dirname, '..');
const outdir = resolve(root, options.outdir);
// Built beside its place and moved there: what runs from there is not disturbed, and a build that fails leaves it as it was.
const staging = `${outdir}.${process.pid}`;
mkdirSync(staging, { recursive: true });
try {
  const metafiles = await bundle(staging);
  write('package.json', '{ "type": "commonjs" }\n');
  write('THIRD-PARTY-NOTICES.txt', noticesOf(root, metafiles));
  write('leasegate.js', loaderSource());
  // What does not work as a bundle should not wait for its first user to tell.
  for (const file of [...LAZY_PACKAGES.map((each) => each.file), ...Object.keys(LAZY_PARTS)]) {
    createRequire(import.meta.url)(join(staging, 'lazy', `${file}.js`));
  }
  await bakeCodeCache(staging);
  rmSync(outdir, { recursive: true, force: true });
  renameSync(staging, outdir);
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function write(name: string, text: string): void {
  writeFileSync(join(staging, name), text, { mode: name === 'leasegate.js' ? 0o755 : 0o644 });
}
