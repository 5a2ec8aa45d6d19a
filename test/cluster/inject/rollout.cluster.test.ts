import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { injected } from '../../../src/inject/cases.fixture.ts';
import { until } from '../replica/until.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { Daemon } from '../support/daemon.ts';
import { findTool } from '../tools/build.ts';

/**
 * What `inject` says of rollouts with a readiness gate, by the real controllers: the pods only exist, and of each workload's
 * one is Ready, the same one for as long as it is there.
 */

const NAMESPACE = 'rollout';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const APPS = `/apis/apps/v1/namespaces/${NAMESPACE}`;
const PATIENCE_MS = 60_000;

let controlPlane: ControlPlane;
let controllers: Daemon;
let pods: ReadyOnes;
beforeAll(async () => {
  controlPlane = await startControlPlane();
  await controlPlane.admin.post('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  controllers = new Daemon({
    name: 'kube-controller-manager',
    command: await findTool('kube-controller-manager'),
    args: [
      `--kubeconfig=${controlPlane.adminKubeconfig}`,
      '--controllers=deployment-controller,replicaset-controller,statefulset-controller',
      '--leader-elect=false',
      '--secure-port=0',
    ],
    logFile: join(controlPlane.directory, 'kube-controller-manager.log'),
  });
  pods = new ReadyOnes();
});
afterAll(async () => {
  await pods?.close();
  await controllers?.stop(0);
  await controlPlane?.close();
});

const REPLICAS = 3;
const CASES: readonly Case[] = [
  {
    name: 'all-but-one',
    kind: 'Deployment',
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } },
  },
  { name: 'default', kind: 'Deployment', spec: {} },
  {
    name: 'all',
    kind: 'Deployment',
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } } },
  },
  { name: 'recreate', kind: 'Deployment', spec: { strategy: { type: 'Recreate' } } },
  { name: 'ordered', kind: 'StatefulSet', spec: { updateStrategy: { type: 'OnDelete' } } },
  { name: 'parallel', kind: 'StatefulSet', spec: { podManagementPolicy: 'Parallel' } },
];

test('a rollout that inject refuses stalls, and one that it takes replaces all pods', async () => {
  const refused = CASES.filter((each) => injected(manifest(each), ['--publish', 'readiness-gate']).text === null);
  expect(refused.map(({ name }) => name)).toEqual(['all-but-one', 'default', 'ordered', 'parallel']);

  for (const each of CASES) {
    expect(await controlPlane.admin.post(`${APPS}/${plural(each.kind)}`, objectOf(each))).toMatchObject({
      status: 201,
    });
  }
  // OrderedReady: the second pod is there only when the first is Ready, the third never.
  for (const { name } of CASES) {
    const wanted = name === 'ordered' ? 2 : REPLICAS;
    await until(`${wanted} pods of ${name}, one of them Ready`, PATIENCE_MS, async () => {
      const { first, ready } = await countsOf(name);
      return first === wanted && ready === 1;
    });
  }
  const leaders = new Map(await Promise.all(CASES.map(async ({ name }) => [name, await readyOf(name)] as const)));

  for (const each of CASES.filter(({ name }) => name !== 'ordered')) {
    const template = { spec: { template: { metadata: { labels: { revision: 'second' } } } } };
    const contentType = 'application/merge-patch+json';
    const { status } = await controlPlane.admin.patch(`${APPS}/${plural(each.kind)}/${each.name}`, template, {
      contentType,
    });
    expect(status).toBe(200);
  }
  for (const name of ['all', 'recreate']) {
    await until(`new pods of ${name}`, PATIENCE_MS, async () => {
      const { first, second, ready } = await countsOf(name);
      return first === 0 && second === REPLICAS && ready === 1;
    });
    expect(await readyOf(name)).not.toBe(leaders.get(name));
  }
  // Those that stall have gone as far as they go: all other pods are replaced, or none; and the old leader is there for good.
  await until(
    'the standbys of all-but-one',
    PATIENCE_MS,
    async () => (await countsOf('all-but-one')).second === REPLICAS,
  );
  const stalled = async () => Promise.all(['all-but-one', 'default', 'parallel'].map((name) => readyOf(name)));
  const before = await stalled();
  expect(before.slice(0, 2)).toEqual(['all-but-one', 'default'].map((name) => leaders.get(name)));
  await pods.looks(50);
  expect(await stalled()).toEqual(before);
  expect((await countsOf('all-but-one')).first).toBe(1);
  expect((await countsOf('parallel')).first).toBeGreaterThanOrEqual(REPLICAS - 1);
  expect((await countsOf('ordered')).first).toBe(2);
});

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly spec: object;
}

function objectOf({ name, kind, spec }: Case) {
  const labels = { workload: name, revision: 'first' };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      replicas: REPLICAS,
      ...(kind === 'StatefulSet' && { serviceName: name }),
      ...spec,
      selector: { matchLabels: { workload: name } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app' }] } },
    },
  };
}

function manifest(each: Case): string {
  const text = stringify(objectOf(each));
  expect(parseAllDocuments(text)).toHaveLength(1);
  return text;
}

function plural(kind: string): string {
  return `${kind.toLowerCase()}s`;
}

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp: string;
    readonly labels: Record<string, string>;
    readonly deletionTimestamp?: string;
  };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function podsOf(workload: string): Promise<Pod[]> {
  return (await controlPlane.admin.get(`${PODS}?labelSelector=workload%3D${workload}`)).body.items;
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

async function countsOf(workload: string): Promise<{ first: number; second: number; ready: number }> {
  const all = await podsOf(workload);
  const of = (revision: string) => all.filter(({ metadata }) => metadata.labels.revision === revision).length;
  return { first: of('first'), second: of('second'), ready: all.filter(isReady).length };
}

async function readyOf(workload: string): Promise<string | undefined> {
  return (await podsOf(workload)).find(isReady)?.metadata.name;
}

/** Kubelet and Leasegate in one: all pods run, and of each workload's one is Ready, for as long as it is there. */
class ReadyOnes {
  #closed = false;
  #looks = 0;
  readonly #done = this.#run();

  /** Resolves after as many further looks at all pods. */
  async looks(count: number): Promise<void> {
    const last = this.#looks + count;
    await until(`${count} looks at the pods`, PATIENCE_MS, () => this.#looks >= last);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const all: Pod[] = (await controlPlane.admin.get(PODS)).body.items;
      for (const group of Map.groupBy(all, ({ metadata }) => metadata.labels.workload).values()) {
        const alive = group.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        const leader = alive.find(isReady) ?? alive[0];
        for (const pod of alive)
          if (pod.status.conditions === undefined || (pod === leader && !isReady(pod)))
            await this.#set(pod, pod === leader);
      }
      this.#looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #set({ metadata }: Pod, ready: boolean): Promise<void> {
    const condition = {
      type: 'Ready',
      status: ready ? 'True' : 'False',
      lastTransitionTime: metadata.creationTimestamp,
    };
    const status = { phase: 'Running', startTime: metadata.creationTimestamp, conditions: [condition] };
    const contentType = 'application/merge-patch+json';
    // A pod that is gone meanwhile needs none.
    await controlPlane.admin.patch(`${PODS}/${metadata.name}/status`, { status }, { contentType });
  }
}
