import { type ApiObject, ObjectWatch } from '../replica/object-watch.ts';
import { expectStatus } from '../replica/scene.ts';
import type { ControlPlane } from '../support/control-plane.ts';

/** What is looked at of a pod. */
export interface PodObject extends ApiObject {
  readonly metadata: ApiObject['metadata'] & {
    readonly uid: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly readinessGates?: readonly { readonly conditionType: string }[] };
  readonly status: { readonly conditions?: readonly Condition[] };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}

export interface PodToRun {
  readonly path: string;
  readonly ip: string;
  /** Asks its containers to end; resolves when they have. */
  readonly terminate: () => Promise<void>;
}

const STRATEGIC = { contentType: 'application/strategic-merge-patch+json' };

/**
 * The kubelet of a node with one pod, as far as a pod's status goes: what the real one writes, when it does. `Ready` is
 * what its containers and its readiness gates say; a pod that is being deleted is gone when its containers have ended.
 */
export class Kubelet {
  readonly #controlPlane: ControlPlane;
  readonly #pod: PodToRun;
  readonly #gone = Promise.withResolvers<void>();
  #watch: ObjectWatch<PodObject> | undefined;
  #seen: PodObject | null = null;
  #working = false;
  #terminating = false;
  #failure: unknown = null;

  /** Takes on a pod whose containers run. Resolves when its status says so. */
  static async start(controlPlane: ControlPlane, pod: PodToRun): Promise<Kubelet> {
    const kubelet = new Kubelet(controlPlane, pod);
    const { body } = await expectStatus(controlPlane.admin.get(pod.path), 200);
    await kubelet.#write({
      phase: 'Running',
      hostIP: '192.0.2.1',
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      conditions: [condition('ContainersReady', true), readiness(body)],
    });
    const [, collection, name] = /^(.*)\/([^/]+)$/.exec(pod.path)!;
    kubelet.#watch = await ObjectWatch.open<PodObject>(
      controlPlane,
      `${collection}?fieldSelector=metadata.name%3D${name}`,
      ({ gone, object }) => kubelet.#see(gone ? null : object),
    );
    return kubelet;
  }

  private constructor(controlPlane: ControlPlane, pod: PodToRun) {
    this.#controlPlane = controlPlane;
    this.#pod = pod;
  }

  /** Ends as with its node: the pod stays as it was last written. */
  close(): void {
    this.#watch?.close();
    this.#seen = null;
  }

  findings(): string[] {
    const failures = [this.#watch?.broken, this.#failure].filter((each) => each !== null && each !== undefined);
    return failures.map((failure) => `the kubelet of ${this.#pod.path}: ${failure}`);
  }

  /** Resolves when the pod is no more. */
  untilGone(): Promise<void> {
    return this.#gone.promise;
  }

  #see(pod: PodObject | null): void {
    this.#seen = pod;
    if (pod === null) this.#gone.resolve();
    else if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let pod = this.#seen; pod !== null; pod = this.#seen) {
        this.#seen = null;
        await this.#reconcile(pod);
      }
    } catch (error) {
      this.#failure ??= error;
    }
    this.#working = false;
  }

  async #reconcile(pod: PodObject): Promise<void> {
    if (pod.metadata.deletionTimestamp !== undefined && !this.#terminating) {
      this.#terminating = true;
      // Its conditions are kept meanwhile.
      void this.#terminate(pod.metadata.uid);
    }
    const wanted = readiness(pod);
    const present = pod.status.conditions?.find(({ type }) => type === 'Ready');
    // Whoever else wrote it, in words of their own, is overwritten: pkg/kubelet/status, NeedToReconcilePodReadiness.
    if (present?.status === wanted.status && (present.message ?? '') === (wanted.message ?? '')) return;
    await this.#write({ conditions: [wanted] });
  }

  async #terminate(uid: string): Promise<void> {
    try {
      await this.#pod.terminate();
      const { admin } = this.#controlPlane;
      await admin.delete(this.#pod.path, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #write(status: object): Promise<void> {
    const { status: code, body } = await this.#controlPlane.admin.patch(
      `${this.#pod.path}/status`,
      { status },
      STRATEGIC,
    );
    if (code !== 200 && code !== 404) throw new Error(`the kubelet is answered ${code}: ${JSON.stringify(body)}`);
  }
}

function condition(type: string, ready: boolean, message?: string) {
  const reason = ready ? undefined : 'ReadinessGatesNotReady';
  return { type, status: ready ? 'True' : 'False', reason: reason ?? null, message: message ?? null };
}

/** The condition `Ready` of a pod whose containers are: pkg/kubelet/status, GeneratePodReadyCondition. */
function readiness({ spec, status }: PodObject): Condition {
  const unready = (spec.readinessGates ?? []).flatMap(({ conditionType: type }) => {
    const gate = status.conditions?.find((each) => each.type === type);
    if (gate === undefined) return `corresponding condition of pod readiness gate "${type}" does not exist.`;
    return gate.status === 'True' ? [] : `the status of pod readiness gate "${type}" is not "True", but ${gate.status}`;
  });
  return condition('Ready', unready.length === 0, unready.join(', ') || undefined) as Condition;
}
