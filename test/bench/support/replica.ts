import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, BenchCluster } from './bench-cluster.ts';
import type { Program } from './program.ts';

const startTimeoutMs = 30_000;

/** What a replica is started with. */
export interface ReplicaSetup {
  /** Variables beside what every replica is given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cluster: BenchCluster;
  readonly lease: string;
  /** Name of the replica, unique per start. */
  readonly name: string;
  readonly account: Account;
  /** Put before the command, e.g. `['taskset', '-c', '0']`. */
  readonly prefix?: readonly string[];
}

/** A running process that takes part in an election: of Leasegate, or the client-go program it is compared with. */
export interface Replica {
  readonly name: string;
  /** Audit-log name. */
  readonly user: string;
  readonly process: Program;
  /** Resolves to the milliseconds from spawn until it answered its first HTTP request. */
  untilListening(): Promise<number>;
  /** Resolves when it has seen who leads, or leads. */
  untilSettled(): Promise<void>;
  isLeader(): Promise<boolean>;
  /** Calls back with the monotonic time of each start of its leading. */
  follow(onLeading: (atMs: number) => void): Promise<void>;
}

/** The status and body of one GET, or null while nobody listens. Each has a connection of its own. */
export function ask(port: number, path: string): Promise<{ status: number; body: string } | null> {
  const { promise, resolve } = Promise.withResolvers<{ status: number; body: string } | null>();
  const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    response.on('error', () => resolve(null));
  });
  request.on('error', () => resolve(null));
  return promise;
}

/** Asks until the condition holds. */
export async function until(what: string, condition: () => Promise<boolean>, everyMs: number): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${startTimeoutMs} ms`);
    await sleep(everyMs);
  }
}
