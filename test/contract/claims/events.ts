import { expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { expectStatus } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

const reference = (client: Client) => ({
  kind: 'Lease',
  namespace: client.namespace,
  name: 'x',
  apiVersion: 'coordination.k8s.io/v1',
});

/** As client-go's recorder writes it. */
const electionEvent = (client: Client) => ({
  metadata: { name: 'x.1', namespace: client.namespace },
  involvedObject: reference(client),
  type: 'Normal',
  reason: 'LeaderElection',
  message: 'a became leader',
  source: { component: 'leasegate' },
  firstTimestamp: '2024-01-02T03:04:05Z',
  lastTimestamp: '2024-01-02T03:04:05Z',
  count: 1,
});

/** As the newer API wants it. */
const newEvent = (client: Client) => ({
  metadata: { name: 'x.2' },
  regarding: reference(client),
  type: 'Normal',
  reason: 'LeaderElection',
  note: 'a became leader',
  action: 'Elect',
  eventTime: '2024-01-02T03:04:05.000000Z',
  reportingController: 'leasegate.dev/elector',
  reportingInstance: 'pod-a',
});

const newEvents = (client: Client) => `/apis/events.k8s.io/v1/namespaces/${client.namespace}/events`;

export function eventClaims(newClient: NewClient): void {
  it('takes an event of core/v1 and sends its unset fields', async () => {
    const client = await newClient();
    const created = await client.post(client.events, electionEvent(client));
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      kind: 'Event',
      apiVersion: 'v1',
      ...electionEvent(client),
      metadata: expect.objectContaining({ name: 'x.1', uid: expect.any(String) }),
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    });
  });

  it('counts on by patch', async () => {
    const client = await newClient();
    await client.post(client.events, electionEvent(client));
    const patch = { count: 2, lastTimestamp: '2024-01-02T03:04:06Z' };
    const patched = await client.strategicPatch(`${client.events}/x.1`, patch);
    expect(patched.status).toBe(200);
    expect(patched.body).toMatchObject({ ...patch, firstTimestamp: '2024-01-02T03:04:05Z' });
  });

  it('wants the namespace of the object that it is about', async () => {
    const client = await newClient();
    for (const namespace of [undefined, 'other']) {
      const involvedObject = { kind: 'Lease', name: 'x', namespace };
      expectStatus(await client.post(client.events, { metadata: { name: 'e' }, involvedObject }), {
        code: 422,
        reason: 'Invalid',
        message: `Event "e" is invalid: involvedObject.namespace: Invalid value: "${namespace ?? ''}": does not match event.namespace`,
      });
    }
  });

  it('wants a reporter, an action and a reason with an eventTime', async () => {
    const client = await newClient();
    const eventTime = '2024-01-02T03:04:05.000000Z';
    const body = { metadata: { name: 'e' }, involvedObject: reference(client), eventTime };
    const refused = await client.post(client.events, body);
    expectStatus(refused, { code: 422, reason: 'Invalid' });
    const fields = refused.body.details.causes.map((cause: { field: string }) => cause.field);
    expect(new Set(fields)).toEqual(new Set(['reportingComponent', 'reportingInstance', 'action', 'reason']));
  });

  it('selects by what it is about', async () => {
    const client = await newClient();
    await client.post(client.events, electionEvent(client));
    const count = async (name: string) => {
      const selector = `involvedObject.kind%3DLease,involvedObject.name%3D${name}`;
      return (await client.get(`${client.events}?fieldSelector=${selector}`)).body.items.length;
    };
    expect([await count('x'), await count('y')]).toEqual([1, 0]);
  });

  it('shows events of events.k8s.io/v1 in core/v1', async () => {
    const client = await newClient();
    const created = await client.post(newEvents(client), newEvent(client));
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      ...newEvent(client),
      metadata: expect.objectContaining({ name: 'x.2' }),
      deprecatedSource: {},
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
    });
    const { regarding, note, reportingController, ...same } = newEvent(client);
    expect((await client.get(`${client.events}/x.2`)).body).toEqual({
      kind: 'Event',
      apiVersion: 'v1',
      ...same,
      metadata: created.body.metadata,
      involvedObject: regarding,
      message: note,
      reportingComponent: reportingController,
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
    });
  });

  it('shows events of core/v1 in events.k8s.io/v1', async () => {
    const client = await newClient();
    await client.post(client.events, electionEvent(client));
    expect((await client.get(`${newEvents(client)}/x.1`)).body).toEqual({
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      metadata: expect.objectContaining({ name: 'x.1' }),
      eventTime: null,
      reason: 'LeaderElection',
      regarding: reference(client),
      note: 'a became leader',
      type: 'Normal',
      deprecatedSource: { component: 'leasegate' },
      deprecatedFirstTimestamp: '2024-01-02T03:04:05Z',
      deprecatedLastTimestamp: '2024-01-02T03:04:05Z',
      deprecatedCount: 1,
    });
  });

  it('is stricter in events.k8s.io/v1', async () => {
    const client = await newClient();
    const body = { metadata: { name: 'e' }, regarding: reference(client), type: 'Zap', note: 'x' };
    expectStatus(await client.post(newEvents(client), body), {
      code: 422,
      reason: 'Invalid',
      message: 'Event "e" is invalid: [eventTime: Required value, type: Invalid value: "": has invalid value: Zap]',
    });
  });

  it('repeats an event of events.k8s.io/v1 as a series', async () => {
    const client = await newClient();
    await client.post(newEvents(client), newEvent(client));
    const series = { count: 2, lastObservedTime: '2024-01-02T03:04:06.000000Z' };
    const patched = await client.strategicPatch(`${newEvents(client)}/x.2`, { series });
    expect([patched.status, patched.body.series]).toEqual([200, series]);
  });
}
