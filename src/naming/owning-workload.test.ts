import { describe, expect, test } from 'vitest';
import type { ObjectName, OwnedObject, OwnedObjectReadings } from '../ports/owned-objects.ts';
import type { PublishFailure, Reply } from '../ports/publisher.ts';
import { owningWorkload } from './owning-workload.ts';

const POD = { namespace: 'shop', name: 'web-1' };
const owned = (apiVersion: string, kind: string, name: string): OwnedObject => ({
  metadata: { ownerReferences: [{ apiVersion, kind, name, controller: true }] },
});
const failure = (code: string): PublishFailure => ({
  ...{ code, request: 'get pods', message: `it is ${code}`, remedy: 'wait', retryAfterMs: null },
  ...{ answered: true, again: 'later' },
});

/** Objects by resource and name; what is not there is absent, and a text is the code of a failure. */
class Objects implements OwnedObjectReadings {
  readonly asked: string[] = [];
  readonly #objects: Readonly<Record<string, OwnedObject | string>>;

  constructor(objects: Readonly<Record<string, OwnedObject | string>>) {
    this.#objects = objects;
  }

  async read({ apiGroup, resource, name }: ObjectName): Promise<Reply<OwnedObject | null>> {
    const path = `${apiGroup}/${resource}/${name}`;
    this.asked.push(path);
    const object = this.#objects[path] ?? null;
    return typeof object === 'string' ? { ok: false, failure: failure(object) } : { ok: true, value: object };
  }
}

const owning = (objects: Readonly<Record<string, OwnedObject | string>>) => owningWorkload(POD, new Objects(objects));
const found = (
  apiGroup: string,
  kind: string,
  name: string,
  through?: readonly [apiGroup: string, resource: string],
) => ({
  kind: 'found',
  workload: { apiGroup, kind, namespace: 'shop', name },
  read: [
    { apiGroup: '', resource: 'pods' },
    ...(through === undefined ? [] : [{ apiGroup: through[0], resource: through[1] }]),
  ],
});
const REPLICASETS = ['apps', 'replicasets'] as const;
const JOBS = ['batch', 'jobs'] as const;
const pod = owned('apps/v1', 'ReplicaSet', 'web-5d4');

describe('the workload of a pod', () => {
  test('is the Deployment of its ReplicaSet, after two requests', async () => {
    const objects = new Objects({
      '/pods/web-1': pod,
      'apps/replicasets/web-5d4': owned('apps/v1', 'Deployment', 'web'),
    });
    expect(await owningWorkload(POD, objects)).toEqual(found('apps', 'Deployment', 'web', REPLICASETS));
    expect(objects.asked).toEqual(['/pods/web-1', 'apps/replicasets/web-5d4']);
  });

  test('is whatever else controls its ReplicaSet, or that alone', async () => {
    const rollout = owned('argoproj.io/v1alpha1', 'Rollout', 'web');
    expect(await owning({ '/pods/web-1': pod, 'apps/replicasets/web-5d4': rollout })).toEqual(
      found('argoproj.io', 'Rollout', 'web', REPLICASETS),
    );
    expect(await owning({ '/pods/web-1': pod, 'apps/replicasets/web-5d4': { metadata: {} } })).toEqual(
      found('apps', 'ReplicaSet', 'web-5d4', REPLICASETS),
    );
  });

  test('is the CronJob of its Job, so that each run meets the one before', async () => {
    const job = { '/pods/web-1': owned('batch/v1', 'Job', 'web-28391') };
    expect(await owning({ ...job, 'batch/jobs/web-28391': owned('batch/v1', 'CronJob', 'web') })).toEqual(
      found('batch', 'CronJob', 'web', JOBS),
    );
    expect(await owning({ ...job, 'batch/jobs/web-28391': { metadata: {} } })).toEqual(
      found('batch', 'Job', 'web-28391', JOBS),
    );
  });

  test.each([
    ['apps/v1', 'StatefulSet', 'apps'],
    ['apps/v1', 'DaemonSet', 'apps'],
    ['v1', 'ReplicationController', ''],
    ['apps.kruise.io/v1beta1', 'StatefulSet', 'apps.kruise.io'],
    ['example.com/v1', 'ReplicaSet', 'example.com'],
  ])('is a %s %s as it is, after one request', async (apiVersion, kind, group) => {
    const objects = new Objects({ '/pods/web-1': owned(apiVersion, kind, 'web') });
    expect(await owningWorkload(POD, objects)).toEqual(found(group, kind, 'web'));
    expect(objects.asked).toHaveLength(1);
  });

  test.each([
    ['Deployment', 'deployment.kubernetes.io/revision'],
    ['Rollout', 'rollout.argoproj.io/revision'],
  ])('is not told while the ReplicaSet of a %s is orphaned: its pods would get a second leader', async (kind, mark) => {
    const orphan = { metadata: { annotations: { [mark]: '3' } } };
    expect(await owning({ '/pods/web-1': pod, 'apps/replicasets/web-5d4': orphan })).toMatchObject({
      kind: 'orphaned',
      message: expect.stringContaining(`ReplicaSet shop/web-5d4, which controls the pod, was made by a ${kind}`),
      remedy: expect.stringMatching(new RegExp(`apply the ${kind} again.*LEASEGATE_LEASE_NAME`)),
    });
    // Whoever controls it now counts, whoever made it.
    const adopted = { metadata: { ...orphan.metadata, ...owned('apps/v1', 'Deployment', 'web').metadata } };
    expect(await owning({ '/pods/web-1': pod, 'apps/replicasets/web-5d4': adopted })).toMatchObject({ kind: 'found' });
  });

  test('is not told while the Job of a CronJob is orphaned', async () => {
    const orphan = { metadata: { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01' } } };
    const job = owned('batch/v1', 'Job', 'web-28391');
    expect(await owning({ '/pods/web-1': job, 'batch/jobs/web-28391': orphan })).toMatchObject({
      kind: 'orphaned',
      message: expect.stringContaining('made by a CronJob'),
    });
  });

  test('is none for a bare pod, one that is owned without being controlled, and a static one', async () => {
    const uncontrolled = { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x' }] } };
    for (const each of [{ metadata: {} }, uncontrolled, owned('v1', 'Node', 'node-1')]) {
      expect(await owning({ '/pods/web-1': each })).toMatchObject({
        kind: 'none',
        code: 'LEASE_NAME_NO_WORKLOAD',
        message: expect.stringContaining('shop/web-1'),
        remedy: expect.stringContaining('LEASEGATE_LEASE_NAME'),
      });
    }
  });

  test('is none where there is no such pod', async () => {
    expect(await owning({})).toMatchObject({
      kind: 'none',
      code: 'LEASE_NAME_NO_POD',
      remedy: expect.stringContaining('POD_NAME'),
    });
  });

  test('can’t be told yet where something can’t be read', async () => {
    expect(await owning({ '/pods/web-1': 'timeout' })).toEqual({ kind: 'unread', failure: failure('timeout') });
    expect(await owning({ '/pods/web-1': pod, 'apps/replicasets/web-5d4': 'reset' })).toEqual({
      kind: 'unread',
      failure: failure('reset'),
    });
  });

  test('is not taken to be a ReplicaSet that is gone: it may have been a Deployment’s', async () => {
    expect(await owning({ '/pods/web-1': pod })).toMatchObject({ kind: 'unread', failure: { code: 'not-found' } });
  });

  test('that may not be read names all rules that are missing, at once', async () => {
    const rules = [
      '{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}',
      '{"apiGroups":["apps"],"resources":["replicasets"],"verbs":["get"]}',
      '{"apiGroups":["batch"],"resources":["jobs"],"verbs":["get"]}',
    ];
    const first = await owning({ '/pods/web-1': 'forbidden' });
    if (first.kind !== 'unread') throw new Error('it was read');
    for (const rule of rules) expect(first.failure.remedy).toContain(rule);
    const second = await owning({ '/pods/web-1': pod, 'apps/replicasets/web-5d4': 'forbidden' });
    if (second.kind !== 'unread') throw new Error('it was read');
    expect(second.failure.remedy).toContain(rules[1]);
    expect(second.failure.remedy).not.toContain(rules[0]);
  });
});
