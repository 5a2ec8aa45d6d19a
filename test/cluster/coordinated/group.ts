import type { Replica } from '../replica/replica.ts';
import { type Rule, shippedRules } from '../replica/role.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';

/** What `deploy/components/coordinated` adds to the Role. */
const RULE: Rule = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leasecandidates'],
  verbs: ['create', 'get', 'list', 'watch', 'update', 'delete'],
};

/** A LeaseCandidate as the API server has it. */
export interface StoredCandidate {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly binaryVersion: string; readonly pingTime?: string; readonly renewTime: string };
}

/** The replicas of one coordinated election. */
export class CoordinatedGroup {
  readonly scene: Scene;
  readonly #versions = new Map<string, string>();

  /** With the rules of the component, and the Lease of the manifests. */
  static async open(scene: Scene): Promise<CoordinatedGroup> {
    await scene.setRules([...(await shippedRules(scene.leaseName)), RULE]);
    await scene.shipLease();
    return new CoordinatedGroup(scene);
  }

  private constructor(scene: Scene) {
    this.scene = scene;
  }

  async start(version: string): Promise<Replica> {
    const replica = await this.scene.startReplica({ env: envOf(version) });
    this.#versions.set(replica.name, version);
    await replica.untilLogged('CANDIDATE', 30_000);
    return replica;
  }

  versionOf({ name }: Replica): string {
    return this.#versions.get(name)!;
  }

  envOf(replica: Replica): NodeJS.ProcessEnv {
    return envOf(this.versionOf(replica));
  }

  async candidates(): Promise<StoredCandidate[]> {
    const { scene } = this;
    const path = `/apis/coordination.k8s.io/v1beta1/namespaces/${scene.namespace}/leasecandidates`;
    return (await scene.controlPlane.admin.get(path)).body.items;
  }

  /** Waits until the leader is of this version. */
  untilLed(version: string, timeoutMs: number): Promise<Replica> {
    const { replicas } = this.scene;
    return until(`version ${version} leads`, timeoutMs, () =>
      replicas.find((replica) => replica.leading && this.versionOf(replica) === version),
    );
  }
}

function envOf(version: string): NodeJS.ProcessEnv {
  return { LEASEGATE_COORDINATED: 'true', LEASEGATE_APP_VERSION: version };
}
