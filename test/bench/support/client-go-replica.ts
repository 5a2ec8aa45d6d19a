import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../../cluster/support/free-ports.ts';
import { findTool } from '../../cluster/tools/build.ts';
import { namespace } from './bench-cluster.ts';
import { monotonicMs } from './clocks.ts';
import { Program } from './program.ts';
import { ask, type Replica, type ReplicaSetup, until } from './replica.ts';

/** Starts the elector of `test/interop/go` with client-go's usual 15/10/2 s and ReleaseOnCancel. */
export async function startClientGo(setup: ReplicaSetup): Promise<ClientGoReplica> {
  const [port = 0] = await freePorts(1);
  const { cluster, lease, name, account, prefix = [] } = setup;
  const election = [`--namespace=${namespace}`, `--name=${lease}`, `--identity=${name}`];
  const access = [`--kubeconfig=${account.kubeconfig}`, `--listen=127.0.0.1:${port}`];
  const command = [...prefix, await findTool('elector'), ...election, ...access];
  const env = { PATH: process.env.PATH, HOME: '/nonexistent' };
  const logFile = join(cluster.controlPlane.directory, `${name}.log`);
  return new ClientGoReplica(setup, new Program(command, { env, logFile, pipeStdout: true }), port);
}

export class ClientGoReplica implements Replica {
  readonly name: string;
  readonly user: string;
  readonly process: Program;
  readonly #port: number;
  #leader = '';
  #startedAtMs: number | null = null;
  #onLeading: (atMs: number) => void = () => {};

  constructor(setup: ReplicaSetup, process: Program, port: number) {
    this.name = setup.name;
    this.user = setup.account.user;
    this.process = process;
    this.#port = port;
    createInterface(process.stdout).on('line', (line) => this.#take(line));
  }

  async untilListening(): Promise<number> {
    await until(`${this.name} listens`, async () => (await ask(this.#port, '/leader'))?.status === 200, 1);
    return monotonicMs() - this.process.spawnedAtMs;
  }

  untilSettled(): Promise<void> {
    return until(`${this.name} knows the leader`, async () => this.#leader !== '', 10);
  }

  async isLeader(): Promise<boolean> {
    const answer = await ask(this.#port, '/leader');
    return answer !== null && JSON.parse(answer.body).isLeader === true;
  }

  /** Its own stamps: to its advantage, since Leasegate's events are stamped where they arrive. */
  async follow(onLeading: (atMs: number) => void): Promise<void> {
    this.#onLeading = onLeading;
    if (this.#startedAtMs !== null) onLeading(this.#startedAtMs);
  }

  #take(line: string): void {
    const { event, leader, t_mono_ms: atMs } = JSON.parse(line) as { event: string; leader: string; t_mono_ms: number };
    this.#leader = leader;
    if (event !== 'started') return;
    this.#startedAtMs = atMs;
    this.#onLeading(atMs);
  }
}
