import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundleCli, CliProcess, isAlive, processGone } from './cli-process.ts';

const TEST_MS_MAX = 30_000;

let cli: Awaited<ReturnType<typeof bundleCli>>;
let directory: string;

beforeAll(async () => {
  cli = await bundleCli();
}, 30_000);
afterAll(() => cli[Symbol.dispose]());

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const startDemo = (...args: readonly string[]) => new CliProcess(cli.script, ['demo', ...args], { TMPDIR: directory });

test(
  'the script fails over gracefully and after a crash, prints a JSON line for each, and leaves nothing behind',
  async () => {
    await using demo = startDemo('--script', 'failover');
    const exit = await demo.exited;
    expect(demo.err).toBe('');
    expect(exit.code).toBe(0);
    const lines = demo.out.trim().split('\n');
    const [graceful, crash] = lines.map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2);
    expect(graceful).toMatchObject({ scenario: 'graceful', fencingToken: expect.stringMatching(/^\d+$/) });
    expect(crash).toMatchObject({ scenario: 'crash', from: graceful.to, fencingToken: expect.stringMatching(/^\d+$/) });
    expect(new Set([graceful.from, graceful.to]).size).toBe(2);
    expect(new Set([crash.from, crash.to]).size).toBe(2);
    // A released Lease is taken at once. A dead leader's is not taken before it has expired, and soon after.
    expect(graceful.tookMs).toBeLessThan(3_000);
    expect(crash.lateAfterExpiryMs).toBeGreaterThanOrEqual(0);
    expect(crash.lateAfterExpiryMs).toBeLessThan(3_000);
    expect(BigInt(crash.fencingToken)).toBeGreaterThan(BigInt(graceful.fencingToken));
    expect(readdirSync(directory)).toEqual([]);
  },
  TEST_MS_MAX,
);

describe('without a terminal', () => {
  async function startedReplicas(demo: CliProcess): Promise<number[]> {
    const [line] = await demo.printed(/^(?:demo-\d is process \d+(?:, )?){3}/m);
    return [...line.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
  }

  test(
    'there is one line per change, also for what others do to a replica; SIGTERM ends all, stopped ones too',
    async () => {
      await using demo = startDemo();
      const pids = await startedReplicas(demo);
      const [, first = ''] = await demo.printed(/^\d\d:\d\d:\d\d demo-(\d) leads, fencing token \d+$/m);
      const [leader = 0, other = 0] = [pids[Number(first) - 1], pids.at(Number(first) - 2)];
      process.kill(other, 'SIGSTOP');
      process.kill(leader, 'SIGTERM');
      await demo.printed(new RegExp(`demo-${first} stopped leading: it ends`));
      await demo.printed(/demo-\d leads, fencing token \d+$[\s\S]*demo-\d leads/m);

      demo.signal('SIGTERM');
      expect(await demo.exited).toEqual({ code: 0, signal: null });
      expect(pids.filter(isAlive)).toEqual([]);
      expect(readdirSync(directory)).toEqual([]);
    },
    TEST_MS_MAX,
  );

  test(
    'replicas end with the demo even when that is killed',
    async () => {
      await using demo = startDemo();
      const pids = await startedReplicas(demo);
      await demo.printed(/ leads, /);
      demo.signal('SIGKILL');
      await demo.exited;
      for (const pid of pids) await processGone(pid);
      expect(pids.filter(isAlive)).toEqual([]);
    },
    TEST_MS_MAX,
  );
});
