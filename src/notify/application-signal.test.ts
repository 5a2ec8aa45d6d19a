import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationSignal, type ApplicationSignalOptions } from './application-signal.ts';
import { kernelProcessTable, type ProcessTable } from './process-table.ts';
import { GivenReplica } from './replica.fixture.ts';

/** Of this test run alone: every process of that name is ended. */
const NAME = `app-${process.pid}`;

let replica: GivenReplica;
let directory: string;
let signals: ApplicationSignal;
let children: ChildProcess[];

beforeEach(() => {
  replica = new GivenReplica();
  directory = mkdtempSync(join(tmpdir(), 'signal-'));
  children = [];
});
afterEach(async () => {
  await signals.close();
  for (const child of children) child.kill('SIGKILL');
  // The next test's processes have the same name.
  await Promise.all(children.map(endOf));
  rmSync(directory, { recursive: true });
});

const open = (options: Partial<ApplicationSignalOptions> = {}) => {
  const kill = (pid: number, signal: string) => void process.kill(pid, signal);
  signals = new ApplicationSignal({
    processName: NAME,
    graceMs: 5_000,
    lossMsMax: 5_000,
    signaller: { ownPid: process.pid, kill },
    ...replica.ports,
    ...options,
  });
};

/** A real process of that name, which says when it is ready. */
async function start(name = NAME, { stubborn = false } = {}): Promise<ChildProcess> {
  const script = join(directory, name);
  writeFileSync(script, `#!/bin/sh\n${stubborn ? "trap '' TERM\n" : ''}echo ready\nread forever\n`);
  chmodSync(script, 0o755);
  const child = spawn(script, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(createInterface({ input: child.stdout! }), 'line');
  return child;
}
const endOf = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode;
};
const lives = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

test.each(['lose', 'handOver'] as const)(
  'the application is ended by SIGTERM when its term is over: %s',
  async (end) => {
    open();
    const [one, two] = [await start(), await start()];
    replica.lead();
    await replica[end]();
    expect([await endOf(one), await endOf(two)]).toEqual(['SIGTERM', 'SIGTERM']);
    expect(replica.log).toMatchObject([{ level: 'info', code: 'APPLICATION_TERMINATED' }]);
    expect(replica.log[0]!.pids).toEqual([one.pid, two.pid].sort((a, b) => a! - b!));
    expect(replica.counted).toEqual(['signal stopped delivered']);
  },
);

test('one that does not end is killed after the grace', async () => {
  open({ graceMs: 100 });
  const child = await start(NAME, { stubborn: true });
  replica.lead();
  const lostMs = performance.now();
  await replica.lose();
  expect(performance.now() - lostMs).toBeGreaterThanOrEqual(100);
  expect(await endOf(child)).toBe('SIGKILL');
  expect(replica.codes()).toEqual(['APPLICATION_TERMINATED', 'APPLICATION_KILLED']);
  expect(replica.counted).toEqual(['signal stopped killed']);
});

test('the grace is no longer than four fifths of what a loss leaves', async () => {
  open({ graceMs: 60_000 });
  const child = await start(NAME, { stubborn: true });
  replica.lead();
  await replica.lose('expired', 500);
  expect(await endOf(child)).toBe('SIGKILL');
  const { afterMs } = replica.log.find(({ code }) => code === 'APPLICATION_KILLED')!;
  expect(afterMs).toBeGreaterThanOrEqual(400);
});

test('an application that has not ended before this process is to end is ended first', async () => {
  open();
  const child = await start();
  replica.lead();
  await replica.handOver('shutdown');
  expect(await endOf(child)).toBe('SIGTERM');
});

test('that it has is no news: a native sidecar is told to end after it', async () => {
  open();
  const child = await start();
  replica.lead();
  child.kill();
  await endOf(child);
  await replica.handOver('shutdown');
  expect([replica.log, replica.counted]).toEqual([[], []]);
});

test('only the very name is meant, also where the kernel has cut it', async () => {
  const name = `application-with-a-long-name-${process.pid}`;
  open({ processName: name });
  const meant = await start(name);
  const others = [await start(`${name}-2`), await start(name.slice(0, 15)), await start(`x${name}`)];
  replica.lead();
  await replica.lose();
  expect(await endOf(meant)).toBe('SIGTERM');
  expect(replica.log).toMatchObject([{ code: 'APPLICATION_TERMINATED', pids: [meant.pid] }]);
  expect(others.map(lives)).toEqual([true, true, true]);
});

test('a program that goes by another name than its file is meant by that name', async () => {
  open();
  const [meant, other] = [NAME, `x${NAME}`].map((argv0) => spawn('sleep', ['600'], { argv0: `/opt/${argv0}` }));
  children.push(meant!, other!);
  await Promise.all(children.map((child) => once(child, 'spawn')));
  replica.lead();
  await replica.lose();
  expect(await endOf(meant!)).toBe('SIGTERM');
  expect(replica.log).toMatchObject([{ code: 'APPLICATION_TERMINATED', pids: [meant!.pid] }]);
});

test('this process is never meant', async () => {
  const child = await start();
  open({ signaller: { ownPid: child.pid!, kill: (pid, signal) => void process.kill(pid, signal) } });
  replica.lead();
  await replica.lose();
  expect(lives(child)).toBe(true);
  expect(replica.codes()).toEqual(['SIGNAL_NO_PROCESS', 'SIGNAL_NO_PROCESS']);
});

test('that nobody has the name is told when a term begins, not before: the application starts later', async () => {
  open();
  expect(replica.log).toEqual([]);
  replica.lead();
  expect(replica.log).toMatchObject([{ level: 'warn', code: 'SIGNAL_NO_PROCESS', process: NAME }]);
  expect(replica.log[0]!.remedy).toContain('shareProcessNamespace');
  await replica.lose();
  expect(replica.counted).toEqual(['signal stopped no-process']);
});

test('a process namespace of its own is told of at once', () => {
  open({ signaller: { ownPid: 1, kill: () => {} } });
  expect(replica.log).toMatchObject([{ level: 'warn', code: 'SIGNAL_NAMESPACE_OWN' }]);
  expect(replica.log[0]!.remedy).toContain('shareProcessNamespace');
});

test('an application that may not be signalled is an error with its remedy', async () => {
  const refuse = () => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  };
  open({ signaller: { ownPid: process.pid, kill: refuse } });
  const child = await start();
  replica.lead();
  await replica.lose();
  expect(lives(child)).toBe(true);
  expect(replica.log).toMatchObject([{ level: 'error', code: 'SIGNAL_FAILED', pid: child.pid, signal: 'SIGTERM' }]);
  expect(replica.log[0]!.remedy).toContain('runAsUser');
  expect(replica.counted).toEqual(['signal stopped failed']);
});

test('an election that has failed ends the application as well', async () => {
  open();
  const child = await start();
  replica.lead();
  replica.leadership.publish({ tenure: null, leaseUid: null, holder: null, term: null }, 'failed');
  expect(await endOf(child)).toBe('SIGTERM');
});

test('a term that is lost while it is handed over leaves the application no longer than a loss does', async () => {
  open({ graceMs: 60_000, lossMsMax: 200 });
  const child = await start(NAME, { stubborn: true });
  replica.lead();
  const over = replica.handOver('step-down', 60_000);
  replica.skip(60_001);
  await over;
  expect(await endOf(child)).toBe('SIGKILL');
});

test('a table of processes that can’t be read is no sign that the application has ended', async () => {
  let readable = false;
  const fail = () => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  };
  const processes: ProcessTable = {
    named: (name) => (readable ? kernelProcessTable.named(name) : fail()),
    lives: kernelProcessTable.lives,
  };
  open({ processes });
  const child = await start();
  replica.lead();
  const over = replica.lose();
  expect(lives(child)).toBe(true);
  readable = true;
  await over;
  expect(await endOf(child)).toBe('SIGTERM');
  expect(replica.counted).toEqual(['signal stopped delivered']);
});

test('where it never can be read, that is told', async () => {
  const processes: ProcessTable = {
    named: () => {
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    },
    lives: () => true,
  };
  open({ processes, graceMs: 50 });
  replica.lead();
  await replica.lose();
  expect(replica.codes()).toEqual(['SIGNAL_FAILED']);
  expect(replica.counted).toEqual(['signal stopped failed']);
});
