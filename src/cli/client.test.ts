import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type Fixture, fixture, serve } from '../api/test-fixture.ts';
import { TestContext } from './context.fixture.ts';
import type { Command } from './context.ts';
import { pause, resume, stepDown } from './hand-over.ts';
import { status } from './status.ts';

/** Runs a command against the local API of a sidecar. */
async function ask(f: Fixture, command: Command, ...argv: string[]) {
  await using server = await serve(f.api.local);
  const context = new TestContext({ LEASEGATE_API_LISTEN: `127.0.0.1:${server.port}` });
  const exitCode = await command(argv, context);
  return { exitCode, out: context.out, err: context.err };
}

describe('status', () => {
  test('of a leader says for how long, under which token, and who it is', async () => {
    const f = fixture();
    f.lead('4711');
    const { exitCode, out } = await ask(f, status);
    expect(exitCode).toBe(0);
    expect(out.split('\n')).toEqual([
      'replica    web-0_6f1c_a1',
      'leads      yes, for 10.0 s and with each renewal longer',
      'leader     web-0 (10.0.0.1:4042)',
      'token      4711',
      'candidate  yes, priority 10',
      'lease      shop/web',
      'term       3, since 2026-01-02T03:04:05.000000Z',
      '',
    ]);
  });

  test('of a standby says who leads, and why it would not', async () => {
    const f = fixture();
    f.follow();
    f.control.why = 'paused';
    const { out } = await ask(f, status);
    expect(out).toContain('leads      no\nleader     web-1 (10.0.0.2:4042)\ncandidate  no: paused, priority 10\n');
    expect(out).not.toContain('token');
  });

  test('says so when nobody is known to lead', async () => {
    expect((await ask(fixture(), status)).out).toContain('leader     none known\n');
  });

  test('as JSON is the answer of /leader, and the candidacy', async () => {
    const f = fixture();
    f.lead('4711');
    const { out } = await ask(f, status, '--output', 'json');
    expect(out).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(out)).toMatchObject({
      isLeader: true,
      fencingToken: '4711',
      candidacy: { candidate: true, why: null, priority: 10 },
    });
  });
});

describe('step-down', () => {
  test('returns when the Lease is free', async () => {
    const f = fixture();
    f.lead();
    expect(await ask(f, stepDown)).toEqual({ exitCode: 0, out: 'released: the Lease is free (12 ms)\n', err: '' });
    expect(f.control.calls).toEqual(['step-down immediate=false']);
  });

  test('does not wait for answers with --immediate, and names the next leader with --to', async () => {
    const f = fixture();
    f.lead();
    await ask(f, stepDown, '--immediate', '--to', 'web-1');
    expect(f.candidates.asked).toEqual(['web-1']);
    expect(f.control.calls).toEqual(['step-down immediate=true to=web-1_77aa_b2']);
  });

  test('where nothing is led is refused in the words of the API', async () => {
    const f = fixture();
    f.follow();
    f.control.outcome = { result: 'not-leading', tookMs: 0 };
    const { exitCode, out, err } = await ask(f, stepDown);
    expect([exitCode, out]).toEqual([1, '']);
    expect(err).toMatch(/^leasegate: NOT_LEADING .*web-1/);
  });

  test('that could not free the Lease is a failure', async () => {
    const f = fixture();
    f.control.outcome = { result: 'unreleased', tookMs: 9_000 };
    const { exitCode, out } = await ask(f, stepDown);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^unreleased: .*expires \(9000 ms\)\n$/);
  });

  test('as JSON is the answer of the API', async () => {
    const { out } = await ask(fixture(), stepDown, '--output=json');
    expect(JSON.parse(out)).toEqual({ result: 'released', tookMs: 12 });
  });

  test('is not waited for any more after a signal', async () => {
    const server = createServer(() => context.signal('SIGINT'));
    await using served = await serve((req, res) => void server.emit('request', req, res));
    const context = new TestContext();
    expect(await stepDown(['--api', `127.0.0.1:${served.port}`], context)).toBe(2);
    expect(context.err).toContain('INTERRUPTED');
  });
});

describe('pause and resume', () => {
  test('are told apart from a failure where it did not lead', async () => {
    const f = fixture();
    f.control.outcome = { result: 'not-leading', tookMs: 0 };
    expect(await ask(f, pause)).toMatchObject({ exitCode: 0, out: 'paused\nnot-leading: it did not lead (0 ms)\n' });
    expect(f.control.paused).toBe(true);
    expect(await ask(f, resume)).toMatchObject({ exitCode: 0, out: 'takes part in the election\n' });
    expect(f.control.paused).toBe(false);
  });

  test('take no other replica', async () => {
    const { exitCode, err } = await ask(fixture(), pause, '--to', 'web-1');
    expect(exitCode).toBe(2);
    expect(err).toMatch(/OPTION_UNKNOWN --to/);
  });
});

describe('of several elections', () => {
  const several = () => fixture(null, 'a', 'b');

  test('status tells of the first, and has a line for each', async () => {
    const f = several();
    f.follow();
    f.others[0]!.lead('7');
    f.others[1]!.control.paused = true;
    const { out } = await ask(f, status);
    expect(out).toContain('leads      no\nleader     web-1');
    expect(out).toMatch(
      /lease +shop\/web\n.*\nelection +web: led by web-1\nelection +a: leads\nelection +b: no leader known, paused\n$/,
    );
    const json = JSON.parse((await ask(f, status, '--output', 'json')).out);
    expect(json).toMatchObject({ isLeader: false, elections: [{ name: 'web' }, { name: 'a', fencingToken: '7' }, {}] });
  });

  test('--election names the one that is meant', async () => {
    const f = several();
    f.others[0]!.lead('7');
    expect((await ask(f, status, '--election', 'a')).out).toMatch(/^leads +yes(?:.|\n)*lease +shop\/a\nterm.*\n$/m);
    await ask(f, stepDown, '--election', 'a');
    await ask(f, pause, '--election=b');
    await ask(f, resume, '--election=b');
    expect(f.others.map(({ control }) => control.calls)).toEqual([
      ['step-down immediate=false'],
      ['pause immediate=false', 'resume'],
    ]);
    expect(f.control.calls).toEqual([]);
  });

  test('one that there is not is refused in the words of the API', async () => {
    const { exitCode, err } = await ask(several(), stepDown, '--election', 'x');
    expect([exitCode, err]).toEqual([1, expect.stringMatching(/^leasegate: UNKNOWN_ELECTION .*web, a, b/)]);
  });

  test('step-down gives up the first, pause and resume mean all', async () => {
    const f = several();
    f.lead();
    await ask(f, stepDown);
    expect(f.others.flatMap(({ control }) => control.calls)).toEqual([]);
    f.others[1]!.control.outcome = { result: 'unreleased', tookMs: 9 };
    const paused = await ask(f, pause);
    expect(paused.exitCode).toBe(1);
    expect(paused.out).toMatch(
      /^web: paused\nweb: released: .*\na: paused\na: released: .*\nb: paused\nb: unreleased: .*\n$/,
    );
    expect(f.others.every(({ control }) => control.paused)).toBe(true);
    const resumed = await ask(f, resume, '--output', 'json');
    expect(JSON.parse(resumed.out)).toEqual({
      elections: ['web', 'a', 'b'].map((name) => ({ name, paused: false })),
    });
  });
});

describe('whoever is asked', () => {
  test('and is not there, is named', async () => {
    const { port } = await serve(() => {}).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    const context = new TestContext();
    expect(await status(['--api', `http://127.0.0.1:${port}/`], context)).toBe(2);
    expect(context.err).toMatch(
      new RegExp(`^leasegate: API_UNREACHABLE http://127.0.0.1:${port}/leader: nothing listens there; .*--api`),
    );
  });

  test.each([
    ['text', (res: { end(text: string): void }) => res.end('<html>')],
    ['other JSON', (res: { end(text: string): void }) => res.end('{"hello":1}')],
    ['more than an answer has', (res: { end(text: string): void }) => res.end(`{"x":"${'x'.repeat(100_000)}"}`)],
  ])('and answers %s, is not Leasegate', async (_, answer) => {
    await using server = await serve((_, res) => answer(res));
    const context = new TestContext();
    expect(await status(['--api', `127.0.0.1:${server.port}`], context)).toBe(2);
    expect(context.err).toMatch(/^leasegate: API_UNEXPECTED /);
  });

  test('is the sidecar of this container, as its own variable says', async () => {
    const context = new TestContext({ LEASEGATE_API_LISTEN: '0.0.0.0:4040' });
    expect(await status([], context)).toBe(2);
    expect(context.err).toMatch(/OPTION_INVALID LEASEGATE_API_LISTEN "0.0.0.0:4040": is not a loopback address/);
  });
});
