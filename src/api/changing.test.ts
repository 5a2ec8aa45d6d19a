import { createServer } from 'node:http';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { type Fixture, fixture, OTHER_IDENTITY, raw, serve } from './test-fixture.ts';

const CHANGING = ['/step-down', '/pause', '/resume'] as const;
const local = (f: Fixture) => supertest(f.api.local);

describe('changing routes', () => {
  test('/step-down gives up leading and says what became of the Lease', async () => {
    const f = fixture();
    f.lead();
    await local(f).post('/step-down').expect(200, { result: 'released', tookMs: 12 });
    expect(f.control.calls).toEqual(['step-down immediate=false']);
    expect(f.log.lines).toMatchObject([{ level: 'info', fields: { path: '/step-down', immediate: false } }]);
  });

  test('a Lease that could not be freed is told apart', async () => {
    const f = fixture();
    f.control.outcome = { result: 'unreleased', tookMs: 9_000 };
    await local(f).post('/step-down').expect(200, { result: 'unreleased', tookMs: 9_000 });
  });

  test('stepping down where nobody leads is a conflict that names the leader', async () => {
    const f = fixture();
    f.follow();
    f.control.outcome = { result: 'not-leading', tookMs: 0 };
    const { body } = await local(f).post('/step-down').expect(409);
    expect(body.error.code).toBe('NOT_LEADING');
    expect(body.error.message).toContain('web-1');
  });

  test('/step-down to a named pod hands over to the replica that runs there', async () => {
    const f = fixture();
    f.lead();
    await local(f).post('/step-down').send({ to: 'web-1' }).expect(200, { result: 'released', tookMs: 12 });
    await local(f).post('/step-down').send({ to: 'web-1', immediate: true }).expect(200);
    expect(f.candidates.asked).toEqual(['web-1', 'web-1']);
    expect(f.control.calls).toEqual([
      `step-down immediate=false to=${OTHER_IDENTITY}`,
      `step-down immediate=true to=${OTHER_IDENTITY}`,
    ]);
  });

  test.each([
    ['TARGET_UNKNOWN', 404],
    ['TARGET_NOT_CANDIDATE', 409],
    ['TARGET_OF_OTHER_ELECTION', 422],
    ['TARGET_UNREACHABLE', 502],
    ['LOOKUP_FORBIDDEN', 403],
    ['LOOKUP_FAILED', 503],
  ] as const)('where the named one would not lead (%s) the answer is %d, and nothing changes', async (code, status) => {
    const f = fixture();
    f.lead();
    f.candidates.answer = { ok: false, code, message: 'why' };
    await local(f)
      .post('/step-down')
      .send({ to: 'web-1' })
      .expect(status, { error: { code, message: 'why' } });
    expect(f.control.calls).toEqual([]);
  });

  test('nobody is looked up by one that does not lead, nor by one that is to hand over to itself', async () => {
    const f = fixture();
    f.follow();
    expect((await local(f).post('/step-down').send({ to: 'web-1' }).expect(409)).body.error.code).toBe('NOT_LEADING');
    f.lead();
    const { body } = await local(f).post('/step-down').send({ to: 'web-0' }).expect(409);
    expect(body.error.code).toBe('TARGET_NOT_CANDIDATE');
    expect([f.candidates.asked, f.control.calls]).toEqual([[], []]);
  });

  test('leadership that is lost while the named one is looked up is not given up', async () => {
    const f = fixture();
    f.lead();
    f.control.outcome = { result: 'not-leading', tookMs: 0 };
    expect((await local(f).post('/step-down').send({ to: 'web-1' }).expect(409)).body.error.code).toBe('NOT_LEADING');
  });

  test('/pause and /resume may be repeated', async () => {
    const f = fixture();
    f.control.outcome = { result: 'not-leading', tookMs: 0 };
    await local(f).post('/pause').expect(200, { paused: true, result: 'not-leading', tookMs: 0 });
    await local(f).post('/pause').expect(200);
    await local(f).post('/resume').expect(200, { paused: false });
    await local(f).post('/resume').expect(200, { paused: false });
  });

  test('immediate is passed on', async () => {
    const f = fixture();
    await local(f).post('/step-down').send({ immediate: true }).expect(200);
    await local(f).post('/pause').send({ immediate: true }).expect(200);
    await local(f).post('/pause').send({ immediate: false }).expect(200);
    expect(f.control.calls).toEqual(['step-down immediate=true', 'pause immediate=true', 'pause immediate=false']);
  });

  test('a body of no bytes is no options', async () => {
    const f = fixture();
    await local(f).post('/step-down').set('Content-Type', 'application/json').set('Content-Length', '0').expect(200);
    expect(f.control.calls).toEqual(['step-down immediate=false']);
  });

  test('a failure inside is answered with 500 and told to the log only', async () => {
    const f = fixture();
    f.control.outcome = new Error('secret of the house');
    const { body, text } = await local(f).post('/step-down').expect(500);
    expect(body.error.code).toBe('INTERNAL');
    expect(text).not.toContain('secret');
    expect(f.log.lines.at(-1)).toMatchObject({ level: 'error', fields: { err: { message: 'secret of the house' } } });
  });

  test.each(CHANGING)('%s takes POST only, and no header or query makes a GET one', async (path) => {
    const f = fixture();
    for (const method of ['get', 'head', 'put', 'patch', 'delete', 'options'] as const) {
      const { headers } = await local(f)[method](path).expect(405);
      expect(headers.allow).toBe('POST');
    }
    await local(f).get(`${path}?_method=POST`).set('X-HTTP-Method-Override', 'POST').expect(405);
    await local(f).get(path).set('X-Method-Override', 'POST').expect(405);
    expect(f.control.calls).toEqual([]);
  });

  test.each(CHANGING)('%s does not exist on the probe listener', async (path) => {
    const f = fixture();
    await supertest(f.api.probe).post(path).expect(404);
    await supertest(f.api.probe).get(path).expect(404);
    expect(f.control.calls).toEqual([]);
  });

  test.each([
    ...['//step-down', '/step-down/', '/STEP-DOWN', '/leader/../step-down', '/%73tep-down'],
    ...['http://localhost/step-down', '/step-down#x'],
  ])('POST %s changes nothing', async (path) => {
    const f = fixture();
    await using server = await serve(f.api.local);
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect(await raw(server.port, head)).toMatch(/^HTTP\/1\.1 404 /);
    expect(f.control.calls).toEqual([]);
  });
});

describe('bodies', () => {
  const json = (f: Fixture, path: string, body: string) =>
    local(f).post(path).set('Content-Type', 'application/json').send(body);

  test.each([
    ['/step-down', '{"immediate":', 'INVALID_BODY'],
    ['/step-down', '[]', 'INVALID_BODY'],
    ['/step-down', '[{"immediate":true}]', 'INVALID_BODY'],
    ['/step-down', '"immediate"', 'INVALID_BODY'],
    ['/step-down', 'null', 'INVALID_BODY'],
    ['/step-down', '{"imediate":true}', 'UNKNOWN_FIELD'],
    ['/step-down', '{"__proto__":{"immediate":true}}', 'UNKNOWN_FIELD'],
    ['/step-down', '{"immediate":true,"too":"web-1"}', 'UNKNOWN_FIELD'],
    ['/step-down', '{"to":""}', 'INVALID_FIELD'],
    ['/step-down', '{"to":null}', 'INVALID_FIELD'],
    ['/step-down', '{"to":["web-1"]}', 'INVALID_FIELD'],
    ['/step-down', '{"to":"../secrets"}', 'INVALID_FIELD'],
    ['/step-down', '{"to":"web-1/status"}', 'INVALID_FIELD'],
    ['/step-down', `{"to":"${'a'.repeat(254)}"}`, 'INVALID_FIELD'],
    ['/pause', '{"to":"web-1"}', 'UNKNOWN_FIELD'],
    ['/step-down', '{"immediate":"true"}', 'INVALID_FIELD'],
    ['/pause', '{"immediate":null}', 'INVALID_FIELD'],
    ['/resume', '{"immediate":true}', 'UNKNOWN_FIELD'],
  ])('%s with %s is refused: %s', async (path, body, code) => {
    const f = fixture();
    const response = await json(f, path, body).expect(400);
    expect(response.body.error.code).toBe(code);
    expect(f.control.calls).toEqual([]);
  });

  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/plain; application/json',
    'application/jsonp',
  ])('a body of type %s is refused: a form could have sent it', async (type) => {
    const f = fixture();
    const response = await local(f).post('/step-down').set('Content-Type', type).send('{}').expect(415);
    expect(response.body.error.code).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect(f.control.calls).toEqual([]);
  });

  test('a body without a type is refused, and so is an empty form', async () => {
    const f = fixture();
    await using server = await serve(f.api.local);
    const head = 'POST /step-down HTTP/1.1\r\nHost: localhost\r\n';
    expect(await raw(server.port, `${head}Content-Length: 2\r\nConnection: close\r\n\r\n{}`)).toContain(' 415 ');
    const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n';
    expect(await raw(server.port, `${head}${form}Connection: close\r\n\r\n`)).toContain(' 415 ');
    expect(f.control.calls).toEqual([]);
  });

  test('a compressed body is refused', async () => {
    const f = fixture();
    const response = await json(f, '/step-down', '{}').set('Content-Encoding', 'gzip').expect(415);
    expect(response.body.error.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  test('a huge body is refused by its announcement, and the connection with it', async () => {
    const f = fixture();
    await using server = await serve(f.api.local);
    const answer = await raw(
      server.port,
      'POST /step-down HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{"',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('BODY_TOO_LARGE');
    expect(answer).toMatch(/Connection: close/);
    expect(f.control.calls).toEqual([]);
  });

  test('a huge body that is not announced is refused at the bound', async () => {
    const f = fixture();
    await using server = await serve(f.api.local);
    const head =
      'POST /pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const size = LIMITS.bodyBytesMax + 1;
    const answer = await raw(server.port, `${head}${size.toString(16)}\r\n${' '.repeat(size)}\r\n0\r\n\r\n`, /\}\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(f.control.calls).toEqual([]);
  });
});

describe('requests from elsewhere', () => {
  test.each(['evil.example', 'evil.example:4040', '10.0.0.7:4040', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    'a request that names the host %s is refused on every local route, known or not',
    async (host) => {
      const f = fixture();
      for (const path of ['/leader', '/', '/leader/events', '/metrics', '/no-such-route']) {
        const { body } = await local(f).get(path).set('Host', host).expect(403);
        expect(body.error.code).toBe('FORBIDDEN_HOST');
      }
      for (const path of CHANGING) await local(f).post(path).set('Host', host).expect(403);
      expect(f.control.calls).toEqual([]);
    },
  );

  test.each(['localhost', 'LOCALHOST:5000', '127.0.0.1:4040', '127.8.9.1', '[::1]:4040', '[::1]'])(
    'a request that names the host %s is served',
    async (host) => {
      const f = fixture();
      await local(f).get('/leader').set('Host', host).expect(200);
      await local(f).post('/resume').set('Host', host).expect(200);
    },
  );

  test('the probe listener serves whatever name a pod or a Service has', async () => {
    await supertest(fixture().api.probe).get('/leader').set('Host', 'web.shop.svc:4041').expect(200);
  });

  test('a request without a host may ask, as HTTP/1.0 probes do, but not change', async () => {
    const f = fixture();
    await using server = await serve(f.api.local);
    expect(await raw(server.port, 'GET /is-standby HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(server.port, 'POST /resume HTTP/1.0\r\n\r\n')).toContain('FORBIDDEN_HOST');
    expect(f.control.calls).toEqual([]);
  });

  test.each([
    'http://evil.example',
    'null',
    'http://localhost:3000',
    'https://localhost:4040',
    'http://127.0.0.1:4040',
  ])('a change that a page of origin %s asks for is refused', async (origin) => {
    const f = fixture();
    for (const path of CHANGING) {
      const asked = local(f).post(path).set('Host', 'localhost:4040').set('Origin', origin);
      expect((await asked.expect(403)).body.error.code).toBe('FORBIDDEN_ORIGIN');
    }
    expect(f.control.calls).toEqual([]);
  });

  test('a change from the same origin is served, through a forwarded port as well', async () => {
    const f = fixture();
    await local(f)
      .post('/resume')
      .set({ Host: 'localhost:5000', Origin: 'http://localhost:5000', 'Sec-Fetch-Site': 'same-origin' })
      .expect(200);
  });

  test.each(['cross-site', 'same-site'])('a change that a browser marks as %s is refused', async (site) => {
    const f = fixture();
    const { body } = await local(f).post('/pause').set('Sec-Fetch-Site', site).expect(403);
    expect(body.error.code).toBe('FORBIDDEN_ORIGIN');
    expect(f.control.calls).toEqual([]);
  });

  test('no answer invites a foreign page: there are no CORS headers, not for a preflight either', async () => {
    const f = fixture();
    const preflight = { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' };
    for (const path of ['/leader', '/is-leader', '/step-down', '/']) {
      const { headers } = await local(f).options(path).set(preflight);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test('a change from another machine is refused, even where the listener was bound to more than loopback', async () => {
    const f = fixture();
    const server = createServer((req, res) => {
      Object.defineProperty(req.socket, 'remoteAddress', { value: '10.0.0.7' });
      f.api.local(req, res);
    });
    const { body } = await supertest(server).post('/step-down').set('Host', 'localhost').expect(403);
    expect(body.error.code).toBe('FORBIDDEN_PEER');
    expect(f.control.calls).toEqual([]);
  });
});
