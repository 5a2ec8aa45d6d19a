import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type FaultScope, renderKubeconfig } from '../../src/lease-server/index.ts';
import { endWithThisProcess } from '../cluster/support/child-guard.ts';
import type { ApiServer, ApiStrike } from './api-server.ts';
import type { Order, Reply } from './embedded-server-process.ts';

const SHORT_MS = 100;
/** Throttled, broken, overloaded, slow behind a proxy. */
const ERRORS = [429, 500, 503, 504] as const;
const WRITES = { verbs: ['create', 'update'] };

/** Soaks against the product's own Lease server: needs nothing but Node. */
export class EmbeddedServer implements ApiServer {
  readonly name = 'the embedded Lease server';
  readonly namespace = 'default';
  readonly leaseName = 'app';
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #clients = new Set<string>();
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #orders = 0;

  /** @param directory - for kubeconfigs */
  static async start(directory: string): Promise<EmbeddedServer> {
    const script = join(import.meta.dirname, 'embedded-server-process.ts');
    const child = fork(script, ['default', 'app'], { env: { ...process.env, MALLOC_ARENA_MAX: '1' } });
    endWithThisProcess(child);
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new EmbeddedServer(directory, child, url);
  }

  private constructor(directory: string, child: ChildProcess, url: string) {
    this.#directory = directory;
    this.#child = child;
    this.#url = url;
    child.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  async kubeconfigFor(podName: string): Promise<string> {
    this.#clients.add(podName);
    const path = join(this.#directory, `${podName}.kubeconfig`);
    await writeFile(path, renderKubeconfig({ server: this.#url, namespace: this.namespace, token: podName }));
    return path;
  }

  async strike({ kind, forMs, podName, random }: ApiStrike): Promise<void> {
    switch (kind) {
      case 'api-pause':
        this.#child.kill('SIGSTOP');
        await sleep(forMs);
        this.#child.kill('SIGCONT');
        return;
      case 'api-restart':
        await this.#tell({ order: 'restart', forMs });
        return;
      case 'api-slow': {
        const before = random.chance(0.5) ? 'commit' : 'answer';
        return this.#inject({ kind: 'delay', delayMs: Math.round(random.between(50, 2_000)), before }, {}, forMs);
      }
      case 'api-errors': {
        const code = random.pick(ERRORS);
        return this.#inject({ kind: 'answer', code, ...(code === 429 && { retryAfterSeconds: 1 }) }, {}, forMs);
      }
      case 'api-resets':
        return this.#inject({ kind: 'refuse' }, {}, forMs);
      case 'api-lost-answers':
        return this.#inject({ kind: 'drop-answer' }, WRITES, forMs);
      case 'api-cut-watches':
        return this.#inject({ kind: 'refuse' }, { verbs: ['watch'] }, SHORT_MS);
      case 'api-cut-off':
        return this.#inject({ kind: 'cut-off' }, { token: podName }, forMs);
    }
  }

  async requests(): Promise<number> {
    return (await this.#tell({ order: 'count', tokens: [...this.#clients] })).requests;
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #inject(fault: Fault, scope: FaultScope, forMs: number): Promise<void> {
    await this.#tell({ order: 'inject', fault, scope, forMs });
  }

  #tell(order: Order): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const id = ++this.#orders;
    this.#waiting.set(id, resolve);
    this.#child.send({ id, ...order }, (error) => error && reject(error));
    return promise;
  }
}
