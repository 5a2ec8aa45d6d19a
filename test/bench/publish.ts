/**
 * `npm run bench:publish`: how soon a Service's clients are sent to a new leader, by each way to publish it, on a real API server
 * with the real EndpointSlice controller. The leader's pod is deleted, or its node is lost, until the endpoint is that of the
 * next leader; then it is replaced. All times are those of one observer, by its watches on the Lease, the pods and the slices.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Deployment } from '../cluster/publish/deployment.ts';
import { type FailOver, failOver } from '../cluster/publish/fail-over.ts';
import { WAYS } from '../cluster/publish/ways.ts';
import { BRISK } from '../cluster/replica/replica.ts';
import { Scene } from '../cluster/replica/scene.ts';
import { startControlPlane } from '../cluster/support/control-plane.ts';
import { startControllerManager } from '../cluster/support/controller-manager.ts';
import { ensureTools } from '../cluster/tools/build.ts';
import { leasegateCommand, leasegateProgramName } from './support/leasegate-replica.ts';
import { machine } from './support/machine.ts';
import { rounded, type Summary, summarise } from './support/statistics.ts';
import { against, printTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: {
    graceful: { type: 'string', default: '20' },
    crash: { type: 'string', default: '10' },
    'wait-quiet': { type: 'boolean', default: false },
  },
});

/** From the acquisition until this replica's own object says so, and until a dead one's no more says it. */
const budgets = { publishedMs: 100, staleMs: 200 };
/** How far into a renewal period a leader ends is left to chance. */
const settleMsMin = 700;
const settleMsSpread = 500;
/** Rarely: the replicas are to be measured, not the questions. */
const askEveryMs = 200;

interface Figure {
  readonly title: string;
  readonly of: (failOver: FailOver) => number;
  readonly budgetMs?: number;
}

const PUBLISHED: Figure = {
  title: 'acquired → published',
  of: ({ acquired, claimed, served }) => (claimed ?? served).atMs - acquired.atMs,
  budgetMs: budgets.publishedMs,
};
const SERVED: Figure = {
  title: 'acquired → endpoint switched',
  of: ({ acquired, served }) => served.atMs - acquired.atMs,
};

const GRACEFUL: readonly Figure[] = [
  PUBLISHED,
  SERVED,
  { title: 'without any endpoint', of: ({ withdrawn, served }) => Math.max(0, served.atMs - withdrawn.atMs) },
  { title: 'pod deleted → endpoint switched', of: ({ endedMs, served }) => served.atMs - endedMs },
];
const CRASH: readonly Figure[] = [
  {
    title: 'acquired → stale claim gone',
    of: ({ acquired, unclaimed, withdrawn }) => (unclaimed ?? withdrawn).atMs - acquired.atMs,
    budgetMs: budgets.staleMs,
  },
  { title: 'acquired → stale endpoint gone', of: ({ acquired, withdrawn }) => withdrawn.atMs - acquired.atMs },
  PUBLISHED,
  SERVED,
];

const about = await machine(options['wait-quiet']);
await ensureTools(['etcd', 'kube-apiserver', 'kube-controller-manager']);
const controlPlane = await startControlPlane();
try {
  const manager = await startControllerManager(controlPlane);
  const scenes: Scene[] = [];
  const deployments: Deployment[] = [];
  for (const [index, way] of WAYS.entries()) {
    const namespace = `publish-${way.publish}`;
    const scene = await Scene.open({
      controlPlane,
      leasegate: leasegateCommand,
      namespace,
      timings: BRISK,
      askEveryMs,
    });
    scenes.push(scene);
    deployments.push(await Deployment.open(scene, way, index + 1));
  }
  const trials = deployments.map((deployment) => ({
    way: deployment.way.publish,
    graceful: noTrials(),
    crash: noTrials(),
  }));
  // One after the other: none pays for another's fail-over.
  for (let trial = 1; trial <= Number(options.graceful); trial++) {
    for (const [index, deployment] of deployments.entries()) {
      trials[index]!.graceful.push(await failOverAndReplace(deployment, 'deleted'));
    }
    tell(
      'graceful',
      trial,
      trials.map(({ graceful }) => graceful),
    );
  }
  for (let trial = 1; trial <= Number(options.crash); trial++) {
    for (const [index, deployment] of deployments.entries()) {
      trials[index]!.crash.push(await failOverAndReplace(deployment, 'lost'));
    }
    tell(
      'crash',
      trial,
      trials.map(({ crash }) => crash),
    );
  }
  const findings = deployments.flatMap((each) => each.findings().map((finding) => `${each.way.publish}: ${finding}`));
  report(trials, findings);
  for (const deployment of deployments) await deployment.close();
  for (const scene of scenes) await scene.close();
  await manager.close();
} finally {
  await controlPlane.close();
}

function noTrials(): FailOver[] {
  return [];
}

async function failOverAndReplace(deployment: Deployment, how: 'deleted' | 'lost'): Promise<FailOver> {
  await sleep(settleMsMin + Math.random() * settleMsSpread);
  const done = await failOver(deployment, how);
  await deployment.replace(done.predecessor, how);
  return done;
}

function tell(what: string, trial: number, series: readonly (readonly FailOver[])[]): void {
  const figures = series.map((failOvers) => Math.round(SERVED.of(failOvers.at(-1)!)));
  console.log(`${what} ${trial}: ${figures.join(' / ')} ms from the acquisition to the endpoint`);
}

interface Trials {
  readonly way: string;
  readonly graceful: readonly FailOver[];
  readonly crash: readonly FailOver[];
}

function report(trials: readonly Trials[], findings: readonly string[]): void {
  const summaries: Record<string, Record<string, Summary>> = {};
  const rows = (what: 'graceful' | 'crash', figures: readonly Figure[]) =>
    figures.flatMap(({ title, of, budgetMs }) =>
      trials.map((each) => {
        const summary = rounded(summarise(each[what].map(of)));
        summaries[`${what}: ${title}`] = { ...summaries[`${what}: ${title}`], [each.way]: summary };
        const { count, median, p90, worst } = summary;
        const budget = budgetMs === undefined ? '' : `worst ${against(worst, budgetMs)}`;
        return [`${title}: ${each.way}`, count, median, p90, worst, budget];
      }),
    );
  const heading = ['', 'trials', 'median', 'p90', 'max', 'budget'];
  printTable(`the leader's pod is deleted, ms, ${leasegateProgramName}`, [heading, ...rows('graceful', GRACEFUL)]);
  printTable('the leader’s node is lost, ms', [heading, ...rows('crash', CRASH)]);
  console.log(`\n${findings.length === 0 ? 'never did two pods serve' : findings.join('\n')}\n`);
  console.log(JSON.stringify({ bench: 'publish', program: leasegateProgramName, ...about, ...summaries, findings }));
}
