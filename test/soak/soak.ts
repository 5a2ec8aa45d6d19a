import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../cluster/replica/clock.ts';
import { type Claimant, checkHistory, reignsOf } from '../cluster/replica/history.ts';
import { until } from '../cluster/replica/until.ts';
import { SeededRandom } from '../sim/random.ts';
import type { ApiServer } from './api-server.ts';
import { leadOnceEach } from './first-terms.ts';
import { planFaults } from './plan.ts';
import { Pod } from './pod.ts';
import { type Strike, Striker } from './strikes.ts';
import { type Course, metricOf, Watcher } from './watcher.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly replicas: number;
  /** So many of them keep their process for the whole run. */
  readonly core: number;
  readonly totalMs: number;
  readonly warmUpMs: number;
  /** Program and arguments that run Leasegate, up to the subcommand. */
  readonly command: readonly string[];
  readonly apiServer: ApiServer;
  /** For files that are not kept. */
  readonly directory: string;
  readonly progress: (line: string) => void;
}

/** All that was seen. Times are minutes or milliseconds since the start of the faults. */
export interface Sighting {
  readonly strikes: readonly Strike[];
  readonly core: readonly Course[];
  readonly server: Course;
  readonly residentKiBMax: number;
  readonly requests: { readonly local: number; readonly api: number };
  /** Terms that were begun. */
  readonly terms: number;
  readonly longestWithoutLeaderMs: number;
  readonly leaderAtEnd: string | null;
  /** What was wrong about leadership: two at once, tokens that did not grow. */
  readonly leadership: readonly string[];
  /** What was wrong beside it: processes that ended by themselves or not when asked to, errors in their logs. */
  readonly processes: readonly string[];
  /** Lines of the replicas' logs by code. */
  readonly logged: Readonly<Record<string, number>>;
  /** Sums of the metrics of the processes that ran at the end. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Nothing begins in the last so many, nor goes on in the last half of them: somebody must lead again after less. */
const QUIET_MS = 20_000;
const START_EVERY_MS = 150;
const READINGS = 240;
const COLLECTIONS = 24;
const METRICS = [
  'leasegate_watch_restarts_total',
  'leasegate_events_dropped_total',
  'leasegate_api_requests_total',
  'leasegate_renewals_total',
];

/** Starts the replicas, lets the faults of a seed befall them, and measures. */
export async function soak(options: SoakOptions): Promise<Sighting> {
  const { apiServer, progress, totalMs, warmUpMs } = options;
  const random = new SeededRandom(options.seed);
  const pods = Array.from({ length: options.replicas }, (_, index) => {
    const name = `pod-${index + 1}`;
    const { command, directory } = options;
    return new Pod({ name, core: index < options.core, command, apiServer, directory });
  });
  const plan = planFaults({
    random: random.fork(),
    ...{ pods: options.replicas, core: options.core, totalMs, warmUpMs, quietMs: QUIET_MS },
  });
  try {
    for (const pod of pods) {
      await pod.start();
      await sleep(START_EVERY_MS);
    }
    await Promise.all(pods.map((pod) => pod.untilWatching()));
    await until('a replica leads', 30_000, () => pods.some(({ leading }) => leading));
    progress(`${pods.length} replicas run, ${plan.length} faults are planned`);

    await leadOnceEach(pods);
    const startMs = monoMs();
    const measuredMs = totalMs - warmUpMs;
    const watcher = new Watcher({
      ...{ pods, serverPid: apiServer.pid, startMs },
      readEveryMs: Math.min(10_000, Math.max(1_000, measuredMs / READINGS)),
      collectEveryMs: Math.max(3_000, measuredMs / COLLECTIONS),
    });
    const striker = new Striker(pods, apiServer, random.fork(), startMs);
    watcher.start();
    const strikes: Promise<void>[] = [];
    for (const fault of plan) {
      await sleep(Math.max(0, startMs + fault.atMs - monoMs()));
      strikes.push(striker.strike(fault));
    }
    await Promise.all(strikes);
    await sleep(Math.max(QUIET_MS / 2, startMs + totalMs - monoMs()));
    await watcher.stop();

    const leader = pods.find(({ leading }) => leading);
    const metrics = await metricsOf(pods);
    const processes = pods.flatMap((pod) => pod.findings());
    const claimants = pods.flatMap((pod) => pod.claimants());
    return {
      strikes: striker.strikes,
      core: watcher.core,
      server: watcher.server,
      residentKiBMax: watcher.residentKiBMax,
      requests: { local: watcher.requests + striker.requests + questionsTo(pods), api: await apiServer.requests() },
      ...reigns(claimants),
      leaderAtEnd: leader?.current.name ?? null,
      leadership: checkHistory(claimants),
      processes,
      logged: loggedBy(pods),
      metrics,
    };
  } finally {
    await Promise.all(pods.map((pod) => pod.close()));
  }
}

function reigns(claimants: readonly Claimant[]): { terms: number; longestWithoutLeaderMs: number } {
  const tokens = new Set(claimants.flatMap(({ grants }) => grants.map(({ token }) => token)));
  return { terms: tokens.size, longestWithoutLeaderMs: Math.max(0, ...reignsOf(claimants).gapsMs) };
}

function questionsTo(pods: readonly Pod[]): number {
  return pods.flatMap(({ replicas }) => replicas).reduce((sum, { answers }) => sum + answers.length, 0);
}

async function metricsOf(pods: readonly Pod[]): Promise<Record<string, number>> {
  const pages = await Promise.all(
    pods.map(({ current }) =>
      current.api.probe('/metrics').then(
        ({ text }) => text,
        () => '',
      ),
    ),
  );
  return Object.fromEntries(METRICS.map((name) => [name, pages.reduce((sum, page) => sum + metricOf(page, name), 0)]));
}

function loggedBy(pods: readonly Pod[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { level, code, msg } of pods.flatMap(({ replicas }) => replicas.flatMap(({ log }) => log))) {
    const key = `${level} ${code ?? msg}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
