import { Agent } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultPlan } from './faults.ts';
import { type LeaseServer, type LeaseServerOptions, startLeaseServer } from './server.ts';
import { LEASES, leaseNamed, openWatch, type SendOptions, send } from './test-fixture.ts';

const servers: LeaseServer[] = [];

async function start(options: Partial<LeaseServerOptions> = {}) {
  const server = await startLeaseServer({ listen: '127.0.0.1:0', ...options });
  servers.push(server);
  const ask = (path: string, asked?: SendOptions) => send(server.url, path, asked);
  const create = (name: string, token = 'a') => ask(LEASES, { method: 'POST', token, body: leaseNamed(name) });
  const exists = async (name: string) => (await ask(`${LEASES}/${name}`, { token: 'onlooker' })).status === 200;
  return { server, ask, create, exists, faults: server.faults };
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.abort();
});

/** Timers that run when told to. */
function manualTimers() {
  const due = new Set<() => void>();
  const added = new FaultPlan();
  return {
    timers: {
      after: (_delayMs: number, callback: () => void) => {
        due.add(callback);
        added.lift();
        return { cancel: () => void due.delete(callback) };
      },
    },
    /** Resolves when a timer waits. */
    waiting: async () => {
      while (due.size === 0) await new Promise<void>((resolve) => void added.subscribe(resolve));
    },
    runAll: () => {
      for (const callback of [...due]) callback();
      due.clear();
    },
  };
}

describe('faults', () => {
  it('cut off: requests are not answered and not done, and other clients notice nothing', async () => {
    const { create, exists, faults } = await start();
    faults.inject({ kind: 'cut-off' }, { token: 'a' });
    let answered = false;
    const lost = create('lost').then(
      () => (answered = true),
      () => {},
    );
    expect((await create('other', 'b')).status).toBe(201);
    expect([answered, await exists('lost')]).toEqual([false, false]);
    faults.lift('a');
    expect((await create('later')).status).toBe(201);
    expect([answered, await exists('lost')]).toEqual([false, false]);
    await servers.pop()?.abort();
    await lost;
    expect(answered).toBe(false);
  });

  it('cut off: an open watch goes silent, and catches up afterwards', async () => {
    const { server, create, faults } = await start();
    const cut = await openWatch(server.url);
    const whole = await openWatch(server.url, '', 'b');
    const lift = faults.inject({ kind: 'cut-off' }, { token: 'a' });
    await create('x', 'b');
    expect((await whole.next()).object.metadata.name).toBe('x');
    const next = cut.next();
    let heard = false;
    void next.then(() => (heard = true));
    await create('y', 'b');
    expect((await whole.next()).object.metadata.name).toBe('y');
    expect(heard).toBe(false);
    lift();
    expect((await next).object.metadata.name).toBe('x');
    expect((await cut.next()).object.metadata.name).toBe('y');
  });

  it('refuse: connections are reset, open watches too', async () => {
    const { server, ask, faults } = await start();
    const watch = await openWatch(server.url);
    faults.inject({ kind: 'refuse' }, { token: 'a' });
    await expect(ask('/version')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(watch.ended()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ask('/version', { token: 'b' })).status).toBe(200);
  });

  it('forbid: one verb on one resource is refused, and access reviews say so', async () => {
    const { ask, create, faults } = await start();
    await create('x');
    faults.inject({ kind: 'forbid' }, { token: 'a', verbs: ['get'], resource: 'leases' });
    const refused = await ask(`${LEASES}/x`);
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.text).message).toContain('User "a" cannot get resource "leases"');
    expect((await ask(LEASES)).status).toBe(200);
    const allowed = async (verb: string) => {
      const resourceAttributes = { verb, group: 'coordination.k8s.io', resource: 'leases', namespace: 'default' };
      const reviewed = await ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        method: 'POST',
        body: { spec: { resourceAttributes } },
      });
      return JSON.parse(reviewed.text).status.allowed;
    };
    expect([await allowed('get'), await allowed('list')]).toEqual([false, true]);
  });

  it.for([
    [401, 'Unauthorized'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
    [504, 'Timeout'],
  ] as const)('answer %i: nothing is done', async ([code, reason]) => {
    const { create, exists, faults } = await start();
    faults.inject({ kind: 'answer', code }, { verbs: ['create'], times: 1 });
    const answered = await create('x');
    expect([answered.status, JSON.parse(answered.text).reason, await exists('x')]).toEqual([code, reason, false]);
    expect((await create('x')).status).toBe(201);
  });

  it('answer 429: in plain text with Retry-After, as priority and fairness does', async () => {
    const { ask, faults } = await start();
    faults.inject({ kind: 'answer', code: 429, retryAfterSeconds: 3 }, { resource: 'leases' });
    const { status, headers, text } = await ask(LEASES);
    expect([status, headers['retry-after'], text.trim()]).toEqual([
      429,
      '3',
      'Too many requests, please try again later.',
    ]);
    expect(headers['content-type']).toContain('text/plain');
  });

  it('drop-answer: the write is done, and its client does not hear of it', async () => {
    const { create, exists, faults } = await start();
    faults.inject({ kind: 'drop-answer' }, { verbs: ['create'], times: 1 });
    await expect(create('x')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await exists('x')).toBe(true);
  });

  it('delay before the answer: the write is done, its answer late', async () => {
    const { timers, waiting, runAll } = manualTimers();
    const { create, exists, faults } = await start({ timers });
    faults.inject({ kind: 'delay', delayMs: 5000, before: 'answer' }, { verbs: ['create'] });
    const created = create('x');
    await waiting();
    expect(await exists('x')).toBe(true);
    runAll();
    expect((await created).status).toBe(201);
  });

  it('delay before the commit: the write is done late', async () => {
    const { timers, waiting, runAll } = manualTimers();
    const { create, exists, faults } = await start({ timers });
    faults.inject({ kind: 'delay', delayMs: 5000, before: 'commit' }, { verbs: ['create'] });
    const created = create('x');
    await waiting();
    expect(await exists('x')).toBe(false);
    runAll();
    expect((await created).status).toBe(201);
  });

  it('a client cut off while its request is dealt with loses the answer', async () => {
    const { timers, waiting, runAll } = manualTimers();
    const { create, exists, faults } = await start({ timers });
    faults.inject({ kind: 'delay', delayMs: 5000, before: 'answer' }, { verbs: ['create'], times: 1 });
    let answered = false;
    void create('x').then(
      () => (answered = true),
      () => {},
    );
    await waiting();
    faults.inject({ kind: 'cut-off' }, { token: 'a' });
    runAll();
    expect(await exists('x')).toBe(true);
    expect(answered).toBe(false);
  });
});

describe('the server', () => {
  it('counts the requests of each client by verb, as they arrive', async () => {
    const { server, ask, create, faults } = await start();
    await create('x', 'b');
    await ask(`${LEASES}/x`, { token: 'b' });
    await ask(`${LEASES}/y`, { token: 'b' });
    await ask('/version', { token: 'b' });
    faults.inject({ kind: 'answer', code: 500 });
    await ask(LEASES, { token: 'b' });
    expect(server.traffic.of('b')).toEqual({ create: 1, get: 2, other: 1, list: 1 });
    expect([server.traffic.total('b'), server.traffic.total('nobody')]).toEqual([5, 0]);
  });

  it('keeps connections open between requests', async () => {
    const { ask } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    for (let count = 0; count < 3; count += 1) await ask('/version', { agent });
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('ends watches without an error when it closes', async () => {
    const { server } = await start();
    const watch = await openWatch(server.url);
    await Promise.all([server.close(), watch.ended()]);
    await expect(send(server.url, '/version')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('resets connections when it is aborted, and another goes on with its store on the same port', async () => {
    const { server, create } = await start();
    await create('x');
    const watch = await openWatch(server.url);
    await Promise.all([server.abort(), expect(watch.ended()).rejects.toMatchObject({ code: 'ECONNRESET' })]);
    const again = await start({ listen: new URL(server.url).host, store: server.store });
    expect([again.server.url, await again.exists('x')]).toEqual([server.url, true]);
  });

  it.for(['0.0.0.0:0', '192.168.0.1:80', ':8080', '127.0.0.1', 'example.com:1', '127.0.0.1:65536'])(
    'refuses to listen on %s',
    async (listen) => {
      await expect(startLeaseServer({ listen })).rejects.toMatchObject({ code: 'LEASE_SERVER_ADDRESS' });
    },
  );

  it('says when its port is taken', async () => {
    const { server } = await start();
    const listen = new URL(server.url).host;
    await expect(startLeaseServer({ listen })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('refuses a body of more than 3 MiB', async () => {
    const { ask } = await start();
    const body = { metadata: { name: 'x', annotations: { a: 'x'.repeat(3 * 1024 * 1024) } } };
    expect((await ask(LEASES, { method: 'POST', body })).status).toBe(413);
  });

  it('outlives a request that is nested too deeply to be dealt with', async () => {
    const { server, create, exists } = await start();
    await create('x');
    const levels = 200_000;
    const patched = await fetch(`${server.url}${LEASES}/x`, {
      method: 'PATCH',
      body: `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`,
      headers: { 'Content-Type': 'application/merge-patch+json' },
    });
    expect([patched.status, await patched.json()]).toMatchObject([500, { kind: 'Status', code: 500 }]);
    expect(await exists('x')).toBe(true);
  });

  it('catches up a watch whose reader was slow', async () => {
    const { server, create } = await start();
    await create('x');
    const watch = await openWatch(server.url);
    const text = 'x'.repeat(240_000);
    const writes = 50;
    for (let count = 0; count < writes; count += 1) {
      const body = { metadata: { annotations: { count: String(count), text } } };
      const contentType = 'application/merge-patch+json';
      await send(server.url, `${LEASES}/x`, { method: 'PATCH', body, contentType });
    }
    expect((await watch.next()).type).toBe('ADDED');
    for (let count = 0; count < writes; count += 1) expect((await watch.next()).type).toBe('MODIFIED');
    watch.close();
  });
});
