import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Relay } from '../replica/relay.ts';
import { withoutVerb } from '../replica/role.ts';
import { expectStatus } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { freePorts } from '../support/free-ports.ts';
import { writeKubeconfig } from '../support/kubeconfig.ts';
import { makePki } from '../support/pki.ts';
import { LEASE, Patient, type Printed, type RunOptions } from './patient.ts';

let controlPlane: ControlPlane;
let patients = 0;
beforeAll(async () => {
  controlPlane = await startControlPlane();
});
afterAll(() => controlPlane?.close());

const admit = () => Patient.admit(controlPlane, inject('leasegate'), `patient-${++patients}`);
const GATE = { readinessGates: [{ conditionType: 'leasegate.dev/leader' }] };
const SERVICE = 'web-leader';

interface Case {
  readonly code: string;
  readonly level?: 'error' | 'warning';
  readonly broken?: RunOptions;
  /** Does what the remedy says, and returns what is run from then on, where that is another thing. */
  readonly follow: (finding: Printed) => Promise<RunOptions | undefined>;
}

/** The doctor finds it; what it says is done; it finds it no more, and no error. */
async function treat(patient: Patient, { code, level = 'error', broken = {}, follow }: Case): Promise<void> {
  const before = await patient.examine(broken);
  const finding = before.findings.find((each) => each.code === code);
  expect(finding, before.text).toMatchObject({ level });
  expect(before.exitCode, before.text).toBe(level === 'error' ? 1 : 0);
  const after = (await follow(finding!)) ?? broken;
  let last = before;
  await until(`${code} is gone`, 15_000, async () => {
    last = await patient.examine(after);
    return last.exitCode === 0 && !last.findings.some((each) => each.code === code && each.level === level);
  }).catch((error: unknown) => {
    throw new Error(`${error}\n${last.text}`);
  });
}

/** The part of a remedy that is to be copied. */
function taken(finding: Printed, pattern: RegExp): string {
  const [, text] = pattern.exec(finding.remedy) ?? [];
  if (text === undefined) throw new Error(`${finding.remedy} does not match ${pattern}`);
  return text;
}

describe('a set-up that lacks nothing', () => {
  test('is green, as the sidecar sees it', async () => {
    const patient = await admit();
    await patient.addPod();
    const { exitCode, findings, text } = await patient.examine();
    expect(
      findings.filter(({ level }) => level === 'error' || level === 'warning'),
      text,
    ).toEqual([]);
    expect(exitCode).toBe(0);
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['API_REACHABLE', 'CLOCK_OK', 'NAMESPACE_OK', 'RIGHTS_OK', 'LEASE_FREE', 'TIMINGS_OK']),
    );
  });

  test('is green in a container, with the files that the kubelet mounts and no kubeconfig', async () => {
    const patient = await admit();
    await patient.addPod();
    const { exitCode, findings, text } = await patient.examine({ kubeconfig: null });
    expect(exitCode, text).toBe(0);
    const rights = findings.find(({ code }) => code === 'RIGHTS_OK');
    expect(rights?.message).toMatch(/^system:serviceaccount:patient-\d+:web has the rights/);
    // The shipped Role has no right to read pods, and needs none.
    expect(findings.filter(({ level }) => level !== 'ok').map(({ code }) => code)).toEqual(['POD_UNREADABLE']);
  });

  test('is green from a workstation, which asks for the rights of the pod’s service account', async () => {
    const patient = await admit();
    await patient.addPod();
    const { exitCode, findings, text } = await patient.examine({
      kubeconfig: controlPlane.adminKubeconfig,
      env: { POD_NAME: '', POD_UID: '', POD_IP: '' },
      args: ['--pod', 'web-0'],
    });
    expect(exitCode, text).toBe(0);
    const rights = findings.find(({ code }) => code === 'RIGHTS_OK');
    expect(rights?.message).toContain(`system:serviceaccount:${patient.namespace}:web has the rights to take part in`);
    expect(findings.map(({ level }) => level)).not.toContain('skipped');
  });

  test('is told from a mistyped service account and pod, and from an account of another Lease', async () => {
    const patient = await admit();
    const codes = async (...args: string[]) => {
      const env = { POD_NAME: '', POD_UID: '', POD_IP: '', LEASEGATE_PUBLISH: 'label' };
      const { findings } = await patient.examine({ kubeconfig: controlPlane.adminKubeconfig, env, args });
      return findings.map(({ level, code }) => `${level} ${code}`);
    };
    expect(await codes('--service-account', 'wbe')).toContain('error SERVICE_ACCOUNT_MISSING');
    expect(await codes('--pod', 'wbe-0')).toContain('error POD_MISSING');
    const account = `/api/v1/namespaces/${patient.namespace}/serviceaccounts/web`;
    await patient.change(account, { metadata: { labels: { 'leasegate.dev/election': 'wine' } } });
    expect(await codes('--service-account', 'web')).toContain('warning SERVICE_ACCOUNT_FOREIGN');
    await patient.change(account, { metadata: { labels: { 'leasegate.dev/election': LEASE } } });
    expect((await codes('--service-account', 'web')).join()).not.toContain('SERVICE_ACCOUNT');
  });
});

interface Right {
  readonly resource: string;
  readonly verb: string;
  readonly code: string;
  readonly level: 'error' | 'warning';
}

const rightsOf = (code: string, resource: string, required: string[], helpful: string[] = []): Right[] => [
  ...required.map((verb) => ({ resource, verb, code, level: 'error' as const })),
  ...helpful.map((verb) => ({ resource, verb, code, level: 'warning' as const })),
];

describe('a verb that is missing is found, and the rule that is printed gives it back', () => {
  test.each([
    ...rightsOf('LEASE_RIGHTS_MISSING', 'leases', ['get', 'update'], ['list', 'watch']),
    ...rightsOf('LEASE_CREATE_RIGHT_MISSING', 'leases', [], ['create']),
    ...rightsOf('EVENT_RIGHT_MISSING', 'events', [], ['create']),
  ])('$verb $resource ($level)', async ({ resource, verb, code, level }) => {
    const patient = await admit();
    const { rules } = (await patient.role()).body;
    await patient.setRules(withoutVerb(rules, resource, verb));
    await patient.untilRevoked(verb, resource);
    await treat(patient, { code, level, follow: async ({ rule }) => void (await patient.addRule(rule)) });
  });

  test('create leases, where there is no Lease (error)', async () => {
    const patient = await admit();
    const { rules } = (await patient.role()).body;
    await patient.setRules(withoutVerb(rules, 'leases', 'create'));
    await patient.untilRevoked('create', 'leases');
    await expectStatus(controlPlane.admin.delete(`${patient.leases}/${LEASE}`), 200);
    await treat(patient, {
      code: 'LEASE_CREATE_RIGHT_MISSING',
      follow: async ({ rule }) => void (await patient.addRule(rule)),
    });
  });

  test.each([
    ['label', rightsOf('LABEL_RIGHTS_MISSING', 'pods', ['get', 'list', 'patch'], ['watch'])],
    ['readiness-gate', rightsOf('GATE_RIGHTS_MISSING', 'pods', ['get', 'list', 'patch'], ['watch'])],
    ['readiness-gate', rightsOf('GATE_RIGHTS_MISSING', 'pods/status', ['patch'])],
    ['endpointslice', rightsOf('ENDPOINTSLICE_RIGHTS_MISSING', 'services', ['get'])],
    [
      'endpointslice',
      rightsOf('ENDPOINTSLICE_RIGHTS_MISSING', 'endpointslices', ['get', 'patch', 'create'], ['watch']),
    ],
  ] as const)('of publishing by %s: $1.0.resource', async (publish, rights) => {
    const patient = await admit();
    await patient.addPod(publish === 'readiness-gate' ? GATE : {});
    await patient.create(patient.services, { metadata: { name: SERVICE }, spec: { ports: [{ port: 80 }] } });
    const env: Record<string, string> = { LEASEGATE_PUBLISH: publish };
    if (publish === 'endpointslice') env.LEASEGATE_ENDPOINTSLICE_SERVICE = SERVICE;
    // With no more than the shipped Role the rules that are printed are all that is added.
    const printed = (await patient.examine({ env })).findings.filter(
      ({ level, rule }) => level === 'error' && rule !== '',
    );
    for (const { rule } of printed) await patient.addRule(rule);
    await until('all rights are there', 15_000, async () => (await patient.examine({ env })).exitCode === 0);
    const { rules } = (await patient.role()).body;
    for (const { resource, verb, code, level } of rights) {
      await patient.setRules(withoutVerb(rules, resource, verb));
      await patient.untilRevoked(verb, resource);
      await treat(patient, {
        code,
        level,
        broken: { env },
        follow: async ({ rule }) => void (await patient.addRule(rule)),
      });
    }
  });
});

describe('an API server that can not be asked', () => {
  test('nobody at the address', async () => {
    const patient = await admit();
    const [port] = await freePorts(1);
    const kubeconfig = await kubeconfigFor(patient, `https://127.0.0.1:${port}`);
    await treat(patient, { code: 'API_UNREACHABLE', broken: { kubeconfig }, follow: async () => ({}) });
  });

  test('one that accepts and says nothing takes a few seconds to find out', async () => {
    const patient = await admit();
    const relay = await Relay.open(controlPlane.ports.apiServer);
    try {
      relay.goSilent();
      const kubeconfig = await kubeconfigFor(patient, relay.url);
      const startMs = performance.now();
      // Not even the handshake ends: nobody can tell it from an address that is wrong.
      await treat(patient, {
        code: 'API_UNREACHABLE',
        broken: { kubeconfig },
        follow: async () => void (await relay.mend()),
      });
      expect(performance.now() - startMs).toBeLessThan(30_000);
    } finally {
      relay.close();
    }
  });

  test('the certificate of another authority', async () => {
    const patient = await admit();
    const kubeconfig = await kubeconfigFor(patient, controlPlane.url, (await makePki(patient.directory)).caFile);
    // The remedy: the kubeconfig's certificate-authority.
    await treat(patient, {
      code: 'API_CERTIFICATE',
      broken: { kubeconfig },
      follow: async () => ({ kubeconfig: await kubeconfigFor(patient, controlPlane.url) }),
    });
  });

  test('a token that has expired', async () => {
    const patient = await admit();
    const account = `/api/v1/namespaces/${patient.namespace}/serviceaccounts/web`;
    const { uid } = (await expectStatus(controlPlane.admin.get(account), 200)).body.metadata;
    const claims = { namespace: patient.namespace, serviceAccount: 'web', serviceAccountUid: uid };
    const expired = controlPlane.mintToken({ ...claims, expiresInSeconds: -600 });
    const kubeconfig = await patient.kubeconfigWith(expired, 'expired');
    await treat(patient, {
      code: 'API_TOKEN_EXPIRED',
      broken: { kubeconfig },
      follow: async () => {
        const token = await controlPlane.serviceAccountToken(patient.namespace, 'web');
        return { kubeconfig: await patient.kubeconfigWith(token, 'fresh') };
      },
    });
  });

  test('a token of nobody', async () => {
    const patient = await admit();
    const kubeconfig = await patient.kubeconfigWith('of-nobody', 'nobody');
    await treat(patient, { code: 'API_UNAUTHORIZED', broken: { kubeconfig }, follow: async () => ({}) });
  });
});

describe('the clock', () => {
  const [faketime] = globSync('/usr/lib/*/faketime/libfaketime.so.1');

  test('a minute ahead', async () => {
    expect(faketime, 'libfaketime (Debian: apt-get install libfaketime)').toBeDefined();
    const patient = await admit();
    const env = { LD_PRELOAD: faketime!, FAKETIME: '+60s', FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' };
    await treat(patient, { code: 'CLOCK_OFF', broken: { env }, follow: async () => ({}) });
  });
});

describe('the namespace', () => {
  test('another one than the service account’s', async () => {
    const patient = await admit();
    const broken = { env: { LEASEGATE_NAMESPACE: 'default' } };
    await treat(patient, {
      code: 'NAMESPACE_FOREIGN',
      broken,
      follow: async (finding) => ({
        env: { LEASEGATE_NAMESPACE: taken(finding, /set LEASEGATE_NAMESPACE to ([^;]+);/) },
      }),
    });
  });

  test('one that is not there', async () => {
    const patient = await admit();
    const broken = {
      env: { LEASEGATE_NAMESPACE: 'patient-missing' },
      args: ['--service-account', 'web'],
      kubeconfig: controlPlane.adminKubeconfig,
    };
    await treat(patient, {
      code: 'NAMESPACE_MISSING',
      broken,
      follow: async () => ({ ...broken, env: { LEASEGATE_NAMESPACE: patient.namespace } }),
    });
  });
});

describe('a Lease of others', () => {
  const account = ['--service-account', 'web'];

  test('the heartbeat of the API server itself', async () => {
    const patient = await admit();
    const system = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
    const heartbeat = await until('the API server has its Lease', 30_000, async () => {
      const { body } = await controlPlane.admin.get(system);
      return body.items.find((lease: { metadata: { name: string } }) => lease.metadata.name.startsWith('apiserver-'));
    });
    const env = { LEASEGATE_LEASE_NAME: heartbeat.metadata.name, LEASEGATE_NAMESPACE: 'kube-system' };
    const broken = { env, args: account, kubeconfig: controlPlane.adminKubeconfig };
    const { exitCode, findings, text } = await patient.examine(broken);
    expect(exitCode).toBe(1);
    expect(
      findings.find(({ code }) => code === 'LEASE_RESERVED'),
      text,
    ).toMatchObject({ level: 'error' });
    // The remedy: another name, and another namespace.
    expect((await patient.examine()).exitCode).toBe(0);
  });

  test('an elector of another make', async () => {
    const patient = await admit();
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    await patient.create(patient.leases, {
      metadata: { name: 'controller' },
      spec: { holderIdentity: 'controller-7f_4d2c', leaseDurationSeconds: 3600, renewTime, acquireTime: renewTime },
    });
    const { findings, text } = await patient.examine({
      env: { LEASEGATE_LEASE_NAME: 'controller' },
      args: account,
      kubeconfig: controlPlane.adminKubeconfig,
    });
    expect(
      findings.find(({ code }) => code === 'LEASE_HOLDER_FOREIGN'),
      text,
    ).toMatchObject({ level: 'warning' });
    // The remedy: another name.
    expect((await patient.examine()).exitCode).toBe(0);
  });
});

describe('a readiness gate', () => {
  const env = { LEASEGATE_PUBLISH: 'readiness-gate' };
  const broken = () => ({ env, kubeconfig: controlPlane.adminKubeconfig });

  async function gated(kind: 'deployments' | 'statefulsets', spec: object): Promise<Patient> {
    const patient = await admit();
    const labels = { app: 'web' };
    const template = {
      metadata: { labels },
      spec: { ...GATE, containers: [{ name: 'application', image: 'none' }] },
    };
    const selector = { matchLabels: labels };
    const owner = await patient.create(patient.apps(kind), {
      metadata: { name: 'web' },
      spec: { replicas: 3, selector, template, ...(kind === 'statefulsets' && { serviceName: 'web' }), ...spec },
    });
    let owned = ownedBy(owner, kind === 'deployments' ? 'Deployment' : 'StatefulSet');
    if (kind === 'deployments') {
      const replicas = await patient.create(patient.apps('replicasets'), {
        metadata: { name: 'web-1', ownerReferences: [owned] },
        spec: { replicas: 3, selector, template },
      });
      owned = ownedBy(replicas, 'ReplicaSet');
    }
    await patient.addPod(GATE, { ownerReferences: [owned] });
    for (const { rule } of (await patient.examine({ env })).findings) if (rule !== '') await patient.addRule(rule);
    await until('it may publish', 15_000, async () => (await patient.examine({ env })).exitCode === 0);
    return patient;
  }

  const ownedBy = (object: { metadata: { name: string; uid: string } }, kind: string) => {
    const { name, uid } = object.metadata;
    return { apiVersion: 'apps/v1', kind, name, uid, controller: true };
  };

  test('with a rolling update that never ends', async () => {
    const patient = await gated('deployments', {});
    const deployment = `${patient.apps('deployments')}/web`;
    await treat(patient, {
      code: 'ROLLOUT_STALLS',
      broken: broken(),
      follow: async (finding) => {
        const type = taken(finding, /set spec\.strategy to \{type: (\w+)\}/);
        return void (await patient.change(deployment, { spec: { strategy: { type, rollingUpdate: null } } }));
      },
    });
    await treat(patient, {
      code: 'ROLLOUT_DEADLINE',
      level: 'warning',
      broken: broken(),
      follow: async (finding) => {
        const progressDeadlineSeconds = Number(taken(finding, /progressDeadlineSeconds to (\d+)/));
        return void (await patient.change(deployment, { spec: { progressDeadlineSeconds } }));
      },
    });
  });

  test('with a rolling update that never ends, cured the other way', async () => {
    const patient = await gated('deployments', {});
    await treat(patient, {
      code: 'ROLLOUT_STALLS',
      broken: broken(),
      follow: async (finding) => {
        const maxUnavailable = taken(finding, /rollingUpdate\.maxUnavailable to (\S+)\)/);
        const spec = { strategy: { rollingUpdate: { maxUnavailable } } };
        return void (await patient.change(`${patient.apps('deployments')}/web`, { spec }));
      },
    });
  });

  test('with a StatefulSet that starts one pod after another', async () => {
    const patient = await gated('statefulsets', { updateStrategy: { type: 'OnDelete' } });
    const path = `${patient.apps('statefulsets')}/web`;
    await treat(patient, {
      code: 'ROLLOUT_ORDERED',
      broken: broken(),
      follow: async (finding) => {
        const podManagementPolicy = taken(finding, /podManagementPolicy: (\w+)/);
        const { spec } = (await expectStatus(controlPlane.admin.get(path), 200)).body;
        await expectStatus(controlPlane.admin.delete(path), 200);
        await patient.create(patient.apps('statefulsets'), {
          metadata: { name: 'web' },
          spec: { ...spec, podManagementPolicy },
        });
        return undefined;
      },
    });
  });

  test('with a disruption budget that keeps the leader', async () => {
    const patient = await gated('deployments', { strategy: { type: 'Recreate' } });
    const budgets = `/apis/policy/v1/namespaces/${patient.namespace}/poddisruptionbudgets`;
    await patient.create(budgets, {
      metadata: { name: 'web' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    });
    await treat(patient, {
      code: 'DISRUPTION_BLOCKED',
      broken: broken(),
      follow: async (finding) => {
        const maxUnavailable = taken(finding, /spec\.maxUnavailable to (\S+) in it, without minAvailable/);
        return void (await patient.change(`${budgets}/web`, { spec: { maxUnavailable, minAvailable: null } }));
      },
    });
  });

  test('that nobody opens', async () => {
    const patient = await gated('deployments', { strategy: { type: 'Recreate' } });
    await treat(patient, {
      code: 'GATE_UNPUBLISHED',
      broken: { kubeconfig: controlPlane.adminKubeconfig },
      follow: async (finding) => ({
        ...broken(),
        env: { LEASEGATE_PUBLISH: taken(finding, /add (\S+) to LEASEGATE_PUBLISH/) },
      }),
    });
  });

  test('that the pod does not have', async () => {
    const patient = await gated('deployments', { strategy: { type: 'Recreate' } });
    await expectStatus(controlPlane.admin.delete(`${patient.pods}/web-0`, { gracePeriodSeconds: 0 }), 200);
    await patient.addPod();
    await treat(patient, {
      code: 'GATE_MISSING',
      broken: { env },
      follow: async (finding) => {
        const conditionType = taken(finding, /readinessGates: \[\{conditionType: ([^}]+)\}\]/);
        await expectStatus(controlPlane.admin.delete(`${patient.pods}/web-0`, { gracePeriodSeconds: 0 }), 200);
        return void (await patient.addPod({ readinessGates: [{ conditionType }] }));
      },
    });
  });
});

describe('publishing', () => {
  const env = { LEASEGATE_PUBLISH: 'endpointslice', LEASEGATE_ENDPOINTSLICE_SERVICE: SERVICE };

  async function published(): Promise<Patient> {
    const patient = await admit();
    await patient.addPod();
    for (const { rule } of (await patient.examine({ env })).findings) if (rule !== '') await patient.addRule(rule);
    return patient;
  }

  test('for a Service that is not there', async () => {
    const patient = await published();
    await until('it may look', 15_000, async () => {
      return (await patient.examine({ env })).findings.some(({ code }) => code === 'SERVICE_MISSING');
    });
    await treat(patient, {
      code: 'SERVICE_MISSING',
      broken: { env },
      follow: async () => {
        const spec = { ports: [{ port: 80 }] };
        return void (await patient.create(patient.services, { metadata: { name: SERVICE }, spec }));
      },
    });
  });

  test('for a Service with a selector', async () => {
    const patient = await published();
    const spec = { ports: [{ port: 80 }], selector: { app: 'web' } };
    await patient.create(patient.services, { metadata: { name: SERVICE }, spec });
    await treat(patient, {
      code: 'SERVICE_UNSUITABLE',
      broken: { env },
      follow: async (finding) => {
        expect(finding.remedy).toContain(`remove spec.selector of Service ${SERVICE}`);
        return void (await patient.change(`${patient.services}/${SERVICE}`, { spec: { selector: null } }));
      },
    });
  });

  test('of another pod than this', async () => {
    const patient = await published();
    await patient.create(patient.services, { metadata: { name: SERVICE }, spec: { ports: [{ port: 80 }] } });
    await treat(patient, {
      code: 'POD_UID_DIFFERS',
      broken: { env: { ...env, POD_UID: crypto.randomUUID() }, kubeconfig: controlPlane.adminKubeconfig },
      follow: async () => ({ env, kubeconfig: controlPlane.adminKubeconfig }),
    });
  });
});

async function kubeconfigFor(patient: Patient, server: string, caFile = controlPlane.caFile): Promise<string> {
  const token = await controlPlane.serviceAccountToken(patient.namespace, 'web');
  const path = join(patient.directory, 'other.kubeconfig');
  await writeFile(path, '');
  return writeKubeconfig({ server, caFile, path, token, namespace: patient.namespace });
}
