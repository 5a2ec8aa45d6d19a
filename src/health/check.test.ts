import { createServer as createHttp, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { selfSigned } from '../kube/certificate.fixture.ts';
import { type CheckResult, createCheck, HEALTHY, type HealthTarget } from './check.ts';
import { servingStatus } from './grpc-message.ts';

type Protocol = HealthTarget['protocol'];

const undo: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

/** A server on a free port of loopback; whatever is connected to it ends with the test. */
async function serve(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const TIMEOUT_MS = 5_000;

async function ask(protocol: Protocol, port: number, path = '', giveUpMs = TIMEOUT_MS): Promise<CheckResult> {
  const check = await createCheck({ protocol, host: '127.0.0.1', port, path });
  return check(AbortSignal.timeout(giveUpMs));
}

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const port = await serve(createTcp());
  await undo.pop()!();
  return port;
}

const http = (answer: RequestListener): Promise<number> => serve(createHttp(answer) as HttpServer);
const status =
  (code: number, headers = {}): RequestListener =>
  (_, res) =>
    res.writeHead(code, headers).end('body');

describe.each<[Protocol]>([['http'], ['https'], ['tcp'], ['grpc']])('over %s', (protocol) => {
  const path = protocol === 'http' || protocol === 'https' ? '/healthz' : '';

  test('nothing that listens is a refusal', async () => {
    expect(await ask(protocol, await freePort(), path)).toMatchObject({ ok: false, why: 'refused' });
  });

  test('a name that does not resolve is unreachable', async () => {
    const check = await createCheck({ protocol, host: 'nowhere.invalid', port: 1, path });
    expect(await check(AbortSignal.timeout(TIMEOUT_MS))).toMatchObject({ ok: false, why: 'unreachable' });
  });
});

describe.each<[Protocol]>([['http'], ['https'], ['grpc']])('over %s', (protocol) => {
  test('a connection that is accepted and never answered is a timeout', async () => {
    const port = await serve(createTcp());
    expect(await ask(protocol, port, '/', 100)).toMatchObject({ ok: false, why: 'timeout' });
  });

  test('a connection that is closed without an answer is a failure', async () => {
    const port = await serve(createTcp((socket) => socket.destroy()));
    expect(await ask(protocol, port, '/')).toMatchObject({ ok: false });
  });

  test('an answer in another protocol is invalid', async () => {
    const port = await serve(createTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'.repeat(10))));
    expect(await ask(protocol, port, '/')).toMatchObject({ ok: false, why: 'invalid-answer' });
  });
});

describe('HTTP', () => {
  test.each([200, 204, 302, 399])('%d is healthy', async (code) => {
    expect(await ask('http', await http(status(code, { Location: '/login' })), '/')).toEqual(HEALTHY);
  });

  test.each([400, 404, 500, 503])('%d is not', async (code) => {
    expect(await ask('http', await http(status(code)), '/')).toEqual({
      ok: false,
      why: 'bad-status',
      detail: String(code),
    });
  });

  test('asks for the path and query of the URL, by the name of its host, over a connection of its own', async () => {
    const seen: unknown[] = [];
    const port = await http((req, res) => {
      seen.push([req.method, req.url, req.headers.host, req.headers.connection]);
      res.end();
    });
    await ask('http', port, '/healthz?full=1');
    expect(seen).toEqual([['GET', '/healthz?full=1', `127.0.0.1:${port}`, 'close']]);
  });

  test('the head of the answer is enough: a body that never ends is neither waited for nor kept', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await http((_, res) => {
      res.on('close', () => closed.resolve());
      const write = () => {
        while (res.write('x'.repeat(16_384)));
        res.once('drain', write);
      };
      write();
    });
    expect(await ask('http', port, '/')).toEqual(HEALTHY);
    await closed.promise;
  });

  test('a body that stalls is given up with the check', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await http((_, res) => {
      res.on('close', () => closed.resolve());
      res.writeHead(200).flushHeaders();
    });
    expect(await ask('http', port, '/', 200)).toEqual(HEALTHY);
    await closed.promise;
  });

  test('a certificate is not verified, as by the kubelet', async () => {
    const port = await serve(createHttps({ ...selfSigned() }, status(200)));
    expect(await ask('https', port, '/')).toEqual(HEALTHY);
  });
});

describe('TCP', () => {
  test('whoever accepts a connection is healthy, and it is closed at once', async () => {
    const closed = Promise.withResolvers<void>();
    const server = createTcp((socket) => {
      socket.resume();
      socket.on('close', () => closed.resolve());
    });
    expect(await ask('tcp', await serve(server))).toEqual(HEALTHY);
    await closed.promise;
  });
});

describe('gRPC', () => {
  /** A health server that says what `answer` says. */
  function grpc(answer: (stream: ServerHttp2Stream, request: { path: string; message: string }) => void) {
    const server = createHttp2();
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () =>
        answer(stream, { path: String(headers[':path']), message: Buffer.concat(chunks).toString('hex') }),
      );
    });
    return serve(server as unknown as Server);
  }
  const says =
    (hex: string, grpcStatus = '0') =>
    (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
      stream.end(Buffer.from(hex, 'hex'));
    };

  test('SERVING is healthy', async () => {
    expect(await ask('grpc', await grpc(says('00000000020801')))).toEqual(HEALTHY);
  });

  test.each([
    ['0000000000', 'UNKNOWN'],
    ['00000000020800', 'UNKNOWN'],
    ['00000000020802', 'NOT_SERVING'],
    ['00000000020803', 'SERVICE_UNKNOWN'],
    ['00000000020809', 'status 9'],
  ])('the message %s is not: %s', async (hex, detail) => {
    expect(await ask('grpc', await grpc(says(hex)))).toEqual({ ok: false, why: 'not-serving', detail });
  });

  test.each(['', '00', '01000000020801', '0000000003080100', '000000000108', `0000000001${'ff'}`, '00'.repeat(5_000)])(
    'the bytes %.20s are no answer',
    async (hex) => {
      expect(await ask('grpc', await grpc(says(hex)))).toMatchObject({ ok: false, why: 'invalid-answer' });
    },
  );

  test('asks for the service that the path names, or for the server as a whole', async () => {
    const asked: unknown[] = [];
    const port = await grpc((stream, request) => {
      asked.push(request);
      says('00000000020801')(stream);
    });
    await ask('grpc', port, 'a.B');
    await ask('grpc', port);
    await ask('grpc', port, 's'.repeat(200));
    expect(asked.map((each) => (each as { message: string }).message.slice(0, 20))).toEqual([
      '00000000050a03612e42',
      '0000000000',
      '00000000cb0ac8017373',
    ]);
    expect(asked[0]).toMatchObject({ path: '/grpc.health.v1.Health/Check' });
  });

  test('an error instead of a message is not healthy', async () => {
    const port = await grpc((stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': 'unknown service' },
        { endStream: true },
      );
    });
    expect(await ask('grpc', port)).toEqual({
      ok: false,
      why: 'not-serving',
      detail: 'grpc-status 12 unknown service',
    });
  });

  test('nor is a server that serves other things over HTTP/2', async () => {
    const port = await grpc((stream) => stream.respond({ ':status': 404 }, { endStream: true }));
    expect(await ask('grpc', port)).toEqual({ ok: false, why: 'invalid-answer', detail: 'HTTP status 404' });
  });

  test('fields of later versions are passed over', () => {
    expect(servingStatus(Buffer.from('0000000006120261620801', 'hex'))).toBe('SERVING');
    expect(servingStatus(Buffer.from('000000000418960108', 'hex'))).toBeNull();
    expect(servingStatus(Buffer.from('00000000051896010801', 'hex'))).toBe('SERVING');
  });
});
