import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import events from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { type SelfSigned, selfSigned } from './certificate.fixture.ts';
import { Credentials } from './credentials.ts';
import { FedPlugin } from './fed-plugin.fixture.ts';
import { HttpTransport } from './http-transport.ts';
import { loadKubeConfig } from './kubeconfig.ts';
import type { KubeReply, KubeRequest, TransportError } from './transport.ts';

const GET: KubeRequest = { method: 'GET', path: '/apis/x?watch=true', timeoutMs: 5_000 };

let directory: string;
let nowMs: number;
const opened: net.Server[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-'));
  nowMs = 0;
});
afterEach(() => {
  vi.useRealTimers();
  for (const one of opened.splice(0)) {
    if (one instanceof http.Server || one instanceof https.Server) one.closeAllConnections();
    one.close();
  }
  rmSync(directory, { recursive: true, force: true });
});

/** A server on a free port, which remembers its connections. */
async function listening<Server extends net.Server>(server: Server): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  opened.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const scheme = server instanceof https.Server ? 'https' : 'http';
  return { url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : void socket.once('close', () => resolve())));
}

const serving = (listener: RequestListener) => listening(http.createServer(listener));
const json = (listener: (request: http.IncomingMessage) => [number, unknown, Record<string, string>?]) =>
  serving((request, response) => {
    const [status, body, headers] = listener(request);
    response.writeHead(status, headers).end(JSON.stringify(body));
  });

/** A transport as production makes it, from a kubeconfig. `user` and `cluster` are lines of it. */
function transportTo(server: string, user = '{}', cluster = '', idleConnectionsMax?: number): HttpTransport {
  const kubeconfig = join(directory, 'config');
  writeFileSync(
    kubeconfig,
    `{apiVersion: v1, kind: Config, current-context: c,
      clusters: [{name: c, cluster: {server: "${server}" ${cluster}}}],
      users: [{name: u, user: ${user}}],
      contexts: [{name: c, context: {cluster: c, user: u}}]}`,
  );
  const loaded = loadKubeConfig({ kubeconfig, inCluster: false, homeDirectory: directory });
  const clock = { now: () => ({ monoMs: nowMs, wallMs: nowMs }) };
  const options = idleConnectionsMax === undefined ? {} : { idleConnectionsMax };
  return new HttpTransport(server, new Credentials(loaded, clock, SILENT_LOG), options);
}

const writeToken = (token: string) => writeFileSync(join(directory, 'token'), token);
const TOKEN_USER = '{tokenFile: token}';

/** The error that a request ended in. */
const failing = (transport: HttpTransport, request: KubeRequest = GET): Promise<TransportError> =>
  transport.request(request).then(
    (reply) => expect.fail(`answered ${reply.status}`),
    (error) => error,
  );

/** From here on only the test moves the transport's timers; sockets are as real as ever. */
const stopTimers = () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

/** The head of the next answer has reached the client. */
function headReceived(): Promise<void> {
  return new Promise((resolve) => {
    const received = () => {
      unsubscribe('http.client.response.finish', received);
      setImmediate(resolve);
    };
    subscribe('http.client.response.finish', received);
  });
}

/** What a watch told, in order; `ended` comes with its end. */
function watching(transport: HttpTransport, request: KubeRequest = GET) {
  const told: string[] = [];
  const opening = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<KubeReply | TransportError | null>();
  const stream = transport.stream(request, {
    onOpen: () => {
      told.push('open');
      opening.resolve();
    },
    onLine: (line) => told.push(line),
    onEnd: ending.resolve,
  });
  return { told, stream, open: opening.promise, ended: ending.promise };
}

describe('a request', () => {
  test('is sent as it is, below the path of the server', async () => {
    const seen: unknown[] = [];
    const { url } = await serving(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { method, headers } = request;
      seen.push({ method, path: request.url, body, type: headers['content-type'], accept: headers.accept });
      response.end('{"kind":"Lease"}');
    });
    const transport = transportTo(`${url}/clusters/east/`);
    expect(await transport.request(GET)).toMatchObject({ status: 200, body: { kind: 'Lease' }, retryAfterMs: null });
    await transport.request({ ...GET, method: 'PUT', body: { name: 'größer' } });
    const path = '/clusters/east/apis/x?watch=true';
    expect(seen).toEqual([
      { method: 'GET', path, body: '', type: undefined, accept: 'application/json' },
      { method: 'PUT', path, body: '{"name":"größer"}', type: 'application/json', accept: 'application/json' },
    ]);
  });

  test('goes over the connection of the one before, and leaves nothing on it', async () => {
    const { url, sockets } = await json(() => [200, {}]);
    const transport = transportTo(url);
    const warned = vi.fn();
    // Node's word on listeners that pile up.
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    for (let requests = 0; requests < 20; requests++) await transport.request(GET);
    expect(sockets).toHaveLength(1);
    expect(warned).not.toHaveBeenCalled();
  });

  test('keeps as many connections as requests are made at the same time, where it is told how many', async () => {
    const { url, sockets } = await json(() => [200, {}]);
    const transport = transportTo(url, '{}', '', 8);
    for (let rounds = 0; rounds < 5; rounds += 1) {
      await Promise.all(Array.from({ length: 8 }, () => transport.request(GET)));
    }
    expect(sockets).toHaveLength(8);
  });

  test('gives what is no JSON as text', async () => {
    const { url } = await serving((_, response) => void response.writeHead(404).end('404 page not found'));
    expect(await transportTo(url).request(GET)).toMatchObject({
      status: 404,
      body: '404 page not found',
      retryAfterMs: null,
    });
  });

  test.each([
    ['7', 7_000],
    ['0', 0],
    ['86400', 60_000],
    ['-1', null],
    ['Wed, 21 Oct 2026 07:28:00 GMT', null],
  ])('understands Retry-After: %s', async (header, retryAfterMs) => {
    const { url } = await json(() => [429, {}, { 'Retry-After': header }]);
    expect(await transportTo(url).request(GET)).toMatchObject({ status: 429, retryAfterMs });
  });
});

describe('no answer', () => {
  test('in time is a timeout, and the connection that hung is not used again', async () => {
    const asked = Promise.withResolvers<void>();
    let answers = false;
    const { url, sockets } = await serving((_, response) => void (answers ? response.end('{}') : asked.resolve()));
    stopTimers();
    const transport = transportTo(url);
    const failure = failing(transport);
    await asked.promise;
    vi.advanceTimersByTime(5_000);
    expect(await failure).toMatchObject({ code: 'timeout', message: 'no answer within 5000 ms' });
    await closed(sockets[0]!);
    answers = true;
    await transport.request(GET);
    expect(sockets).toHaveLength(2);
  });

  test('to its end in time is a timeout as well', async () => {
    const { url } = await serving((_, response) => void response.writeHead(200).write('{"kind":'));
    stopTimers();
    const failure = failing(transportTo(url));
    await headReceived();
    vi.advanceTimersByTime(5_000);
    expect((await failure).code).toBe('timeout');
  });

  test('because nobody listens is unreachable: nothing was sent', async () => {
    const server = http.createServer();
    const { url } = await listening(server);
    await new Promise((resolve) => void server.close(resolve));
    expect((await failing(transportTo(url))).code).toBe('unreachable');
  });

  test('because a handshake never ends is unreachable: nothing was sent', async () => {
    const connected = Promise.withResolvers<void>();
    const { url } = await listening(net.createServer(() => connected.resolve()));
    stopTimers();
    const failure = failing(transportTo(url.replace('http:', 'https:')));
    await connected.promise;
    vi.advanceTimersByTime(5_000);
    expect((await failure).code).toBe('unreachable');
  });

  test('because the connection broke is a reset: it may have been carried out', async () => {
    const { url } = await serving((request) => void request.socket.destroy());
    expect((await failing(transportTo(url), { ...GET, method: 'PUT', body: {} })).code).toBe('reset');
  });

  test('but a part of one is a reset, not an answer', async () => {
    const { url } = await serving((request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{"kind":"Lease"}', () => request.socket.destroy());
    });
    expect((await failing(transportTo(url))).code).toBe('reset');
  });

  test('but one without end is cut off', async () => {
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    const { url } = await serving((_, response) => {
      for (let chunks = 0; chunks < 6; chunks++) response.write(chunk);
    });
    expect((await failing(transportTo(url))).code).toBe('reset');
  });

  test('but no HTTP either is a reset', async () => {
    const { url } = await listening(net.createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
    expect((await failing(transportTo(url))).code).toBe('reset');
  });
});

describe('credentials', () => {
  /** A server that takes one token, and counts what it refused. */
  const guarded = async (good: string) => {
    const seen: (string | undefined)[] = [];
    const { url } = await json(({ headers }) => {
      seen.push(headers.authorization);
      return headers.authorization === `Bearer ${good}` ? [200, {}] : [401, {}];
    });
    return { url, seen };
  };

  test('that were rotated are read again after a 401, and the request is made once more', async () => {
    const { url, seen } = await guarded('new');
    writeToken('old\n');
    const transport = transportTo(url, TOKEN_USER);
    expect((await transport.request(GET)).status).toBe(401);
    expect(seen).toEqual(['Bearer old']);
    writeToken('new\n');
    expect((await transport.request(GET)).status).toBe(200);
    expect(seen).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
  });

  test('that are refused again are not tried a third time', async () => {
    const { url, seen } = await guarded('the right one');
    writeToken('old');
    const transport = transportTo(url, TOKEN_USER);
    await transport.request(GET);
    writeToken('new, but wrong');
    expect((await transport.request(GET)).status).toBe(401);
    expect(seen.slice(1)).toEqual(['Bearer old', 'Bearer new, but wrong']);
  });

  test('are read again by a watch that was refused, for its next try', async () => {
    const { url, seen } = await guarded('new');
    writeToken('old');
    const transport = transportTo(url, TOKEN_USER);
    await transport.request(GET);
    writeToken('new');
    expect(await watching(transport).ended).toMatchObject({ status: 401 });
    expect((await transport.request(GET)).status).toBe(200);
    expect(seen).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
  });

  test.each([
    ['are none at all', () => {}],
    ['no header can carry', () => writeToken('two\nlines')],
  ])('that %s are a failure with a remedy, not a crash', async (_, prepare) => {
    const { url, sockets } = await json(() => [200, {}]);
    prepare();
    const transport = transportTo(url, TOKEN_USER);
    const failure = { code: 'no-credentials', remedy: expect.stringContaining(join(directory, 'token')) };
    expect(await failing(transport)).toMatchObject(failure);
    expect(await watching(transport).ended).toMatchObject(failure);
    expect(sockets).toEqual([]);
  });

  test('that do not come in the time of a request fail it, and it is not sent later', async () => {
    const { url, sockets } = await json(() => [200, {}]);
    const plugin = new FedPlugin(directory);
    const transport = transportTo(url, JSON.stringify(plugin.user), ', insecure-skip-tls-verify: true');
    stopTimers();
    const [failure, ended] = [failing(transport), watching(transport).ended];
    vi.advanceTimersByTime(5_000);
    expect(await failure).toMatchObject({
      code: 'no-credentials',
      message: expect.stringMatching(/^no credentials within \d+ ms$/),
    });
    expect(await ended).toMatchObject({ code: 'no-credentials' });
    await plugin.feed('late');
    expect(sockets).toEqual([]);
  });

  test('that are refused and do not come anew in the time of the request leave it refused', async () => {
    const { url } = await guarded('second');
    const plugin = new FedPlugin(directory);
    const transport = transportTo(url, JSON.stringify(plugin.user), ', insecure-skip-tls-verify: true');
    const fed = plugin.feed('first');
    expect(await transport.request({ ...GET, timeoutMs: 300 })).toMatchObject({ status: 401 });
    await fed;
    expect(await watching(transport, { ...GET, timeoutMs: 100 }).ended).toMatchObject({ status: 401 });
    const waiting = transport.request(GET);
    await plugin.feed('second');
    expect(await waiting).toMatchObject({ status: 200 });
  });
});

/** In a thread of its own: carries out a PUT, breaks the connection and says so, also to a loop that stands still. */
const BREAKING_SERVER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:https').createServer(workerData, (request, response) => {
    request.resume().on('end', () => {
      if (request.method !== 'PUT') return response.end('{}');
      request.socket.once('close', () => {
        Atomics.store(workerData.broken, 0, 1);
        Atomics.notify(workerData.broken, 0);
      });
      request.socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

describe('over TLS', () => {
  let first: SelfSigned;
  let server: https.Server;
  let url: string;
  let sockets: Socket[];
  const caFile = () => join(directory, 'ca.crt');
  const CA = ', certificate-authority: ca.crt';

  beforeEach(async () => {
    first = selfSigned();
    server = https.createServer(first, (_, response) => void response.end('{}'));
    ({ url, sockets } = await listening(server));
    writeFileSync(caFile(), first.cert);
  });

  test('a server is believed that the configured authority vouches for, over one connection', async () => {
    const transport = transportTo(url, '{}', CA);
    await transport.request(GET);
    await transport.request(GET);
    expect(sockets).toHaveLength(1);
  });

  test('another server is not, and nothing is sent to it', async () => {
    writeFileSync(caFile(), selfSigned().cert);
    expect((await failing(transportTo(url, '{}', CA))).code).toBe('unreachable');
  });

  test('any server is believed where the kubeconfig says so', async () => {
    expect((await transportTo(url, '{}', ', insecure-skip-tls-verify: true').request(GET)).status).toBe(200);
  });

  test('the name to check may be another than the one to call', async () => {
    const transport = transportTo(url.replace('127.0.0.1', 'localhost'), '{}', CA);
    expect((await failing(transport)).code).toBe('unreachable');
    const named = transportTo(url, '{}', `${CA}, tls-server-name: elsewhere.example`);
    expect((await failing(named)).message).toContain('elsewhere.example');
  });

  test('a rotated authority is taken up, and idle connections made under the old one are dropped', async () => {
    const transport = transportTo(url, '{}', CA);
    await transport.request(GET);
    const second = selfSigned();
    server.setSecureContext(second);
    writeFileSync(caFile(), second.cert);
    await transport.request(GET);
    expect(sockets).toHaveLength(1);
    nowMs += 10_000;
    await transport.request(GET);
    expect(sockets).toHaveLength(2);
    await closed(sockets[0]!);
  });

  test('an authority that is not there yet is waited for: the file of a rotation in progress', async () => {
    const transport = transportTo(url, '{}', CA);
    await transport.request(GET);
    rmSync(caFile());
    nowMs += 10_000;
    expect((await transport.request(GET)).status).toBe(200);
    expect(sockets).toHaveLength(1);
  });

  test('a client certificate that is none is a failure, not a crash', async () => {
    const bad = Buffer.from('half a certif').toString('base64');
    const user = `{client-certificate-data: ${bad}, client-key-data: ${bad}}`;
    expect((await failing(transportTo(url, user, CA))).code).toBe('no-credentials');
  });

  test('a server name that Node takes for none is a failure, not a crash', async () => {
    const transport = transportTo(url, '{}', `${CA}, tls-server-name: 127.0.0.1`);
    expect(await failing(transport)).toMatchObject({
      code: 'no-credentials',
      message: expect.stringContaining('ServerName'),
    });
  });

  test('a write that was carried out before the connection broke is a reset, even if the loop was held up', async () => {
    const broken = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(BREAKING_SERVER, { eval: true, workerData: { ...first, broken } });
    try {
      const [port] = await events.once(worker, 'message');
      const transport = transportTo(`https://127.0.0.1:${port}`, '{}', CA);
      await transport.request(GET);
      const failure = Promise.withResolvers<TransportError>();
      setTimeout(() => failure.resolve(failing(transport, { ...GET, method: 'PUT', body: {} })), 1);
      setTimeout(() => Atomics.wait(broken, 0, 0, 5_000), 1);
      expect((await failure.promise).code).toBe('reset');
      expect(Atomics.load(broken, 0)).toBe(1);
    } finally {
      await worker.terminate();
    }
  });
});

describe('a watch', () => {
  test('gives whole lines, however they were cut on their way', async () => {
    const bytes = Buffer.from('{"a":"größer"}\n\n{"b":1}\n{"unfinished"');
    const { url } = await serving(async (_, response) => {
      response.writeHead(200);
      for (const byte of bytes) {
        response.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      response.end();
    });
    const { told, ended } = watching(transportTo(url));
    expect(await ended).toBeNull();
    expect(told).toEqual(['open', '{"a":"größer"}', '{"b":1}']);
  });

  test('is not bound by the time that its beginning may take', async () => {
    let end = () => {};
    const { url } = await serving((_, response) => {
      response.writeHead(200).flushHeaders();
      end = () => void response.end('{"late":1}\n');
    });
    stopTimers();
    const { told, open, ended } = watching(transportTo(url));
    await open;
    vi.advanceTimersByTime(3_600_000);
    end();
    expect(await ended).toBeNull();
    expect(told).toEqual(['open', '{"late":1}']);
  });

  test('that does not begin in time is a timeout', async () => {
    const asked = Promise.withResolvers<void>();
    const { url } = await serving(() => asked.resolve());
    stopTimers();
    const { told, ended } = watching(transportTo(url));
    await asked.promise;
    vi.advanceTimersByTime(5_000);
    expect(await ended).toMatchObject({ code: 'timeout' });
    expect(told).toEqual([]);
  });

  test('that is refused gives the refusal', async () => {
    const { url } = await json(() => [410, { reason: 'Expired' }]);
    const { told, ended } = watching(transportTo(url));
    expect(await ended).toMatchObject({ status: 410, body: { reason: 'Expired' }, retryAfterMs: null });
    expect(told).toEqual([]);
  });

  test('that is refused in the middle of the refusal is a reset', async () => {
    const { url } = await serving((request, response) => {
      response.writeHead(500, { 'Content-Length': '100' });
      response.write('{', () => request.socket.destroy());
    });
    expect(await watching(transportTo(url)).ended).toMatchObject({ code: 'reset' });
  });

  test('that is cut is a reset', async () => {
    const { url, sockets } = await serving((_, response) => void response.writeHead(200).write('{"a":1}\n'));
    const { open, ended } = watching(transportTo(url));
    await open;
    sockets[0]!.destroy();
    expect(await ended).toMatchObject({ code: 'reset' });
  });

  test('that sends a line without end is a reset', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const { url } = await serving((_, response) => {
      for (let chunks = 0; chunks < 6; chunks++) response.write(chunk);
    });
    expect(await watching(transportTo(url)).ended).toMatchObject({ code: 'reset' });
  });

  test('of a server that is not there is unreachable', async () => {
    const server = http.createServer();
    const { url } = await listening(server);
    await new Promise((resolve) => void server.close(resolve));
    expect(await watching(transportTo(url)).ended).toMatchObject({ code: 'unreachable' });
  });

  test('that was closed closes its connection and tells nothing more, not even its end', async () => {
    const { url, sockets } = await serving((_, response) => void response.writeHead(200).write('{"a":1}\n'));
    const { told, stream, open, ended } = watching(transportTo(url));
    await open;
    const before = told.length;
    stream.close();
    stream.close();
    await closed(sockets[0]!);
    const late = await Promise.race([ended.then(() => 'ended'), new Promise(setImmediate).then(() => 'nothing')]);
    expect(late).toBe('nothing');
    expect(told.length).toBe(before);
  });

  test('that was closed before it began never begins', async () => {
    const { url } = await serving(() => {});
    const { told, stream, ended } = watching(transportTo(url));
    stream.close();
    const late = await Promise.race([ended.then(() => 'ended'), new Promise(setImmediate).then(() => 'nothing')]);
    expect(late).toBe('nothing');
    expect(told).toEqual([]);
  });
});
