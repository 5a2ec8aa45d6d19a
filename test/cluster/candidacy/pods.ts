import type { Replica } from '../replica/replica.ts';
import { expectStatus, type Scene, type StartOptions } from '../replica/scene.ts';
import { freePorts } from '../support/free-ports.ts';

/** Pods without a kubelet: each an object with an address of its own on this machine, and all with one probe port. */
export class Pods {
  readonly #scene: Scene;
  readonly #port: number;
  #addresses = 1;

  static async open(scene: Scene): Promise<Pods> {
    const [port] = await freePorts(1);
    return new Pods(scene, port!);
  }

  private constructor(scene: Scene, port: number) {
    this.#scene = scene;
    this.#port = port;
  }

  /** Makes the pod's object, running at an address of 127.0.0.0/8. Returns the address. */
  async make(name: string): Promise<string> {
    const { controlPlane, namespace } = this.#scene;
    await this.#scene.serviceAccountUid(name);
    this.#addresses += 1;
    const podIP = `127.0.0.${this.#addresses}`;
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const spec = {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      containers: [{ name: 'app', image: 'app' }],
    };
    await expectStatus(controlPlane.admin.post(path, { metadata: { name }, spec }), 201);
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }] };
    await expectStatus(controlPlane.admin.patch(`${path}/${name}/status`, { status }), 200);
    return podIP;
  }

  /** Makes the pod and starts its replica, which then watches. */
  async start(name: string, options: StartOptions = {}): Promise<Replica> {
    const address = await this.make(name);
    const replica = await this.#scene.startReplica({
      ...options,
      podName: name,
      probeListen: `${address}:${this.#port}`,
      env: { POD_IP: address, ...options.env },
    });
    await replica.untilWatching(30_000);
    return replica;
  }
}
