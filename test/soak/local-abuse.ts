import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const request = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, '', body].join('\r\n');
const json = (line: string, body: string) =>
  request(line, ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`], body);

/** What a confused or hostile neighbour might send; none of it may change anything. */
export const WRONG_REQUESTS: readonly string[] = [
  request('GET /nowhere'),
  request('DELETE /leader'),
  request('GET /step-down'),
  request('GET /readyz?leader=perhaps'),
  request(`GET /${'x'.repeat(6_000)}`),
  request('GET /leader', [`X-Long: ${'x'.repeat(9_000)}`]),
  'GET /leader HTTP/1.1\r\nHost: evil.example\r\n\r\n',
  'GET /leader HTTP/1.1\r\n\r\n',
  request('POST /step-down', ['Origin: http://evil.example', 'Content-Length: 0']),
  request('POST /pause', ['Content-Type: text/plain', 'Content-Length: 2'], '{}'),
  request('POST /pause', ['Content-Type: application/json', 'Content-Length: 5000'], 'x'.repeat(5_000)),
  request('POST /pause', ['Content-Length: 3', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  json('POST /pause', '{"immediately": true}'),
  json('POST /pause', '{"immediate": "yes"}'),
  json('POST /step-down', '{"immediate": tru'),
  json('POST /resume', '[]'),
  request('GET /leader', ['Upgrade: websocket', 'Connection: Upgrade']),
  `${request('GET /leader')}${request('GET /nowhere')}${request('GET /is-leader')}`,
  request('GET /', ['Accept: text/html']),
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  'SSH-2.0-OpenSSH_9.9\r\n',
  // The rest never comes: the listener must not wait for ever.
  'GET /lea',
  request('POST /pause', ['Content-Type: application/json', 'Content-Length: 100'], '{"immediate"'),
];

/** The listener gives up on a request that does not become whole after 10 s, looking every 2 s. */
const ANSWER_MS_MAX = 15_000;
const SETTLE_MS = 400;
const FLOOD_CONNECTIONS = 300;
const FLOOD_STREAMS = 20;
const FLOOD_QUESTIONS = 3;
const QUESTION = request('GET /leader');

/** Sends each wrong request on a connection of its own, and waits until all are closed. Returns how many were sent. */
export async function sendWrongRequests(port: number): Promise<number> {
  await Promise.all(
    WRONG_REQUESTS.map(async (text) => {
      const socket = open(port);
      socket.on('data', () => setTimeout(() => socket.end(), SETTLE_MS).unref());
      socket.write(text, 'latin1');
      await closed(socket);
    }),
  );
  return WRONG_REQUESTS.length;
}

/**
 * Opens many connections at once, asks on each a few times, keeps them for a while beside event streams of which half are
 * never read, and leaves: half with a farewell, half with a reset. Returns how many requests were sent.
 */
export async function flood(port: number, holdMs: number): Promise<number> {
  const askers = Array.from({ length: FLOOD_CONNECTIONS }, () => ask(port));
  const streams = Array.from({ length: FLOOD_STREAMS }, (_, index) => {
    const socket = open(port);
    socket.write(request('GET /leader/events'));
    return index % 2 === 0 ? socket.pause() : socket;
  });
  await sleep(holdMs);
  const sockets = [...askers, ...streams];
  const gone = sockets.map(closed);
  sockets.forEach((socket, index) => {
    if (index % 4 < 2) socket.resume().end();
    else socket.resetAndDestroy();
  });
  await Promise.all(gone);
  return FLOOD_CONNECTIONS * FLOOD_QUESTIONS + FLOOD_STREAMS;
}

function ask(port: number): Socket {
  const socket = open(port);
  let left = FLOOD_QUESTIONS - 1;
  // An answer is far smaller than a segment.
  socket.on('data', () => {
    if (left-- > 0) socket.write(QUESTION);
  });
  socket.write(QUESTION);
  return socket;
}

function open(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: false });
  socket.on('error', () => {});
  return socket;
}

/** Resolves when the connection is gone; closes it after {@link ANSWER_MS_MAX}. */
async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  const limit = setTimeout(() => socket.destroy(), ANSWER_MS_MAX);
  await promise;
  clearTimeout(limit);
}
