/**
 * An application for the tests, as a process of its own: `node application-process.ts <port> [flap every ms]`. `/healthz` answers
 * 200, and 503 from one SIGUSR2 to the next. Prints its port once it listens.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [port = '0', flapEveryMs] = process.argv.slice(2);
let healthy = true;
const turn = () => {
  healthy = !healthy;
};
process.on('SIGUSR2', turn);
if (flapEveryMs !== undefined) setInterval(turn, Number(flapEveryMs));

const server = createServer((_, res) => void res.writeHead(healthy ? 200 : 503).end());
server.listen(Number(port), '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
