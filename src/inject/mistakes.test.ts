import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { electionKey, sliceName } from '../publish/names.ts';
import { injected } from './cases.fixture.ts';
import type { Finding } from './report.ts';
import { uninject } from './uninject.ts';

const codes = (report: readonly Finding[]) => report.map(({ code }) => code);
// biome-ignore lint/suspicious/noExplicitAny: manifests of any kind
const documents = (text: string): any[] => parseAllDocuments(text).map((document) => document.toJS());

const workload = (kind: string, name: string, more = '') => `apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  replicas: 3
${more}  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: 'app:1', ports: [{containerPort: 8080}]}]}
`;
const service = (name: string, spec: string) => `---
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: ${spec}
`;

describe('a Service', () => {
  const own = '{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}';
  const to = (spec: string, args: string[], more = '', kind = 'Deployment') =>
    injected(workload(kind, 'web', more) + service('front', spec), [...args, '--service', 'front']);

  test('of other pods is refused, and nothing is printed', () => {
    for (const way of [
      ['--publish', 'label'],
      ['--gateway', '9090:8080'],
    ]) {
      const { text, report } = to('{selector: {app: other}, ports: [{port: 80, targetPort: 8080}]}', way);
      expect(text).toBeNull();
      expect(report).toMatchObject([{ code: 'SERVICE_OF_OTHERS', message: expect.stringContaining('app=other') }]);
      expect(to(own, way).text).not.toBeNull();
    }
  });

  test.each([
    ['a headless one', '{clusterIP: None, selector: {app: web}, ports: [{port: 80}]}', ['--publish', 'label']],
    ['an ExternalName', '{type: ExternalName, externalName: example.com}', ['--publish', 'label']],
    ['an ExternalName for a slice', '{type: ExternalName, externalName: a.example}', ['--publish', 'endpointslice']],
    [
      'one for the same node',
      '{internalTrafficPolicy: Local, ports: [{port: 80, targetPort: 8080}]}',
      ['--publish', 'endpointslice'],
    ],
  ])('that can not lead to the leader, %s, is refused unless the user insists', (_, spec, way) => {
    expect(to(spec, way)).toMatchObject({ text: null, report: [{ code: 'SERVICE_UNSUITABLE' }] });
    expect(codes(to(spec, [...way, '--force']).report)).toContain('SERVICE_UNSUITABLE');
  });

  test('that governs a StatefulSet is said to do so', () => {
    const headless = '{clusterIP: None, selector: {app: web}, ports: [{port: 80}]}';
    const { report } = to(headless, ['--publish', 'label'], '  serviceName: front\n', 'StatefulSet');
    expect(report[0]!.message).toContain('gives the pods of the StatefulSet their names');
  });

  test('that was routed is not among what only passed through', () => {
    expect(codes(to(own, ['--publish', 'label']).report)).not.toContain('SKIPPED_NOT_A_WORKLOAD');
  });
});

test('all Leases of several elections are named in the report', () => {
  const { report } = injected(workload('Deployment', 'web'), ['--lease-name', 'a,b,c']);
  expect(report.find(({ code }) => code === 'INJECTED')?.message).toBe('sidecar for Leases a, b, c');
});

test('two workloads with one Lease are told how to have one each', () => {
  const text = `${workload('Deployment', 'one')}---\n${workload('StatefulSet', 'two')}`;
  const remedy = expect.stringContaining('--lease-name-prefix PREFIX');
  expect(injected(text, ['--lease-name', 'both'])).toMatchObject({
    text: null,
    report: [{ code: 'LEASE_SHARED', remedy }],
  });
  expect(injected(text, ['--lease-name-prefix', 'both']).text).not.toBeNull();
});

test('two workloads of one name get rights of their own, be it one by one', () => {
  const text = `${workload('Deployment', 'web')}---\n${workload('StatefulSet', 'web')}`;
  expect(injected(text)).toMatchObject({ text: null, report: [{ code: 'LEASE_SHARED' }] });
  const first = injected(text, ['--only', 'StatefulSet/web', '--lease-name', 'web-db']).text!;
  const both = injected(first, ['--only', 'Deployment/web']).text!;
  const roles = documents(both).filter(({ kind }) => kind === 'Role');
  expect(roles.map(({ metadata }) => metadata.name)).toEqual(['web-leasegate', 'web-db-leasegate']);
  expect(uninject([{ name: 'stdin', text: both }], []).text).toBe(text);
});

test('both names of the service account are written, so that apply can take both away again', () => {
  const [deployment] = documents(injected(workload('Deployment', 'web')).text!).filter(
    ({ kind }) => kind === 'Deployment',
  );
  const { serviceAccountName, serviceAccount } = deployment.spec.template.spec;
  expect([serviceAccountName, serviceAccount]).toEqual(['web-leasegate', 'web-leasegate']);
});

describe('the pods', () => {
  const labelsOf = (text: string | null) =>
    documents(text!).find(({ kind }) => kind === 'Deployment').spec.template.metadata.labels;

  test('are labelled as those of the election', () => {
    expect(labelsOf(injected(workload('Deployment', 'web')).text)).toEqual({
      app: 'web',
      'leasegate.dev/election': 'web',
    });
  });

  test('keep labels that stand elsewhere, too, and the report says so', () => {
    const shared = workload('Deployment', 'web')
      .replace('{matchLabels: {app: web}}', '{matchLabels: &labels {app: web}}')
      .replace('{labels: {app: web}}', '{labels: *labels}');
    const { text, report } = injected(shared);
    expect(labelsOf(text)).toEqual({ app: 'web' });
    expect(codes(report)).toContain('LABEL_NOT_ADDED');
  });
});

test('what belongs to a release of Helm passes through, unless it is named', () => {
  const hook = workload('Deployment', 'migrate').replace(
    '{name: migrate}',
    '{name: migrate, annotations: {helm.sh/hook: pre-upgrade}}',
  );
  const { text, report } = injected(hook);
  expect(text).toBe(hook);
  expect(codes(report)).toContain('SKIPPED_HELM_HOOK');
  expect(codes(injected(hook, ['--only', 'migrate']).report)).toContain('INJECTED');
});

test('a template that happens to be YAML is none the less not rendered', () => {
  const template = workload('Deployment', 'web').replace('replicas: 3', 'replicas: {{ .Values.replicas }}');
  expect(injected(template)).toMatchObject({
    text: null,
    report: [{ code: 'TEMPLATE_NOT_RENDERED', at: { line: 5, column: 14 } }],
  });
});

test('what stays in a cluster after uninject is said, with the command for this election alone', () => {
  const text = `${workload('Deployment', 'one')}---\n${workload('Deployment', 'two')}`;
  const { report } = uninject([{ name: 'stdin', text: injected(text).text! }], [{ kind: null, name: 'one' }]);
  expect(report.filter(({ code }) => code === 'LEFT_IN_CLUSTER')).toMatchObject([
    {
      subject: 'Deployment/one',
      remedy: expect.stringMatching(
        /kubectl delete -n <namespace> serviceaccount,role,rolebinding,lease -l app\.kubernetes\.io\/managed-by=leasegate-inject,leasegate\.dev\/election=one$/,
      ),
    },
  ]);
});

describe('a Lease whose name is too long for a label', () => {
  const prefixed = injected(workload('Deployment', 'web'), ['--lease-name-prefix', 'p'.repeat(40)]);
  const [account, role, binding, lease, deployment] = documents(prefixed.text!);

  test('stays in a cluster after uninject, and the command that deletes it names each object', () => {
    const { report } = uninject([{ name: 'stdin', text: prefixed.text! }], []);
    const { name } = lease.metadata;
    expect([account, role, binding].map(({ metadata }) => metadata.name)).toEqual(Array(3).fill(`${name}-leasegate`));
    expect(report.find(({ code }) => code === 'LEFT_IN_CLUSTER')?.remedy).toBe(
      `when its pods are replaced: kubectl delete -n <namespace> serviceaccount/${name}-leasegate role/${name}-leasegate rolebinding/${name}-leasegate lease/${name}`,
    );
  });

  test('has pods with the label that publishing gives them, which is shorter', () => {
    const label = deployment.spec.template.metadata.labels['leasegate.dev/election'];
    const { name } = lease.metadata;
    expect(label).toBe(electionKey({ lease: { namespace: 'shop', name }, namespace: 'shop' }));
    expect(label.length).toBeLessThanOrEqual(63);
    expect(codes(prefixed.report)).not.toContain('LABEL_NOT_ADDED');
  });

  test('and where the label can not be added, the value to add is one that Kubernetes takes', () => {
    const shared = workload('Deployment', 'web')
      .replace('{matchLabels: {app: web}}', '{matchLabels: &labels {app: web}}')
      .replace('{labels: {app: web}}', '{labels: *labels}');
    const { report } = injected(shared, ['--lease-name', 'l'.repeat(80)]);
    const { remedy } = report.find(({ code }) => code === 'LABEL_NOT_ADDED')!;
    expect(remedy).toMatch(/^add leasegate\.dev\/election: [a-z0-9-]{1,63} to/);
  });
});

test('empty input is told from input without a workload', () => {
  expect(injected(' \n').report).toMatchObject([{ code: 'NOTHING_TO_INJECT', message: 'it is empty' }]);
  const { report } = injected(workload('Deployment', 'web').replace('apps/v1', 'extensions/v1beta1'));
  expect(report.find(({ code }) => code === 'NOTHING_TO_INJECT')?.remedy).toContain('of apps/v1');
});

test('whoever names no workload is told which there are, injected ones among them', () => {
  const { report } = injected(injected(workload('Deployment', 'web')).text!, ['--only', 'wep']);
  expect(report.find(({ code }) => code === 'NOT_FOUND')?.remedy).toBe('there are Deployment/web');
});

test('the right to a slice names the slice that publishing makes, however long the names are', () => {
  const leaseName = 'l'.repeat(70);
  const slices = service('front', '{ports: [{port: 80, targetPort: 8080}]}');
  const args = ['--publish', 'endpointslice', '--service', 'front', '--lease-name', leaseName];
  const { text } = injected(workload('Deployment', 'web') + slices, args);
  const role = documents(text!).find(({ kind }) => kind === 'Role');
  const election = electionKey({ lease: { namespace: 'shop', name: leaseName }, namespace: 'shop' });
  expect(role.rules.flatMap((rule: { resourceNames?: string[] }) => rule.resourceNames ?? [])).toContain(
    sliceName('front', election),
  );
});

test('a Lease name that leaves no room for the name of its service account is refused, unless there is one', () => {
  const named = (length: number, ...args: string[]) =>
    injected(workload('Deployment', 'web'), ['--lease-name', 'l'.repeat(length), ...args]);
  const { text, report } = named(244);
  expect(text).toBeNull();
  expect(report).toMatchObject([{ code: 'LEASE_NAME_LONG', remedy: expect.stringContaining('up to 243 characters') }]);
  const accounts = documents(named(243).text!).filter(({ kind }) => kind === 'ServiceAccount');
  expect(accounts.map(({ metadata }) => metadata.name.length)).toEqual([253]);
  expect(codes(named(253, '--service-account', 'web').report)).toContain('INJECTED');
});
