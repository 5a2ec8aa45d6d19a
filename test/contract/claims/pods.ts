import { expect, it } from 'vitest';
import { expectStatus } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

const GATE = 'leasegate.dev/leader';
const spec = { containers: [{ name: 'app', image: 'app' }], readinessGates: [{ conditionType: GATE }] };

async function running(newClient: NewClient) {
  const client = await newClient();
  const created = await client.post(client.pods, { metadata: { name: 'p', labels: { app: 'demo' } }, spec });
  expect(created.status).toBe(201);
  const path = `${client.pods}/p`;
  const patchStatus = (status: object) => client.strategicPatch(`${path}/status`, { status });
  return { client, path, patchStatus, object: created.body };
}

const condition = (type: string, status: string, lastTransitionTime: string | null = null) => ({
  type,
  status,
  lastProbeTime: null,
  lastTransitionTime,
});

export function podClaims(newClient: NewClient): void {
  it('makes a pod Pending, whatever status is sent', async () => {
    const client = await newClient();
    const created = await client.post(client.pods, { metadata: { name: 'p' }, spec, status: { phase: 'Running' } });
    expect(created.body.status.phase).toBe('Pending');
    expect(created.body.spec.readinessGates).toEqual(spec.readinessGates);
  });

  it('refuses a pod without containers, and a second of the name', async () => {
    const { client } = await running(newClient);
    expectStatus(await client.post(client.pods, { metadata: { name: 'q' }, spec: {} }), {
      code: 422,
      reason: 'Invalid',
      message: 'Pod "q" is invalid: spec.containers: Required value',
      details: {
        name: 'q',
        kind: 'Pod',
        causes: [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers' }],
      },
    });
    expectStatus(await client.post(client.pods, { metadata: { name: 'p' }, spec }), {
      code: 409,
      reason: 'AlreadyExists',
      message: 'pods "p" already exists',
      details: { name: 'p', kind: 'pods' },
    });
  });

  it('labels and unlabels by patch', async () => {
    const { client, path } = await running(newClient);
    const labelled = await client.strategicPatch(path, { metadata: { labels: { 'leasegate.dev/role': 'leader' } } });
    expect(labelled.body.metadata.labels).toEqual({ app: 'demo', 'leasegate.dev/role': 'leader' });
    const bare = await client.mergePatch(path, { metadata: { labels: { 'leasegate.dev/role': null } } });
    expect(bare.body.metadata.labels).toEqual({ app: 'demo' });
  });

  it('answers 404 for an absent pod, and does not create it by PUT', async () => {
    const client = await newClient();
    const absent = {
      code: 404,
      reason: 'NotFound',
      message: 'pods "p" not found',
      details: { name: 'p', kind: 'pods' },
    };
    expectStatus(await client.strategicPatch(`${client.pods}/p`, {}), absent);
    expectStatus(await client.strategicPatch(`${client.pods}/p/status`, {}), absent);
    expectStatus(await client.put(`${client.pods}/p`, { metadata: { name: 'p' }, spec }), absent);
  });

  it('merges conditions by type in a strategic merge patch of the status', async () => {
    const { patchStatus } = await running(newClient);
    const time = '2024-01-02T03:04:05Z';
    const first = await patchStatus({
      conditions: [{ type: GATE, status: 'True', lastTransitionTime: time, reason: 'Leading' }],
    });
    expect(first.status).toBe(200);
    expect(first.body.status.conditions).toEqual([{ ...condition(GATE, 'True', time), reason: 'Leading' }]);
    const second = await patchStatus({
      conditions: [
        { type: GATE, status: 'False' },
        { type: 'Other', status: 'True' },
      ],
    });
    expect(second.body.status.conditions).toEqual([
      { ...condition(GATE, 'False', time), reason: 'Leading' },
      condition('Other', 'True'),
    ]);
    const removed = await patchStatus({ conditions: [{ $patch: 'delete', type: GATE }] });
    expect(removed.body.status.conditions).toEqual([condition('Other', 'True')]);
    const before = await patchStatus({ conditions: [{ type: GATE, status: 'True' }] });
    expect(before.body.status.conditions).toEqual([condition(GATE, 'True'), condition('Other', 'True')]);
  });

  it('replaces all conditions in a merge patch', async () => {
    const { client, path, patchStatus } = await running(newClient);
    await patchStatus({ conditions: [{ type: GATE, status: 'True' }] });
    const replaced = await client.mergePatch(`${path}/status`, {
      status: { conditions: [{ type: 'A', status: 'True' }] },
    });
    expect(replaced.body.status.conditions).toEqual([condition('A', 'True')]);
  });

  it('writes status, labels and annotations through pods/status, and nothing else', async () => {
    const { client, path, object } = await running(newClient);
    const patched = await client.strategicPatch(`${path}/status`, {
      metadata: { labels: { via: 'status' }, annotations: { via: 'status' } },
      spec: { nodeName: 'elsewhere' },
      status: { podIP: '10.0.0.1' },
    });
    expect(patched.status).toBe(200);
    expect(patched.body.metadata).toMatchObject({
      labels: { app: 'demo', via: 'status' },
      annotations: { via: 'status' },
    });
    expect(patched.body.spec).toEqual(object.spec);
    expect(patched.body.status.podIP).toBe('10.0.0.1');
    expect((await client.get(`${path}/status`)).body).toEqual(patched.body);
  });

  it('ignores the status in a patch of the pod', async () => {
    const { client, path, object } = await running(newClient);
    const patched = await client.strategicPatch(path, { status: { conditions: [{ type: GATE, status: 'True' }] } });
    expect([patched.status, patched.body]).toEqual([200, object]);
  });

  it('takes whole-second times in conditions, and drops a fraction', async () => {
    const { patchStatus } = await running(newClient);
    const patched = await patchStatus({
      conditions: [{ type: GATE, status: 'True', lastTransitionTime: '2024-01-02T03:04:05.678Z' }],
    });
    expect(patched.body.status.conditions).toEqual([condition(GATE, 'True', '2024-01-02T03:04:05Z')]);
    expectStatus(await patchStatus({ conditions: [{ type: GATE, status: 'True', lastTransitionTime: 'zz' }] }), {
      code: 422,
      reason: 'Invalid',
      message: /parsing time "zz" as "2006-01-02T15:04:05Z07:00": cannot parse "zz" as "2006"$/,
    });
  });

  it('wants the type of each condition in a strategic merge patch', async () => {
    const { patchStatus } = await running(newClient);
    await patchStatus({ conditions: [{ type: GATE, status: 'True' }] });
    expectStatus(await patchStatus({ conditions: [{ status: 'True' }] }), {
      code: 500,
      message: 'map: map[status:True] does not contain declared merge key: type',
    });
  });

  it('wants a qualified name as the type of a condition', async () => {
    const { patchStatus } = await running(newClient);
    const refused = await patchStatus({ conditions: [{ type: 'no name', status: 'True' }] });
    expectStatus(refused, {
      code: 422,
      reason: 'Invalid',
      message: /^Pod "p" is invalid: status.conditions\[0\].Type: Invalid value: "no name": name part must consist of /,
    });
    expectStatus(await patchStatus({ conditions: [{ status: 'True' }] }), { code: 422, reason: 'Invalid' });
  });

  it('selects by labels and by phase', async () => {
    const { client } = await running(newClient);
    const count = async (query: string) => (await client.get(`${client.pods}?${query}`)).body.items.length;
    expect(await count('labelSelector=app%3Ddemo')).toBe(1);
    expect(await count('fieldSelector=status.phase%3DPending')).toBe(1);
    expect(await count('fieldSelector=status.phase%3DRunning')).toBe(0);
    expect(await count('fieldSelector=spec.nodeName%3Delsewhere')).toBe(0);
  });

  it('is watched with its status', async () => {
    const { client, object, patchStatus } = await running(newClient);
    await using watch = await client.watch(`${client.pods}?resourceVersion=${object.metadata.resourceVersion}`);
    const patched = await patchStatus({ conditions: [{ type: GATE, status: 'True' }] });
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: patched.body });
  });

  it('answers the deletion of an unscheduled pod with the pod, which is gone', async () => {
    const { client, path, object } = await running(newClient);
    const deleted = await client.delete(path, { gracePeriodSeconds: 0 });
    expect(deleted.status).toBe(200);
    expect(deleted.body).toMatchObject({ kind: 'Pod', metadata: { name: 'p', uid: object.metadata.uid } });
    expect((await client.get(path)).status).toBe(404);
  });
}
