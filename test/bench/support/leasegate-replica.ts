import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../../cluster/support/free-ports.ts';
import { namespace } from './bench-cluster.ts';
import { monotonicMs } from './clocks.ts';
import { Program } from './program.ts';
import { ask, type Replica, type ReplicaSetup, until } from './replica.ts';

const root = resolve(import.meta.dirname, '../../..');
const bundle = join(root, 'dist/leasegate.js');

/**
 * The program under test: what BENCH_PROGRAM names, or else the bundle; without one, its sources, whose memory and start
 * time say little.
 */
const leasegateProgram = process.env.BENCH_PROGRAM ?? (existsSync(bundle) ? bundle : join(root, 'src/cli/main.ts'));

/** For print and JSON. */
export const leasegateProgramName = relative(root, leasegateProgram);

/** Program and arguments that run it, up to the subcommand. */
export const leasegateCommand: readonly string[] = [process.execPath, leasegateProgram];

/** Starts `leasegate run` with the defaults. */
export async function startLeasegate(setup: ReplicaSetup): Promise<LeasegateReplica> {
  const [apiPort = 0, probePort = 0] = await freePorts(2);
  const { cluster, lease, name, account, prefix = [] } = setup;
  const flags = [`--lease-name=${lease}`, `--namespace=${namespace}`];
  const listen = [`--api-listen=127.0.0.1:${apiPort}`, `--probe-listen=127.0.0.1:${probePort}`];
  const env = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    KUBECONFIG: account.kubeconfig,
    POD_NAME: name,
    POD_UID: randomUUID(),
    POD_IP: '127.0.0.1',
    ...setup.env,
  };
  const command = [...prefix, ...leasegateCommand, 'run', ...flags, ...listen];
  const logFile = join(cluster.controlPlane.directory, `${name}.log`);
  return new LeasegateReplica(setup, new Program(command, { env, logFile }), apiPort, probePort);
}

export class LeasegateReplica implements Replica {
  readonly name: string;
  readonly user: string;
  readonly process: Program;
  readonly apiPort: number;
  readonly #probePort: number;

  constructor(setup: ReplicaSetup, process: Program, apiPort: number, probePort: number) {
    this.name = setup.name;
    this.user = setup.account.user;
    this.process = process;
    this.apiPort = apiPort;
    this.#probePort = probePort;
  }

  async untilListening(): Promise<number> {
    await until(`${this.name} listens`, async () => (await ask(this.#probePort, '/healthz'))?.status === 200, 1);
    return monotonicMs() - this.process.spawnedAtMs;
  }

  async untilSettled(): Promise<void> {
    await until(`${this.name} knows the leader`, async () => (await this.#answer())?.leader != null, 10);
  }

  async isLeader(): Promise<boolean> {
    return (await this.#answer())?.isLeader === true;
  }

  /** Follows `/leader/events`. */
  follow(onLeading: (atMs: number) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const request = get({ host: '127.0.0.1', port: this.apiPort, path: '/leader/events', agent: false }, (response) => {
      let leading = false;
      const lines = createInterface(response);
      // A replica that is killed cuts its streams: nothing to report.
      lines.on('error', () => {});
      lines.on('line', (line) => {
        if (!line.startsWith('data: ')) return;
        const atMs = monotonicMs();
        const { isLeader } = JSON.parse(line.slice('data: '.length)) as { isLeader: boolean };
        if (isLeader && !leading) onLeading(atMs);
        leading = isLeader;
        resolve();
      });
    });
    request.on('error', reject);
    return promise;
  }

  async #answer(): Promise<{ isLeader: boolean; leader: object | null } | null> {
    const answer = await ask(this.apiPort, '/leader');
    return answer === null ? null : JSON.parse(answer.body);
  }
}
