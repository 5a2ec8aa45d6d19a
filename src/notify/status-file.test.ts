import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GivenReplica } from './replica.fixture.ts';
import { StatusFile } from './status-file.ts';

let replica: GivenReplica;
let directory: string;
let path: string;
let file: StatusFile;

const open = () => {
  file = new StatusFile({ path, ...replica.ports });
};
beforeEach(() => {
  replica = new GivenReplica();
  directory = mkdtempSync(join(tmpdir(), 'status-file-'));
  path = join(directory, 'leader');
});
afterEach(async () => {
  await file.close();
  rmSync(directory, { recursive: true, force: true });
});

const until = (claim: () => void) => vi.waitFor(claim, { timeout: 10_000, interval: 2 });
const untilWritten = () => until(() => expect(existsSync(path)).toBe(true));
const read = () => JSON.parse(readFileSync(path, 'utf8'));

describe('the file', () => {
  test('is there while this replica leads: the answer of /leader, and until when it holds', async () => {
    open();
    replica.follow('b');
    expect(readdirSync(directory)).toEqual([]);
    const beforeMs = Date.now();
    replica.lead(10_000);
    await untilWritten();
    const { time, expiresAt, validForMs, ...answer } = read();
    expect(answer).toMatchObject({ isLeader: true, fencingToken: '101', leader: { pod: 'a' } });
    expect(Date.parse(expiresAt) - Date.parse(time)).toBe(validForMs);
    expect(Date.parse(expiresAt)).toBeGreaterThanOrEqual(beforeMs + 5_000);
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 10_000);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readdirSync(directory)).toEqual(['leader']);
  });

  test('moves its expiry with each renewal', async () => {
    open();
    replica.lead(10_000);
    await untilWritten();
    const { expiresAt } = read();
    replica.renew(20_000);
    await until(() => expect(read().expiresAt > expiresAt).toBe(true));
    expect(read().fencingToken).toBe('101');
    await until(() =>
      expect(replica.counted).toEqual(['status-file started delivered', 'status-file renewed delivered']),
    );
  });

  test('is gone before anybody else is told of a loss', async () => {
    open();
    const seen: boolean[] = [];
    replica.lead();
    await untilWritten();
    replica.leadership.subscribe(() => seen.push(existsSync(path)));
    void replica.lose();
    expect(seen).toEqual([false]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is gone as soon as a hand-over begins', async () => {
    open();
    replica.lead();
    await untilWritten();
    void replica.handOver();
    expect(existsSync(path)).toBe(false);
  });

  test.each(['lose', 'close'] as const)('does not come back by a write that was under way: %s', async (end) => {
    open();
    for (let i = 0; i < 20; i++) {
      replica.lead();
      replica.renew();
      if (end === 'lose') void replica.lose();
    }
    await file.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('of a dead predecessor is removed at the start, its temporary one as well', () => {
    writeFileSync(path, '{"isLeader":true}');
    writeFileSync(join(directory, '.leader.tmp'), '{');
    open();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is removed at the end', async () => {
    open();
    replica.lead();
    await untilWritten();
    await file.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is an answer given: a hand-over waits until nobody trusts it', async () => {
    open();
    replica.lead(10_000);
    await untilWritten();
    const leftMs = replica.leadership.trustedUntilMonoMs() - replica.ports.clock.now().monoMs;
    expect(leftMs).toBeGreaterThan(5_000);
  });

  test('is never written through a link that somebody put in its way', async () => {
    open();
    const elsewhere = join(directory, 'elsewhere');
    writeFileSync(elsewhere, 'mine');
    symlinkSync(elsewhere, join(directory, '.leader.tmp'));
    symlinkSync(elsewhere, path);
    replica.lead();
    await until(() => expect(statSync(path).ino).not.toBe(statSync(elsewhere).ino));
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
  });
});

describe('a place that can’t be written', () => {
  test('is told of once, with the remedy; it works as soon as it can', async () => {
    path = join(directory, 'missing', 'leader');
    open();
    expect(replica.log).toMatchObject([{ level: 'warn', code: 'STATUS_FILE_FAILING', path }]);
    expect(replica.log[0]!.remedy).toContain('emptyDir');
    replica.lead();
    await until(() => expect(replica.counted).toHaveLength(1));
    replica.renew();
    await until(() => expect(replica.counted).toEqual(['status-file started failed', 'status-file renewed failed']));
    expect(replica.log).toHaveLength(1);
    mkdirSync(join(directory, 'missing'));
    replica.renew();
    await untilWritten();
    await until(() => expect(replica.codes()).toEqual(['STATUS_FILE_FAILING', 'STATUS_FILE_RECOVERED']));
  });

  test('leaves no temporary file', async () => {
    mkdirSync(path);
    open();
    replica.lead();
    await until(() => expect(replica.counted).toEqual(['status-file started failed']));
    expect(readdirSync(directory)).toEqual(['leader']);
    await replica.lose();
    expect(replica.counted.at(-1)).toBe('status-file stopped failed');
    expect(replica.leadership.isLeader()).toBe(false);
  });
});

describe('the documented reader', () => {
  const page = readFileSync(new URL('../../docs/notifications.md', import.meta.url), 'utf8');
  const [definition] = /^leads\(\) \{\n[\s\S]*?\n\}/m.exec(page)!;
  const leads = () => spawnSync('sh', ['-c', `${definition}\nleads "$1"`, 'sh', path]).status === 0;

  test('works while the file is fresh, and at no other time', async () => {
    open();
    expect(leads()).toBe(false);
    replica.lead(600_000);
    await untilWritten();
    expect(leads()).toBe(true);
    const text = readFileSync(path, 'utf8');
    const { expiresAt } = read();
    const expired = execFileSync('date', ['-u', '+%Y-%m-%dT%H:%M:%S.999Z'], { encoding: 'utf8' }).trim();
    writeFileSync(path, text.replace(expiresAt, expired));
    expect(leads()).toBe(false);
    writeFileSync(path, text.slice(0, 40));
    expect(leads()).toBe(false);
    await replica.lose();
    expect(leads()).toBe(false);
  });
});
