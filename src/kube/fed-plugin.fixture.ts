import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const API_VERSION = 'client.authentication.k8s.io/v1';

/** An exec plugin that hangs until it is fed with what to print. */
export class FedPlugin {
  /** The user of a kubeconfig. */
  readonly user: object;
  readonly #food: string;
  readonly #log: string;

  constructor(directory: string) {
    this.#food = join(directory, 'food');
    this.#log = join(directory, 'runs');
    execFileSync('mkfifo', [this.#food]);
    const args = ['-c', 'echo run >> "$1"; exec cat "$0"', this.#food, this.#log];
    this.user = { exec: { apiVersion: API_VERSION, command: 'sh', args, interactiveMode: 'Never' } };
  }

  /** Waits for a run of the plugin, which then gives a token that has expired already: the next reading runs it again. */
  async feed(token: string): Promise<void> {
    const status = { token, expirationTimestamp: '2020-01-01T00:00:00Z' };
    await writeFile(this.#food, JSON.stringify({ apiVersion: API_VERSION, kind: 'ExecCredential', status }));
  }

  get runs(): number {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n').length - 1 : 0;
  }
}
