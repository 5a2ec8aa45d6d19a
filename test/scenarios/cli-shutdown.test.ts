import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openGroup, startApplication, TEST_MS_MAX } from './cli-group.ts';

let group: Awaited<ReturnType<typeof openGroup>>;
beforeAll(async () => {
  group = await openGroup();
}, TEST_MS_MAX);
afterAll(() => group.close());
beforeEach(() => group.freeLease());

test(
  'told to end with its application, the leader holds the Lease until the application’s port is closed',
  async () => {
    const app = await startApplication();
    await using leader = group.startReplica('web-0', '--shutdown-wait-for', app.url);
    await leader.printed(/"LEADING"/);
    await using standby = group.startReplica('web-1');
    await standby.printed(/"LEADER_CHANGED"/);
    leader.signal('SIGTERM');
    await leader.printed(/"STOP_PUT_OFF"/);
    await app.connected();
    await app.connected();
    expect(await group.holder()).toMatch(/^web-0_/);
    expect(leader.out).not.toContain('"STOPPING"');
    await app.close();
    expect(await leader.exited).toEqual({ code: 0, signal: null });
    expect(leader.out).toMatch(/"code":"STOPPING","signal":"SIGTERM","after":"port-closed"/);
    expect(leader.out).toContain('"RELEASED"');
    await standby.printed(/"LEADING"/);
  },
  TEST_MS_MAX,
);

test(
  'a second signal, a second or more later, ends the wait and not the process; one right after the first does not count',
  async () => {
    const app = await startApplication();
    await using leader = group.startReplica('web-0', '--shutdown-wait-for', app.url);
    await leader.printed(/"LEADING"/);
    const firstMs = performance.now();
    const again = setInterval(() => leader.signal('SIGTERM'), 50);
    await leader.printed(/"STOPPING"/);
    clearInterval(again);
    expect(performance.now() - firstMs).toBeGreaterThan(900);
    expect(await leader.exited).toEqual({ code: 0, signal: null });
    expect(leader.out).toContain('"after":"signal"');
    expect(await group.holder()).toBe('');
    await app.close();
  },
  TEST_MS_MAX,
);

test(
  'a standby that is told to end does not begin to lead, although it waits',
  async () => {
    await using leader = group.startReplica('web-0');
    await leader.printed(/"LEADING"/);
    await using standby = group.startReplica('web-1', '--shutdown-delay', '3s');
    await standby.printed(/"LEADER_CHANGED"/);
    standby.signal('SIGTERM');
    await standby.printed(/"STOP_PUT_OFF"/);
    leader.signal('SIGTERM');
    await leader.exited;
    expect(await standby.exited).toEqual({ code: 0, signal: null });
    expect(standby.out).toContain('"after":"delay"');
    expect(standby.out).not.toContain('"LEADING"');
    expect(await group.holder()).toBe('');
  },
  TEST_MS_MAX,
);

test(
  'after the wait, a second signal ends the process at once',
  async () => {
    await using leader = group.startReplica('web-0', '--shutdown-delay', '100ms');
    await leader.printed(/"LEADING"/);
    const mend = group.cutOff();
    leader.signal('SIGTERM');
    await leader.printed(/"STOPPING"/);
    const again = setInterval(() => leader.signal('SIGTERM'), 50);
    expect(await leader.exited).toEqual({ code: 143, signal: null });
    clearInterval(again);
    expect(leader.out).not.toContain('"RELEASE');
    mend();
  },
  TEST_MS_MAX,
);
