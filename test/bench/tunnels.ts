/**
 * `npm run bench:tunnels`: thousands of open WebSockets through the gateway, beside nginx and http-proxy-middleware: what each
 * costs in memory and CPU, and whether all of them hold. Needs Linux, two cores, taskset and nginx, and for N tunnels a limit of
 * 2 N open files.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.ts';
import { cpuMsOf, memoryOf } from './support/process-figures.ts';
import { Proxies, type Way } from './support/proxies.ts';
import { round } from './support/statistics.ts';
import { printTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: { tunnels: { type: 'string', default: '10000' }, 'wait-quiet': { type: 'boolean', default: false } },
});

/** Of the process under test: listeners, the API server, the log. */
const OTHER_FILES = 100;
const OPENED_AT_A_TIME = 100;
const MESSAGE = 'x'.repeat(32);
const UPGRADE = 'GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

const about = await machine(options['wait-quiet']);
const limit = Number(/Max open files\s+(\d+)/.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]);
const count = Math.min(Number(options.tunnels), Math.floor((limit - OTHER_FILES) / 2));
if (count < Number(options.tunnels)) console.log(`${count} tunnels: no more fit into the limit of ${limit} open files`);

const proxies = await Proxies.start({ proxy: ['taskset', '-c', '0'], other: ['taskset', '-c', '1'] }, 'tunnels');
try {
  const ways = [
    await proxies.leasegate('http', resolve(import.meta.dirname, '../../dist/leasegate.js')),
    await proxies.nginx({ upgrades: true }),
    await proxies.httpProxyMiddleware(),
  ];
  const rows: (string | number)[][] = [
    ['', 'held', 'MiB before', 'MiB with all', 'KiB each', 'CPU ms to open', 'CPU ms per echo', 'MiB a minute after'],
  ];
  const figures: Record<string, object> = {};
  for (const way of ways) {
    const line = await measure(way);
    figures[way.name] = line;
    rows.push([way.name, ...Object.values(line)]);
  }
  printTable(`${count} tunnels`, rows);
  console.log(`\n${JSON.stringify({ bench: 'tunnels', ...about, count, ...figures })}`);
} finally {
  await proxies.stop();
}

async function measure({ port, program }: Way) {
  const { pid } = program!;
  const before = (await memoryOf(pid)).rss;
  const cpuStart = await cpuMsOf(pid);
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += OPENED_AT_A_TIME) {
    const more = Math.min(OPENED_AT_A_TIME, count - at);
    const opened = await Promise.all(Array.from({ length: more }, () => open(port)));
    sockets.push(...opened.filter((socket) => socket !== null));
  }
  const cpuOpened = await cpuMsOf(pid);
  await sleep(2_000);
  const withAll = (await memoryOf(pid)).rss;
  const cpuBefore = await cpuMsOf(pid);
  let held = 0;
  for (let at = 0; at < count; at += OPENED_AT_A_TIME) {
    const echoed = await Promise.all(sockets.slice(at, at + OPENED_AT_A_TIME).map(echo));
    held += echoed.filter(Boolean).length;
  }
  const cpuEchoed = await cpuMsOf(pid);
  for (const socket of sockets) socket.destroy();
  await sleep(60_000);
  return {
    held,
    beforeMiB: round(before),
    withAllMiB: round(withAll),
    kibEach: round(((withAll - before) * 1_024) / count),
    cpuMsToOpen: round((cpuOpened - cpuStart) / count, 2),
    cpuMsPerEcho: round((cpuEchoed - cpuBefore) / count, 3),
    afterMiB: round((await memoryOf(pid)).rss),
  };
}

/** Resolves when the protocol has been changed; null when it was not. */
async function open(port: number): Promise<Socket | null> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => {});
  socket.write(UPGRADE);
  return String(await heard(socket)).startsWith('HTTP/1.1 101') ? socket : null;
}

async function echo(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return false;
  socket.write(MESSAGE);
  let text = '';
  while (text.length < MESSAGE.length) {
    const chunk = await heard(socket);
    if (chunk === null) return false;
    text += String(chunk);
  }
  return text === MESSAGE;
}

/** What comes next; null when the connection ends before. */
function heard(socket: Socket): Promise<Buffer | null> {
  return Promise.race([
    once(socket, 'data').then(([chunk]) => chunk as Buffer),
    once(socket, 'close').then(() => null),
  ]).catch(() => null);
}
