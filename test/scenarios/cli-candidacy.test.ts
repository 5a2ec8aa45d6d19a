import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openGroup, startApplication, TEST_MS_MAX } from './cli-group.ts';

let group: Awaited<ReturnType<typeof openGroup>>;
beforeAll(async () => {
  group = await openGroup();
}, TEST_MS_MAX);
afterAll(() => group.close());
beforeEach(() => group.freeLease());

const CHECKED = ['--app-health-interval', '100ms', '--app-health-failures', '3'];

test(
  'a replica leads with its application, and the next one leads when that is gone',
  async () => {
    const gone = await startApplication();
    await gone.close();
    await using first = group.startReplica('web-0', ...CHECKED, '--app-health-url', gone.url);
    await first.printed(/"APP_UNHEALTHY","why":"refused"/);
    expect(first.out).not.toContain('"LEADING"');

    const application = await startApplication(gone.port);
    await first.printed(/"LEADING"/);
    await using second = group.startReplica('web-1');
    await second.printed(/"LEADER_CHANGED"/);
    await application.close();
    await second.printed(/"LEADING"/);
    expect(first.out).toMatch(/"NOT_LEADING","reason":"unhealthy"/);
    expect(await group.holder()).toMatch(/^web-1_/);
  },
  TEST_MS_MAX,
);

test(
  'status, step-down, pause and resume do so from another process',
  async () => {
    await using replica = group.startReplica('web-0', '--retry-period', '200ms');
    const [, local = ''] = await replica.printed(/"local":"([^"]+)"/);
    await replica.printed(/"LEADING"/);
    const ask = (...argv: string[]) => group.run(...argv, '--api', local);

    expect(await ask('status')).toMatchObject({ code: 0, out: expect.stringMatching(/^leads +yes/m), err: '' });
    expect(await ask('pause', '--immediate')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^paused\nreleased/),
    });
    expect(await group.holder()).toBe('');
    expect((await ask('status')).out).toMatch(/^candidate +no: paused/m);
    expect(await ask('step-down')).toMatchObject({ code: 1, err: expect.stringContaining('NOT_LEADING') });
    const before = replica.out.length;
    expect(await ask('resume')).toMatchObject({ code: 0 });
    await replica.printed(new RegExp(`^[^]{${before}}[^]*"LEADING"`));
    replica.signal('SIGTERM');
    await replica.exited;
    expect(await ask('status')).toMatchObject({ code: 2, err: expect.stringContaining('API_UNREACHABLE') });
  },
  TEST_MS_MAX,
);
