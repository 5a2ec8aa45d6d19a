import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openGroup, startApplication, TEST_MS_MAX } from './cli-group.ts';

let group: Awaited<ReturnType<typeof openGroup>>;
beforeAll(async () => {
  group = await openGroup();
}, TEST_MS_MAX);
afterAll(() => group.close());
beforeEach(async () => {
  for (const name of NAMES) await group.freeLease(name);
});

const NAMES = ['one', 'two', 'three'];
const SEVERAL = ['--lease-name', NAMES.join(), '--retry-period', '200ms'];
const holders = () => Promise.all(NAMES.map((name) => group.holder(name)));
const all = (pattern: string) =>
  new RegExp(NAMES.map((name) => `(?=[^]*"lease":"${name}","code":"${pattern}")`).join(''));

interface Notice {
  readonly event: string;
  readonly lease: { readonly name: string };
}

/** A webhook's receiver: what it was told, by the Lease. */
async function startReceiver() {
  const told: Notice[] = [];
  const server = createServer(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    told.push(JSON.parse(text));
    res.end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { told, url: `http://127.0.0.1:${port}/`, [Symbol.dispose]: () => void server.close() };
}

test(
  'one replica leads all of its elections, names them in its log and its notices, and frees all on SIGTERM',
  async () => {
    using receiver = await startReceiver();
    await using replica = group.startReplica('web-0', ...SEVERAL, '--notify-url', receiver.url);
    await replica.printed(all('LEADING'));
    expect((await holders()).map((holder) => holder.split('_')[0])).toEqual(['web-0', 'web-0', 'web-0']);
    replica.signal('SIGTERM');
    expect(await replica.exited).toEqual({ code: 0, signal: null });
    expect(await holders()).toEqual(['', '', '']);
    expect(replica.out).toMatch(all('RELEASED'));
    for (const name of NAMES) {
      const kinds = receiver.told.filter(({ lease }) => lease.name === name).map(({ event }) => event);
      expect(kinds, name).toEqual(['started', 'stopped']);
    }
  },
  TEST_MS_MAX,
);

test(
  'an application that fails is no leader of any election',
  async () => {
    const application = await startApplication();
    const checked = ['--app-health-url', application.url, '--app-health-interval', '100ms'];
    await using replica = group.startReplica('web-0', ...SEVERAL, ...checked);
    await replica.printed(all('LEADING'));
    await application.close();
    await replica.printed(all('RELEASED'));
    expect(await holders()).toEqual(['', '', '']);
  },
  TEST_MS_MAX,
);

test(
  'commands give up one election or all',
  async () => {
    await using replica = group.startReplica('web-0', ...SEVERAL);
    const [, local = ''] = await replica.printed(/"local":"([^"]+)"/);
    await replica.printed(all('LEADING'));
    const ask = (...argv: string[]) => group.run(...argv, '--api', local);
    expect(await ask('pause', '--immediate', '--election', 'two')).toMatchObject({ code: 0 });
    expect((await holders()).map((holder) => holder !== '')).toEqual([true, false, true]);
    expect((await ask('status')).out).toMatch(/^election +two: no leader known, paused$/m);
    expect(await ask('pause', '--immediate')).toMatchObject({ code: 0 });
    expect(await holders()).toEqual(['', '', '']);
    const before = replica.out.length;
    expect(await ask('resume')).toMatchObject({ code: 0 });
    await replica.printed(new RegExp(`^[^]{${before}}${all('LEADING').source}`));
  },
  TEST_MS_MAX,
);

test('what can go wrong with several elections is refused by name', async () => {
  const twice = await group.run('run', '--lease-name', 'a,b,a', '--namespace', 'x');
  expect(twice).toMatchObject({ code: 2, err: expect.stringContaining('has a twice') });
  const alone = await group.run('run', '--lease-name', 'a,b', '--namespace', 'x', '--fair-share', 'true');
  expect(alone).toMatchObject({ code: 2, err: expect.stringContaining('LEASEGATE_MEMBERS=true') });
});
