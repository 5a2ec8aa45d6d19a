/**
 * `npm run bench:leader`: `GET /leader` over 64 kept connections, beside nginx answering the same bytes with `return 200`.
 * The server under test has one core, wrk the other. Needs Linux, two cores, taskset, wrk and nginx.
 */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { BenchCluster } from './support/bench-cluster.ts';
import { leasegateProgramName, startLeasegate } from './support/leasegate-replica.ts';
import { machine } from './support/machine.ts';
import { type Nginx, startNginx } from './support/nginx.ts';
import { cpuMsOf } from './support/process-figures.ts';
import { type RawAnswer, rawAnswer } from './support/raw-answer.ts';
import { until } from './support/replica.ts';
import { median, round } from './support/statistics.ts';
import { against, printTable } from './support/table.ts';

const execute = promisify(execFile);
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    'wait-quiet': { type: 'boolean', default: false },
  },
});

const ratioMin = 0.6;
const connections = 64;
const onServerCore = ['taskset', '-c', '0'];
const onClientCore = ['taskset', '-c', '1'];

interface Load {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server for one request. */
  readonly cpuMicros: number;
  /** Share of its core that the server used: well below 1, wrk was the limit and not the server. */
  readonly busy: number;
}

const about = await machine(options['wait-quiet']);
await demandTools();
const cluster = await BenchCluster.start();
const nginxes: Nginx[] = [];
try {
  await cluster.createLease('leader');
  const start = async (role: string) => {
    const account = await cluster.account(role);
    return startLeasegate({ cluster, lease: 'leader', name: role, account, prefix: onServerCore });
  };
  const leader = await start('leader');
  await until('the first replica leads', () => leader.isLeader(), 50);
  const standby = await start('standby');
  await standby.untilSettled();

  const result: Record<string, object> = {};
  const rows: (string | number)[][] = [['', 'requests/s', 'p99 ms', 'CPU µs', 'busy', 'ratio', 'budget', 'bytes']];
  for (const [role, replica] of Object.entries({ leader, standby })) {
    const answer = await rawAnswer(replica.apiPort, '/leader');
    const nginx = await startNginx(answer, { directory: cluster.controlPlane.directory, prefix: onServerCore });
    nginxes.push(nginx);
    const reference = await rawAnswer(nginx.port, '/leader');
    const ours = { name: role, port: replica.apiPort, pid: replica.process.pid, answer };
    const measured = await compare(ours, { name: 'nginx', port: nginx.port, pid: nginx.pid, answer: reference });
    rows.push(...measured.rows);
    result[role] = measured.figures;
  }
  printTable(`GET /leader, ${connections} connections, ${leasegateProgramName}`, rows);
  console.log(`\n${JSON.stringify({ bench: 'leader', program: leasegateProgramName, ...about, ...result })}`);
  await Promise.all([leader, standby].map(({ process }) => process.stop()));
} finally {
  await Promise.all(nginxes.map((nginx) => nginx.stop()));
  await cluster.close();
}

interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly answer: RawAnswer;
}

/** In turn, round by round, so that a drift of the machine meets both. */
async function compare(ours: Server, reference: Server) {
  const loads: { ours: Load[]; reference: Load[] } = { ours: [], reference: [] };
  for (const warmUp of [ours, reference]) await load(warmUp, 2);
  for (let round = 0; round < Number(options.rounds); round++) {
    loads.ours.push(await load(ours, Number(options.seconds)));
    loads.reference.push(await load(reference, Number(options.seconds)));
  }
  const ratios = loads.ours.map((load, round) => load.requestsPerSecond / loads.reference[round]!.requestsPerSecond);
  const ratio = round(median(ratios), 2);
  const row = ({ name, answer }: Server, of: Load[], ...rest: string[]) => {
    const { requestsPerSecond, p99Ms, cpuMicros, busy } = medians(of);
    return [
      name,
      round(requestsPerSecond, 0),
      p99Ms,
      cpuMicros,
      busy,
      ...rest,
      `${answer.head.length}+${answer.body.length}`,
    ];
  };
  return {
    rows: [
      row(ours, loads.ours, String(ratio), against(ratio, ratioMin, '≥')),
      row(reference, loads.reference, '', ''),
    ],
    figures: { ratio, leasegate: medians(loads.ours), nginx: medians(loads.reference) },
  };
}

function medians(loads: readonly Load[]): Load {
  const of = (field: keyof Load, digits: number) => round(median(loads.map((load) => load[field])), digits);
  return {
    requestsPerSecond: of('requestsPerSecond', 0),
    p99Ms: of('p99Ms', 2),
    cpuMicros: of('cpuMicros', 1),
    busy: of('busy', 2),
  };
}

async function load({ port, pid, name }: Server, seconds: number): Promise<Load> {
  const url = `http://127.0.0.1:${port}/leader`;
  const [command = '', ...args] = [
    ...onClientCore,
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    url,
  ];
  const cpuBefore = await cpuMsOf(pid);
  const { stdout } = await execute(command, args);
  const cpuMs = (await cpuMsOf(pid)) - cpuBefore;
  // A timeout only says that the machine was busy elsewhere for two seconds.
  if (/Non-2xx|connect [1-9]|read [1-9]|write [1-9]/.test(stdout)) {
    throw new Error(`${name} did not answer each request with 200:\n${stdout}`);
  }
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
  await sleep(200);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99Ms: Number(p99?.[1]) * { us: 0.001, ms: 1, s: 1_000 }[p99?.[2] ?? 'ms']!,
    cpuMicros: (cpuMs * 1_000) / requests,
    busy: cpuMs / (seconds * 1_000),
  };
}

async function demandTools(): Promise<void> {
  for (const tool of ['wrk', 'nginx', 'taskset']) {
    const found = await execute('sh', ['-c', `command -v ${tool}`]).then(
      () => true,
      () => false,
    );
    if (found) continue;
    console.error(
      `${tool} is not on the PATH. On Debian: apt-get install -y --no-install-recommends wrk nginx-light util-linux`,
    );
    process.exit(1);
  }
  if (about.cores < 2) {
    console.error('this bench needs two cores: one for the server, one for wrk');
    process.exit(1);
  }
}
