import { readFile } from 'node:fs/promises';
import { Daemon } from '../../support/daemon.ts';
import { run } from './programs.ts';

/** Addresses of the link between this machine and the node, and of the pods behind it. */
export const HOST_ADDRESS = '10.245.0.1';
export const NODE_ADDRESS = '10.245.0.2';
export const POD_SUBNET = '10.244.0.0/24';

const HOST_LINK = 'leasegate-node';
const START_MS_MAX = 10_000;

/**
 * What the node gets to see: mounts, processes and network of its own, so that all of it is gone when its first process is,
 * however that comes about. It starts with nothing mounted by containers, and leaves nothing behind.
 *
 * A Service without endpoints refuses connections by ICMP, of which the kernel sends a client few: one that asks a hundred times
 * a second would soon wait for its second try instead, and measure that.
 */
const FIRST_PROCESS = `
set -e
mount --make-rshared /
for folder in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$folder"; done
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
echo started
while :; do sleep 3600 & wait; done
`;

/** Namespaces of Linux that stand for a machine: of its own are mounts, processes and network, but neither kernel nor disk. */
export class Namespaces {
  readonly #first: Daemon;
  readonly #pid: number;

  private constructor(first: Daemon, pid: number) {
    this.#first = first;
    this.#pid = pid;
  }

  /**
   * Makes them, and a link from here: {@link HOST_ADDRESS} to {@link NODE_ADDRESS}, with the pods' subnet behind.
   *
   * @param directory - for logs
   * @throws Error without root's rights, or when such a link is there already: only one such node fits a machine
   */
  static async make(directory: string): Promise<Namespaces> {
    const logFile = `${directory}/machine.log`;
    const first = new Daemon({
      name: 'the node’s first process',
      command: 'unshare',
      args: [
        ...['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--', 'sh', '-c', FIRST_PROCESS],
      ],
      logFile,
    });
    try {
      await first.untilReady(async () => (await readFile(logFile, 'utf8')).includes('started'), START_MS_MAX);
      const children = await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8');
      const pid = Number(children.trim());
      await run('ip', 'link', 'add', HOST_LINK, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
      const namespaces = new Namespaces(first, pid);
      await run('ip', 'address', 'add', `${HOST_ADDRESS}/30`, 'dev', HOST_LINK);
      await run('ip', 'link', 'set', HOST_LINK, 'up');
      await run('ip', 'route', 'add', POD_SUBNET, 'via', NODE_ADDRESS);
      await namespaces.run('ip', 'address', 'add', `${NODE_ADDRESS}/30`, 'dev', 'eth0');
      await namespaces.run('ip', 'link', 'set', 'eth0', 'up');
      await namespaces.run('ip', 'route', 'add', 'default', 'via', HOST_ADDRESS);
      return namespaces;
    } catch (error) {
      await first.stop(0);
      throw error;
    }
  }

  /** What to spawn so that a program runs inside. */
  inside(command: string, args: readonly string[]): { command: string; args: string[] } {
    return {
      command: 'nsenter',
      args: [`--target=${this.#pid}`, '--mount', '--net', '--pid', '--', command, ...args],
    };
  }

  /** Runs a program inside to its end, and returns what it printed. */
  run(command: string, ...args: string[]): Promise<string> {
    const inside = this.inside(command, args);
    return run(inside.command, ...inside.args);
  }

  /** Ends all processes inside; mounts and network go with them. */
  close(): Promise<void> {
    return this.#first.stop(0);
  }
}
