import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { fixture, OTHER_IDENTITY, OWN_IDENTITY, openStream, serve } from './test-fixture.ts';

const both = ['local', 'probe'] as const;
const several = () => fixture(null, 'a', 'b.c');

describe.each(both)('on the %s listener', (name) => {
  test('/elections tells of all, in their order', async () => {
    const f = several();
    f.lead('4711');
    f.others[0]!.follow();
    const { body } = await supertest(f.api[name]).get('/elections').expect(200);
    const term = { transitions: 3, acquireTime: '2026-01-02T03:04:05.000000Z' };
    expect(body).toEqual({
      identity: OWN_IDENTITY,
      namespace: 'shop',
      elections: [
        {
          name: 'web',
          isLeader: true,
          leader: { identity: OWN_IDENTITY, pod: 'web-0', address: '10.0.0.1:4042' },
          ...{ validForMs: 10_000, fencingToken: '4711', term, paused: false },
        },
        {
          name: 'a',
          isLeader: false,
          leader: { identity: OTHER_IDENTITY, pod: 'web-1', address: '10.0.0.2:4042' },
          ...{ validForMs: 0, fencingToken: null, term, paused: false },
        },
        { name: 'b.c', isLeader: false, leader: null, validForMs: 0, fencingToken: null, term: null, paused: false },
      ],
    });
  });

  test('each election has its own routes, and those at the root speak of the first', async () => {
    const f = several();
    f.lead('1');
    f.others[1]!.lead('2');
    const ask = supertest(f.api[name]);
    for (const [path, lease, leads] of [
      ['', 'web', true],
      ['/elections/web', 'web', true],
      ['/elections/a', 'a', false],
      ['/elections/b.c', 'b.c', true],
    ] as const) {
      const { body } = await ask.get(`${path}/leader`).expect(200);
      expect([body.lease.name, body.isLeader], path).toEqual([lease, leads]);
      await ask.get(`${path}/is-leader`).expect(leads ? 200 : 503);
      await ask.head(`${path}/is-standby`).expect(leads ? 503 : 200);
      expect((await ask.get(`${path}/candidacy`).expect(200)).body.lease.name).toBe(lease);
    }
  });

  test('an election that there is not is told from a route that there is not', async () => {
    const f = several();
    const ask = supertest(f.api[name]);
    const { body } = await ask.get('/elections/x/leader').expect(404);
    expect(body.error).toEqual({ code: 'UNKNOWN_ELECTION', message: expect.stringContaining('web, a, b.c') });
    for (const path of [
      '/elections/',
      '/elections/a',
      '/elections/a/',
      '/elections/a/x',
      '/elections/A/leader',
      '/elections/b%2Ec/leader',
    ]) {
      const code = /A|%/.test(path) ? 'UNKNOWN_ELECTION' : 'NOT_FOUND';
      expect((await ask.get(path).expect(404)).body.error.code, path).toBe(code);
    }
  });

  test('an answer of /elections is trusted as one of /leader', async () => {
    const f = several();
    f.others[0]!.lead();
    await supertest(f.api[name]).get('/elections');
    expect(f.others[0]!.leadership.trustedUntilMonoMs()).toBe(f.time.monoMs + 10_000);
  });

  test('probes fail for any loop that is wedged, and name it; to be ready the first Lease is enough', async () => {
    const f = several();
    const ask = supertest(f.api[name]);
    await ask.get('/healthz').expect(200);
    f.others[0]!.problems.unreadyBy = 'the Lease has not been seen yet: forbidden';
    await ask.get('/readyz').expect(200);
    f.health.unreadyBy = 'the Lease has not been seen yet';
    f.others[1]!.problems.wedgedBy = 'the election loop is 30 s late';
    const problem = async (path: string) => (await ask.get(path).expect(503)).body.error;
    expect(await problem('/readyz')).toEqual({ code: 'NOT_READY', message: 'the Lease has not been seen yet' });
    expect(await problem('/healthz')).toEqual({ code: 'LOOP_WEDGED', message: 'b.c: the election loop is 30 s late' });
  });

  test('each election is counted under its name', async () => {
    const f = several();
    f.others[0]!.lead();
    const { text } = await supertest(f.api[name]).get('/metrics');
    expect(text).toContain('leader_election_master_status{name="web"} 0\n');
    expect(text).toContain('leader_election_master_status{name="a"} 1\n');
    expect(text).toContain('leasegate_valid_seconds{name="b.c"} 0\n');
    expect(text).toContain('leasegate_watch_up{name="b.c"} 0\n');
  });
});

test('with one election there are the routes by its name, too', async () => {
  const f = fixture();
  f.lead();
  const ask = supertest(f.api.local);
  expect((await ask.get('/elections/web/leader').expect(200)).body).toEqual((await ask.get('/leader')).body);
  await ask.post('/elections/web/step-down').expect(200);
  expect(f.control.calls).toEqual(['step-down immediate=false']);
});

describe('changes', () => {
  test('reach the election of their path, and the first at the root', async () => {
    const f = several();
    f.others[1]!.lead();
    const ask = supertest(f.api.local);
    await ask.post('/elections/b.c/step-down').send({ to: 'web-1' }).expect(200);
    await ask.post('/elections/a/pause').expect(200);
    await ask.post('/elections/a/resume').expect(200, { paused: false, name: 'a' });
    await ask.post('/pause').expect(200);
    expect(f.others[1]!.control.calls).toEqual([`step-down immediate=false to=${OTHER_IDENTITY}`]);
    expect(f.others[0]!.control.calls).toEqual(['pause immediate=false', 'resume']);
    expect(f.control.calls).toEqual(['pause immediate=false']);
    expect(f.log.lines[0]!.fields).toEqual({
      path: '/elections/b.c/step-down',
      lease: 'b.c',
      immediate: false,
      to: 'web-1',
    });
  });

  test('are guarded below /elections as at the root', async () => {
    const f = several();
    const ask = supertest(f.api.local);
    await ask.post('/elections/a/pause').set('Origin', 'http://evil.example').expect(403);
    await ask.get('/elections/a/pause').expect(405);
    await ask.post('/elections/x/pause').expect(404);
    await supertest(f.api.probe).post('/elections/a/pause').expect(404);
    expect(f.others[0]!.control.calls).toEqual([]);
  });
});

describe('streams', () => {
  test('of one election tell of that one', async () => {
    const f = several();
    await using server = await serve(f.api.local);
    const stream = await openStream(`${server.url}/elections/a/leader/events`);
    expect((await stream.next()).data).toMatchObject({ change: 'snapshot', lease: { name: 'a' } });
    f.lead();
    f.others[0]!.lead();
    expect((await stream.next()).data).toMatchObject({ change: 'started', lease: { name: 'a' } });
    stream.abort();
  });

  test('of all tell of all, in the order of the changes', async () => {
    const f = several();
    await using server = await serve(f.api.local);
    const stream = await openStream(`${server.url}/elections/events`);
    const first = await stream.next();
    expect(first.data).toMatchObject({
      change: 'snapshot',
      elections: [{ name: 'web' }, { name: 'a' }, { name: 'b.c' }],
    });
    f.others[1]!.lead();
    f.lead();
    f.others[1]!.follow('taken-over');
    const told = [await stream.next(), await stream.next(), await stream.next()];
    expect(told.map(({ data }) => [data.lease.name, data.change, data.reason])).toEqual([
      ['b.c', 'started', null],
      ['web', 'started', null],
      ['b.c', 'stopped', 'taken-over'],
    ]);
    expect(f.api.eventStreams).toBe(1);
    f.api.close();
    expect(await stream.nextBlock()).toBeNull();
  });

  test('of which there are too many already are sent to what can be polled instead', async () => {
    const f = several();
    await using server = await serve(f.api.local);
    const streams = Array.from({ length: LIMITS.eventStreamsMax }, () => openStream(`${server.url}/elections/events`));
    for (const stream of await Promise.all(streams)) await stream.next();
    const { error } = (await (await fetch(`${server.url}/elections/events`)).json()) as { error: { message: string } };
    expect(error.message).toContain('Poll /elections instead');
    f.api.close();
  });

  test('are not on the probe listener', async () => {
    const f = several();
    for (const path of ['/elections/events', '/elections/a/leader/events']) {
      const { body } = await supertest(f.api.probe).get(path).expect(404);
      expect(body.error.message).toContain('LEASEGATE_API_LISTEN');
    }
  });
});
