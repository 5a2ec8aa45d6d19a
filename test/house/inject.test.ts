import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { checked, injected } from '../../src/inject/cases.fixture.ts';
import { CODES } from '../../src/inject/report.ts';
import { TOKEN_VOLUME_SOURCE } from '../../src/inject/sidecar.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
// biome-ignore lint/suspicious/noExplicitAny: manifests of any kind
const documents = (text: string): any[] => parseAllDocuments(text).map((document) => document.toJS());

/** A plain application, before kustomize adds the sidecar. */
const application = read('deploy/examples/polling/deployment.yaml');
/** What kustomize adds. */
const { template } = documents(read('deploy/components/sidecar/sidecar.yaml'))[0].spec;

describe('what inject adds', () => {
  const added = documents(injected(application, ['--lease-name', 'leasegate']).text!);
  const workload = added.find(({ kind }) => kind === 'Deployment');
  const podSpec = workload.spec.template.spec;

  test('is the sidecar of deploy/components', () => {
    const own = documents(application)[0].spec.template.spec.volumes;
    expect(podSpec.initContainers).toEqual(template.spec.initContainers);
    expect(podSpec.volumes).toEqual([...own, ...template.spec.volumes]);
    expect(template.spec.volumes).toEqual([TOKEN_VOLUME_SOURCE]);
  });

  test('has the rights of deploy/base', () => {
    const role = documents(read('deploy/base/role.yaml'))[0];
    expect(added.find(({ kind }) => kind === 'Role').rules).toEqual(role.rules);
  });

  test('has with --members what deploy/components/members adds', () => {
    const members = documents(injected(application, ['--members', '--lease-name', 'leasegate']).text!);
    const { patches } = documents(read('deploy/components/members/kustomization.yaml'))[0];
    const [{ value: rule }] = documents(patches.find(({ patch }: { patch?: string }) => patch).patch)[0];
    expect(members.find(({ kind }) => kind === 'Role').rules.slice(3)).toEqual([rule]);
    const [environment] = documents(read('deploy/components/members/environment.yaml'));
    const { env } = members.find(({ kind }) => kind === 'Deployment').spec.template.spec.initContainers[0];
    expect(env).toEqual(expect.arrayContaining(environment.spec.template.spec.initContainers[0].env));
  });

  test('is an empty Lease, as in deploy/base', () => {
    const lease = documents(read('deploy/base/lease.yaml'))[0];
    const { apiVersion, kind, metadata, spec } = added.find((each) => each.kind === 'Lease');
    expect({ apiVersion, kind, name: metadata.name, spec }).toEqual({
      apiVersion: lease.apiVersion,
      kind: lease.kind,
      name: lease.metadata.name,
      spec: undefined,
    });
  });

  test.each(['label', 'readiness-gate', 'endpointslice'])(
    'has the rights that docs/publishing.md gives to %s',
    (way) => {
      const section = read('docs/publishing.md').split(`\n## ${way}\n`)[1]!.split('\n## ')[0]!;
      const [, block] = /```yaml\n(# in the Role.*?)```/s.exec(section)!;
      const service = way === 'endpointslice' ? ['--service', 'web-leader'] : [];
      const args = ['--publish', way, ...service, '--lease-name', 'web', '--force'];
      expect(checked(args).options.publish).toEqual([way]);
      const role = documents(injected(application, args).text!).find(({ kind }) => kind === 'Role');
      expect(role.rules.slice(3)).toEqual(documents(block!)[0]);
    },
  );
});

test('each code of the report stands in docs/inject.md, and no other', () => {
  const page = read('docs/inject.md');
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code!);
  expect(rows.filter((code) => !/^(IN|OUT)PUT_/.test(code)).sort()).toEqual(Object.keys(CODES).sort());
});
