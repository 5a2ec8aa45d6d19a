/**
 * `npm run bench:gateway`: the gateway beside nginx, haproxy and Go's ReverseProxy, all in front of the same application, in
 * turn, over 64 kept connections. The proxy under test has one core; wrk and the application share the other. Needs Linux, two
 * cores, taskset, wrk, nginx, haproxy and Go.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { machine } from './support/machine.ts';
import { cpuMsOf, memoryOf } from './support/process-figures.ts';
import { Proxies, type Way } from './support/proxies.ts';
import { median, round } from './support/statistics.ts';
import { against, printTable } from './support/table.ts';

const execute = promisify(execFile);
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    'wait-quiet': { type: 'boolean', default: false },
    /** How long after the load memory is looked at again. */
    'rest-seconds': { type: 'string', default: '60' },
  },
});

const connections = 64;
/** V8 compiles what it meets often enough, for each kind of load anew. */
const WARM_UP_SECONDS = 3;
const onProxyCore = ['taskset', '-c', '0'];
const onOtherCore = ['taskset', '-c', '1'];
const bundle = resolve(import.meta.dirname, '../../dist/leasegate.js');

interface Load {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** CPU seconds of the proxy for 100,000 requests; NaN where there is no proxy. */
  readonly cpuSeconds: number;
}

interface Work {
  readonly name: string;
  readonly path: string;
  readonly post?: true;
}

const WORK: readonly Work[] = [
  { name: 'GET 2 B', path: '/2b' },
  { name: 'GET 1 KiB', path: '/1k' },
  { name: 'GET 1 MiB', path: '/1m' },
  { name: 'POST 64 KiB', path: '/post', post: true },
];

/** What is promised, as a share of a reference's requests per second. */
const BUDGETS: Readonly<Record<string, Readonly<Record<string, readonly [reference: string, ratioMin: number]>>>> = {
  'Leasegate tcp': {
    'GET 2 B': ['haproxy tcp', 0.9],
    'GET 1 KiB': ['haproxy tcp', 0.9],
    'GET 1 MiB': ['haproxy tcp', 0.7],
  },
  'Leasegate http': { 'GET 1 KiB': ['nginx', 0.5] },
};
const RSS_UNDER_LOAD_MIB_MAX = 160;
const RSS_AT_REST_MIB_MAX = 90;

const about = await machine(options['wait-quiet']);
await demandTools();
const proxies = await Proxies.start({ proxy: onProxyCore, other: onOtherCore });
try {
  const ways = [
    proxies.direct(),
    await proxies.leasegate('http', bundle),
    await proxies.leasegate('tcp', bundle),
    await proxies.nginx(),
    await proxies.haproxy('http'),
    await proxies.haproxy('tcp'),
    await proxies.reverseProxy(),
  ];
  const script = join(proxies.directory, 'post.lua');
  await writeFile(script, "wrk.method = 'POST'\nwrk.body = string.rep('x', 65536)\n");
  const rssPeaks = new Map<string, number>();
  const result: Record<string, Record<string, object>> = {};
  for (const work of WORK) result[work.name] = await compare(ways, work, script, rssPeaks);

  await sleep(Number(options['rest-seconds']) * 1_000);
  const rows: (string | number)[][] = [['', 'RSS under load, MiB', 'budget', 'RSS at rest, MiB', 'budget']];
  const memory: Record<string, object> = {};
  for (const { name, program } of ways) {
    if (program === null) continue;
    const [underLoad, atRest] = [round(rssPeaks.get(name) ?? Number.NaN), round((await memoryOf(program.pid)).rss)];
    const ours = name.startsWith('Leasegate');
    memory[name] = { underLoad, atRest };
    rows.push([
      name,
      underLoad,
      ours ? against(underLoad, RSS_UNDER_LOAD_MIB_MAX) : '',
      atRest,
      ours ? against(atRest, RSS_AT_REST_MIB_MAX) : '',
    ]);
  }
  printTable(`Memory; at rest: ${options['rest-seconds']} s after the load`, rows);
  console.log(`\n${JSON.stringify({ bench: 'gateway', ...about, ...result, memory })}`);
} finally {
  await proxies.stop();
}

/** In turn, round by round, so that a drift of the machine meets all. */
async function compare(ways: readonly Way[], work: Work, script: string, rssPeaks: Map<string, number>) {
  const loads = new Map<string, Load[]>(ways.map(({ name }) => [name, []]));
  for (const way of ways) await load(way, work, script, WARM_UP_SECONDS);
  for (let turn = 0; turn < Number(options.rounds); turn += 1) {
    for (const way of ways) {
      loads.get(way.name)!.push(await load(way, work, script, Number(options.seconds)));
      if (way.program === null) continue;
      const { rss } = await memoryOf(way.program.pid);
      rssPeaks.set(way.name, Math.max(rssPeaks.get(way.name) ?? 0, rss));
    }
  }
  const ratio = (name: string, reference: string) =>
    median(loads.get(name)!.map((one, turn) => one.requestsPerSecond / loads.get(reference)![turn]!.requestsPerSecond));
  const figures: Record<string, object> = {};
  const rows: (string | number)[][] = [['', 'requests/s', 'of nginx', 'p99 ms', 'CPU s / 100,000', 'budget']];
  for (const { name } of ways) {
    const of = (field: keyof Load) => median(loads.get(name)!.map((one) => one[field]));
    const line = {
      requestsPerSecond: round(of('requestsPerSecond'), 0),
      ofNginx: round(ratio(name, 'nginx'), 2),
      p99Ms: round(of('p99Ms'), 2),
      cpuSeconds: round(of('cpuSeconds'), 2),
    };
    const [reference, ratioMin] = BUDGETS[name]?.[work.name] ?? [];
    const budget =
      reference === undefined || ratioMin === undefined
        ? ''
        : `${round(ratio(name, reference), 2)} of ${reference} ${against(ratio(name, reference), ratioMin, '≥')}`;
    figures[name] = {
      ...line,
      ...(reference !== undefined && { [`of ${reference}`]: round(ratio(name, reference), 2) }),
    };
    const cpu = Number.isNaN(line.cpuSeconds) ? '' : line.cpuSeconds;
    rows.push([name, line.requestsPerSecond, line.ofNginx, line.p99Ms, cpu, budget]);
  }
  printTable(`${work.name}, ${connections} connections`, rows);
  return figures;
}

async function load(
  { name, port, program }: Way,
  { path, post }: Work,
  script: string,
  seconds: number,
): Promise<Load> {
  const [command = '', ...args] = [
    ...[...onOtherCore, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'],
    ...(post ? ['-s', script] : []),
    `http://127.0.0.1:${port}${path}`,
  ];
  const cpuBefore = program === null ? Number.NaN : await cpuMsOf(program.pid);
  const { stdout } = await execute(command, args);
  const cpuMs = program === null ? Number.NaN : (await cpuMsOf(program.pid)) - cpuBefore;
  if (/Non-2xx|connect [1-9]|read [1-9]|write [1-9]/.test(stdout)) {
    throw new Error(`${name} did not answer each request with 200:\n${stdout}`);
  }
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
  await sleep(100);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99Ms: Number(p99?.[1]) * { us: 0.001, ms: 1, s: 1_000 }[p99?.[2] ?? 'ms']!,
    cpuSeconds: (cpuMs / 1_000 / requests) * 100_000,
  };
}

async function demandTools(): Promise<void> {
  for (const tool of ['wrk', 'nginx', 'haproxy', 'taskset', 'go']) {
    const found = await execute('sh', ['-c', `command -v ${tool}`]).then(
      () => true,
      () => false,
    );
    if (found) continue;
    console.error(
      `${tool} is not on the PATH. On Debian: apt-get install -y --no-install-recommends wrk nginx-light haproxy util-linux golang`,
    );
    process.exit(1);
  }
  if (about.cores < 2) {
    console.error('this bench needs two cores: one for the proxy, one for wrk and the application');
    process.exit(1);
  }
}
