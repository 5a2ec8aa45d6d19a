import { until } from '../replica/until.ts';
import type { Cluster } from './cluster.ts';
import { type Example, RUN_LABEL } from './example.ts';
import type { Killer } from './killer.ts';

export interface Disturbance {
  readonly name: string;
  /** How many replicas there are in the end. */
  readonly replicas: number;
  /** Resolves when Kubernetes has done what it was told. */
  apply(example: Example, cluster: Cluster, killer: Killer): Promise<void>;
}

const REPLICAS = 3;

/** What happens to applications, in an order that leaves three replicas for each but the last. */
export const disturbances: readonly Disturbance[] = [
  {
    name: '`kubectl delete pod` of the leader',
    replicas: REPLICAS,
    apply: async (example) => void (await example.kubectl('delete', 'pod', await example.leader())),
  },
  {
    name: '`kubectl rollout restart`',
    replicas: REPLICAS,
    async apply(example) {
      await example.kubectl('rollout', 'restart', 'deployment/web');
      // Three available pods, which kubectl waits for, there never are where only the leader is Ready.
      if (example.way !== 'readiness-gate') {
        await example.kubectl('rollout', 'status', 'deployment/web', '--timeout=150s');
      }
    },
  },
  {
    name: 'application of the leader killed (−9)',
    replicas: REPLICAS,
    apply: async (example, _, killer) => killer.kill(example.namespace, await example.leader(), 'app'),
  },
  {
    name: 'sidecar of the leader killed (−9)',
    replicas: REPLICAS,
    apply: async (example, _, killer) => killer.kill(example.namespace, await example.leader(), 'leasegate'),
  },
  {
    name: '`kubectl drain` of the leader’s node',
    replicas: REPLICAS,
    apply: drain,
  },
  {
    name: 'scaled to 5',
    replicas: 5,
    apply: async (example) => void (await example.kubectl('scale', 'deployment/web', '--replicas=5')),
  },
  {
    name: 'scaled to 1',
    replicas: 1,
    apply: async (example) => void (await example.kubectl('scale', 'deployment/web', '--replicas=1')),
  },
];

/** The budget lets one pod go at a time; the others wait until its successor runs. A cluster of one node has room for it again at once. */
async function drain(example: Example, cluster: Cluster): Promise<void> {
  const leader = await example.leader();
  const pods = await example.pods();
  const { metadata, spec } = pods.find((pod) => pod.metadata.name === leader);
  const node: string = spec.nodeName;
  const { unschedulable } = (await cluster.get(`/api/v1/nodes/${node}`)).spec;
  if (unschedulable) throw new Error(`node ${node} is cordoned, not by this suite: uncordon it first`);
  const options = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=150s'];
  let drained = false;
  const draining = cluster
    .kubectl('drain', node, ...options, `--pod-selector=${RUN_LABEL}=${metadata.labels[RUN_LABEL]}`)
    .finally(() => {
      drained = true;
    });
  try {
    await until('a pod without a node', 150_000, async () => {
      const unscheduled = (await example.pods()).some(({ spec }) => spec.nodeName === undefined);
      return drained || unscheduled;
    });
    await cluster.kubectl('uncordon', node);
    await draining;
    const left = (await example.pods()).map((pod) => pod.metadata.uid);
    if (left.includes(metadata.uid)) throw new Error(`${leader} was not drained`);
  } finally {
    await cluster.kubectl('uncordon', node);
  }
}
