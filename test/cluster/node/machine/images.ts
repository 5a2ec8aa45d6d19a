import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildImage, IMAGE } from '../../../image/build-image.ts';
import { engineConfiguration } from '../../../image/run-image.ts';
import { defaultBases, standIns } from '../../../image/stand-ins.ts';
import { PAUSE_IMAGE } from './containerd.ts';
import { run } from './programs.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const TOOLS = resolve(import.meta.dirname, '../../tools');

/** An image, and an archive of it that containerd imports. */
export interface ImageArchive {
  readonly name: string;
  readonly archive: string;
}

export interface ImageSize {
  /** What a node downloads. */
  readonly compressedBytes: number;
  readonly unpackedBytes: number;
}

/** Builds the Dockerfile, as `npm run test:image` does. */
export async function buildLeasegate(directory: string): Promise<ImageArchive & ImageSize> {
  const configuration = join(directory, 'containers.conf');
  await writeFile(configuration, engineConfiguration);
  process.env.CONTAINERS_CONF = configuration;
  const scratch = await mkdtemp(join(directory, 'image-'));
  buildImage(ROOT, standIns(defaultBases(join(ROOT, 'Dockerfile')), scratch), scratch);
  // A compressed one is what a registry would hold.
  const compressed = join(directory, 'leasegate.oci.tar');
  await run('buildah', 'push', '--quiet', '--compression-format=gzip', IMAGE, `oci-archive:${compressed}`);
  const compressedBytes = (await stat(compressed)).size;
  await rm(compressed);
  const { archive } = await archiveOf(IMAGE, directory, 'leasegate');
  return { name: IMAGE, archive, compressedBytes, unpackedBytes: (await stat(archive)).size };
}

/** Builds the program that holds a pod's namespaces, from Kubernetes' own source. */
export async function buildPause(directory: string): Promise<ImageArchive> {
  // The daemons may have been built on another machine, from where only they came.
  await run('go', '-C', TOOLS, 'mod', 'download', 'k8s.io/kubernetes');
  const kubernetes = (await run('go', '-C', TOOLS, 'list', '-m', '-f', '{{.Dir}}', 'k8s.io/kubernetes')).trim();
  const program = join(directory, 'pause');
  const source = join(kubernetes, 'build/pause/linux/pause.c');
  await run('gcc', '-Os', '-static', '-DVERSION=test', '-o', program, source);
  const container = (await run('buildah', 'from', 'scratch')).trim();
  await run('buildah', 'add', '--quiet', container, program, '/pause');
  await run('buildah', 'config', '--entrypoint', '["/pause"]', container);
  await run('buildah', 'commit', '--quiet', '--rm', container, PAUSE_IMAGE);
  return archiveOf(PAUSE_IMAGE, directory, 'pause');
}

/** What the examples' application is: BusyBox, by the name that they give it. */
export async function buildBusybox(directory: string): Promise<ImageArchive> {
  const name = 'docker.io/library/busybox:1.37';
  const container = (await run('buildah', 'from', 'scratch')).trim();
  const binary = join(directory, 'busybox');
  await run('cp', (await run('which', 'busybox')).trim(), binary);
  await run('buildah', 'add', '--quiet', container, binary, '/bin/busybox');
  const root = (await run('buildah', 'mount', container)).trim();
  const applets = (await run('busybox', '--list'))
    .trim()
    .split('\n')
    .filter((applet) => applet !== 'busybox');
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
  await mkdir(join(root, 'tmp'));
  await run('buildah', 'config', '--env', 'PATH=/bin', '--cmd', '/bin/sh', container);
  await run('buildah', 'commit', '--quiet', '--rm', container, name);
  return archiveOf(name, directory, 'busybox');
}

async function archiveOf(name: string, directory: string, file: string): Promise<ImageArchive> {
  const archive = join(directory, `${file}.tar`);
  await rm(archive, { force: true });
  await run('buildah', 'push', '--quiet', name, `docker-archive:${archive}:${name}`);
  return { name, archive };
}
