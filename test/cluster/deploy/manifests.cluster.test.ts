import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import {
  appliable,
  components,
  deploy,
  examples,
  type Manifest,
  type Overlay,
  only,
  render,
  restrictedNamespace,
  sidecarOf,
} from './shipped.ts';

const namespace = 'shipped';
let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane();
  await restrictedNamespace(controlPlane, namespace);
  await controlPlane.kubectl('apply', '--filename', join(import.meta.dirname, 'prometheus-operator.yaml'));
  await controlPlane.kubectl('wait', '--for=condition=Established', 'customresourcedefinition', '--all');
});
afterAll(() => controlPlane?.close());

const kubectl = (...args: string[]): Promise<string> => controlPlane.kubectl('--namespace', namespace, ...args);
const dryRun = ['apply', '--dry-run=server', '--validate=strict', '--output=name'];

describe('what deploy/ ships', () => {
  test.each([...appliable, ...examples.map((name) => `examples/${name}`)])(
    '%s passes a dry run on the API server',
    async (folder) => {
      expect(await kubectl(...dryRun, '--kustomize', join(deploy, folder))).toContain('leasegate');
    },
  );

  test('pods of each example are admitted where "restricted" Pod Security is enforced, and careless ones are not', async () => {
    for (const example of examples) {
      const { metadata, spec } = only(await render(controlPlane, { resources: [`examples/${example}`] }), 'Deployment');
      expect(await admitPod(metadata.name, spec.template.spec), example).toBe(201);
      const { securityContext: _, ...careless } = spec.template.spec;
      expect(await admitPod(metadata.name, careless), example).toBe(403);
    }
  });

  test('each example says in its README how it is applied and how to see it work', () => {
    for (const example of examples) {
      const readme = readFileSync(join(deploy, 'examples', example, 'README.md'), 'utf8');
      expect(readme).toContain(`kubectl apply -n shop -k deploy/examples/${example}`);
      expect(readme).toContain('See it work');
      expect(readme.trim().split('\n').length, example).toBeLessThanOrEqual(10);
    }
  });
});

describe('components', () => {
  test('each is of use to an application that knows nothing of the examples', async () => {
    for (const component of components) {
      const overlay = {
        resources: ['shop.yaml'],
        components: ['components/sidecar', ...(component === 'sidecar' ? [] : [`components/${component}`])],
      };
      const manifests = await render(controlPlane, overlay, {
        'shop.yaml': [statefulSet('shop'), statefulSet('plain', 'none')],
      });
      const [shop, plain] = manifests
        .filter(({ kind }) => kind === 'StatefulSet')
        .sort(byName)
        .reverse();
      const name = component === 'lease-name-prefix' ? 'LEASEGATE_LEASE_NAME_PREFIX' : 'LEASEGATE_LEASE_NAME';
      expect(sidecarOf(shop).env, component).toMatchObject({ [name]: 'leasegate' });
      expect(plain.spec.template.spec, 'who does not want it is left alone').not.toHaveProperty('initContainers');
      expect(shop.spec.template.spec.containers).toEqual(statefulSet('shop').spec.template.spec.containers);
      expect(shop.spec.selector).toEqual(statefulSet('shop').spec.selector);
    }
  });

  test('the sidecar comes before init containers that were there, and brings what "restricted" Pod Security asks of it', async () => {
    const shop = statefulSet('shop');
    shop.spec.template.spec.initContainers = [{ name: 'migrate', image: 'example.com/migrate' }];
    const overlay = { resources: ['shop.yaml'], components: ['components/sidecar'] };
    const rendered = only(await render(controlPlane, overlay, { 'shop.yaml': [shop] }), 'StatefulSet');
    const names = rendered.spec.template.spec.initContainers.map(({ name }: Manifest) => name);
    expect(names).toEqual(['leasegate', 'migrate']);
    const { containers, ...spec } = rendered.spec.template.spec;
    const alone = { ...spec, initContainers: [], containers: [sidecarOf(rendered).container] };
    delete alone.containers[0].restartPolicy;
    for (const probe of ['startupProbe', 'livenessProbe']) delete alone.containers[0][probe];
    expect(await admitPod('sidecar', alone)).toBe(201);
  });

  test('a name by prefix comes with the rights to derive it, and without what would have to know it', async () => {
    const more = ['components/sidecar', 'components/lease-name-prefix'];
    const overlay = { resources: ['shop.yaml'], components: more, namePrefix: 'shop-' };
    const manifests = await render(controlPlane, overlay, { 'shop.yaml': [statefulSet('web')] });
    expect(sidecarOf(only(manifests, 'StatefulSet')).env).not.toHaveProperty('LEASEGATE_LEASE_NAME');
    expect(manifests.map(({ kind }) => kind)).not.toContain('Lease');
    expect(only(manifests, 'ServiceAccount').metadata.labels).not.toHaveProperty(['leasegate.dev/election']);
    const { rules } = only(manifests, 'Role');
    expect(rules.filter((rule: Manifest) => 'resourceNames' in rule)).toEqual([]);
    expect(rules.slice(-2)).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get'] },
    ]);
  });

  test('the right to create Leases is left out in one line', async () => {
    const rules = async (...more: string[]) => {
      const overlay = { resources: ['examples/label'], components: more };
      return only(await render(controlPlane, overlay), 'Role').rules as Manifest[];
    };
    const creates = ({ resources, verbs }: Manifest) => resources.includes('leases') && verbs.includes('create');
    const before = await rules();
    expect(before.some(creates)).toBe(true);
    const after = await rules('components/no-lease-creation');
    expect(after).toEqual(before.filter((rule) => !creates(rule)));
  });

  test('no rule lets a replica delete, or name a Lease or slice that is not its election’s', async () => {
    for (const example of examples) {
      const { rules } = only(await render(controlPlane, { resources: [`examples/${example}`] }), 'Role');
      for (const { resources, resourceNames, verbs } of rules) {
        expect(verbs, example).not.toContain('delete');
        if (resources[0] === 'pods' || resources[0] === 'pods/status' || verbs.join() === 'create') continue;
        expect(['leasegate', 'web', 'web.leasegate'], example).toContain(resourceNames?.[0]);
      }
    }
  });
});

describe('the overlays of docs/deploying.md', () => {
  const page = readFileSync(join(deploy, '../docs/deploying.md'), 'utf8').replaceAll('<deploy>/', '');
  const overlays = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => load(yaml!) as Overlay);
  const [whole, options, account, prefixed, ...more] = overlays;

  test('are all looked at here', () => {
    expect(prefixed).toBeDefined();
    expect(more).toEqual([]);
  });

  test('bring the sidecar to an application', async () => {
    const files = { 'deployment.yaml': [statefulSet('shop')], 'service.yaml': [service('shop')] };
    const manifests = await render(controlPlane, whole!, files);
    const { container, env } = sidecarOf(only(manifests, 'StatefulSet'));
    expect(container.image).toBe('registry.example.com/leasegate:0.1.0');
    expect(env).toEqual({ LEASEGATE_LEASE_NAME: 'leasegate', LEASEGATE_PUBLISH: 'label' });
    for (const kind of ['Lease', 'ServiceAccount', 'Role', 'RoleBinding']) only(manifests, kind);
  });

  test('set further options', async () => {
    const manifests = await render(controlPlane, { resources: ['examples/label'], ...options });
    const { env } = sidecarOf(only(manifests, 'Deployment'));
    expect(env).toMatchObject({
      LEASEGATE_LEASE_DURATION: '30s',
      LEASEGATE_RENEW_DEADLINE: '20s',
      LEASEGATE_PUBLISH: 'label',
    });
  });

  test('leave an application its service account', async () => {
    const manifests = await render(controlPlane, { resources: ['examples/label'], ...account });
    const { spec } = only(manifests, 'Deployment').spec.template;
    expect(spec.serviceAccountName).toBe('web');
    expect(spec).not.toHaveProperty('automountServiceAccountToken');
    expect(only(manifests, 'RoleBinding').subjects).toEqual([{ kind: 'ServiceAccount', name: 'web' }]);
    expect(await admitPod('own-account', spec)).toBe(201);
  });

  test('tell two elections of a namespace apart', async () => {
    const manifests = await render(controlPlane, prefixed!);
    const named = only(manifests, 'Role').rules.flatMap(({ resourceNames = [] }: Manifest) => resourceNames);
    expect(named).toEqual(['shop-leasegate', 'shop-web', 'shop-web.shop-leasegate']);
  });
});

function statefulSet(name: string, sidecar?: string): Manifest {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, ...(sidecar && { labels: { 'leasegate.dev/sidecar': sidecar } }) },
    spec: {
      serviceName: name,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'shop', image: 'example.com/shop' }] } },
    },
  };
}

function service(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  };
}

function byName(one: Manifest, other: Manifest): number {
  return one.metadata.name.localeCompare(other.metadata.name);
}

async function admitPod(name: string, spec: unknown): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  return (await controlPlane.admin.post(path, { metadata: { name }, spec })).status;
}
