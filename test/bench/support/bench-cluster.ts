import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../../cluster/support/control-plane.ts';
import { ensureTools } from '../../cluster/tools/build.ts';

export const namespace = 'default';
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;

/** What both electors need of RBAC. */
const rules = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
  },
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
];

/** One account per process, so that the audit log tells their requests apart. */
export interface Account {
  /** As the audit log names it. */
  readonly user: string;
  readonly kubeconfig: string;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly renewTime?: string;
}

/** A real API server and etcd with an audit log, for one bench. */
export class BenchCluster {
  readonly controlPlane: ControlPlane;

  private constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
  }

  static async start(): Promise<BenchCluster> {
    await ensureTools(['etcd', 'kube-apiserver', 'elector']);
    const cluster = new BenchCluster(await startControlPlane({ audit: true }));
    await cluster.#create(`${roles}/roles`, { metadata: { name: 'elector' }, rules });
    return cluster;
  }

  /** A free Lease, as manifests ship it: a missing one is a case of its own, and taken later. */
  async createLease(name: string): Promise<void> {
    await this.#create(leases, { metadata: { name }, spec: {} });
  }

  async leaseSpec(name: string): Promise<LeaseSpec> {
    return (await this.controlPlane.admin.get(`${leases}/${name}`)).body.spec;
  }

  /** A service account of that name with a token of its own. */
  async account(name: string): Promise<Account> {
    await this.#create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    await this.#create(`${roles}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'elector' },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    });
    const token = await this.controlPlane.serviceAccountToken(namespace, name);
    const path = join(this.controlPlane.directory, `${name}.kubeconfig`);
    return {
      user: `system:serviceaccount:${namespace}:${name}`,
      kubeconfig: await this.controlPlane.kubeconfigFor({ token, path, namespace }),
    };
  }

  close(): Promise<void> {
    return this.controlPlane.close();
  }

  async #create(path: string, body: unknown): Promise<void> {
    const answer = await this.controlPlane.admin.post(path, body);
    if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${answer.body?.message}`);
  }
}
