import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { until } from '../replica/until.ts';
import { Cluster, type KubernetesObject } from './cluster.ts';
import { EXAMPLES } from './example.ts';
import { restricted, runScript, scripts, scriptsVolume } from './scripts.ts';

const START_MS_MAX = 60_000;
/** What the kubelet samples every ten to twenty seconds is awaited for this long. */
const STATS_MS_MAX = 120_000;
/** What the start took is given back by then. */
const SETTLED_AFTER_MS = 30_000;

let cluster: Cluster;
let namespace = '';
/** Objects of the example that polls: the sidecar as it ships, and what it needs. */
let shipped: KubernetesObject[];

beforeAll(async () => {
  cluster = await Cluster.connect();
  namespace = await cluster.makeNamespace('leasegate-sidecar');
  shipped = loadAll(await cluster.kubectl('kustomize', `${EXAMPLES}/polling`)) as KubernetesObject[];
  const needed = shipped.filter(({ kind }) => ['Lease', 'ServiceAccount', 'Role', 'RoleBinding'].includes(kind));
  for (const object of needed) object.metadata.namespace = namespace;
  await cluster.apply(scripts(namespace), ...needed);
});
afterAll(async () => {
  if (namespace !== '') await cluster.removeNamespace(namespace);
  await cluster?.close();
});

/** A pod with the shipped sidecar beside an application of ours. */
function pod(name: string): KubernetesObject {
  const { spec } = shipped.find(({ kind }) => kind === 'Deployment').spec.template;
  const [sidecar] = spec.initContainers;
  const application = { ...runScript(cluster.image, 'application.ts'), name: 'app', securityContext: restricted };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      serviceAccountName: spec.serviceAccountName,
      automountServiceAccountToken: spec.automountServiceAccountToken,
      securityContext: spec.securityContext,
      initContainers: [{ ...sidecar, image: cluster.image }],
      containers: [application],
      volumes: [...spec.volumes.filter((volume: KubernetesObject) => volume.name !== 'www'), scriptsVolume],
    },
  };
}

interface Line {
  readonly atMs: number;
  readonly [field: string]: unknown;
}

/** The JSON lines that a container has written, with the time that the kubelet received each. */
async function lines(name: string, container: string): Promise<Line[]> {
  const log = await cluster.kubectl('--namespace', namespace, 'logs', name, '-c', container, '--timestamps');
  return parse(log);
}

/** The kubelet ends what is followed with a line of its own, without a time, where the container is removed meanwhile. */
function parse(log: string): Line[] {
  return log.split('\n').flatMap((line) => {
    const [, time = '', json] = /^(\d{4}-\d\d-\d\dT\S+) (.*)$/.exec(line) ?? [];
    return json === undefined ? [] : [{ ...JSON.parse(json), atMs: Date.parse(time) }];
  });
}

test('beside an application: how long until it answers, and what it takes', async () => {
  const createdAtMs = Date.now();
  await cluster.apply(pod('first'));
  const started = await until('the sidecar’s start', START_MS_MAX, async () =>
    (await lines('first', 'leasegate').catch(() => [])).find(({ code }) => code === 'STARTED'),
  );
  const application = await until('an answer to the application', START_MS_MAX, async () =>
    (await lines('first', 'app').catch(() => [])).find(({ leads }) => leads === true),
  );
  const node = (await cluster.get(`/api/v1/namespaces/${namespace}/pods/first`)).spec.nodeName;
  const memory = await until('the kubelet’s statistics', STATS_MS_MAX, async () => {
    const { pods } = await cluster.get(`/api/v1/nodes/${node}/proxy/stats/summary`);
    const mine = pods.find(({ podRef }: KubernetesObject) => podRef.namespace === namespace && podRef.name === 'first');
    const memory = mine?.containers?.find(({ name }: KubernetesObject) => name === 'leasegate')?.memory;
    return memory !== undefined && Date.parse(memory.time) > started.atMs + SETTLED_AFTER_MS && memory;
  });
  const size = inject('imageSize');
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    [
      ...(size === null
        ? []
        : [`image: ${mebibytes(size.compressedBytes)} compressed, ${mebibytes(size.unpackedBytes)} unpacked`]),
      `pod created → the sidecar has started: ${Math.round(started.atMs - createdAtMs)} ms`,
      `pod created → the application has an answer: ${Math.round(application.atMs - createdAtMs)} ms`,
      `memory of the leader’s sidecar, by the kubelet: ${mebibytes(memory.rssBytes)} RSS, ${mebibytes(memory.workingSetBytes)} working set`,
    ].join('\n'),
  );
  expect(memory.rssBytes).toBeGreaterThan(0);
}, 240_000);

test('it is told to end when the application has ended, and hands over then', async () => {
  await cluster.apply(pod('second'));
  await until('the standby’s application', START_MS_MAX, async () =>
    (await lines('second', 'app').catch(() => [])).find(({ leads }) => leads === false),
  );
  // Followed, since the log goes with the pod.
  const [application, sidecar] = ['app', 'leasegate'].map((container) =>
    cluster.kubectl(
      '--namespace',
      namespace,
      'logs',
      'first',
      '-c',
      container,
      '--follow',
      '--tail=50',
      '--timestamps',
    ),
  );
  await cluster.kubectl('--namespace', namespace, 'delete', 'pod', 'first');
  const ended = parse(await application!);
  const released = parse(await sidecar!);
  const of = (all: readonly Line[], field: string, value: string) => all.find((line) => line[field] === value)!;
  const toldMs = of(ended, 'what', 'told to end').atMs;
  const ends = of(ended, 'what', 'ends');
  const sidecarToldMs = of(released, 'code', 'STOPPING').atMs;
  const next = await until('the next leader', START_MS_MAX, async () =>
    (await lines('second', 'leasegate')).find(({ code }) => code === 'LEADING'),
  );
  expect(ends.atMs - toldMs).toBeGreaterThan(1_000);
  // To its last moment it could rely on leading.
  expect(ends.leads).toBe(true);
  expect(sidecarToldMs).toBeGreaterThanOrEqual(ends.atMs);
  expect(next.atMs).toBeGreaterThanOrEqual(sidecarToldMs);
  console.log(
    `application has ended → sidecar told: ${sidecarToldMs - ends.atMs} ms → next leader: ${next.atMs - sidecarToldMs} ms`,
  );
});
