import { type ApiObject, ObjectWatch } from '../replica/object-watch.ts';
import { expectStatus } from '../replica/scene.ts';
import type { ControlPlane } from '../support/control-plane.ts';

/** What is looked at of a pod. */
export interface PodObject extends ApiObject {
  readonly metadata: ApiObject['metadata'] & {
    readonly uid: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly readinessGates?: readonly { readonly conditionType: string }[] };
  readonly status: { readonly conditions?: readonly Condition[] };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string | null;
  readonly message?: string | null;
}

export interface PodToRun {
  readonly path: string;
  readonly ip: string;
  /** Asks its containers to end; resolves when they have. */
  readonly terminate: () => Promise<void>;
}

const STRATEGIC = { contentType: 'application/strategic-merge-patch+json' };
/** The real one's is 10 s: so often it writes again what it takes for true, where the API server has something else. */
const SYNC_EVERY_MS = 500;

/**
 * The kubelet of a node with one pod, as far as a pod's status goes: what the real one writes, when it does. `Ready` is
 * what its containers and its readiness gates say; a pod that is being deleted is gone when its containers have ended.
 *
 * Like the real one it goes by what it last found the pod to be, and finds out anew only when something prompts it to: another
 * label, annotation or deletion, or a `Ready` that is not in the words that it would choose now (pkg/kubelet: checkAndUpdatePod,
 * HandlePodReconcile, NeedToReconcilePodReadiness). Whoever else writes `Ready` is overwritten with what it knew before.
 */
export class Kubelet {
  readonly #controlPlane: ControlPlane;
  readonly #task: PodToRun;
  readonly #gone = Promise.withResolvers<void>();
  readonly #ticker: NodeJS.Timeout;
  #watch: ObjectWatch<PodObject> | undefined;
  /** As it was last told of it. */
  #pod: PodObject | null = null;
  /** What it last found it to be. */
  #ready: Condition;
  #writing = false;
  #again = false;
  #terminating = false;
  #closed = false;
  #failure: unknown = null;

  /** Takes on a pod whose containers run. Resolves when its status says so. */
  static async start(controlPlane: ControlPlane, task: PodToRun): Promise<Kubelet> {
    const { body } = await expectStatus(controlPlane.admin.get(task.path), 200);
    const ready = readiness(body);
    const kubelet = new Kubelet(controlPlane, task, ready);
    const conditions = [condition('ContainersReady', true), ready];
    const address = { hostIP: '192.0.2.1', podIP: task.ip, podIPs: [{ ip: task.ip }] };
    await kubelet.#patchStatus({ phase: 'Running', ...address, conditions });
    const [, collection, name] = /^(.*)\/([^/]+)$/.exec(task.path)!;
    kubelet.#watch = await ObjectWatch.open<PodObject>(
      controlPlane,
      `${collection}?fieldSelector=metadata.name%3D${name}`,
      ({ gone, object }) => kubelet.#see(object, gone),
    );
    return kubelet;
  }

  private constructor(controlPlane: ControlPlane, task: PodToRun, ready: Condition) {
    this.#controlPlane = controlPlane;
    this.#task = task;
    this.#ready = ready;
    this.#ticker = setInterval(() => this.#insist(), SYNC_EVERY_MS);
  }

  /** Ends as with its node: the pod stays as it was last written. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#watch?.close();
  }

  findings(): string[] {
    const failures = [this.#watch?.broken, this.#failure].filter((each) => each !== null && each !== undefined);
    return failures.map((failure) => `the kubelet of ${this.#task.path}: ${failure}`);
  }

  /** Resolves when the pod is no more. */
  untilGone(): Promise<void> {
    return this.#gone.promise;
  }

  #see(pod: PodObject, gone: boolean): void {
    const before = this.#pod;
    this.#pod = gone ? null : pod;
    if (gone) return this.#gone.resolve();
    if (pod.metadata.deletionTimestamp !== undefined && !this.#terminating) {
      this.#terminating = true;
      // Its conditions are kept meanwhile.
      void this.#terminate(pod.metadata.uid);
    }
    const ready = readiness(pod);
    const prompted = before === null || meaning(before) !== meaning(pod) || !same(ready, readyOf(pod));
    if (!prompted || same(ready, this.#ready)) return;
    this.#ready = ready;
    void this.#write();
  }

  #insist(): void {
    if (this.#pod !== null && !same(this.#ready, readyOf(this.#pod))) void this.#write();
  }

  /** One at a time. */
  async #write(): Promise<void> {
    this.#again = true;
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        await this.#patchStatus({ conditions: [this.#ready] });
      }
    } catch (error) {
      this.#failure ??= error;
    }
    this.#writing = false;
  }

  async #terminate(uid: string): Promise<void> {
    try {
      await this.#task.terminate();
      const { admin } = this.#controlPlane;
      await admin.delete(this.#task.path, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #patchStatus(status: object): Promise<void> {
    const { status: code, body } = await this.#controlPlane.admin.patch(
      `${this.#task.path}/status`,
      { status },
      STRATEGIC,
    );
    if (code !== 200 && code !== 404) throw new Error(`the kubelet is answered ${code}: ${JSON.stringify(body)}`);
  }
}

/** What of a pod, beside its status, is a change to its kubelet: podsDifferSemantically. */
function meaning({ metadata: { labels, annotations, deletionTimestamp } }: PodObject): string {
  return JSON.stringify([
    Object.entries(labels ?? {}).sort(),
    Object.entries(annotations ?? {}).sort(),
    deletionTimestamp,
  ]);
}

function readyOf({ status }: PodObject): Condition | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

function same(one: Condition, other: Condition | undefined): boolean {
  return one.status === other?.status && (one.message ?? '') === (other.message ?? '');
}

function condition(type: string, ready: boolean, message: string | null = null): Condition {
  return { type, status: ready ? 'True' : 'False', reason: ready ? null : 'ReadinessGatesNotReady', message };
}

/** The condition `Ready` of a pod whose containers are: GeneratePodReadyCondition. */
function readiness({ spec, status }: PodObject): Condition {
  const unready = (spec.readinessGates ?? []).flatMap(({ conditionType: type }) => {
    const gate = status.conditions?.find((each) => each.type === type);
    if (gate === undefined) return `corresponding condition of pod readiness gate "${type}" does not exist.`;
    return gate.status === 'True' ? [] : `the status of pod readiness gate "${type}" is not "True", but ${gate.status}`;
  });
  return condition('Ready', unready.length === 0, unready.join(', ') || null);
}
