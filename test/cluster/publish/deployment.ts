import { monoMs } from '../replica/clock.ts';
import { LeaseWatch } from '../replica/lease-watch.ts';
import type { Replica } from '../replica/replica.ts';
import { shippedRules } from '../replica/role.ts';
import { expectStatus, type Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { freePorts } from '../support/free-ports.ts';
import { Application } from './application.ts';
import { Kubelet } from './kubelet.ts';
import { podIp } from './network.ts';
import { PodsWatch } from './pods-watch.ts';
import { documentedRights } from './rights.ts';
import { ServiceWatch } from './service-watch.ts';
import { SERVICE, type Way } from './ways.ts';

/** A pod with all that runs in it, and the kubelet of its node. */
export interface RunningPod {
  readonly name: string;
  readonly path: string;
  readonly node: string;
  readonly application: Application;
  readonly replica: Replica;
  readonly kubelet: Kubelet;
}

/** How a leader ceases to be: its pod is deleted, it is asked to step down, or its node is lost with all that runs on it. */
export type Ending = 'deleted' | 'stepped-down' | 'lost';

const REPLICAS = 3;
const SERVICE_ACCOUNT = 'app';
/** For what has no bound of its own: a busy machine's slack. */
const PATIENCE_MS = 30_000;

/**
 * Three replicas of an application with the sidecar beside each, and a Service that sends clients to the leader. Each pod is
 * on a node of its own; its processes are real, and so are the rights of its service account.
 */
export class Deployment {
  readonly scene: Scene;
  readonly way: Way;
  readonly pods: RunningPod[] = [];
  readonly lease: LeaseWatch;
  readonly service: ServiceWatch;
  readonly claims: PodsWatch;
  readonly #set: number;
  readonly #port: number;
  /** Those that are gone included. */
  readonly #everyPod: RunningPod[] = [];

  /** @param set - a number of its own, from 1 to 250: its pods' addresses begin with it */
  static async open(scene: Scene, way: Way, set: number): Promise<Deployment> {
    const { controlPlane, namespace } = scene;
    await scene.shipLease();
    await scene.serviceAccountUid(SERVICE_ACCOUNT);
    await scene.setRules([...(await shippedRules(scene.leaseName)), ...(await documentedRights(way, scene.leaseName))]);
    const [lease, service, claims, [port = 0]] = await Promise.all([
      LeaseWatch.open(controlPlane, scene.leasePath),
      ServiceWatch.open(controlPlane, namespace, SERVICE),
      PodsWatch.open(controlPlane, namespace, way.saysLeader),
      freePorts(1),
    ]);
    const deployment = new Deployment(scene, way, { lease, service, claims }, set, port);
    await deployment.#expose();
    for (let count = 0; count < REPLICAS; count += 1) await deployment.startPod();
    return deployment;
  }

  private constructor(
    scene: Scene,
    way: Way,
    { lease, service, claims }: Pick<Deployment, 'lease' | 'service' | 'claims'>,
    set: number,
    port: number,
  ) {
    this.scene = scene;
    this.way = way;
    this.lease = lease;
    this.service = service;
    this.claims = claims;
    this.#set = set;
    this.#port = port;
  }

  /** Ends everything but the sidecars, which are the scene's. */
  async close(): Promise<void> {
    for (const { kubelet } of this.pods) kubelet.close();
    this.service.close();
    this.claims.close();
    await Promise.all(this.pods.map(({ application }) => application.close('at-once')));
    this.lease.close();
  }

  /** What the witnesses prove wrong, in plain words. */
  findings(): string[] {
    const kubelets = this.#everyPod.flatMap(({ kubelet }) => kubelet.findings());
    return [...this.service.findings(), ...this.claims.findings(), ...kubelets];
  }

  async untilLeader(): Promise<RunningPod> {
    const leader = await this.scene.untilLeader(PATIENCE_MS);
    return this.pods.find(({ replica }) => replica === leader)!;
  }

  /** Resolves when the Service sends its clients to this pod, and to no other. */
  async untilServedBy({ name }: RunningPod): Promise<void> {
    const { roster } = this.service;
    try {
      const what = `the Service sends clients to ${name} by ${this.way.publish}`;
      await until(what, PATIENCE_MS, () => roster.now.join() === name);
    } catch (error) {
      throw new Error(`it sends them to ${roster.now.join(', ') || 'nobody'}`, { cause: error });
    }
  }

  /** Makes the leader cease to be; resolves to the moment before. */
  async end({ path, replica, kubelet, application }: RunningPod, how: Ending): Promise<number> {
    const { admin } = this.scene.controlPlane;
    const atMs = monoMs();
    if (how === 'deleted') await expectStatus(admin.delete(path, { gracePeriodSeconds: 30 }), 200);
    else if (how === 'stepped-down') {
      const { status, text } = await replica.api.post('/step-down', { immediate: true });
      if (status !== 200) throw new Error(`step-down is answered ${status}: ${text}`);
    } else {
      replica.kill();
      kubelet.close();
      await application.close('at-once');
    }
    return atMs;
  }

  /** Starts a pod in the place of one that is gone, as far as anybody knows, or is going. */
  async replace(pod: RunningPod, how: Exclude<Ending, 'stepped-down'>): Promise<void> {
    const { admin } = this.scene.controlPlane;
    if (how === 'lost') await expectStatus(admin.delete(pod.path, { gracePeriodSeconds: 0 }), 200);
    else {
      await pod.kubelet.untilGone();
      pod.kubelet.close();
    }
    await pod.replica.closed();
    await admin.delete(`/api/v1/nodes/${pod.node}`);
    this.pods.splice(this.pods.indexOf(pod), 1);
    await this.startPod();
  }

  /** Resolves when it watches the Lease and its pod is under its kubelet's care. */
  async startPod(): Promise<RunningPod> {
    const { scene, way } = this;
    const { admin } = scene.controlPlane;
    const index = this.#everyPod.length;
    const name = `app-${index + 1}`;
    const node = `${scene.namespace}-${name}`;
    const ip = podIp(this.#set, index);
    await expectStatus(admin.post('/api/v1/nodes', { metadata: { name: node } }), 201);
    const collection = `/api/v1/namespaces/${scene.namespace}/pods`;
    const created = await expectStatus(admin.post(collection, this.#manifest(name, node)), 201);
    const podUid: string = created.body.metadata.uid;
    const application = await Application.start(name, ip, this.#port);
    const replica = await scene.startReplica({
      podName: name,
      podUid,
      token: await this.#token(name, podUid),
      env: {
        POD_NAMESPACE: scene.namespace,
        POD_IP: ip,
        LEASEGATE_PUBLISH: way.publish,
        ...(way.publish === 'endpointslice' && { LEASEGATE_ENDPOINTSLICE_SERVICE: SERVICE }),
      },
    });
    const terminate = async () => {
      await replica.leave();
      // As a preStop hook has it: it serves for as long as clients are sent to it.
      await until(`no client is sent to ${name}`, PATIENCE_MS, () => !this.service.roster.now.includes(name));
      await application.close('gracefully');
    };
    const path = `${collection}/${name}`;
    const kubelet = await Kubelet.start(scene.controlPlane, { path, ip, terminate });
    const pod: RunningPod = { name, path, node, application, replica, kubelet };
    this.pods.push(pod);
    this.#everyPod.push(pod);
    await replica.untilWatching(PATIENCE_MS);
    return pod;
  }

  /** The pod that a replica runs in, by its identity in the Lease. */
  podOf(identity: string): RunningPod {
    const pod = this.pods.find(({ replica }) => replica.identity === identity);
    if (pod === undefined) throw new Error(`nobody is ${identity}`);
    return pod;
  }

  #manifest(name: string, nodeName: string): object {
    return {
      metadata: { name, labels: { app: 'app' } },
      spec: {
        nodeName,
        serviceAccountName: SERVICE_ACCOUNT,
        readinessGates: this.way.readinessGates,
        containers: [
          { name: 'app', image: 'example.com/app' },
          { name: 'leasegate', image: 'example.com/leasegate' },
        ],
      },
    };
  }

  /** As a pod finds it mounted: of the service account that they share, and bound to the pod. */
  async #token(name: string, uid: string): Promise<string> {
    const path = `/api/v1/namespaces/${this.scene.namespace}/serviceaccounts/${SERVICE_ACCOUNT}/token`;
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
    const request = { spec: { expirationSeconds: 3_600, boundObjectRef } };
    return (await expectStatus(this.scene.controlPlane.admin.post(path, request), 201)).body.status.token;
  }

  async #expose(): Promise<void> {
    const path = `/api/v1/namespaces/${this.scene.namespace}/services`;
    const ports = [{ name: 'http', port: 80, targetPort: this.#port }];
    const spec = { ports, ...(this.way.selector && { selector: this.way.selector }) };
    await expectStatus(this.scene.controlPlane.admin.post(path, { metadata: { name: SERVICE }, spec }), 201);
  }
}
