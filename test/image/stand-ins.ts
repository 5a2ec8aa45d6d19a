import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execute, output } from './shell.ts';

export interface Bases {
  /** Debian's suite, e.g. `trixie`. */
  readonly suite: string;
  /** The version of Node in the build image. */
  readonly nodeVersion: string;
}

/** What the Dockerfile builds on when it is told nothing else. */
export function defaultBases(dockerfile: string): Bases {
  const text = readFileSync(dockerfile, 'utf8');
  const [, nodeVersion, suite] = /^ARG BUILD_IMAGE=\S+:([\d.]+)-([a-z]+)$/m.exec(text) ?? [];
  if (nodeVersion === undefined || suite === undefined) throw new Error('the Dockerfile names no BUILD_IMAGE');
  return { suite, nodeVersion };
}

/**
 * Images with the contents that the Dockerfile expects of its bases, from Debian's packages and this Node and npm, for where
 * no image registry is reachable. Made once, then kept in buildah's storage.
 */
export function standIns({ suite, nodeVersion }: Bases, scratch: string): { build: string; runtime: string } {
  const build = `localhost/leasegate-stand-in/node:${nodeVersion}-${suite}`;
  const runtime = `localhost/leasegate-stand-in/cc:${suite}`;
  if (!exists(build)) {
    const packages = ['binutils', 'ca-certificates', 'libatomic1', 'libstdc++6'];
    make(build, debian(suite, 'essential', packages, scratch), (container) => {
      const npm = dirname(dirname(output('npm', ['exec', '--call', 'echo $npm_execpath'])));
      buildah('add', '--quiet', '--chmod', '0755', container, process.execPath, '/usr/local/bin/node');
      buildah('add', '--quiet', container, npm, '/usr/local/lib/node_modules/npm');
      buildah('run', '--isolation', 'chroot', container, '--', 'ln', '-s', NPM_CLI, '/usr/local/bin/npm');
    });
  }
  if (!exists(runtime)) {
    // As in a distroless image: files of a few packages, no shell, no package manager.
    const packages = ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6', 'netbase', 'tzdata'];
    make(runtime, debian(suite, 'extract', packages, scratch), () => {});
  }
  return { build, runtime };
}

const NPM_CLI = '../lib/node_modules/npm/bin/npm-cli.js';

function debian(suite: string, variant: string, packages: readonly string[], scratch: string): string {
  const archive = join(scratch, `${variant}.tar`);
  output('mmdebstrap', ['--quiet', `--variant=${variant}`, `--include=${packages}`, suite, archive], { quiet: false });
  return archive;
}

function make(image: string, archive: string, finish: (container: string) => void): void {
  const container = buildah('from', 'scratch');
  buildah('add', '--quiet', container, archive, '/');
  buildah('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin', container);
  finish(container);
  buildah('commit', '--quiet', '--rm', container, image);
  rmSync(archive);
}

function exists(image: string): boolean {
  return execute('buildah', ['inspect', '--type', 'image', image]).status === 0;
}

function buildah(...argv: string[]): string {
  return output('buildah', argv);
}
