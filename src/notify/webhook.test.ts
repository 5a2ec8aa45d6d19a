import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { selfSigned } from '../kube/certificate.fixture.ts';
import { systemClock } from '../ports/clock.ts';
import { answers, hangs, Receiver, takes } from './receiver.fixture.ts';
import { GivenReplica } from './replica.fixture.ts';
import { Webhook } from './webhook.ts';

let replica: GivenReplica;
let receiver: Receiver;
let webhook: Webhook;

beforeEach(async () => {
  replica = new GivenReplica();
  receiver = await Receiver.open();
  webhook = new Webhook({ url: receiver.url, tokenFile: null, ...replica.ports });
});

afterEach(async () => {
  await webhook.close();
  await receiver.stop();
});

const until = (claim: () => void) => vi.waitFor(claim, { timeout: 10_000, interval: 5 });
const untilReceived = (...events: string[]) => until(() => expect(receiver.events()).toEqual(events));
const untilCounted = (line: string) => until(() => expect(replica.counted).toContain(line));

describe('a receiver that is up', () => {
  test('is told of every change, in order, with the answer of that moment', async () => {
    replica.follow('b');
    await untilCounted('webhook leader-changed delivered');
    replica.lead();
    await untilCounted('webhook started delivered');
    await replica.lose('taken-over');
    await untilReceived('leader-changed', 'started', 'stopped');
    const [changed, started, stopped] = receiver.received;
    expect(changed!.body).toMatchObject({ reason: null, isLeader: false, validForMs: 0, leader: { pod: 'b' } });
    expect(started!.body).toMatchObject({ isLeader: true, fencingToken: '101', leader: { pod: 'a' } });
    expect(started!.body.validForMs).toBeGreaterThan(5_000);
    expect(stopped!.body).toMatchObject({ reason: 'taken-over', isLeader: false, validForMs: 0, fencingToken: null });
    expect(stopped!.body.lease).toEqual({ namespace: 'default', name: 'app', uid: 'uid' });
    expect(Math.abs(Date.parse(stopped!.body.time) - Date.now())).toBeLessThan(60_000);
    expect(stopped!.headers).toMatchObject({ 'content-type': 'application/json', 'leasegate-event': 'stopped' });
    expect(replica.log).toEqual([]);
  });

  test('is promised what is left at the sending, and that promise is kept like an answer', async () => {
    receiver.treat = answers(500);
    replica.lead(10_000);
    await until(() => expect(receiver.received).toHaveLength(1));
    replica.skip(4_000);
    await until(() => expect(receiver.received.length).toBeGreaterThan(1));
    expect(receiver.received[1]!.body.validForMs).toBeLessThanOrEqual(6_000);
    expect(replica.leadership.trustedUntilMonoMs()).toBeGreaterThan(replica.ports.clock.now().monoMs);
  });

  test('is not told of a start whose term is over before it could be sent', async () => {
    receiver.treat = answers(500);
    replica.lead(1_000);
    await until(() => expect(receiver.received).toHaveLength(1));
    replica.skip(1_000);
    await untilCounted('webhook started superseded');
    receiver.treat = takes;
    void replica.lose();
    await untilCounted('webhook stopped delivered');
    expect(receiver.events()).toEqual(['started', 'stopped']);
  });
});

test('a receiver is found by its name, of whichever family its address is', async () => {
  await webhook.close();
  const url = new URL(receiver.url);
  url.hostname = 'localhost';
  webhook = new Webhook({ url, tokenFile: null, ...replica.ports });
  replica.follow('b');
  await untilCounted('webhook leader-changed delivered');
});

test('a receiver that nobody vouches for is not told: https asks for a certificate', async () => {
  await webhook.close();
  const impostor = createServer(selfSigned(), () => expect.unreachable()).listen(0, '127.0.0.1');
  await once(impostor, 'listening');
  const url = new URL(`https://127.0.0.1:${(impostor.address() as AddressInfo).port}/`);
  webhook = new Webhook({ url, tokenFile: null, ...replica.ports });
  replica.follow('b');
  await untilCounted('webhook leader-changed unreachable');
  await webhook.close();
  impostor.close();
});

describe('a loss', () => {
  test('ends a try that hangs, and arrives within a second', async () => {
    receiver.treat = hangs;
    replica.lead();
    await untilReceived('started');
    receiver.treat = takes;
    const lostMs = systemClock.now().monoMs;
    await replica.lose();
    await untilReceived('started', 'stopped');
    expect(receiver.received[1]!.atMs - lostMs).toBeLessThan(1_000);
    expect(replica.counted).toEqual(['webhook started superseded', 'webhook stopped delivered']);
  });

  test('drops what waits: the receiver never hears of what is older', async () => {
    await receiver.stop();
    replica.follow('b');
    await untilCounted('webhook leader-changed unreachable');
    replica.lead();
    void replica.lose();
    await receiver.start();
    await untilReceived('stopped');
    replica.follow('c');
    await untilReceived('stopped', 'leader-changed');
  });

  test('arrives within a second of the receiver being up again', async () => {
    replica.lead();
    await untilCounted('webhook started delivered');
    await receiver.stop();
    await replica.lose();
    // The pauses between tries have grown to their longest.
    await until(() => expect(replica.counted.filter((line) => line === 'webhook stopped unreachable')).toHaveLength(6));
    const upMs = await receiver.start();
    await untilReceived('started', 'stopped');
    expect(receiver.received[1]!.atMs - upMs).toBeLessThan(1_000);
  });

  test('is repeated before newer changes are told, as long as nobody leads here', async () => {
    receiver.treat = answers(500);
    replica.lead();
    void replica.lose();
    replica.follow('b');
    await until(() => expect(receiver.events().filter((event) => event === 'stopped').length).toBeGreaterThan(2));
    expect(receiver.events()).not.toContain('leader-changed');
    receiver.treat = takes;
    await untilCounted('webhook leader-changed delivered');
    expect(receiver.events().at(-2)).toBe('stopped');
    expect(new Set(receiver.received.slice(0, -1).map(({ headers }) => headers['leasegate-delivery'])).size).toBe(1);
  });

  test('is not repeated once this replica leads again', async () => {
    receiver.treat = answers(500);
    replica.lead();
    await replica.lose();
    // The next try is 400 ms away.
    await until(() => expect(replica.counted.filter((line) => line === 'webhook stopped rejected')).toHaveLength(3));
    receiver.treat = takes;
    replica.lead();
    await untilCounted('webhook started delivered');
    expect(receiver.events().filter((event) => event === 'stopped')).toHaveLength(3);
    expect(receiver.events().at(-1)).toBe('started');
    expect(receiver.received.at(-1)!.body.fencingToken).toBe('102');
  });

  test('holds a hand-over up for one try, and no longer', async () => {
    replica.lead();
    await untilCounted('webhook started delivered');
    receiver.treat = hangs;
    await replica.handOver();
    expect(replica.counted.slice(1)).toEqual(['webhook stopped timeout']);
  });

  test('has had its try when the end comes before', async () => {
    replica.lead();
    await untilCounted('webhook started delivered');
    receiver.treat = answers(500);
    void replica.lose('failed');
    await webhook.close();
    expect(receiver.events()).toEqual(['started', 'stopped']);
    expect(replica.counted.slice(1)).toEqual(['webhook stopped rejected', 'webhook stopped superseded']);
  });
});

describe('a receiver that fails', () => {
  test('is tried again, and gets the same notification once', async () => {
    receiver.treat = answers(500);
    replica.follow('b');
    await until(() => expect(receiver.received).toHaveLength(3));
    receiver.treat = takes;
    await untilCounted('webhook leader-changed delivered');
    expect(new Set(receiver.received.map(({ headers }) => headers['leasegate-delivery'])).size).toBe(1);
  });

  test('is given up for one try after a second', async () => {
    receiver.treat = hangs;
    replica.follow('b');
    await untilCounted('webhook leader-changed timeout');
    receiver.treat = takes;
    await untilCounted('webhook leader-changed delivered');
  });

  test('is told of nothing but the newest of a thousand changes', async () => {
    await receiver.stop();
    const stops: Promise<void>[] = [];
    for (let i = 0; i < 500; i++) {
      replica.follow(i % 2 ? 'b' : 'c');
      replica.lead();
      stops.push(replica.lose());
    }
    replica.follow('last');
    await receiver.start();
    await untilReceived('stopped', 'leader-changed');
    expect(receiver.received[1]!.body.leader.pod).toBe('last');
    await Promise.all(stops);
    // Each is accounted for, once.
    await untilCounted('webhook leader-changed delivered');
    const ends = replica.counted.filter((line) => /delivered|superseded/.test(line));
    const endsOf = (event: string) => ends.filter((line) => line.includes(` ${event} `)).length;
    expect(['started', 'stopped', 'leader-changed'].map(endsOf)).toEqual([500, 500, 501]);
  });

  test('is given up for one change after two minutes, and told of the next', async () => {
    receiver.treat = answers(500);
    replica.follow('b');
    await until(() => expect(receiver.received).toHaveLength(1));
    replica.skip(120_000);
    await untilCounted('webhook leader-changed given-up');
    expect(replica.codes()).toEqual(['WEBHOOK_FAILING', 'WEBHOOK_GIVEN_UP']);
    receiver.treat = takes;
    replica.follow('c');
    await untilCounted('webhook leader-changed delivered');
    expect(receiver.received.at(-1)!.body.leader.pod).toBe('c');
  });

  test('leaves one line when it begins to fail, one per other way to, and one when it works', async () => {
    receiver.treat = answers(500);
    replica.follow('b');
    await until(() => expect(receiver.received).toHaveLength(3));
    receiver.treat = answers(404);
    await until(() => expect(replica.log).toHaveLength(2));
    receiver.treat = takes;
    await until(() => expect(replica.log).toHaveLength(3));
    expect(replica.log).toMatchObject([
      { level: 'warn', code: 'WEBHOOK_FAILING', receiver: receiver.url.origin },
      { level: 'warn', code: 'WEBHOOK_FAILING' },
      { level: 'info', code: 'WEBHOOK_RECOVERED', was: 'status 404' },
    ]);
    expect(JSON.stringify(replica.log)).not.toContain('of=a');
  });

  test('by a redirect is not followed', async () => {
    const other = await Receiver.open();
    receiver.treat = answers(307, { Location: other.url.href });
    replica.follow('b');
    await untilCounted('webhook leader-changed rejected');
    await until(() => expect(receiver.received.length).toBeGreaterThan(1));
    expect(other.received).toEqual([]);
    await other.stop();
  });

  test('by an answer without end has taken it; no more than a bound is read', async () => {
    const ended = Promise.withResolvers<void>();
    let chunks = 0;
    receiver.treat = (res) => {
      res.on('close', ended.resolve);
      const write = () => {
        do chunks += 1;
        while (!res.destroyed && res.write('x'.repeat(65_536)));
      };
      res.on('drain', write);
      write();
    };
    replica.follow('b');
    await untilCounted('webhook leader-changed delivered');
    await ended.promise;
    // 64 KiB each: what the sockets hold, and not what can be read in a second.
    expect(chunks).toBeLessThan(512);
  });
});

test('a token is read anew at each try; without one nothing is sent', async () => {
  await webhook.close();
  const directory = mkdtempSync(join(tmpdir(), 'webhook-'));
  const tokenFile = join(directory, 'token');
  webhook = new Webhook({ url: receiver.url, tokenFile, ...replica.ports });
  replica.follow('b');
  await untilCounted('webhook leader-changed failed');
  writeFileSync(tokenFile, 'first\n');
  await untilReceived('leader-changed');
  writeFileSync(tokenFile, 'second\n');
  replica.follow('c');
  await untilReceived('leader-changed', 'leader-changed');
  expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  expect(replica.codes()).toEqual(['WEBHOOK_FAILING', 'WEBHOOK_RECOVERED']);
  expect(replica.log[0]!.remedy).toContain('LEASEGATE_NOTIFY_TOKEN_FILE');
  rmSync(directory, { recursive: true });
});
