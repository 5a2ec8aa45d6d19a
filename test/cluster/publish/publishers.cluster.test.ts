import { expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { BRISK, type Replica } from '../replica/replica.ts';
import { type Rule, shippedRules } from '../replica/role.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import { expectStatus, type Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';

onControlPlane();

const SERVICE = 'web';
const ROLE = 'leasegate.dev/role';
const ELECTION = 'leasegate.dev/election';
const GATE = 'leasegate.dev/leader';
const ALL = 'label,readiness-gate,endpointslice';
const STRATEGIC = { contentType: 'application/strategic-merge-patch+json' };
/** No claim: on a busy machine. */
const PATIENCE_MS = 10_000;

/** The Role of docs/publishing.md, for all three. */
const RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['services'], resourceNames: [SERVICE], verbs: ['get'] },
  {
    apiGroups: ['discovery.k8s.io'],
    resources: ['endpointslices'],
    resourceNames: [`${SERVICE}.app`],
    verbs: ['get', 'watch', 'patch'],
  },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['create'] },
];

class Group {
  readonly scene: Scene;
  readonly #publish: string;

  static async open(scene: Scene, publish: string, rules: readonly Rule[] = RULES): Promise<Group> {
    await scene.shipLease();
    const group = new Group(scene, publish);
    await group.setRules(rules);
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
    await expectStatus(
      scene.controlPlane.admin.post(group.path('services'), { metadata: { name: SERVICE }, spec: { ports } }),
      201,
    );
    return group;
  }

  private constructor(scene: Scene, publish: string) {
    this.scene = scene;
    this.#publish = publish;
  }

  path(resource: string): string {
    return `/api/v1/namespaces/${this.scene.namespace}/${resource}`;
  }

  get slicePath(): string {
    return `/apis/discovery.k8s.io/v1/namespaces/${this.scene.namespace}/endpointslices/${SERVICE}.app`;
  }

  async setRules(rules: readonly Rule[]): Promise<void> {
    await this.scene.setRules([...(await shippedRules(this.scene.leaseName)), ...rules]);
  }

  /** A pod, and the sidecar in it: other containers and a kubelet it has none. */
  async start(name: string, meta: object = {}): Promise<Replica> {
    const { admin } = this.scene.controlPlane;
    await this.scene.serviceAccountUid(name);
    const manifest = {
      metadata: { name, ...meta },
      spec: {
        serviceAccountName: name,
        readinessGates: [{ conditionType: GATE }],
        containers: [{ name: 'app', image: 'example.com/app' }],
      },
    };
    const pod = await expectStatus(admin.post(this.path('pods'), manifest), 201);
    return this.run(name, { podUid: pod.body.metadata.uid });
  }

  run(podName: string, how: { podUid: string } | { restartOf: Replica }): Promise<Replica> {
    return this.scene.startReplica({
      podName,
      ...how,
      env: {
        POD_NAMESPACE: this.scene.namespace,
        POD_IP: `10.0.0.${podName.charCodeAt(0)}`,
        LEASEGATE_PUBLISH: this.#publish,
        LEASEGATE_PUBLISH_RESYNC: '5s',
        ...(this.#publish.includes('endpointslice') && { LEASEGATE_ENDPOINTSLICE_SERVICE: SERVICE }),
      },
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever the API server sent
  async pod(name: string): Promise<any> {
    return (await expectStatus(this.scene.controlPlane.admin.get(this.path(`pods/${name}`)), 200)).body;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  async slice(): Promise<any> {
    const { status, body } = await this.scene.controlPlane.admin.get(this.slicePath);
    return status === 200 ? body : null;
  }

  /** What each way says of a pod. */
  async saidOf(name: string): Promise<{ label: string; gate: string; address: boolean }> {
    const { metadata, status } = await this.pod(name);
    const gate = (status.conditions ?? []).find(({ type }: { type: string }) => type === GATE);
    const addresses = ((await this.slice())?.endpoints ?? []).flatMap(
      (each: { addresses: string[] }) => each.addresses,
    );
    return {
      label: metadata.labels?.[ROLE],
      gate: gate?.status,
      address: addresses.includes(`10.0.0.${name.charCodeAt(0)}`),
    };
  }

  /** Resolves when all ways that are published say so of a pod; returns after how long. */
  async untilSaid(name: string, leads: boolean, timeoutMs = PATIENCE_MS): Promise<number> {
    const sinceMs = monoMs();
    const wanted = {
      label: this.#publish.includes('label') ? (leads ? 'leader' : 'standby') : undefined,
      gate: this.#publish.includes('gate') ? (leads ? 'True' : 'False') : undefined,
      address: this.#publish.includes('endpointslice') && leads,
    };
    await until(`${name} is said ${leads ? 'to lead' : 'not to lead'}`, timeoutMs, async () => {
      return JSON.stringify(await this.saidOf(name)) === JSON.stringify(wanted);
    });
    return monoMs() - sinceMs;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  async events(pod: string): Promise<any[]> {
    const { body } = await this.scene.controlPlane.admin.get(this.path('events'));
    return body.items.filter((event: { involvedObject: { name: string } }) => event.involvedObject.name === pod);
  }
}

scenario('all three ways follow the leader, from the start to a crash', { timings: BRISK }, async (scene) => {
  const { admin } = scene.controlPlane;
  const group = await Group.open(scene, ALL);
  // A process before it was the leader, and left it so.
  const a = await group.start('a', { labels: { [ROLE]: 'leader', [ELECTION]: 'app' } });
  await until('a leads', PATIENCE_MS, () => a.leading);
  await group.untilSaid('a', true);
  const b = await group.start('b');
  await b.untilWatching();
  await group.untilSaid('b', false);

  const { metadata, status } = await group.pod('a');
  expect(metadata.annotations).toMatchObject({ 'leasegate.dev/fencing-token': a.fencingToken });
  expect(status.conditions.find(({ type }: { type: string }) => type === GATE)).toMatchObject({
    status: 'True',
    reason: 'Leading',
    message: expect.stringContaining(a.fencingToken),
    lastTransitionTime: expect.stringMatching(/Z$/),
  });
  expect(await group.slice()).toMatchObject({
    metadata: {
      labels: {
        'kubernetes.io/service-name': SERVICE,
        'endpointslice.kubernetes.io/managed-by': 'leasegate.dev',
        [ELECTION]: 'app',
      },
      ownerReferences: [{ kind: 'Service', name: SERVICE }],
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.97'], conditions: { ready: true }, targetRef: { uid: a.podUid } }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  });

  // Somebody else's hand.
  const edits: [string, () => Promise<unknown>][] = [
    ['label', () => admin.patch(group.path('pods/a'), { metadata: { labels: { [ROLE]: 'nobody' } } })],
    ['election', () => admin.patch(group.path('pods/a'), { metadata: { labels: { [ELECTION]: null } } })],
    [
      'gate',
      () =>
        admin.patch(
          group.path('pods/a/status'),
          { status: { conditions: [{ type: GATE, status: 'False' }] } },
          STRATEGIC,
        ),
    ],
    ['address', () => admin.patch(group.slicePath, { endpoints: [] })],
    ['slice', () => admin.delete(group.slicePath)],
  ];
  for (const [what, edit] of edits) {
    const versions = async () =>
      [await group.pod('a'), await group.slice()].map((object) => object?.metadata.resourceVersion);
    const before = await versions();
    await edit();
    const sinceMs = monoMs();
    await until(`the ${what} is put right`, PATIENCE_MS, async () => {
      const { metadata } = await group.pod('a');
      return metadata.labels[ELECTION] === 'app' && JSON.stringify(await versions()) !== JSON.stringify(before);
    });
    await group.untilSaid('a', true);
    console.log(`${what}: put right within ${Math.round(monoMs() - sinceMs)} ms`);
  }
  await admin.patch(group.path('pods/b'), { metadata: { labels: { [ROLE]: 'leader' } } });
  await group.untilSaid('b', false);

  // The steady state of a standby.
  const asked = (await scene.requests('b')).length;
  const renewals = (await scene.requests('a')).length;
  await until('a has renewed five times', PATIENCE_MS, async () => (await scene.requests('a')).length > renewals + 5);
  expect(await scene.requests('b')).toHaveLength(asked);

  // A hand-over.
  const { status: answered } = await a.api.post('/step-down', { immediate: true });
  expect(answered).toBe(200);
  expect(await group.saidOf('a')).toEqual({ label: 'standby', gate: 'False', address: false });
  await until('b leads', PATIENCE_MS, () => b.leading);
  await group.untilSaid('b', true);

  // A crash: of the container, so that its pod lives on with what it said.
  b.kill();
  await b.closed();
  expect(await group.saidOf('b')).toEqual({ label: 'leader', gate: 'True', address: true });
  await until('a leads', PATIENCE_MS, () => a.leading);
  await group.untilSaid('b', false);
  await group.untilSaid('a', true);
  const [leading] = a.logged('LEADING').slice(-1);
  const published = await until('a has published', PATIENCE_MS, () => {
    const lines = a.logged('PUBLISHED').filter(({ atMs, role }) => role === 'leader' && atMs >= leading!.atMs);
    return lines.length === 3 ? lines : undefined;
  });
  for (const { publisher, atMs, tookMs } of published) {
    console.log(`${publisher}: ${atMs - leading!.atMs} ms after the acquisition, ${tookMs} ms by its own clock`);
    expect(atMs - leading!.atMs).toBeLessThan(1_000);
  }
  for (const replica of [a, b]) expect(replica.logged('PUBLISH_FAILED')).toEqual([]);
});

scenario('what a container said before its restart is taken back', { timings: BRISK }, async (scene) => {
  const group = await Group.open(scene, 'readiness-gate');
  const a = await group.start('a');
  await group.untilSaid('a', true);
  const b = await group.start('b');
  await b.untilWatching();
  a.kill();
  await a.closed();
  await until('b leads', PATIENCE_MS, () => b.leading);
  await group.untilSaid('a', false);
  // As if b had died before it came to that.
  await scene.controlPlane.admin.patch(
    group.path('pods/a/status'),
    { status: { conditions: [{ type: GATE, status: 'True' }] } },
    STRATEGIC,
  );
  b.kill();
  await b.closed();
  await expectStatus(scene.controlPlane.admin.delete(scene.leasePath), 200);
  await group.run('a', { restartOf: a });
  await group.untilSaid('a', false);
});

scenario('a leader that was stopped and goes on is not said to lead', { timings: BRISK }, async (scene) => {
  const group = await Group.open(scene, ALL);
  const a = await group.start('a');
  await group.untilSaid('a', true);
  const b = await group.start('b');
  await b.untilWatching();
  a.pause();
  await until('b leads', PATIENCE_MS, () => b.leading);
  await group.untilSaid('a', false);
  await group.untilSaid('b', true);
  const resumedMs = a.resume();
  await a.untilLogged('NOT_LEADING', PATIENCE_MS);
  await a.untilLogged('PUBLISHED', PATIENCE_MS, resumedMs);
  expect(await group.saidOf('a')).toEqual({ label: 'standby', gate: 'False', address: false });
  expect(await group.saidOf('b')).toEqual({ label: 'leader', gate: 'True', address: true });
});

scenario(
  'without the right to patch pods the election goes on; it is told what is missing, and mended with it',
  { timings: BRISK },
  async (scene) => {
    const group = await Group.open(scene, ALL, []);
    const a = await group.start('a');
    await until('a leads', PATIENCE_MS, () => a.leading);
    const failed = await until('all three fail', PATIENCE_MS, () => {
      const lines = a.logged('PUBLISH_FAILED');
      const all = new Set(lines.map(({ publisher }) => publisher)).size === 3;
      return all && lines.some(({ request }) => request === 'list pods') ? lines : undefined;
    });
    expect(failed.map(({ failure }) => failure)).toContain('forbidden');
    expect(String(failed.find(({ request }) => request === 'list pods')!.remedy)).toContain(
      '{"apiGroups":[""],"resources":["pods"],"verbs":["get","list","watch","patch"]}',
    );
    const event = await until('an Event says so', PATIENCE_MS, async () =>
      (await group.events('a')).find(({ message }) => message.includes('list pods')),
    );
    expect(event).toMatchObject({ type: 'Warning', reason: 'PublishFailed', involvedObject: { kind: 'Pod' } });
    expect((await a.api.get('/metrics')).text).toMatch(
      /leasegate_publish_errors_total\{publisher="label",code="forbidden"\} [1-9]/,
    );
    expect(a.logged('NOT_LEADING')).toEqual([]);

    await group.setRules(RULES);
    console.log(`mended ${Math.round(await group.untilSaid('a', true, 30_000))} ms after the right was given`);
    await a.untilLogged('PUBLISH_RECOVERED', PATIENCE_MS);

    await group.setRules([]);
    const { result } = (await a.api.post('/step-down', { immediate: true })).json as { result: string };
    expect(result).toBe('released');
    expect(await group.saidOf('a')).toMatchObject({ label: 'leader' });
    await group.setRules(RULES);
    await until('a leads again', 30_000, () => a.leading);
    await group.untilSaid('a', true, 30_000);
  },
);

scenario('a Service with a selector is told of, and left alone', { timings: BRISK }, async (scene) => {
  const { admin } = scene.controlPlane;
  const group = await Group.open(scene, 'endpointslice');
  await admin.patch(group.path(`services/${SERVICE}`), { spec: { selector: { app: 'web' } } });
  const a = await group.start('a');
  const line = await a.untilLogged('PUBLISH_FAILED', PATIENCE_MS);
  expect(line).toMatchObject({ failure: 'service-selector', remedy: expect.stringContaining('remove spec.selector') });
  expect(await group.slice()).toBeNull();
  await admin.patch(group.path(`services/${SERVICE}`), { spec: { selector: null } });
  await group.untilSaid('a', true, 30_000);
});

scenario('a pod that another uid was told of is not touched', { timings: BRISK }, async (scene) => {
  const group = await Group.open(scene, ALL);
  const a = await group.start('a');
  await group.untilSaid('a', true);
  // As in a StatefulSet, while the process of the pod before it still runs somewhere.
  await expectStatus(scene.controlPlane.admin.delete(group.path('pods/a'), { gracePeriodSeconds: 0 }), 200);
  const spec = { serviceAccountName: 'a', containers: [{ name: 'app', image: 'example.com/app' }] };
  const another = { metadata: { name: 'a' }, spec };
  await expectStatus(scene.controlPlane.admin.post(group.path('pods'), another), 201);
  await a.untilLogged('PUBLISH_FAILED', PATIENCE_MS);
  await a.api.post('/step-down', { immediate: true });
  await until('its address is withdrawn', PATIENCE_MS, async () => (await group.slice()).endpoints === null);
  const { metadata, status } = await group.pod('a');
  expect(metadata.labels?.[ROLE]).toBeUndefined();
  expect(status.conditions ?? []).not.toContainEqual(expect.objectContaining({ type: GATE }));
  expect(a.logged('PUBLISH_FAILED').map(({ failure }) => failure)).not.toContain('invalid');
});
