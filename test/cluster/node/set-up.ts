import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { ensureTools } from '../tools/build.ts';
import type { ImageSize } from './machine/images.ts';
import { startNode } from './machine/node.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kubeconfig: string;
    image: string;
    kubectl: string;
    /** Null where the image was given. */
    imageSize: ImageSize | null;
    /** Program and arguments that run this checkout's Leasegate here, up to the subcommand. */
    leasegate: string[];
  }
}

const root = resolve(import.meta.dirname, '../../..');

/** Vitest's global setup: a node of our own, unless KUBECONFIG and IMAGE name a cluster that runs and an image that it has. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  project.provide('leasegate', [process.execPath, resolve(root, 'dist/leasegate.js')]);
  const { KUBECONFIG, IMAGE } = process.env;
  if (KUBECONFIG && IMAGE) {
    const { kubectl } = await ensureTools(['kubectl']);
    provide(project, { kubectl, kubeconfig: KUBECONFIG, image: IMAGE, imageSize: null });
    return async () => {};
  }
  if (KUBECONFIG || IMAGE) throw new Error('give KUBECONFIG and IMAGE, or neither');
  const { kubectl } = await ensureTools([
    ...(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const),
    ...(['kube-scheduler', 'kubelet', 'kube-proxy'] as const),
  ]);
  const node = await startNode((line) => console.error(line));
  provide(project, { kubectl, ...node });
  return () => node.close();
}

interface Given {
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly image: string;
  readonly imageSize: ImageSize | null;
}

function provide(project: TestProject, { kubectl, kubeconfig, image, imageSize }: Given): void {
  project.provide('kubectl', kubectl);
  project.provide('kubeconfig', kubeconfig);
  project.provide('image', image);
  project.provide('imageSize', imageSize);
}
