import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './shell.ts';

export const IMAGE = 'localhost/leasegate:image-test';

/**
 * Builds the Dockerfile on the given bases. How this host reaches npm's registry (certificates, proxy, mirror) is handed to the
 * build as mounted files: none of it is part of the Dockerfile or gets into the image.
 */
export function buildImage(root: string, bases: { build: string; runtime: string }, scratch: string): void {
  const npmrc = join(scratch, 'npmrc');
  const certificates = npmOption('cafile') ?? process.env.NODE_EXTRA_CA_CERTS ?? null;
  const settings = Object.entries({
    registry: npmOption('registry'),
    proxy: npmOption('proxy'),
    'https-proxy': npmOption('https-proxy'),
    cafile: certificates === null ? null : '/run/host-ca.crt',
  });
  writeFileSync(npmrc, settings.map(([name, value]) => (value === null ? '' : `${name}=${value}\n`)).join(''));
  const mounts = [`${npmrc}:/root/.npmrc:ro`];
  if (certificates !== null) mounts.push(`${certificates}:/run/host-ca.crt:ro`);
  output(
    'buildah',
    [
      ...['bud', '--isolation', 'chroot', '--layers=false', '--pull-never', '--tag', IMAGE],
      ...['--build-arg', `BUILD_IMAGE=${bases.build}`, '--build-arg', `RUNTIME_IMAGE=${bases.runtime}`],
      ...mounts.flatMap((mount) => ['--volume', mount]),
      root,
    ],
    { quiet: process.env.CI !== undefined },
  );
}

function npmOption(name: string): string | null {
  const value = output('npm', ['config', 'get', name]);
  return value === '' || value === 'null' || value === 'undefined' ? null : value;
}
