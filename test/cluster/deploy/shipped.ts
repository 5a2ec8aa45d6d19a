import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import type { ControlPlane } from '../support/control-plane.ts';

/** The folder that ships. */
export const deploy = resolve(import.meta.dirname, '../../../deploy');

// biome-ignore lint/suspicious/noExplicitAny: manifests of any kind
export type Manifest = any;

/** Folders of `deploy/` that can be applied, by their paths in it. */
export const appliable = ['base', 'network-policy', 'monitoring', 'admission-policy'];
export const examples = readdirSync(join(deploy, 'examples')).sort();
export const components = readdirSync(join(deploy, 'components')).sort();

/** An overlay as somebody would write it; `examples/label` among its resources is that of `deploy/`. */
export interface Overlay {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly [field: string]: unknown;
}

/** Runs `use` with the folder of an overlay, beside whose kustomization lie the given files. */
export async function withOverlay<T>(
  overlay: Overlay,
  use: (folder: string) => Promise<T>,
  files: Readonly<Record<string, readonly Manifest[]>> = {},
): Promise<T> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'leasegate-overlay-')));
  const inDeploy = (path: string) => (existsSync(join(deploy, path)) ? relative(folder, join(deploy, path)) : path);
  try {
    for (const [name, manifests] of Object.entries(files)) {
      await writeFile(join(folder, name), manifests.map((manifest) => dump(manifest)).join('---\n'));
    }
    const { resources = [], components = [], ...rest } = overlay;
    const kustomization = {
      ...rest,
      resources: resources.map(inDeploy),
      components: components.map(inDeploy),
    };
    await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What an overlay comes to. */
export function render(
  controlPlane: ControlPlane,
  overlay: Overlay,
  files?: Readonly<Record<string, readonly Manifest[]>>,
): Promise<Manifest[]> {
  return withOverlay(
    overlay,
    async (folder) => loadAll(await controlPlane.kubectl('kustomize', folder)) as Manifest[],
    files,
  );
}

export const ofKind = (manifests: readonly Manifest[], kind: string): Manifest[] =>
  manifests.filter((manifest) => manifest.kind === kind);

/** The only one of its kind. */
export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const [one, ...more] = ofKind(manifests, kind);
  if (one === undefined || more.length > 0) throw new Error(`${more.length + (one ? 1 : 0)} of kind ${kind}`);
  return one;
}

/** The sidecar of a workload, and its environment as far as it is written out. */
export function sidecarOf(workload: Manifest): { container: Manifest; env: Record<string, string> } {
  const container = workload.spec.template.spec.initContainers.find(({ name }: Manifest) => name === 'leasegate');
  const written = container.env.filter(({ value }: Manifest) => value !== undefined);
  return { container, env: Object.fromEntries(written.map(({ name, value }: Manifest) => [name, value])) };
}

/** Makes a namespace in which "restricted" Pod Security is enforced. */
export async function restrictedNamespace({ admin }: ControlPlane, name: string): Promise<string> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const { status } = await admin.post('/api/v1/namespaces', { metadata: { name, labels } });
  if (status !== 201) throw new Error(`namespace ${name} is answered ${status}`);
  return name;
}
