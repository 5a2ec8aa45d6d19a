import { request } from 'node:http';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { LOCAL_ONLY_PATHS } from './api.ts';
import { type Fixture, fixture, OTHER_IDENTITY, OWN_IDENTITY, raw, serve } from './test-fixture.ts';

const both = ['local', 'probe'] as const;

describe.each(both)('on the %s listener', (name) => {
  const ask = (f: Fixture) => supertest(f.api[name]);

  test('/leader says who leads, for how long and under which token', async () => {
    const f = fixture();
    f.lead();
    f.time.advance(1_500);
    const response = await ask(f).get('/leader').expect(200);
    expect(response.body).toEqual({
      isLeader: true,
      identity: OWN_IDENTITY,
      leader: { identity: OWN_IDENTITY, pod: 'web-0', address: '10.0.0.1:4042' },
      validForMs: 8_500,
      fencingToken: '4711',
      term: { transitions: 3, acquireTime: '2026-01-02T03:04:05.000000Z' },
      lease: { namespace: 'shop', name: 'web', uid: 'uid-1' },
    });
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(response.text)),
    });
    expect(response.headers).not.toHaveProperty('x-powered-by');
  });

  test('/candidacy says whether this replica would lead, and is no answer that anybody acts on', async () => {
    const f = fixture();
    f.lead();
    const before = f.leadership.trustedUntilMonoMs();
    const answer = { identity: OWN_IDENTITY, lease: { namespace: 'shop', name: 'web', uid: 'uid-1' }, priority: 10 };
    await ask(f)
      .get('/candidacy')
      .expect(200, { ...answer, candidate: true, why: null });
    f.control.why = 'paused';
    expect((await ask(f).get('/candidacy')).body).toMatchObject({ ...answer, candidate: false, why: 'paused' });
    expect(f.leadership.trustedUntilMonoMs()).toBe(before);
  });

  test('a standby says who leads instead', async () => {
    const f = fixture();
    f.follow();
    const { body } = await ask(f).get('/leader').expect(200);
    expect(body).toMatchObject({ isLeader: false, validForMs: 0, fencingToken: null });
    expect(body.leader).toEqual({ identity: OTHER_IDENTITY, pod: 'web-1', address: '10.0.0.2:4042' });
  });

  test('leadership that ran out is denied by the first answer, although nobody published its end', async () => {
    const f = fixture();
    f.lead();
    await ask(f).get('/is-leader').expect(200);
    f.time.advance(10_000);
    await ask(f).get('/is-leader').expect(503);
    const { body } = await ask(f).get('/leader');
    expect(body).toMatchObject({ isLeader: false, leader: null, validForMs: 0 });
  });

  test.each(['GET', 'HEAD', 'OPTIONS'])('%s /is-leader and /is-standby tell by their status', async (method) => {
    const f = fixture();
    await using server = await serve(f.api[name]);
    const status = async (path: string) => (await fetch(server.url + path, { method })).status;
    expect([await status('/is-leader'), await status('/is-standby')]).toEqual([503, 200]);
    f.lead();
    expect([await status('/is-leader'), await status('/is-standby')]).toEqual([200, 503]);
  });

  test('/is-leader and /is-standby have the body of /leader, whatever their status', async () => {
    const f = fixture();
    f.lead();
    const { body } = await ask(f).get('/leader');
    expect((await ask(f).get('/is-leader').expect(200)).body).toEqual(body);
    expect((await ask(f).get('/is-standby').expect(503)).body).toEqual(body);
  });

  test('HEAD tells the length of the body and sends none', async () => {
    const f = fixture();
    await using server = await serve(f.api[name]);
    const answer = await raw(server.port, 'HEAD /leader HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/Content-Length: [1-9]/);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  test('OPTIONS names the methods', async () => {
    const f = fixture();
    const { headers } = await ask(f).options('/is-standby').expect(200);
    expect(headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  test.each(['/leader', '/is-leader', '/is-standby', '/candidacy', '/healthz', '/readyz', '/metrics'])(
    'POST %s is refused with the methods that are possible',
    async (path) => {
      const { body, headers } = await ask(fixture()).post(path).expect(405);
      expect(body.error.code).toBe('METHOD_NOT_ALLOWED');
      expect(headers.allow).toBe('GET, HEAD, OPTIONS');
    },
  );

  test('a query string does not change which route answers', async () => {
    await ask(fixture()).get('/leader?cache=no&x=/healthz').expect(200);
  });

  test.each(['//leader', '/leader/', '/LEADER', '/./leader', '/%6ceader', '/leader;a', '/is-leader/..', '/leader%00'])(
    '%s is not another name of a route',
    async (path) => {
      const f = fixture();
      await using server = await serve(f.api[name]);
      const status = await new Promise((resolve) => {
        // Unlike fetch, sends the path as it is.
        request({ port: server.port, path }, (res) => resolve(res.resume().statusCode)).end();
      });
      expect(status).toBe(404);
    },
  );

  test('a target in absolute form is not served: this is no proxy', async () => {
    const f = fixture();
    await using server = await serve(f.api[name]);
    const head = 'GET http://127.0.0.1/leader HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
    expect(await raw(server.port, head)).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('the liveness probe speaks of the loop only', async () => {
    const f = fixture();
    expect((await ask(f).get('/healthz').expect(200)).body).toEqual({ status: 'ok' });
    f.health.unreadyBy = 'the Lease has not been read yet';
    await ask(f).get('/healthz').expect(200);
    f.health.wedgedBy = 'no step for 40 s';
    const { body } = await ask(f).get('/healthz').expect(503);
    expect(body).toEqual({ error: { code: 'LOOP_WEDGED', message: 'no step for 40 s' } });
  });

  test('the readiness probe says whether the Lease has been seen, not who leads', async () => {
    const f = fixture();
    f.health.unreadyBy = 'the Lease has not been read yet';
    const { body } = await ask(f).get('/readyz').expect(503);
    expect(body).toEqual({ error: { code: 'NOT_READY', message: 'the Lease has not been read yet' } });
    f.health.unreadyBy = null;
    await ask(f).get('/readyz').expect(200, { status: 'ok' });
  });

  test('the readiness probe depends on leading where that is asked for', async () => {
    const f = fixture();
    const { body } = await ask(f).get('/readyz?leader=true').expect(503);
    expect(body.error.code).toBe('STANDBY');
    await ask(f).get('/readyz?leader=false').expect(200);
    f.lead();
    await ask(f).get('/readyz?leader=true').expect(200);
    f.health.unreadyBy = 'the Lease has not been read yet';
    expect((await ask(f).get('/readyz?leader=true').expect(503)).body.error.code).toBe('NOT_READY');
  });

  test('a question that cannot be understood is refused rather than answered with yes', async () => {
    const { body } = await ask(fixture()).get('/readyz?leader=1').expect(400);
    expect(body.error.code).toBe('INVALID_QUERY');
  });

  test('a defect is answered with 500, told to the log only, and the next request is served', async () => {
    const f = fixture();
    f.leadership.answer = () => {
      throw new Error('secret of the house');
    };
    const { body, text } = await ask(f).get('/leader').expect(500);
    expect(body.error.code).toBe('INTERNAL');
    expect(text).not.toContain('secret');
    expect(f.log.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'secret of the house' } } }]);
    await ask(f).get('/healthz').expect(200);
  });
});

describe('GET /', () => {
  test.each([['*/*'], ['application/json'], ['image/png'], ['application/json, text/html;q=0.9']])(
    'gives a client that accepts %s the name of the leading pod',
    async (accept) => {
      const f = fixture();
      f.follow();
      const response = await supertest(f.api.local).get('/').set('Accept', accept).expect(200, { name: 'web-1' });
      expect(response.headers).toMatchObject({ vary: 'Accept', 'cache-control': 'no-store' });
    },
  );

  test('gives an empty name while no leader is known', async () => {
    const f = fixture();
    await supertest(f.api.local).get('/').expect(200, { name: '' });
    f.follow();
    f.time.advance(15_000);
    await supertest(f.api.local).get('/').expect(200, { name: '' });
  });

  test('is not served to other pods', async () => {
    await supertest(fixture().api.probe).get('/').expect(404);
  });

  test('POST is refused', async () => {
    const { headers } = await supertest(fixture().api.local).post('/').expect(405);
    expect(headers.allow).toBe('GET, HEAD');
  });
});

describe('what only the local listener serves', () => {
  test.each([...LOCAL_ONLY_PATHS])('%s: the probe listener answers 404 and says where it is', async (path) => {
    for (const method of ['get', 'post'] as const) {
      const { body } = await supertest(fixture().api.probe)[method](`${path}?x=1`).expect(404);
      expect(body.error).toEqual({ code: 'NOT_FOUND', message: expect.stringContaining('LEASEGATE_API_LISTEN') });
    }
    // It is there: whatever DELETE is answered with, it is not that there is nothing.
    const { headers } = await supertest(fixture().api.local).delete(path).expect(405);
    expect(headers.allow).toBeDefined();
  });

  test('is not confused with what nobody serves', async () => {
    const { body } = await supertest(fixture().api.probe).get('/leader/').expect(404);
    expect(body.error.message).toMatch(/^There is nothing here/);
  });
});
