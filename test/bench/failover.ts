/**
 * `npm run bench:failover`: how long nobody leads, beside client-go's elector on the same control plane. Three replicas of
 * each; the leader is ended gracefully (SIGTERM) or at once (SIGKILL) until another one leads, and is then replaced.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BenchCluster } from './support/bench-cluster.ts';
import { startClientGo } from './support/client-go-replica.ts';
import { Group } from './support/group.ts';
import { type HandOver, type HandOverPhases, handOverPhases } from './support/hand-over-phases.ts';
import { leasegateProgramName, startLeasegate } from './support/leasegate-replica.ts';
import { machine } from './support/machine.ts';
import { median, round, rounded, type Summary, summarise } from './support/statistics.ts';
import { against, printTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: {
    graceful: { type: 'string', default: '20' },
    crash: { type: 'string', default: '6' },
    'wait-quiet': { type: 'boolean', default: false },
  },
});

const budgets = { gracefulMedianMs: 60, gracefulWorstMs: 250, crashLatenessMs: 300 };
/** How far into a retry or renewal period a leader ends is left to chance, for both. */
const settleMsMin = 1_500;
const settleMsSpread = 2_500;

interface Trials {
  readonly gracefulMs: number[];
  readonly crashMs: number[];
  /** After the expiry of the crashed leader's record, counted from its last renewal. */
  readonly crashLatenessMs: number[];
}

const about = await machine(options['wait-quiet']);
const cluster = await BenchCluster.start();
const trials = { leasegate: noTrials(), 'client-go': noTrials() };
const handOvers: HandOver[] = [];
let unconfirmed = 0;
try {
  const leasegate = new Group(cluster, 'failover-leasegate', startLeasegate);
  const clientGo = new Group(cluster, 'failover-client-go', startClientGo);
  await Promise.all([leasegate.start(), clientGo.start()]);

  for (let trial = 1; trial <= Number(options.graceful); trial++) {
    // One after the other: neither pays for the other's hand-over.
    await graceful(leasegate, trials.leasegate, handOvers);
    await graceful(clientGo, trials['client-go']);
    console.log(`graceful ${trial}: ${last(trials.leasegate.gracefulMs)} / ${last(trials['client-go'].gracefulMs)} ms`);
  }
  for (let trial = 1; trial <= Number(options.crash); trial++) {
    await Promise.all([crash(leasegate, trials.leasegate), crash(clientGo, trials['client-go'])]);
    const [ours, theirs] = [trials.leasegate.crashLatenessMs, trials['client-go'].crashLatenessMs];
    console.log(`crash ${trial}: ${last(ours)} / ${last(theirs)} ms after expiry`);
  }
  const audit = await cluster.controlPlane.auditEntries();
  report(handOvers.map((handOver) => handOverPhases(handOver, audit)).filter((phases) => phases !== null));
  await Promise.all([leasegate.stop(), clientGo.stop()]);
} finally {
  await cluster.close();
}

function noTrials(): Trials {
  return { gracefulMs: [], crashMs: [], crashLatenessMs: [] };
}

async function settle(): Promise<void> {
  await sleep(settleMsMin + Math.random() * settleMsSpread);
}

async function graceful(group: Group, into: Trials, handOvers: HandOver[] = []): Promise<void> {
  await settle();
  const handOver = await group.endLeader('SIGTERM');
  into.gracefulMs.push(handOver.leadingAtMs - handOver.signalAtMs);
  handOvers.push(handOver);
  if (!(await handOver.successor.isLeader())) unconfirmed += 1;
  await group.replace(handOver.predecessor);
}

async function crash(group: Group, into: Trials): Promise<void> {
  await settle();
  const handOver = await group.endLeader('SIGKILL');
  into.crashMs.push(handOver.leadingAtMs - handOver.signalAtMs);
  into.crashLatenessMs.push(handOver.leadingAtMs - handOver.expiryAtMs);
  if (!(await handOver.successor.isLeader())) unconfirmed += 1;
  await group.replace(handOver.predecessor);
}

function last(values: readonly number[]): number {
  return round(values.at(-1) ?? Number.NaN);
}

function report(phases: readonly HandOverPhases[]): void {
  const ratios: Record<string, number> = {};
  const summaries: Record<string, Record<string, Summary>> = {};
  const rows = (what: keyof Trials, title: string, budget: (ours: Summary) => string) => {
    const ours = summarise(trials.leasegate[what]);
    const theirs = summarise(trials['client-go'][what]);
    summaries[what] = { leasegate: rounded(ours), 'client-go': rounded(theirs) };
    const ratio = round(ours.median / theirs.median, 3);
    ratios[what] = ratio;
    const cells = ({ count, median, p90, worst }: Summary) => [count, round(median), round(p90), round(worst)];
    return [
      [`${title}: leasegate`, ...cells(ours), ratio, budget(ours)],
      [`${title}: client-go`, ...cells(theirs), '', ''],
    ];
  };
  const gracefulBudget = ({ median, worst }: Summary) =>
    `median ${against(median, budgets.gracefulMedianMs)}, worst ${against(worst, budgets.gracefulWorstMs)}`;
  printTable(`fail-over in ms, three replicas each, 15/10/2 s, ${leasegateProgramName}`, [
    ['', 'trials', 'median', 'p90', 'worst', 'ratio', 'budget'],
    ...rows('gracefulMs', 'SIGTERM → next leader', gracefulBudget),
    ...rows('crashMs', 'SIGKILL → next leader', () => ''),
    ...rows('crashLatenessMs', 'expiry → next leader', ({ worst }) => against(worst, budgets.crashLatenessMs)),
  ]);

  const names = Object.keys(phases[0] ?? {}) as (keyof HandOverPhases)[];
  const medians = Object.fromEntries(names.map((name) => [name, round(median(phases.map((phase) => phase[name])), 2)]));
  printTable('a graceful hand-over of leasegate, ms', [
    ['', 'median', 'p90', 'worst'],
    ...names.map((name) => {
      const { median, p90, worst } = rounded(summarise(phases.map((phase) => phase[name])));
      return [name, median, p90, worst];
    }),
  ]);
  if (unconfirmed > 0) console.log(`\n${unconfirmed} times the new leader, asked at once, said that it does not lead`);
  console.log();
  const line = { bench: 'failover', program: leasegateProgramName, ...about, ratios, ...summaries, phases: medians };
  console.log(JSON.stringify({ ...line, unconfirmed }));
}
