import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, FaultProxy } from '../cluster/replica/fault-proxy.ts';
import { BRISK } from '../cluster/replica/replica.ts';
import { Scene } from '../cluster/replica/scene.ts';
import { type ControlPlane, startControlPlane } from '../cluster/support/control-plane.ts';
import { writeKubeconfig } from '../cluster/support/kubeconfig.ts';
import { makePki, type Pki } from '../cluster/support/pki.ts';
import { ensureTools } from '../cluster/tools/build.ts';
import type { ApiServer, ApiStrike } from './api-server.ts';

const NAMESPACE = 'soak';
/** Longer than any run. */
const TOKEN_SECONDS = 7 * 86_400;
const RESET_EVERY_MS = 200;
const BREATH_MS = 60;
const ERRORS = [429, 500, 503, 504] as const;

/**
 * Soaks against a real kube-apiserver and etcd, with the RBAC that ships, through a proxy that spoils requests. What the
 * embedded server does to one client, the proxy, which does not tell clients apart, does to all writes.
 */
export class ControlPlaneServer implements ApiServer {
  readonly name = 'kube-apiserver and etcd';
  readonly namespace = NAMESPACE;
  readonly leaseName: string;
  readonly pid = null;
  readonly #directory: string;
  readonly #controlPlane: ControlPlane;
  readonly #scene: Scene;
  readonly #proxy: FaultProxy;
  readonly #pki: Pki;
  readonly #kubeconfigs = new Map<string, string>();

  /** @param directory - for keys and kubeconfigs */
  static async start(directory: string): Promise<ControlPlaneServer> {
    await ensureTools(['etcd', 'kube-apiserver']);
    const controlPlane = await startControlPlane();
    const scene = await Scene.open({
      controlPlane,
      leasegate: [],
      namespace: NAMESPACE,
      timings: BRISK,
      askEveryMs: 0,
    });
    await scene.shipLease();
    const keys = join(directory, 'keys');
    await mkdir(keys);
    const pki = await makePki(keys);
    const proxy = await FaultProxy.open({ controlPlane, pki });
    return new ControlPlaneServer({ directory, controlPlane, scene, proxy, pki });
  }

  private constructor(parts: {
    readonly directory: string;
    readonly controlPlane: ControlPlane;
    readonly scene: Scene;
    readonly proxy: FaultProxy;
    readonly pki: Pki;
  }) {
    this.#directory = parts.directory;
    this.#controlPlane = parts.controlPlane;
    this.#scene = parts.scene;
    this.#proxy = parts.proxy;
    this.#pki = parts.pki;
    this.leaseName = parts.scene.leaseName;
  }

  /** Made once: a pod's next process may start while the API server is away. */
  async kubeconfigFor(podName: string): Promise<string> {
    const made = this.#kubeconfigs.get(podName);
    if (made !== undefined) return made;
    await this.#scene.serviceAccountUid(podName);
    const token = await this.#controlPlane.serviceAccountToken(NAMESPACE, podName, {
      expirationSeconds: TOKEN_SECONDS,
    });
    const path = await writeKubeconfig({
      server: this.#proxy.url,
      caFile: this.#pki.caFile,
      path: join(this.#directory, `${podName}.kubeconfig`),
      token,
      namespace: NAMESPACE,
    });
    this.#kubeconfigs.set(podName, path);
    return path;
  }

  async strike({ kind, forMs, random }: ApiStrike): Promise<void> {
    switch (kind) {
      case 'api-pause':
        this.#controlPlane.pauseApiServer();
        await sleep(forMs);
        this.#controlPlane.resumeApiServer();
        return;
      case 'api-restart':
        await this.#controlPlane.stopApiServer(random.chance(0.5) ? 'gracefully' : 'at-once');
        await sleep(forMs);
        return this.#controlPlane.startApiServer();
      case 'api-slow':
        return repeat(forMs, async () => {
          this.#controlPlane.pauseApiServer();
          await sleep(random.between(50, 1_500));
          this.#controlPlane.resumeApiServer();
          await sleep(BREATH_MS);
        });
      case 'api-errors': {
        const status = random.pick(ERRORS);
        return this.#spoil(
          { kind: 'answer', status, ...(status === 429 && { headers: { 'Retry-After': '1' } }) },
          forMs,
        );
      }
      case 'api-resets':
        return repeat(forMs, async () => {
          await this.#proxy.rotate(this.#pki);
          await sleep(RESET_EVERY_MS);
        });
      case 'api-lost-answers':
        return this.#spoil({ kind: 'lose-answer' }, forMs, ['PUT', 'POST']);
      case 'api-cut-watches':
        return this.#proxy.rotate(this.#pki);
      case 'api-cut-off':
        return this.#spoil({ kind: 'hang' }, forMs, ['PUT', 'POST']);
    }
  }

  requests(): Promise<number> {
    return Promise.resolve(this.#proxy.seen.length);
  }

  async close(): Promise<void> {
    this.#proxy.close();
    await this.#scene.close();
    await this.#controlPlane.close();
  }

  async #spoil(fault: Fault, forMs: number, methods?: readonly string[]): Promise<void> {
    this.#proxy.fault = (method) => (methods === undefined || methods.includes(method) ? fault : null);
    await sleep(forMs);
    this.#proxy.fault = () => null;
  }
}

async function repeat(forMs: number, act: () => Promise<void>): Promise<void> {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs) await act();
}
