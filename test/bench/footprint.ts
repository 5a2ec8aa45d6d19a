/**
 * `npm run bench:footprint`: what a replica costs, beside client-go's elector on the same control plane: memory, CPU, start
 * to listening, and requests by verb as the API server's audit log counts them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AuditEntry } from '../cluster/support/audit-log.ts';
import { BenchCluster } from './support/bench-cluster.ts';
import { startClientGo } from './support/client-go-replica.ts';
import { wallMsOf } from './support/clocks.ts';
import { leasegateProgramName, startLeasegate } from './support/leasegate-replica.ts';
import { machine } from './support/machine.ts';
import { cpuMsOf, type MemoryMiB, memoryOf } from './support/process-figures.ts';
import { type Replica, type ReplicaSetup, until } from './support/replica.ts';
import { median, round } from './support/statistics.ts';
import { against, printTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    starts: { type: 'string', default: '7' },
    'wait-quiet': { type: 'boolean', default: false },
    /** Ours keep heartbeats as well. */
    members: { type: 'boolean', default: false },
  },
});

/** Renewals at 15/10/2 s; what a client-go leader sends too. */
const renewalsPerMinute = 30;
/** At an interval of 10 s and up to 4 % more. */
const heartbeatsPerMinute = options.members ? 6 : 0;
const env = options.members ? { LEASEGATE_MEMBERS: 'true' } : {};
const budgets = { rss: 72, anonymous: 25, listeningMs: 150 };

interface Figures {
  readonly memory: MemoryMiB;
  readonly cpuMsPerMinute: number;
  readonly requestsPerMinute: Readonly<Record<string, number>>;
}

interface SystemFigures {
  readonly listeningMs: number;
  readonly leader: Figures;
  readonly standby: Figures;
}

const systems = {
  leasegate: { lease: 'footprint-leasegate', start: startLeasegate },
  'client-go': { lease: 'footprint-client-go', start: startClientGo },
} satisfies Record<string, { lease: string; start: (setup: ReplicaSetup) => Promise<Replica> }>;
type SystemName = keyof typeof systems;
const systemNames = Object.keys(systems) as SystemName[];

const about = await machine(options['wait-quiet']);
const cluster = await BenchCluster.start();
try {
  const listening = await measureStarts(Number(options.starts));
  const running = await startPairs();
  const figures = await measureSteadyState(Object.values(running).flat(), Number(options.seconds));
  const withEvents = await memoryWithEventStream(running.leasegate[0]!);
  const result = Object.fromEntries(
    systemNames.map((name) => {
      const [leader, standby] = running[name].map((replica) => figures.get(replica)!);
      return [name, { listeningMs: listening[name], leader, standby }];
    }),
  ) as Record<SystemName, SystemFigures>;
  report(result, withEvents);
  await Promise.all(Object.values(running).flatMap((replicas) => replicas.map(({ process }) => process.stop())));
} finally {
  await cluster.close();
}

/** Medians of several starts, the systems in turn; the first start of each, which fills caches, does not count. */
async function measureStarts(count: number): Promise<Record<SystemName, number>> {
  const measured: Record<SystemName, number[]> = { leasegate: [], 'client-go': [] };
  const accounts = {
    leasegate: await cluster.account('start-leasegate'),
    'client-go': await cluster.account('start-client-go'),
  };
  for (const name of systemNames) await cluster.createLease(`start-${name}`);
  for (let start = 0; start <= count; start++) {
    for (const name of systemNames) {
      const setup = { cluster, env, lease: `start-${name}`, name: `start-${name}-${start}`, account: accounts[name] };
      const replica = await systems[name].start(setup);
      const listeningMs = await replica.untilListening();
      if (start > 0) measured[name].push(listeningMs);
      await replica.process.stop();
    }
  }
  return { leasegate: median(measured.leasegate), 'client-go': median(measured['client-go']) };
}

/** For each system the leader and a standby. */
async function startPairs(): Promise<Record<SystemName, Replica[]>> {
  const pairs: Record<SystemName, Replica[]> = { leasegate: [], 'client-go': [] };
  for (const name of systemNames) {
    const { lease, start } = systems[name];
    await cluster.createLease(lease);
    for (const role of ['leader', 'standby']) {
      const replicaName = `${name}-${role}`;
      const replica = await start({
        cluster,
        env,
        lease,
        name: replicaName,
        account: await cluster.account(replicaName),
      });
      if (role === 'leader') await until(`${replicaName} leads`, () => replica.isLeader(), 50);
      else await replica.untilSettled();
      pairs[name].push(replica);
    }
  }
  return pairs;
}

async function measureSteadyState(replicas: readonly Replica[], seconds: number): Promise<Map<Replica, Figures>> {
  // What belongs to the start (Events, late garbage collections) is over by then.
  await sleep(5_000);
  console.log(`measures for ${seconds} s`);
  const cpuBefore = await Promise.all(replicas.map(({ process }) => cpuMsOf(process.pid)));
  const fromWallMs = Date.now();
  await sleep(seconds * 1_000);
  const cpuAfter = await Promise.all(replicas.map(({ process }) => cpuMsOf(process.pid)));
  const toWallMs = Date.now();
  const memory = await Promise.all(replicas.map(({ process }) => memoryOf(process.pid)));
  const entries = (await cluster.controlPlane.auditEntries()).filter(({ requestReceivedTimestamp }) => {
    const atMs = wallMsOf(requestReceivedTimestamp);
    return fromWallMs <= atMs && atMs < toWallMs;
  });
  const minutes = (toWallMs - fromWallMs) / 60_000;
  return new Map(
    replicas.map((replica, index) => [
      replica,
      {
        memory: memory[index]!,
        cpuMsPerMinute: (cpuAfter[index]! - cpuBefore[index]!) / minutes,
        requestsPerMinute: requestsPerMinute(entries, replica.user, minutes),
      },
    ]),
  );
}

function requestsPerMinute(entries: readonly AuditEntry[], user: string, minutes: number): Record<string, number> {
  const seen = new Set<string>();
  const counts: Record<string, number> = { get: 0, list: 0, watch: 0, create: 0, update: 0 };
  for (const { auditID, verb, user: by } of entries) {
    // A watch that begins and ends in the window has two lines.
    if (by.username !== user || seen.has(auditID)) continue;
    seen.add(auditID);
    counts[verb] = (counts[verb] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([verb, count]) => [verb, round(count / minutes)]));
}

/** The event stream brings the rest of the API with it. */
async function memoryWithEventStream(replica: Replica): Promise<MemoryMiB> {
  await replica.follow(() => {});
  await sleep(2_000);
  return memoryOf(replica.process.pid);
}

function report(result: Record<SystemName, SystemFigures>, withEvents: MemoryMiB): void {
  const { leasegate, 'client-go': clientGo } = result;
  const ratios: Record<string, number> = {};
  const row = (what: string, pick: (figures: SystemFigures) => number, budget = '', digits = 1) => {
    const [ours, theirs] = [pick(leasegate), pick(clientGo)];
    const ratio = round(ours / theirs, 2);
    if (Number.isFinite(ratio)) ratios[what] = ratio;
    return [what, round(ours, digits), round(theirs, digits), Number.isFinite(ratio) ? ratio : '–', budget];
  };
  const roleRows = (role: 'leader' | 'standby') => {
    const { memory } = leasegate[role];
    return [
      row(`${role} RSS MiB`, (of) => of[role].memory.rss, against(memory.rss, budgets.rss)),
      row(`${role} RssAnon MiB`, (of) => of[role].memory.anonymous, against(memory.anonymous, budgets.anonymous)),
      row(`${role} Pss MiB`, (of) => of[role].memory.pss),
      row(`${role} CPU ms/min`, (of) => of[role].cpuMsPerMinute),
    ];
  };
  const requestRows = (role: 'leader' | 'standby', budgetOf: Readonly<Record<string, number>>) =>
    ['get', 'list', 'watch', 'create', 'update'].map((verb) => {
      const limit = budgetOf[verb] ?? 0;
      const allowed = against(leasegate[role].requestsPerMinute[verb] ?? 0, limit);
      return row(`${role} ${verb}/min`, (of) => of[role].requestsPerMinute[verb] ?? 0, allowed);
    });
  printTable(`footprint, ${leasegateProgramName}`, [
    ['', 'leasegate', 'client-go', 'ratio', 'budget'],
    row('start → listening ms', (of) => of.listeningMs, against(leasegate.listeningMs, budgets.listeningMs)),
    ...roleRows('leader'),
    ...roleRows('standby'),
    // One more of each: a window has a fraction of an interval at either end, and a watch is renewed every 5 to 10 min.
    ...requestRows('leader', { update: renewalsPerMinute + heartbeatsPerMinute + 1, watch: 1 }),
    ...requestRows('standby', { watch: 1, ...(options.members && { update: heartbeatsPerMinute + 1 }) }),
  ]);
  console.log(
    `\nleader with an event stream open: RSS ${round(withEvents.rss)} MiB, RssAnon ${round(withEvents.anonymous)} MiB\n`,
  );
  const rounding = (_: string, value: unknown) => (typeof value === 'number' ? round(value, 2) : value);
  const line = { bench: 'footprint', program: leasegateProgramName, ...about, ratios, ...result, withEvents };
  console.log(JSON.stringify(line, rounding));
}
