import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from './support/api-client.ts';
import { type ControlPlane, startControlPlane } from './support/control-plane.ts';

const deploy = resolve(import.meta.dirname, '../../deploy');
const namespace = 'shipped';
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const lease = `${leases}/leasegate`;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly { readonly resourceNames?: readonly string[] }[];
  // biome-ignore lint/suspicious/noExplicitAny: manifests of any kind
  readonly spec?: any;
}

const files = readdirSync(deploy, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml') && !basename(path).startsWith('kustom'))
  .sort();
const folders = readdirSync(deploy).filter((folder) => existsSync(join(deploy, folder, 'kustomization.yaml')));
const manifests = files.flatMap((file) => loadAll(readFileSync(join(deploy, file), 'utf8')) as Manifest[]);

let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await controlPlane.admin.post('/api/v1/namespaces', { metadata: { name: namespace, labels } });
});
afterAll(() => controlPlane?.close());

const kubectl = (...args: string[]): Promise<string> => controlPlane.kubectl('--namespace', namespace, ...args);

describe('what deploy/ ships', () => {
  test.each(files)('%s passes a dry run on the API server', async (file) => {
    const dryRun = ['--dry-run=server', '--validate=strict', '--output=name'];
    expect(await kubectl('apply', ...dryRun, '--filename', join(deploy, file))).not.toBe('');
  });

  test.each(folders)('%s passes a dry run as a whole', async (folder) => {
    const dryRun = ['--dry-run=server', '--validate=strict', '--output=name'];
    expect(await kubectl('apply', ...dryRun, '--kustomize', join(deploy, folder))).toContain(
      'lease.coordination.k8s.io/leasegate',
    );
  });

  test('pods of each Deployment are admitted where "restricted" Pod Security is enforced', async () => {
    const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
    expect(deployments).not.toEqual([]);
    for (const { metadata, spec } of deployments) {
      expect(await admitPod(metadata.name, spec.template.spec)).toMatchObject({ status: 201 });
      const { securityContext: _, ...careless } = spec.template.spec;
      expect(await admitPod(metadata.name, careless)).toMatchObject({ status: 403 });
    }
  });

  test('Lease, Role and sidecar speak of the same Lease', () => {
    expect(leaseNamesIn(manifests)).toEqual({ lease: 'leasegate', role: ['leasegate'], run: ['leasegate'] });
  });

  test('a namePrefix reaches all places where the name of the Lease stands', async () => {
    const overlay = await mkdtemp(join(tmpdir(), 'leasegate-overlay-'));
    try {
      const resources = [relative(await realpath(overlay), join(deploy, 'example'))];
      await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify({ namePrefix: 'shop-', resources }));
      const renamed = loadAll(await kubectl('kustomize', overlay)) as Manifest[];
      expect(leaseNamesIn(renamed)).toEqual({
        lease: 'shop-leasegate',
        role: ['shop-leasegate'],
        run: ['shop-leasegate'],
      });
    } finally {
      await rm(overlay, { recursive: true });
    }
  });
});

describe('a replica with the shipped Role', () => {
  let replica: ApiClient;
  beforeAll(async () => {
    await kubectl('apply', '--kustomize', join(deploy, 'base'));
    replica = controlPlane.clientFor(await controlPlane.serviceAccountToken(namespace, 'leasegate'));
  });

  test('reads, lists, watches and updates its Lease, and writes Events', async () => {
    const read = await replica.get(lease);
    expect(read.status).toBe(200);
    const selector = `fieldSelector=${encodeURIComponent('metadata.name=leasegate')}`;
    expect(await replica.get(`${leases}?${selector}`)).toMatchObject({ status: 200, body: { items: [{}] } });
    expect(await replica.get(`${leases}?${selector}&watch=true&timeoutSeconds=1`)).toMatchObject({ status: 200 });
    expect(await replica.put(lease, { ...read.body, spec: { holderIdentity: 'me' } })).toMatchObject({ status: 200 });
    const event = {
      metadata: { name: 'leasegate.1', namespace },
      involvedObject: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', name: 'leasegate', namespace },
      reason: 'LeaderElection',
      message: 'me became leader',
    };
    expect(await replica.post(`/api/v1/namespaces/${namespace}/events`, event)).toMatchObject({ status: 201 });
  });

  test('neither deletes it, nor touches or sees another', async () => {
    expect(await replica.delete(lease)).toMatchObject({ status: 403 });
    expect(await replica.delete(leases)).toMatchObject({ status: 403 });
    expect(await replica.get(leases)).toMatchObject({ status: 403 });
    expect(await replica.get(`${leases}/another`)).toMatchObject({ status: 403 });
    expect(await replica.put(`${leases}/another`, { metadata: { name: 'another' } })).toMatchObject({ status: 403 });
    expect(await replica.patch(lease, { spec: { holderIdentity: '' } })).toMatchObject({ status: 403 });
    expect(await replica.get(`/api/v1/namespaces/${namespace}/pods`)).toMatchObject({ status: 403 });
  });

  test('keeps the Lease when the manifests are applied again', async () => {
    const { body } = await controlPlane.admin.get(lease);
    await replica.put(lease, { ...body, spec: { ...body.spec, holderIdentity: 'holder', leaseDurationSeconds: 15 } });
    await kubectl('apply', '--kustomize', join(deploy, 'base'));
    await kubectl('apply', '--server-side', '--force-conflicts', '--kustomize', join(deploy, 'base'));
    const { spec } = (await controlPlane.admin.get(lease)).body;
    expect(spec).toMatchObject({ holderIdentity: 'holder', leaseDurationSeconds: 15 });
  });
});

/** The name of the Lease as each kind of manifest has it. */
function leaseNamesIn(all: readonly Manifest[]): { lease: string | undefined; role: string[]; run: string[] } {
  const ofKind = (kind: string) => all.filter((manifest) => manifest.kind === kind);
  return {
    lease: ofKind('Lease')[0]?.metadata.name,
    role: ofKind('Role').flatMap(({ rules = [] }) => rules.flatMap(({ resourceNames = [] }) => resourceNames)),
    run: ofKind('Deployment').flatMap(({ spec }) =>
      (spec.template.spec.initContainers[0].env as { name: string; value: string }[])
        .filter(({ name }) => name === 'LEASEGATE_LEASE_NAME')
        .map(({ value }) => value),
    ),
  };
}

function admitPod(name: string, spec: unknown): Promise<{ status: number }> {
  return controlPlane.admin.post(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, { metadata: { name }, spec });
}
