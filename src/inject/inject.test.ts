import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { checked, injected } from './cases.fixture.ts';
import { inject } from './inject.ts';
import type { Finding } from './report.ts';
import { uninject } from './uninject.ts';

const codes = (report: readonly Finding[]) => report.map(({ code }) => code);
const restored = (text: string, only: Parameters<typeof uninject>[1] = []) => uninject([{ name: 'stdin', text }], only);

function deployment(name: string, { strategy = '', pod = '', replicas = 3 } = {}): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
${strategy}  selector:
    matchLabels: {app: ${name}}
  template:
    metadata:
      labels: {app: ${name}, track: stable}
    spec:
${pod}      containers:
        - name: app
          image: app:1
`;
}

describe('several elections', () => {
  test('have a Lease each, and the rights to all', () => {
    const { text } = injected(deployment('web'), ['--lease-name', 'a,b,c']);
    const documents = parseAllDocuments(text!).map((document) => document.toJS());
    const ofKind = (kind: string) => documents.filter((document) => document.kind === kind);
    expect(ofKind('Lease').map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(ofKind('Role')[0].rules[0].resourceNames).toEqual(['a', 'b', 'c']);
    expect(ofKind('ServiceAccount')[0].metadata).toMatchObject({
      labels: { 'leasegate.dev/election': 'a' },
      annotations: { 'leasegate.dev/further-elections': 'b,c' },
    });
    const [sidecar] = ofKind('Deployment')[0].spec.template.spec.initContainers;
    expect(sidecar.env[0]).toEqual({ name: 'LEASEGATE_LEASE_NAME', value: 'a,b,c' });
    expect(restored(text!).text).toBe(deployment('web'));
  });

  test('are shared where the replicas are told so', () => {
    const fair = ['--set', 'LEASEGATE_FAIR_SHARE=true', '--members'];
    expect(injected(deployment('web'), ['--lease-name', 'a,b', ...fair]).text).toContain('LEASEGATE_FAIR_SHARE');
  });
});

describe('a second run', () => {
  test('with other options gives what they alone would have given', () => {
    const text = deployment('web');
    const first = injected(text, ['--lease-name', 'one']);
    const second = injected(first.text!, ['--publish', 'label']);
    expect(second.text).toBe(injected(text, ['--publish', 'label']).text);
    expect(codes(second.report)).toContain('REINJECTED');
  });

  test('for one workload leaves another as it was injected', () => {
    const text = `${deployment('one')}---\n${deployment('two')}`;
    const both = injected(text).text!;
    const again = injected(both, ['--only', 'one', '--image', 'other:1']).text!;
    const images = [...again.matchAll(/image: (.*leasegate.*|other.*)/g)].map(([, image]) => image);
    expect(images).toEqual(['other:1', 'leasegate:0.1.0']);
    expect(restored(again).text).toBe(text);
  });
});

describe('uninject', () => {
  test('of one workload leaves the other', () => {
    const text = `${deployment('one')}---\n${deployment('two')}`;
    const { text: half } = restored(injected(text).text!, [{ kind: 'Deployment', name: 'one' }]);
    expect(half).toContain(deployment('one'));
    expect(half!.match(/image: leasegate/g)).toHaveLength(1);
    expect(half).not.toContain('one-leasegate');
    expect(restored(half!).text).toBe(text);
  });

  test('keeps what was edited since, elsewhere', () => {
    const text = `${deployment('web')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n`;
    const edit = (whole: string) =>
      whole
        .replace('replicas: 3', 'replicas: 30 # more')
        .replace('image: app:1', 'image: registry.example.com/app:2.0.0');
    const { text: back, report } = restored(edit(injected(text).text!));
    expect(back).toBe(edit(text));
    expect(codes(report)).toEqual(['RESTORED_WITH_EDITS', 'LEFT_IN_CLUSTER']);
  });

  test.each([
    ['the sidecar', 'image: leasegate:0.1.0', 'image: leasegate:0.2.0'],
    ['the token', 'expirationSeconds: 3607', 'expirationSeconds: 600'],
    ['the service account', 'serviceAccountName: web-leasegate', 'serviceAccountName: web'],
    ['the record', 'injected: "v1', 'injected: "v9'],
  ])('refuses where %s was edited since', (_, from, to) => {
    const { text, report } = restored(injected(deployment('web')).text!.replace(from, to));
    expect(text).toBeNull();
    expect(report).toMatchObject([
      { code: 'EDITED_SINCE', subject: 'Deployment/web', at: { line: expect.any(Number) } },
    ]);
  });

  test('leaves what was not injected', () => {
    const { text, report } = restored(deployment('web'));
    expect(text).toBe(deployment('web'));
    expect(codes(report)).toEqual(['NOT_INJECTED']);
  });

  test('keeps documents that were put around', () => {
    const more = '# Source: more.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n';
    const around = (text: string) => `${more}---\n${text}---\n${more}`;
    expect(restored(around(injected(deployment('web')).text!)).text).toBe(around(deployment('web')));
  });

  test('takes a changed Service back', () => {
    const service =
      'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80}]\n';
    const text = `${service}---\n${deployment('web')}`;
    const { text: done } = injected(text, ['--publish', 'label', '--service', 'web']);
    expect(done).toContain('selector: {app: web, "leasegate.dev/role": "leader"}');
    expect(restored(done!, [{ kind: null, name: 'web' }]).text).toBe(text);
  });
});

describe('a readiness gate', () => {
  const rolling = (lines: string) => deployment('web', { strategy: `  strategy:\n    rollingUpdate:\n${lines}` });
  const gate = ['--publish', 'readiness-gate'];

  test.each([
    ['the default of 25 %', deployment('web')],
    ['all but one', rolling('      maxUnavailable: 2\n')],
    ['a percentage that rounds down to all but one', rolling('      maxUnavailable: 99%\n')],
    ['0', rolling('      maxUnavailable: 0\n')],
    ['the default, of one replica', deployment('web', { replicas: 1 })],
  ])('is refused where a rolling update may take away %s', (_, text) => {
    const { text: done, report } = injected(text, gate);
    expect(done).toBeNull();
    expect(codes(report)).toContain('ROLLOUT_WOULD_STALL');
    expect(injected(text, [...gate, '--force']).text).not.toBeNull();
  });

  test.each([
    ['all', rolling('      maxUnavailable: 3\n')],
    ['more than all', rolling('      maxUnavailable: 5\n')],
    ['100 %', rolling('      maxUnavailable: 100%\n')],
    ['the only one', deployment('web', { replicas: 1, strategy: '  strategy: {rollingUpdate: {maxSurge: 0}}\n' })],
    ['all at once (Recreate)', deployment('web', { strategy: '  strategy: {type: Recreate}\n' })],
  ])('is taken where it may take away %s', (_, text) => {
    expect(injected(text, gate).text).not.toBeNull();
  });

  const statefulSet = (spec: string, replicas = 3) =>
    deployment('db', { replicas, strategy: spec }).replace('Deployment', 'StatefulSet');
  const daemonSet = (spec: string) =>
    deployment('db', { strategy: spec }).replace('Deployment', 'DaemonSet').replace('  replicas: 3\n', '');

  test.each([
    ['a StatefulSet as it is by default', statefulSet(''), 2],
    ['a StatefulSet that waits for the pod before', statefulSet('  updateStrategy: {type: OnDelete}\n'), 1],
    ['a StatefulSet with a rolling update', statefulSet('  podManagementPolicy: Parallel\n'), 1],
    ['a DaemonSet as it is by default', daemonSet(''), 1],
    [
      'a DaemonSet that loses a half at most',
      daemonSet('  updateStrategy: {rollingUpdate: {maxUnavailable: 50%}}\n'),
      1,
    ],
  ])('is refused for %s', (_, text, times) => {
    const found = codes(injected(text, gate).report);
    expect(found).toEqual(Array(times).fill('ROLLOUT_WOULD_STALL'));
  });

  test.each([
    ['a StatefulSet', statefulSet('  podManagementPolicy: Parallel\n  updateStrategy: {type: OnDelete}\n')],
    ['a StatefulSet of one', statefulSet('', 1)],
    ['a DaemonSet', daemonSet('  updateStrategy: {type: OnDelete}\n')],
    ['a DaemonSet of which all may go', daemonSet('  updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}\n')],
  ])('is taken for %s whose rollout does not wait', (_, text) => {
    expect(injected(text, gate).text).not.toBeNull();
  });

  const budget = (spec: string, selector = 'matchLabels: {app: web}') =>
    `apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: pdb}\nspec:\n  ${spec}\n  selector: {${selector}}\n---\n${rolling('      maxUnavailable: 100%\n')}`;

  test.each([
    ['minAvailable: 1', undefined],
    ['minAvailable: 1%', undefined],
    ['maxUnavailable: 2', undefined],
    ['maxUnavailable: 34%', undefined],
    ['minAvailable: 1', ''],
    ['minAvailable: 1', 'matchExpressions: [{key: track, operator: In, values: [stable, canary]}]'],
    ['minAvailable: 1', 'matchExpressions: [{key: gone, operator: DoesNotExist}]'],
  ])('is refused with a budget of %s (selector %s)', (spec, selector) => {
    expect(codes(injected(budget(spec, selector), gate).report)).toContain('PDB_WOULD_BLOCK');
  });

  test.each([
    ['minAvailable: 0', undefined],
    ['maxUnavailable: 3', undefined],
    ['maxUnavailable: 67%', undefined],
    ['minAvailable: 1', 'matchLabels: {app: other}'],
    ['minAvailable: 1', 'matchExpressions: [{key: track, operator: NotIn, values: [stable]}]'],
  ])('is taken with a budget of %s (selector %s)', (spec, selector) => {
    expect(injected(budget(spec, selector), gate).text).not.toBeNull();
  });

  test('has nothing to do with a budget where the leader is published by label', () => {
    expect(injected(budget('minAvailable: 1'), ['--publish', 'label']).text).not.toBeNull();
  });

  test('that is there already is not added again', () => {
    const text = deployment('web', {
      strategy: '  strategy: {type: Recreate}\n',
      pod: '      readinessGates: [{conditionType: leasegate.dev/leader}]\n',
    });
    expect(injected(text, gate).text!.match(/conditionType/g)).toHaveLength(1);
  });
});

describe('several inputs', () => {
  const { options, settings } = checked([]);

  test('become one stream, and places are those of their files', () => {
    const inputs = [
      { name: 'a.yaml', text: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}' },
      { name: 'b.yaml', text: `\ufeff# second\n${deployment('web')}` },
      { name: 'c.yaml', text: '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n' },
    ];
    const { text, report } = inject(inputs, options, settings);
    expect(report.find(({ code }) => code === 'INJECTED')?.at).toEqual({ name: 'b.yaml', line: 2, column: 1 });
    const kinds = [...parseAllDocuments(text!)].map((document) => document.toJS().kind);
    const added = ['ServiceAccount', 'Role', 'RoleBinding', 'Lease'];
    expect(kinds).toEqual(['ConfigMap', ...added, 'Deployment', 'ConfigMap']);
  });

  test('that are broken are told by their own names', () => {
    const inputs = [
      { name: 'a.yaml', text: 'kind: "open' },
      { name: 'b.yaml', text: 'kind: x\nkind: y\n' },
    ];
    const { text, report } = inject(inputs, options, settings);
    expect(text).toBeNull();
    expect(report).toMatchObject([
      { code: 'YAML_INVALID', at: { name: 'a.yaml', line: 1 } },
      { code: 'YAML_INVALID', at: { name: 'b.yaml', line: 2, column: 1 } },
    ]);
  });
});

describe('an autoscaler of the input', () => {
  const scaler = (max: number) =>
    `apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  minReplicas: 2\n  maxReplicas: ${max}\n---\n`;

  test('counts: as many as it may make must be allowed to go', () => {
    const text = deployment('web', { strategy: '  strategy: {rollingUpdate: {maxUnavailable: 3}}\n' });
    const gate = ['--publish', 'readiness-gate'];
    expect(injected(scaler(3) + text, gate).text).not.toBeNull();
    expect(codes(injected(scaler(4) + text, gate).report)).toEqual(['ROLLOUT_WOULD_STALL']);
  });

  test('sees to a standby', () => {
    const text = deployment('web', { replicas: 1 });
    expect(codes(injected(text).report)).toContain('NO_STANDBY');
    expect(codes(injected(scaler(4) + text).report)).not.toContain('NO_STANDBY');
  });
});

test('a port by name is told of where there is no selector to look it up with', () => {
  const service =
    'apiVersion: v1\nkind: Service\nmetadata: {name: lead}\nspec: {ports: [{port: 80, targetPort: http}]}\n---\n';
  const { text, report } = injected(service + deployment('web'), ['--publish', 'endpointslice', '--service', 'lead']);
  expect(text).not.toBeNull();
  expect(report).toContainEqual(
    expect.objectContaining({ code: 'SERVICE_PORT_UNMATCHED', remedy: 'write its number' }),
  );
});

test('a Lease that the input ships is not added', () => {
  const lease = 'apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: web}\n---\n';
  expect(injected(lease + deployment('web')).text!.match(/kind: Lease/g)).toHaveLength(1);
});

test('a Role of the same name is not written over', () => {
  const role = 'apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: web-leasegate}\n---\n';
  expect(codes(injected(role + deployment('web')).report)).toContain('NAME_TAKEN');
  expect(injected(role + deployment('web'), ['--no-rbac']).text).not.toBeNull();
});

test('the service account that a workload names is the one that gets the rights', () => {
  const text = deployment('web', { pod: '      serviceAccountName: web\n' });
  const documents = [...parseAllDocuments(injected(text).text!)].map((document) => document.toJS());
  expect(documents.map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding', 'Lease', 'Deployment']);
  expect(documents[1].subjects).toEqual([{ kind: 'ServiceAccount', name: 'web' }]);
});

test('nothing is changed, and nothing refused, where there is nothing to do', () => {
  for (const text of ['', '\n', '# nothing\n', '---\n---\n', 'just text\n', '- a\n- list\n']) {
    expect(injected(text)).toMatchObject({ text, report: [{ code: 'NOTHING_TO_INJECT' }] });
  }
});
